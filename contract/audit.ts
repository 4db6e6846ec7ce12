/** The audit log: append-only, written in the transaction of the change that it records (PRD 8). */
import { Type, type Static } from 'typebox';
import { Environment, listQuery, Nullable, OneOf, Page, Slug, Timestamp, Uuid } from './common.ts';
import { endpoint } from './endpoint.ts';
import { Change } from './jobs.ts';

export const AUDIT_OUTCOMES = ['succeeded', 'failed', 'denied'] as const;

export const AuditEvent = Type.Object({
  sequence: Type.Integer(),
  occurred_at: Timestamp,
  actor_type: OneOf(['user', 'api_token', 'system', 'anonymous']),
  actor_id: Nullable(Type.String()),
  actor_label: Type.String({ description: 'Email, or the name of what acted' }),
  on_behalf_of: Nullable(
    Type.String({ description: 'Email of the user as whom the actor acted, or who started the job' }),
  ),
  impersonation_id: Nullable(Uuid),
  action: Type.String({ description: 'domain.noun.verb, or job.step.*' }),
  outcome: OneOf(AUDIT_OUTCOMES),
  target_type: Type.String(),
  target_id: Type.String(),
  tenant_id: Nullable(Type.String()),
  environment: Nullable(Type.String()),
  reason: Nullable(Type.String()),
  changes: Type.Array(Change),
  details: Type.Unknown(),
  repeat_count: Type.Integer({ description: 'Repeats of a denial within a minute are one event' }),
  ip: Nullable(Type.String()),
  user_agent: Nullable(Type.String()),
  request_id: Nullable(Type.String()),
  trace_id: Nullable(Type.String()),
  job_id: Nullable(Uuid),
});
export type AuditEvent = Static<typeof AuditEvent>;

export const listAuditEvents = endpoint({
  id: 'audit.events.list',
  method: 'GET',
  path: '/admin/v1/audit/events',
  summary: 'Search the audit log, newest first',
  permission: 'audit.view',
  scope: 'filtered',
  step_up: 'none',
  query: listQuery(['sequence'], {
    actor: Type.Optional(Type.String({ maxLength: 254, description: 'Id or label of who acted' })),
    on_behalf_of: Type.Optional(Type.String({ maxLength: 254, description: 'As whom, by email' })),
    impersonation_id: Type.Optional({
      ...Uuid,
      description: 'Everything that was done during it, with the steps of the jobs that it started',
    }),
    action: Type.Optional(
      Type.String({ maxLength: 100, description: 'Exact, or a prefix that ends in a dot: job.step.' }),
    ),
    outcome: Type.Optional(OneOf(AUDIT_OUTCOMES)),
    target_type: Type.Optional(Type.String({ maxLength: 40 })),
    target_id: Type.Optional(Type.String({ maxLength: 254 })),
    tenant_id: Type.Optional(Slug),
    environment: Type.Optional(Environment),
    job_id: Type.Optional(Uuid),
    request_id: Type.Optional(Type.String({ maxLength: 128 })),
    from: Type.Optional(Timestamp),
    to: Type.Optional(Timestamp),
  }),
  response: Page(AuditEvent),
  status: 200,
});
