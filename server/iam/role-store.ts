/** Roles as rows. */
import { sql } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { Role } from '#contract/iam.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { notFound } from '#server/http/control-error.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import { ASSIGNMENT_LIVE } from './assignment-store.ts';
import { containing } from './search-patterns.ts';

export interface RoleFilter extends ListRequest {
  q?: string | undefined;
}

const role = sql`r.role_id, r.title, r.description, r.permissions, r.built_in,
  (select count(*) from assignments a where a.role_id = r.role_id and ${ASSIGNMENT_LIVE}) as assignment_count, r.revision, r.created_at, r.updated_at`;

/** A page of roles that fit the filter, each with how many have it. */
export async function listRoleRows(db: Database, filter: RoleFilter): Promise<Page<Role>> {
  const id = { column: sql`r.role_id`, type: 'text' } as const;
  const page = keysetPage(
    filter,
    { role_id: id, created_at: { column: sql`r.created_at`, type: 'timestamptz' } },
    id,
    'role_id',
  );
  const where = filter.q
    ? sql`(r.role_id ilike ${containing(filter.q)} or r.title ilike ${containing(filter.q)} or r.description ilike ${containing(filter.q)})`
    : sql`true`;
  const [rows, total] = await Promise.all([
    sql<Role>`select ${role} from roles r where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(
      db,
    ),
    sql<{
      count: number;
    }>`select count(*) from (select from roles r where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(
      db,
    ),
  ]);
  const key = page.sort.endsWith('created_at') ? 'created_at' : 'role_id';
  return {
    ...pageOf(rows.rows, page, (row) => [row[key], row.role_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

/** One role; `not_found` when there is none. */
export async function readRole(db: Database, roleId: string): Promise<Role> {
  const { rows } = await sql<Role>`select ${role} from roles r where r.role_id = ${roleId}`.execute(db);
  const [found] = rows;
  if (!found) throw notFound('role', roleId);
  return found;
}

/** One role, locked until the transaction ends: nobody is given it meanwhile. `not_found` when there is none. */
export async function lockRole(tx: Tx, roleId: string): Promise<Role> {
  await tx.selectFrom('roles').select('role_id').where('role_id', '=', roleId).forUpdate().execute();
  return readRole(tx, roleId);
}
