/** Service accounts as rows of `users`; a deleted one stays as a tombstone. */
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import { SERVICE_ACCOUNT_UPKEEP, type ServiceAccount, type ServiceAccountStatus } from '#contract/iam.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import { ASSIGNMENT_LIVE } from './assignment-store.ts';
import { containing } from './search-patterns.ts';

export interface ServiceAccountFilter extends ListRequest {
  q?: string | undefined;
  status?: ServiceAccountStatus | undefined;
}

const columns = sql`user_id, email, display_name, status, revision, created_at, updated_at`;
/** Roles and tokens are looked up for the rows of the page only. */
const withRolesAndTokens = sql`
  left join lateral (
    select coalesce(json_agg(json_build_object('role_id', a.role_id, 'tenant_id', a.tenant_id, 'environment', a.environment) order by a.assignment_id), '[]') as roles
    from assignments a where a.user_id = page.user_id and ${ASSIGNMENT_LIVE}) given on true
  left join lateral (
    select (count(*) filter (where t.revoked_at is null and t.expires_at > now()))::integer as token_count, max(t.last_used_at) as last_used_at
    from api_tokens t where t.user_id = page.user_id) tokens on true`;
const account = sql`page.*, given.roles, tokens.token_count, tokens.last_used_at`;

/** A page of service accounts that fit the filter. */
export async function listServiceAccountRows(
  db: Database,
  filter: ServiceAccountFilter,
): Promise<Page<ServiceAccount>> {
  const sortable = {
    email: { column: sql`email`, type: 'text' },
    created_at: { column: sql`created_at`, type: 'timestamptz' },
  } as const;
  const page = keysetPage(filter, sortable, { column: sql`user_id`, type: 'uuid' }, 'email');
  const conditions: RawBuilder<boolean>[] = [sql`kind = 'service_account'`];
  if (filter.status) conditions.push(sql`status = ${filter.status}`);
  if (filter.q)
    conditions.push(sql`(email ilike ${containing(filter.q)} or display_name ilike ${containing(filter.q)})`);
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<ServiceAccount>`select ${account} from (
        select ${columns} from users where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}) page
      ${withRolesAndTokens} order by ${page.orderBy}`.execute(db),
    sql<{
      count: number;
    }>`select count(*) from (select from users where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(db),
  ]);
  const key = page.sort.endsWith('created_at') ? 'created_at' : 'email';
  return {
    ...pageOf(rows.rows, page, (row) => [row[key], row.user_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

/** One service account; `not_found` when there is none. */
export async function readServiceAccount(db: Database, userId: string): Promise<ServiceAccount> {
  const { rows } = await sql<ServiceAccount>`select ${account} from (
      select ${columns} from users where user_id = ${userId}::uuid and kind = 'service_account') page ${withRolesAndTokens}`.execute(
    db,
  );
  const [found] = rows;
  if (!found) throw notFound('service account', userId);
  return found;
}

/** One service account, locked until the transaction ends; `not_found` when there is none. */
export async function lockServiceAccount(tx: Tx, userId: string): Promise<ServiceAccount> {
  await sql`select from users where user_id = ${userId}::uuid and kind = 'service_account' for update`.execute(
    tx,
  );
  return readServiceAccount(tx, userId);
}

/** Refuses with `action_not_allowed` what its status does not allow. */
export function assertServiceAccount(
  what: keyof typeof SERVICE_ACCOUNT_UPKEEP,
  { email, status }: ServiceAccount,
): void {
  const allowed: readonly string[] = SERVICE_ACCOUNT_UPKEEP[what];
  if (allowed.includes(status)) return;
  throw new ControlError(
    'action_not_allowed',
    `${email} is ${status}; for this a service account must be ${allowed.join(' or ')}.`,
  );
}
