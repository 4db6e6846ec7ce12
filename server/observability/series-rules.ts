/** How an outside server's series and lines become those of an answer: on one grid, bounded, in an order that does not jump. Pure. */
import canonicalize from 'canonicalize';
import { QUERY_LIMITS, type QueryResult } from '#contract/observability.ts';
import type { LogLine } from './log-source.ts';
import type { MetricPoint, MetricSeries } from './metric-source.ts';
import type { QueryRange } from './query-rules.ts';

/** A point at every step; a step without a sample is a gap. */
export function onGrid(points: readonly MetricPoint[], { from_s, to_s, step_s }: QueryRange): MetricPoint[] {
  const values = new Map(points.map(([at, value]) => [Math.round((at - from_s) / step_s), value]));
  const steps = Math.round((to_s - from_s) / step_s) + 1;
  return Array.from({ length: steps }, (_, step) => [from_s + step * step_s, values.get(step) ?? null]);
}

/** Those that reach highest, in the order of their labels. */
export function boundedSeries(
  series: readonly MetricSeries[],
  most: number = QUERY_LIMITS.most_series,
): { series: MetricSeries[]; dropped: number } {
  const kept = highestFirst(series).slice(0, most);
  const text = ({ labels }: MetricSeries) => canonicalize(labels) ?? '';
  return {
    series: kept.toSorted((left, right) => text(left).localeCompare(text(right))),
    dropped: series.length - kept.length,
  };
}

/** The largest figures first. */
export function boundedTable(
  series: readonly MetricSeries[],
  most: number = QUERY_LIMITS.most_series,
): { series: MetricSeries[]; dropped: number } {
  return { series: highestFirst(series).slice(0, most), dropped: Math.max(0, series.length - most) };
}

function highestFirst(series: readonly MetricSeries[]): MetricSeries[] {
  const peak = new Map(series.map((each) => [each, peakOf(each)]));
  return series.toSorted((left, right) => (peak.get(right) ?? 0) - (peak.get(left) ?? 0));
}

const LOWEST = -Number.MAX_VALUE;
const peakOf = ({ points }: MetricSeries): number =>
  points.reduce((highest, [, value]) => Math.max(highest, value ?? LOWEST), LOWEST);

export const lineShown = ({ time, text, labels }: LogLine): QueryResult['lines'][number] => ({
  time,
  // Loki finds a level by itself where the shipper sends none.
  level: labels['level'] ?? labels['detected_level'] ?? null,
  text,
  labels,
});
