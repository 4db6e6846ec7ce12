/** Assignments as rows. One that has expired counts for nothing and stays, so that lists can show it. */
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { Assignment, AssignmentState } from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';

/** True when the assignment aliased `a` counts now. */
export const ASSIGNMENT_LIVE_SQL = `(a.expires_at is null or a.expires_at > now())`;
export const ASSIGNMENT_LIVE = sql.raw<boolean>(ASSIGNMENT_LIVE_SQL);

export interface AssignmentFilter extends ListRequest {
  user_id?: string | undefined;
  role_id?: string | undefined;
  tenant_id?: string | undefined;
  environment?: string | undefined;
  state?: AssignmentState | undefined;
  ends_within_days?: number | undefined;
}

const state = sql`case when a.expires_at is null then 'lasting' when a.expires_at > now() then 'temporary' else 'expired' end`;
const assignment = sql`a.assignment_id, a.user_id, u.email as user_email, u.kind as user_kind, a.role_id, a.tenant_id, a.environment, ${state} as state, a.expires_at,
  a.created_by, a.created_at`;

/** Sorts after every end there is. */
const NEVER = '9999-12-31T23:59:59Z';

/** A page of assignments that fit the filter, newest first unless asked otherwise. */
export async function listAssignmentRows(db: Database, filter: AssignmentFilter): Promise<Page<Assignment>> {
  const columns = {
    created_at: { column: sql`a.created_at`, type: 'timestamptz' },
    expires_at: { column: sql`coalesce(a.expires_at, ${NEVER}::timestamptz)`, type: 'timestamptz' },
  } as const;
  const page = keysetPage(filter, columns, { column: sql`a.assignment_id`, type: 'uuid' }, '-created_at');
  const conditions: RawBuilder<boolean>[] = [sql`true`];
  if (filter.user_id) conditions.push(sql`a.user_id = ${filter.user_id}::uuid`);
  if (filter.state) conditions.push(sql`${state} = ${filter.state}`);
  if (filter.ends_within_days)
    conditions.push(
      sql`a.expires_at > now() and a.expires_at <= now() + make_interval(days => ${filter.ends_within_days}::integer)`,
    );
  for (const column of ['role_id', 'tenant_id', 'environment'] as const) {
    if (filter[column]) conditions.push(sql`${sql.ref(`a.${column}`)} = ${filter[column]}`);
  }
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<Assignment>`select ${assignment} from assignments a join users u using (user_id)
      where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(db),
    sql<{
      count: number;
    }>`select count(*) from (select from assignments a where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(
      db,
    ),
  ]);
  const key = page.sort.endsWith('expires_at') ? 'expires_at' : 'created_at';
  return {
    ...pageOf(rows.rows, page, (row) => [row[key] ?? NEVER, row.assignment_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

/** One assignment, expired or not. */
export async function findAssignment(db: Database, assignmentId: string): Promise<Assignment | undefined> {
  const { rows } = await sql<Assignment>`select ${assignment} from assignments a join users u using (user_id)
    where a.assignment_id = ${assignmentId}::uuid`.execute(db);
  return rows[0];
}
