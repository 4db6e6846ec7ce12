/** Users as rows; a deleted one stays as a tombstone. */
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { Grant, User, UserKind, UserListItem, UserStatus } from '#contract/iam.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { notFound } from '#server/http/control-error.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import { ASSIGNMENT_LIVE } from './assignment-store.ts';
import { containing } from './search-patterns.ts';
import { SESSION_LIVE } from './session-rules.ts';

/** The columns that the contract shows: all but the password's hash. */
export const USER_COLUMNS = [
  'user_id',
  'kind',
  'email',
  'display_name',
  'status',
  'tags',
  'revision',
  'last_sign_in_at',
  'created_at',
  'updated_at',
] as const;

export interface UserFilter extends ListRequest {
  q?: string | undefined;
  status?: UserStatus | undefined;
  tag?: string | undefined;
  /** Left out: people. */
  kind?: UserKind | 'any' | undefined;
}

const columns = sql.join(USER_COLUMNS.map((column) => sql.ref(column)));
/** Sorts before every sign-in there was. */
const NEVER = '1970-01-01T00:00:00Z';
/** Roles and live sessions are looked up for the rows of the page only. */
const withRolesAndSessions = sql`
  left join lateral (
    select coalesce(json_agg(json_build_object('role_id', a.role_id, 'tenant_id', a.tenant_id, 'environment', a.environment) order by a.assignment_id), '[]') as roles
    from assignments a where a.user_id = page.user_id and ${ASSIGNMENT_LIVE}) given on true
  left join lateral (select count(*)::integer as session_count from sessions s where s.user_id = page.user_id and s.pending is null and ${SESSION_LIVE}) live on true`;

/** A page of users that fit the filter. Who never signed in sorts first by `last_sign_in_at`. */
export async function listUserRows(db: Database, filter: UserFilter): Promise<Page<UserListItem>> {
  const sortable = {
    email: { column: sql`email`, type: 'text' },
    created_at: { column: sql`created_at`, type: 'timestamptz' },
    last_sign_in_at: { column: sql`coalesce(last_sign_in_at, ${NEVER}::timestamptz)`, type: 'timestamptz' },
  } as const;
  const page = keysetPage(filter, sortable, { column: sql`user_id`, type: 'uuid' }, 'email');
  const { kind = 'person' } = filter;
  const conditions: RawBuilder<boolean>[] = [kind === 'any' ? sql`true` : sql`kind = ${kind}`];
  if (filter.status) conditions.push(sql`status = ${filter.status}`);
  if (filter.tag) conditions.push(sql`tags @> array[${filter.tag}]`);
  if (filter.q)
    conditions.push(sql`(email ilike ${containing(filter.q)} or display_name ilike ${containing(filter.q)})`);
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<UserListItem>`select page.*, given.roles, live.session_count from (
        select ${columns} from users where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}) page
      ${withRolesAndSessions} order by ${page.orderBy}`.execute(db),
    sql<{
      count: number;
    }>`select count(*) from (select from users where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(db),
  ]);
  const key = page.sort.replace(/^-/, '') as keyof typeof sortable;
  return {
    ...pageOf(rows.rows, page, (row) => [row[key] ?? NEVER, row.user_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

/** One person with roles and the number of live sessions; `not_found` when there is none. */
export async function readUserListItem(db: Database, userId: string): Promise<UserListItem> {
  const { rows } = await sql<UserListItem>`select page.*, given.roles, live.session_count from (
      select ${columns} from users where user_id = ${userId}::uuid and kind = 'person') page ${withRolesAndSessions}`.execute(
    db,
  );
  const [user] = rows;
  if (!user) throw notFound('user', userId);
  return user;
}

/** A person or a service account; `not_found` when there is neither. */
export async function readUserOfAnyKind(db: Database, userId: string): Promise<User> {
  const user = await db
    .selectFrom('users')
    .select(USER_COLUMNS)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  if (!user) throw notFound('user', userId);
  return user;
}

/** One person; `not_found` when there is none: what is done to people is not done to service accounts. */
export async function readUser(db: Database, userId: string): Promise<User> {
  const user = await readUserOfAnyKind(db, userId);
  if (user.kind !== 'person') throw notFound('user', userId);
  return user;
}

/** One person, locked until the transaction ends; `not_found` when there is none. */
export async function lockUser(tx: Tx, userId: string): Promise<User> {
  const user = await tx
    .selectFrom('users')
    .select(USER_COLUMNS)
    .where('user_id', '=', userId)
    .where('kind', '=', 'person')
    .forUpdate()
    .executeTakeFirst();
  if (!user) throw notFound('user', userId);
  return user;
}

/** What the user's roles grant now. */
export async function grantsOf(tx: Database, userId: string): Promise<Grant[]> {
  const { rows } = await sql<Grant>`select a.role_id, r.permissions, a.tenant_id, a.environment, a.expires_at
    from assignments a join roles r using (role_id) where a.user_id = ${userId}::uuid and ${ASSIGNMENT_LIVE}`.execute(
    tx,
  );
  return rows;
}
