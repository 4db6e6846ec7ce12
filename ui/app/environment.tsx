/** The chosen environment: state of the application, in the URL (`?env=prod`) and remembered for the next visit. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { Static } from 'typebox';
import { listEnvironments, type EnvironmentSummary as EnvironmentSummarySchema } from '#contract/scale.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { oneValue } from './search-params.ts';

export type EnvironmentSummary = Static<typeof EnvironmentSummarySchema>;

const REMEMBERED = 'control.environment';
const DEFAULT = 'prod';

const remembered = (): string | null => {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
};

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

export interface ChosenEnvironment {
  environment: string;
  production: boolean;
  /** In promotion order; empty while they are being read. */
  environments: readonly EnvironmentSummary[];
  choose: (environment: string) => void;
}

const NONE: readonly EnvironmentSummary[] = [];

export function useEnvironment(): ChosenEnvironment {
  const inUrl = oneValue(useSearch({ strict: false }).env);
  const navigate = useNavigate();
  const { data } = useEndpoint(listEnvironments, {}, { refetchInterval: 15_000 });
  const environments = data?.items ?? NONE;
  const known = environments.some(({ environment }) => environment === inUrl);
  const environment =
    (known || environments.length === 0 ? inUrl : undefined) ??
    startEnvironment(environments, remembered()) ??
    remembered() ??
    DEFAULT;
  const production =
    environments.find((one) => one.environment === environment)?.production ?? environment === DEFAULT;
  const choose = useCallback(
    (next: string) => {
      try {
        localStorage.setItem(REMEMBERED, next);
      } catch {
        // A browser that keeps nothing still shows the right environment: the URL has it.
      }
      // A cursor belongs to the list of the environment that gave it, and so does a shard.
      void navigate({
        to: '.',
        search: (before) => ({ ...before, env: next, cursor: undefined, shard: undefined }),
        state: { cursors: [] },
      });
    },
    [navigate],
  );
  return useMemo(
    () => ({ environment, production, environments, choose }),
    [environment, production, environments, choose],
  );
}
