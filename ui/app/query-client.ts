import { QueryClient } from '@tanstack/react-query';
import { NetworkError, ProblemError } from '#ui/api/errors.ts';

const MAX_RETRIES = 2;

/** How often what failed is asked for again as long as it is looked at, so that a page recovers without a reload. */
const AGAIN_MS = 5_000;

/** A lost connection and a failed server may pass; an answer that says what is wrong is believed. */
const mayPass = (error: unknown): boolean =>
  error instanceof NetworkError || (error instanceof ProblemError && error.problem.status >= 500);
const retry = (failures: number, error: unknown): boolean => failures < MAX_RETRIES && mayPass(error);

export const createQueryClient = (): QueryClient =>
  new QueryClient({
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
