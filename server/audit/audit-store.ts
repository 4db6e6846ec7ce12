/** Writes audit events and reads them back. Events are only ever added; the database refuses anything else. */
import { sql, type RawBuilder } from 'kysely';
import type { AuditEvent } from '#contract/audit.ts';
import type { Change } from '#contract/jobs.ts';
import type { Database } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';

export interface AuditEntry {
  action: string;
  outcome: AuditEvent['outcome'];
  target: { type: string; id: string };
  tenant_id?: string | null | undefined;
  environment?: string | null | undefined;
  reason?: string | null | undefined;
  changes?: Change[];
  details?: unknown;
  repeat_count?: number;
  job_id?: string | null;
}

/** Who acted, and as whom, as the columns of an event. */
export function actorOf(context: CallContext): {
  actor_type: AuditEvent['actor_type'];
  actor_id: string | null;
  actor_label: string;
  on_behalf_of: string | null;
  impersonation_id: string | null;
} {
  const { principal } = context;
  const nobody = { on_behalf_of: null, impersonation_id: null };
  if (!principal) return { actor_type: 'anonymous', actor_id: null, actor_label: 'anonymous', ...nobody };
  const { type, principal_id, label, impersonation } = principal;
  if (!impersonation) return { actor_type: type, actor_id: principal_id, actor_label: label, ...nobody };
  const { actor_user_id, actor_label, target_label, impersonation_id } = impersonation;
  return {
    actor_type: type,
    actor_id: actor_user_id,
    actor_label,
    on_behalf_of: target_label,
    impersonation_id,
  };
}

/** The INSERT of one event, to be run in the transaction of the change or joined to another statement as a CTE. */
export function auditInsert(context: CallContext, entry: AuditEntry): RawBuilder<unknown> {
  const actor = actorOf(context);
  return sql`insert into audit_events
    (actor_type, actor_id, actor_label, on_behalf_of, impersonation_id, action, outcome, target_type, target_id, tenant_id, environment, reason, changes, details, repeat_count, ip, user_agent, request_id, trace_id, job_id)
    values (${actor.actor_type}, ${actor.actor_id}, ${actor.actor_label}, ${actor.on_behalf_of}, ${actor.impersonation_id}::uuid, ${entry.action}, ${entry.outcome}, ${entry.target.type}, ${entry.target.id},
      ${entry.tenant_id ?? null}, ${entry.environment ?? null}, ${entry.reason ?? null}, ${JSON.stringify(entry.changes ?? [])}::jsonb,
      ${entry.details === undefined ? null : JSON.stringify(entry.details)}::jsonb, ${entry.repeat_count ?? 1}, ${context.ip}, ${context.user_agent}, ${context.request_id}, ${context.trace_id}, ${entry.job_id ?? null}::uuid)`;
}

/** Writes an event that records no change: a denial, a failed sign-in. */
export async function recordEvent(db: Database, context: CallContext, entry: AuditEntry): Promise<void> {
  await auditInsert(context, entry).execute(db);
}
