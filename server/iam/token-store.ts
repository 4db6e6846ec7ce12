/** API tokens as rows; their values are kept nowhere. */
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { ApiToken, TokenState } from '#contract/iam.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { notFound } from '#server/http/control-error.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import { containing } from './search-patterns.ts';

export interface TokenFilter extends ListRequest {
  user_id?: string | undefined;
  q?: string | undefined;
  state?: TokenState | undefined;
}

const state = sql`case when t.revoked_at is not null then 'revoked' when t.expires_at <= now() then 'expired'
  when next.token_id is not null then 'retiring' else 'active' end`;
const linkTo = (alias: 'previous' | 'next') =>
  sql`case when ${sql.ref(`${alias}.token_id`)} is not null
    then json_build_object('token_id', ${sql.ref(`${alias}.token_id`)}, 'prefix', ${sql.ref(`${alias}.prefix`)}) end`;
const token = sql`t.token_id, t.user_id, u.email as user_email, u.kind as user_kind, t.name, t.prefix, t.permissions, t.tenant_id, t.environment,
  ${state} as state, t.created_by, t.created_at, t.expires_at, t.last_used_at, t.revoked_at, ${linkTo('previous')} as rotated_from, ${linkTo('next')} as rotated_to`;
const tokens = sql`api_tokens t join users u using (user_id) left join api_tokens next on next.rotated_from = t.token_id
  left join api_tokens previous on previous.token_id = t.rotated_from`;

/** A page of tokens that fit the filter, never with their values. */
export async function listTokenRows(db: Database, filter: TokenFilter): Promise<Page<ApiToken>> {
  const columns = {
    created_at: { column: sql`t.created_at`, type: 'timestamptz' },
    expires_at: { column: sql`t.expires_at`, type: 'timestamptz' },
  } as const;
  const page = keysetPage(filter, columns, { column: sql`t.token_id`, type: 'uuid' }, '-created_at');
  const conditions: RawBuilder<boolean>[] = [sql`true`];
  if (filter.user_id) conditions.push(sql`t.user_id = ${filter.user_id}::uuid`);
  if (filter.state) conditions.push(sql`${state} = ${filter.state}`);
  if (filter.q)
    conditions.push(sql`(t.name ilike ${containing(filter.q)} or u.email ilike ${containing(filter.q)})`);
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<ApiToken>`select ${token} from ${tokens}
      where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(db),
    sql<{
      count: number;
    }>`select count(*) from (select from ${tokens} where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(
      db,
    ),
  ]);
  const key = page.sort.endsWith('expires_at') ? 'expires_at' : 'created_at';
  return {
    ...pageOf(rows.rows, page, (row) => [row[key], row.token_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

/** One token, locked until the transaction ends; `not_found` when there is none. */
export async function lockToken(tx: Tx, tokenId: string): Promise<ApiToken> {
  const { rows } =
    await sql<ApiToken>`select ${token} from ${tokens} where t.token_id = ${tokenId}::uuid for update of t`.execute(
      tx,
    );
  const [found] = rows;
  if (!found) throw notFound('API token', tokenId);
  return found;
}
