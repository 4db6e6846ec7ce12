/** The time ranges that charts offer, and the window that each stands for. The URL holds the range (`?range=6h`). */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { oneValue } from '#ui/app/search-params.ts';

/** Length and step in seconds: about as many points as a chart has room for, and no finer than what is scraped. */
export const RANGES = {
  '15m': { seconds: 900, step_s: 15, label: '15 m', words: 'the last 15 minutes' },
  '1h': { seconds: 3_600, step_s: 15, label: '1 h', words: 'the last hour' },
  '6h': { seconds: 21_600, step_s: 120, label: '6 h', words: 'the last 6 hours' },
  '24h': { seconds: 86_400, step_s: 300, label: '24 h', words: 'the last 24 hours' },
  '7d': { seconds: 604_800, step_s: 1_800, label: '7 d', words: 'the last 7 days' },
} as const;
export type Range = keyof typeof RANGES;
export const RANGE_NAMES = Object.keys(RANGES) as Range[];
const DEFAULT_RANGE: Range = '1h';

const isRange = (text: string | undefined): text is Range => text !== undefined && text in RANGES;

/** The window of a range that ends now. It begins and ends at whole steps, so that charts that are read together share their points. */
export function windowOf(range: Range, now: number): { from: string; to: string; step_s: number } {
  const { seconds, step_s } = RANGES[range];
  const to = Math.floor(now / 1000 / step_s) * step_s;
  const iso = (at: number) => new Date(at * 1000).toISOString();
  return { from: iso(to - seconds), to: iso(to), step_s };
}

export function useTimeRange(): { range: Range; choose: (range: Range) => void } {
  const inUrl = oneValue(useSearch({ strict: false })['range']);
  const navigate = useNavigate();
  const choose = useCallback(
    (range: Range) =>
      void navigate({
        to: '.',
        search: (before) => ({ ...before, range: range === DEFAULT_RANGE ? undefined : range }),
        replace: true,
      }),
    [navigate],
  );
  return { range: isRange(inUrl) ? inUrl : DEFAULT_RANGE, choose };
}
