/** Port: what scrapes the exporters (vmagent). */
import type { CallOptions, OutsideSource } from './outside-source.ts';

export interface ReportedTarget {
  /** As its series have them: `job`, `instance`, `env`, `service` … */
  labels: Record<string, string>;
  health: 'up' | 'down' | 'unknown';
  /** RFC 3339; null before the first scrape. */
  last_scrape_at: string | null;
  took_ms: number | null;
  samples: number | null;
  /** Why the last scrape failed. */
  error: string | null;
}

export interface TargetSource extends OutsideSource {
  /** Everything that is scraped. Rejects with SourceError. */
  targets(options?: CallOptions): Promise<ReportedTarget[]>;
}
