/** Port: the server that answers LogQL (Loki). Every method rejects with SourceError. */
import type { MetricSeries } from './metric-source.ts';
import type { CallOptions, OutsideSource } from './outside-source.ts';

export interface LogLine {
  /** RFC 3339 with milliseconds. */
  time: string;
  text: string;
  /** Of the stream, with the line's structured metadata. */
  labels: Record<string, string>;
}

export interface LogSource extends OutsideSource {
  /** The newest lines of the range, at most `limit`, newest first. */
  lines(
    expression: string,
    range: { from_s: number; to_s: number; limit: number },
    options?: CallOptions,
  ): Promise<LogLine[]>;
  /** Figures counted from lines, at each step of the range. */
  queryRange(
    expression: string,
    range: { from_s: number; to_s: number; step_s: number },
    options?: CallOptions,
  ): Promise<MetricSeries[]>;
  /** Figures counted from lines at one moment, each series of one point. */
  query(expression: string, at_s: number, options?: CallOptions): Promise<MetricSeries[]>;
}
