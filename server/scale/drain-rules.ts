/** Pure: how a drain goes, and how long it will take, from what was observed. */

export interface DrainFigures {
  inflight: number | null;
  /** Units that were to be finished when the drain was first seen: in flight and waiting. */
  inflight_at_start: number | null;
  consumer_lag: number | null;
  rate_per_s: number | null;
  eta_s: number | null;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Rate and time left of a drain that went from `atStart` to `left` units in `seconds`; null until something has moved. */
export function drainForecast(
  atStart: number,
  left: number,
  seconds: number,
): { rate_per_s: number | null; eta_s: number | null } {
  if (left === 0) return { rate_per_s: seconds > 0 ? round(atStart / seconds) : null, eta_s: 0 };
  const finished = atStart - left;
  if (finished <= 0 || seconds <= 0) return { rate_per_s: null, eta_s: null };
  const rate = finished / seconds;
  return { rate_per_s: round(rate), eta_s: round(left / rate) };
}

/** Earlier drains: units finished, and the seconds that took. */
export type DrainHistory = readonly { units: number; seconds: number }[];

/** Expected seconds of a drain of `units`, at the median rate of earlier drains; null when there were none. */
export function expectedDrainSeconds(units: number, history: DrainHistory): number | null {
  const rates = history
    .filter(({ units: finished, seconds }) => finished > 0 && seconds > 0)
    .map(({ units: finished, seconds }) => finished / seconds)
    .toSorted((a, b) => a - b);
  const median = rates[Math.floor((rates.length - 1) / 2)];
  return median === undefined ? null : round(units / median);
}
