/** Port: what knows which alerts are pending or firing (vmalert), and which of them are muted (Alertmanager). */
import type { CallOptions, OutsideSource } from './outside-source.ts';

export interface ReportedAlert {
  /** With `alertname`. */
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: 'firing' | 'pending';
  /** The expression's result when it was last looked at; null where the source does not tell. */
  value: number | null;
  /** RFC 3339. */
  active_since: string;
  silenced: boolean;
}

export interface AlertSource extends OutsideSource {
  /** All alerts that are pending or firing. Rejects with SourceError. */
  alerts(options?: CallOptions): Promise<ReportedAlert[]>;
}
