/** The chosen environment: state of the application, in the URL (`?env=prod`) and remembered for the next visit. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo } from 'react';
import { listEnvironments, type EnvironmentSummary } from '#contract/scale.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { startEnvironment } from './environment-rules.ts';
import { oneValue, type AppSearch } from './search-params.ts';

const REMEMBERED = 'control.environment';
const DEFAULT = 'prod';

const remembered = (): string | null => {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
};

export interface ChosenEnvironment {
  environment: string;
  production: boolean;
  /** In promotion order; empty while they are being read. */
  environments: readonly EnvironmentSummary[];
  choose: (environment: string) => void;
}

/** The environment of an address before it is known which there are. */
export const environmentToStartWith = (search: AppSearch): string =>
  oneValue(search.env) ?? remembered() ?? DEFAULT;

const NONE: readonly EnvironmentSummary[] = [];

export function useEnvironment(): ChosenEnvironment {
  const inUrl = oneValue(useSearch({ strict: false }).env);
  const navigate = useNavigate();
  const { data } = useEndpoint(listEnvironments, {}, { refetchInterval: OBSERVED_REFETCH_MS });
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

/** Says of an environment whether it is a production one; false while that is not known. */
export function useIsProduction(): (environment: string) => boolean {
  const { data } = useEndpoint(listEnvironments);
  return (name) => data?.items.find(({ environment }) => environment === name)?.production ?? false;
}

/** Writes the environment into the URL once it is known, so that a copied address shows the same to whoever opens it. */
export function useEnvironmentInUrl(): void {
  const inUrl = oneValue(useSearch({ strict: false }).env);
  const navigate = useNavigate();
  const { environment, environments } = useEnvironment();
  const known = environments.length > 0;
  useEffect(() => {
    if (!known || inUrl === environment) return;
    void navigate({
      to: '.',
      search: (before) => ({ ...before, env: environment }),
      state: true,
      replace: true,
    });
  }, [known, inUrl, environment, navigate]);
}
