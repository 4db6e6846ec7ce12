/** Port: what shows dashboards and keeps marks on their time axis (Grafana). Every method rejects with SourceError. */
import type { CallOptions, OutsideSource } from './outside-source.ts';

export interface Annotation {
  /** Milliseconds since 1970. */
  time_ms: number;
  text: string;
  /** Together they name the event: no other annotation has all of them. */
  tags: readonly string[];
}

export interface AnnotationSink extends OutsideSource {
  /** Whether an annotation with all these tags is there. */
  has(tags: readonly string[], options?: CallOptions): Promise<boolean>;
  write(annotation: Annotation, options?: CallOptions): Promise<void>;
}
