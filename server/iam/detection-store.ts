/**
 * Detections as rows. One is open, then acknowledged by who looks into it, then resolved; what is seen again before that is counted on
 * it, and what is seen after that is a new one.
 */
import { sql } from 'kysely';
import type { DETECTION_SUBJECTS, DetectionKind } from '#contract/iam/detections.ts';
import type { Database } from '#server/db/database.ts';

/** What was noticed. */
export interface Noticed {
  kind: DetectionKind;
  /** `label` is how a person knows it: an email, an address, the name of a token. */
  subject: { type: (typeof DETECTION_SUBJECTS)[number]; id: string; label: string };
  /** The operator whom it concerns, if it is one. */
  user_id: string | null;
  /** Where it came from. */
  ip: string | null;
  /** What was measured, what it is held against, and over how many seconds, where it is a rate. */
  measured: number;
  threshold: number;
  window_s?: number;
  /** How often it happened since it was last recorded; once, if left out. A rate begins with all that was measured. */
  times?: number;
  /** What else who looks into it wants to know; no secrets. */
  details?: Record<string, string>;
}

/**
 * Records what was noticed: a new detection with its audit event `iam.detections.raised`, or one more on the detection that is not
 * resolved yet. In a transaction it is undone with it, so record what refuses a request outside of what the refusal rolls back.
 */
export async function recordDetection(db: Database, noticed: Noticed): Promise<{ raised: boolean }> {
  const { kind, subject, user_id, ip, measured, threshold, window_s = null, times = 1 } = noticed;
  const details = JSON.stringify(noticed.details ?? {});
  const { rows } = await sql<{ raised: boolean }>`with seen as (
      insert into detections as d
        (kind, subject_type, subject_id, subject_label, user_id, ip, count, measured, threshold, window_s, details)
      values (${kind}, ${subject.type}, ${subject.id}, ${subject.label}, ${user_id}::uuid, ${ip}, ${window_s === null ? times : measured}, ${measured}, ${threshold}, ${window_s}, ${details}::jsonb)
      on conflict (kind, subject_type, subject_id) where state <> 'resolved' do update set
        count = d.count + ${times}, last_seen_at = now(), ip = coalesce(excluded.ip, d.ip),
        measured = greatest(d.measured, excluded.measured), threshold = excluded.threshold, window_s = excluded.window_s,
        details = d.details || excluded.details
      returning d.detection_id, xmax = 0 as raised
    ), event as (
      insert into audit_events (actor_type, actor_label, action, outcome, target_type, target_id, details, ip)
      select 'system', 'detections', 'iam.detections.raised', 'succeeded', 'detection', detection_id::text,
        jsonb_build_object('cause', ${kind}::text, 'subject_type', ${subject.type}::text, 'subject_id', ${subject.id}::text,
          'subject_label', ${subject.label}::text, 'user_id', ${user_id}::uuid, 'measured', ${measured}::integer,
          'threshold', ${threshold}::integer, 'window_s', ${window_s}::integer) || ${details}::jsonb, ${ip}
      from seen where raised
    ) select raised from seen`.execute(db);
  return { raised: rows[0]?.raised ?? false };
}
