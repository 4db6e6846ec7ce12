import { QueryCache, QueryClient } from '@tanstack/react-query';
import { NetworkError, ProblemError } from '#ui/api/errors.ts';

const MAX_RETRIES = 2;

/** How often what failed is asked for again as long as it is looked at, so that a page recovers without a reload. */
const AGAIN_MS = 5_000;

/** A lost connection and a failed server may pass; an answer that says what is wrong is believed. */
const mayPass = (error: unknown): boolean =>
  error instanceof NetworkError || (error instanceof ProblemError && error.problem.status >= 500);
const retry = (failures: number, error: unknown): boolean => failures < MAX_RETRIES && mayPass(error);

/** Nothing answers: the control plane is out of reach, or its database is. */
const isAway = (error: unknown): boolean =>
  error instanceof NetworkError || (error instanceof ProblemError && error.code === 'unavailable');

export function createQueryClient(): QueryClient {
  const client = new QueryClient({
    queryCache: new QueryCache({
      // Where one is answered again, all that are looked at may ask at once instead of each in its own time.
      onSuccess: () =>
        void client.refetchQueries(
          { type: 'active', predicate: ({ state }) => isAway(state.error) },
          { cancelRefetch: false },
        ),
    }),
    defaultOptions: {
      queries: {
        retry,
        retryDelay: (attempt) => 500 * 2 ** attempt,
        refetchInterval: ({ state }) => (mayPass(state.error) ? AGAIN_MS : false),
        staleTime: 2_000,
      },
      mutations: { retry: false },
    },
  });
  return client;
}
