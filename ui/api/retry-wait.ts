import { useNow } from '#ui/patterns/clock.ts';
import { ProblemError } from './errors.ts';

/** What is waited for when the server does not say. */
const DEFAULT_WAIT_S = 60;

/** Seconds left until a rate-limited request may be repeated, counting down; null when nothing is to be waited for. */
export function useRetryWait(error: unknown): number | null {
  const now = useNow();
  if (!(error instanceof ProblemError) || error.code !== 'rate_limited') return null;
  const wait_s = error.retry_after_s ?? DEFAULT_WAIT_S;
  const left = Math.ceil((error.received_at + wait_s * 1000 - now) / 1000);
  return left > 0 ? Math.min(left, wait_s) : null;
}
