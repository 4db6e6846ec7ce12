import { useEffect, useState } from 'react';
import { ProblemError } from './errors.ts';

/** Seconds left until a rate-limited request may be repeated, counting down; null when nothing is to be waited for. */
export function useRetryWait(error: unknown): number | null {
  const wait =
    error instanceof ProblemError && error.code === 'rate_limited' ? (error.retry_after_s ?? 60) : null;
  const [left, setLeft] = useState<number | null>(null);
  useEffect(() => {
    setLeft(wait);
    if (wait === null) return undefined;
    const until = Date.now() + wait * 1000;
    const timer = setInterval(() => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      setLeft(seconds > 0 ? seconds : null);
      if (seconds <= 0) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [error, wait]);
  return left;
}
