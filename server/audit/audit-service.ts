/** Searches the audit log. */
import { sql, type RawBuilder } from 'kysely';
import type { AuditEvent } from '#contract/audit.ts';
import type { Page } from '#contract/common.ts';
import type { Database } from '#server/db/database.ts';
import { allowedScopes, principalOf, type CallContext } from '#server/http/call-context.ts';
import {
  boundedTotal,
  keysetPage,
  pageOf,
  scopeCondition,
  TOTAL_BOUND,
  type ListRequest,
} from '#server/http/cursor.ts';

export interface AuditFilter extends ListRequest {
  actor?: string | undefined;
  on_behalf_of?: string | undefined;
  impersonation_id?: string | undefined;
  action?: string | undefined;
  outcome?: AuditEvent['outcome'] | undefined;
  target_type?: string | undefined;
  target_id?: string | undefined;
  tenant_id?: string | undefined;
  environment?: string | undefined;
  job_id?: string | undefined;
  request_id?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

const shown = sql`sequence, occurred_at, actor_type, actor_id, actor_label, on_behalf_of, impersonation_id, action, outcome, target_type, target_id, tenant_id, environment,
  reason, changes, details, repeat_count, ip, user_agent, request_id, trace_id, job_id`;

/** Events in the caller's scopes that fit the filter, newest first unless asked otherwise. `action` may be a prefix that ends in a dot. */
export async function listAuditEvents(
  db: Database,
  context: CallContext,
  filter: AuditFilter,
): Promise<Page<AuditEvent>> {
  const sequence = { column: sql`sequence`, type: 'bigint' } as const;
  const page = keysetPage(filter, { sequence }, sequence, '-sequence');
  const conditions: RawBuilder<boolean>[] = [
    scopeCondition(allowedScopes(principalOf(context), 'audit.view')),
  ];
  for (const column of [
    'outcome',
    'target_type',
    'target_id',
    'tenant_id',
    'environment',
    'request_id',
    'on_behalf_of',
  ] as const) {
    const value = filter[column];
    if (value !== undefined) conditions.push(sql`${sql.ref(column)} = ${value}`);
  }
  if (filter.job_id) conditions.push(sql`job_id = ${filter.job_id}::uuid`);
  if (filter.impersonation_id) {
    const during = filter.impersonation_id;
    conditions.push(sql`(impersonation_id = ${during}::uuid or job_id = any(array(
      select job_id from audit_events where impersonation_id = ${during}::uuid and job_id is not null)))`);
  }
  // By a user's id, what their API tokens did counts as theirs.
  if (filter.actor)
    conditions.push(sql`(actor_label = ${filter.actor} or actor_id = ${filter.actor}
      or actor_id = any(array(select token_id::text from api_tokens where user_id::text = ${filter.actor})))`);
  if (filter.action) {
    const { action } = filter;
    conditions.push(
      action.endsWith('.')
        ? sql`action like ${`${action.replace(/[\\%_]/g, '\\$&')}%`}`
        : sql`action = ${action}`,
    );
  }
  if (filter.from) conditions.push(sql`occurred_at >= ${filter.from}::timestamptz`);
  if (filter.to) conditions.push(sql`occurred_at < ${filter.to}::timestamptz`);
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<AuditEvent>`select ${shown} from audit_events outside where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(
      db,
    ),
    sql<{
      count: number;
    }>`select count(*) from (select from audit_events outside where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(
      db,
    ),
  ]);
  return {
    ...pageOf(rows.rows, page, (row) => [row.sequence, row.sequence]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}
