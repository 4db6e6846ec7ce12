import { QueryClient } from '@tanstack/react-query';
import { NetworkError, ProblemError } from '#ui/api/errors.ts';

const MAX_RETRIES = 2;

/** A lost connection and a failed server are tried again; an answer that says what is wrong is believed. */
const retry = (failures: number, error: unknown): boolean =>
  failures < MAX_RETRIES &&
  (error instanceof NetworkError || (error instanceof ProblemError && error.problem.status >= 500));

export const createQueryClient = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      queries: { retry, retryDelay: (attempt) => 500 * 2 ** attempt, staleTime: 2_000 },
      mutations: { retry: false },
    },
  });
