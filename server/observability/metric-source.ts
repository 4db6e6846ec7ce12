/** Port: the server that answers PromQL (VictoriaMetrics, Prometheus). Every method rejects with SourceError. */
import type { CallOptions, OutsideSource } from './outside-source.ts';

/** A point in time in seconds since 1970, and the value; NaN and infinities are null. */
export type MetricPoint = [number, number | null];

export interface MetricSeries {
  labels: Record<string, string>;
  points: MetricPoint[];
}

export interface MetricSource extends OutsideSource {
  /** The series at each step of the range; times in seconds since 1970, multiples of the step. A step without a sample is left out. */
  queryRange(
    expression: string,
    range: { from_s: number; to_s: number; step_s: number },
    options?: CallOptions,
  ): Promise<MetricSeries[]>;
  /** The series at one moment, each of one point. */
  query(expression: string, at_s: number, options?: CallOptions): Promise<MetricSeries[]>;
}
