/** Impersonations as rows, and the one expression that says whether one is over. */
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { Impersonation, ImpersonationEnding, ImpersonationState } from '#contract/iam.ts';
import { coveringPatterns } from '#contract/permission-rules.ts';
import type { Permission } from '#contract/permissions.ts';
import type { Database } from '#server/db/database.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import { notFound } from '#server/http/control-error.ts';
import { ASSIGNMENT_LIVE_SQL } from './assignment-store.ts';
import { containing } from './search-patterns.ts';

/** Who may act as others, and who looks at it afterwards. */
export const IMPERSONATE: Permission = 'iam.users.impersonate';
export const REVIEW: Permission = 'iam.impersonations.review';

/** True when the user of this id holds the permission everywhere, now. */
export const holdsSql = (userId: string, permission: Permission): string => `exists (
  select from assignments a join roles r using (role_id) where a.user_id = ${userId} and a.tenant_id is null and a.environment is null
    and ${ASSIGNMENT_LIVE_SQL} and r.permissions && array[${coveringPatterns(permission)
      .map((pattern) => `'${pattern}'`)
      .join(',')}])`;

/** An impersonation `i` with the session that acts, the actor's own one, who acts and as whom. */
export const IMPERSONATION_PARTS = `impersonations i join sessions acting on acting.impersonation_id = i.impersonation_id
  join sessions own on own.session_id = i.actor_session_id
  join users actor on actor.user_id = i.actor_user_id join users u on u.user_id = i.user_id`;

/**
 * Why an impersonation is over, of `IMPERSONATION_ENDINGS`; null while it goes on. Read on every request, so nothing has to be written
 * down for an ending to count.
 */
export const ENDING_SQL = `case
  when i.ended_at is not null then i.ending
  when i.ends_at <= now() then 'time'
  when acting.ended_at is not null then 'revoked'
  when own.ended_at is not null or own.expires_at <= now() then 'signed_out'
  when actor.status <> 'active' then 'actor_not_active'
  when u.status <> 'active' then 'user_not_active'
  when not ${holdsSql('i.actor_user_id', IMPERSONATE)} then 'permission_taken' end`;

const shown =
  sql.raw(`i.impersonation_id, acting.session_id, i.actor_user_id, actor.email as actor_email, i.user_id, u.email as user_email,
  i.reason, i.started_at, i.ends_at, i.review_due_at, i.reviewed_at, i.reviewed_by, i.verdict, i.comment, over.ending,
  case when over.ending is not null then coalesce(i.ended_at, least(i.ends_at, now())) end as ended_at,
  case when i.reviewed_at is not null then 'reviewed' when over.ending is null then 'active'
    when i.review_due_at <= now() then 'overdue' else 'to_review' end as state`);
const parts = sql.raw(`${IMPERSONATION_PARTS} cross join lateral (select ${ENDING_SQL} as ending) over`);

export interface ImpersonationFilter extends ListRequest {
  state?: ImpersonationState | undefined;
  unreviewed?: boolean | undefined;
  user_id?: string | undefined;
  q?: string | undefined;
}

const STATE: Record<ImpersonationState, RawBuilder<boolean>> = {
  active: sql`(i.reviewed_at is null and over.ending is null)`,
  to_review: sql`(i.reviewed_at is null and over.ending is not null and i.review_due_at > now())`,
  overdue: sql`(i.reviewed_at is null and over.ending is not null and i.review_due_at <= now())`,
  reviewed: sql`(i.reviewed_at is not null)`,
};

/** A page of impersonations that fit the filter, the newest first unless asked otherwise. */
export async function listImpersonationRows(
  db: Database,
  filter: ImpersonationFilter,
): Promise<Page<Impersonation>> {
  const columns = {
    started_at: { column: sql`i.started_at`, type: 'timestamptz' },
    review_due_at: { column: sql`i.review_due_at`, type: 'timestamptz' },
  } as const;
  const page = keysetPage(filter, columns, { column: sql`i.impersonation_id`, type: 'uuid' }, '-started_at');
  const conditions: RawBuilder<boolean>[] = [sql`true`];
  if (filter.state) conditions.push(STATE[filter.state]);
  if (filter.unreviewed) conditions.push(sql`(i.reviewed_at is null and over.ending is not null)`);
  if (filter.user_id)
    conditions.push(sql`(i.user_id = ${filter.user_id}::uuid or i.actor_user_id = ${filter.user_id}::uuid)`);
  if (filter.q)
    conditions.push(
      sql`(u.email ilike ${containing(filter.q)} or actor.email ilike ${containing(filter.q)})`,
    );
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<Impersonation>`select ${shown} from ${parts} where ${where} and ${page.condition}
      order by ${page.orderBy} limit ${page.limit + 1}`.execute(db),
    sql<{ count: number }>`select count(*) from (
      select from ${parts} where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(db),
  ]);
  const key = page.sort.endsWith('review_due_at') ? 'review_due_at' : 'started_at';
  return {
    ...pageOf(rows.rows, page, (row) => [row[key], row.impersonation_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

/** One impersonation; `not_found` when there is none. */
export async function readImpersonation(db: Database, impersonationId: string): Promise<Impersonation> {
  const { rows } = await sql<Impersonation>`select ${shown} from ${parts}
    where i.impersonation_id = ${impersonationId}::uuid`.execute(db);
  const [row] = rows;
  if (!row) throw notFound('impersonation', impersonationId);
  return row;
}

/** The actor's review that is overdue the longest. */
export async function findOverdue(
  db: Database,
  actorUserId: string,
): Promise<{ user_email: string; review_due_at: string } | null> {
  const { rows } = await sql<{ user_email: string; review_due_at: string }>`
    select u.email as user_email, i.review_due_at from ${parts}
    where i.actor_user_id = ${actorUserId}::uuid and ${STATE.overdue} order by i.review_due_at limit 1`.execute(
    db,
  );
  return rows[0] ?? null;
}

const NAMED_REVIEWERS = 3;

/** Who could review what this user does as another one. */
export async function readReviewers(
  db: Database,
  actorUserId: string,
): Promise<{ count: number; emails: string[] }> {
  const { rows } = await sql<{ count: number; emails: string[] }>`
    select count(*)::integer as count, coalesce((array_agg(email order by email))[1:${sql.lit(NAMED_REVIEWERS)}], '{}') as emails
    from users reviewer where reviewer.status = 'active' and reviewer.user_id <> ${actorUserId}::uuid
      and ${sql.raw(holdsSql('reviewer.user_id', REVIEW))}`.execute(db);
  return rows[0] ?? { count: 0, emails: [] };
}

/** Writes down that an impersonation is over, and ends its session; nothing happens when it was over already. */
export async function closeImpersonation(
  tx: Database,
  impersonationId: string,
  ending: ImpersonationEnding,
): Promise<boolean> {
  const { rows } = await sql`with closed as (
      update impersonations set ended_at = least(ends_at, now()), ending = ${ending}
      where impersonation_id = ${impersonationId}::uuid and ended_at is null returning impersonation_id),
    silenced as (update sessions s set ended_at = now(), ended_reason = 'Ended by its owner'
      from closed where s.impersonation_id = closed.impersonation_id and s.ended_at is null)
    select impersonation_id from closed`.execute(tx);
  return rows.length === 1;
}
