import type { EnvironmentSummary } from '#contract/scale.ts';

/** The environment to start with: the one used last, else the first production one, else the last in promotion order. */
export const startEnvironment = (
  environments: readonly EnvironmentSummary[],
  last: string | null,
): string | undefined =>
  (
    environments.find(({ environment }) => environment === last) ??
    environments.find(({ production }) => production) ??
    environments.at(-1)
  )?.environment;
