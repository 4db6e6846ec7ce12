/** API tokens for automation. One acts as its user, narrowed; its value is shown once and kept nowhere. */
import { randomUUIDv7 } from 'node:crypto';
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { ApiToken, TOKEN_STATES } from '#contract/iam.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate, type Changed } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import { assertHolds, assertKnown, describeScope, scopeOf } from './grant-rules.ts';
import { newApiToken, secretHash } from './secret-values.ts';

export interface TokenFilter extends ListRequest {
  user_id?: string | undefined;
  state?: (typeof TOKEN_STATES)[number] | undefined;
}

const state = sql`case when t.revoked_at is not null then 'revoked' when t.expires_at <= now() then 'expired' else 'active' end`;
const token = sql`t.token_id, t.user_id, u.email as user_email, t.name, t.prefix, t.permissions, t.tenant_id, t.environment, ${state} as state,
  t.created_at, t.expires_at, t.last_used_at, t.revoked_at`;

/** A page of tokens that fit the filter, never with their values. */
export async function listTokens(db: Database, filter: TokenFilter): Promise<Page<ApiToken>> {
  const columns = {
    created_at: { column: sql`t.created_at`, type: 'timestamptz' },
    expires_at: { column: sql`t.expires_at`, type: 'timestamptz' },
  } as const;
  const page = keysetPage(filter, columns, { column: sql`t.token_id`, type: 'uuid' }, '-created_at');
  const conditions: RawBuilder<boolean>[] = [sql`true`];
  if (filter.user_id) conditions.push(sql`t.user_id = ${filter.user_id}::uuid`);
  if (filter.state) conditions.push(sql`${state} = ${filter.state}`);
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<ApiToken>`select ${token} from api_tokens t join users u using (user_id)
      where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(db),
    sql<{
      count: number;
    }>`select count(*) from (select from api_tokens t where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(
      db,
    ),
  ]);
  const key = page.sort.endsWith('expires_at') ? 'expires_at' : 'created_at';
  return {
    ...pageOf(rows.rows, page, (row) => [row[key], row.token_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

interface NewToken {
  name: string;
  permissions: string[];
  tenant_id?: string | null | undefined;
  environment?: string | null | undefined;
  expires_in_days: number;
  reason?: string | undefined;
}

/** Creates a token of the caller. Only a person can: a stolen token must not make another that outlives it. */
export async function createToken(
  db: Database,
  context: CallContext,
  environmentNames: readonly string[],
  { name, permissions, expires_in_days, reason, ...asked }: NewToken,
): Promise<{ job_id: string; token: ApiToken; value: string | null }> {
  const principal = principalOf(context);
  if (principal.type !== 'user')
    throw new ControlError(
      'permission_denied',
      'An API token cannot create another; sign in with a browser for this.',
    );
  assertKnown(permissions);
  const scope = scopeOf(asked, environmentNames);
  assertHolds(principal, permissions, scope, `You cannot create this token ${describeScope(scope)}`);
  const token_id = randomUUIDv7();
  const { user_id } = principal;
  const { value, prefix } = newApiToken();
  return mutate(
    db,
    context,
    {
      action: 'iam.tokens.create',
      title: `Create API token ${name}`,
      permission: 'iam.tokens.create',
      target: { type: 'api_token', id: token_id },
      ...scope,
      reason,
    },
    async (tx): Promise<Changed<{ token: ApiToken; value: string | null }>> => {
      const expires_at = sql<string>`now() + make_interval(days => ${expires_in_days}::integer)`;
      await tx
        .insertInto('api_tokens')
        .values({
          token_id,
          user_id,
          token_hash: secretHash(value),
          prefix,
          name,
          permissions,
          ...scope,
          expires_at,
        })
        .execute();
      const created = await lockToken(tx, token_id);
      return {
        after: shown(created),
        result: { token: created, value },
        replay: { token: created, value: null },
      };
    },
  );
}

/** Revokes a token; its next request is refused. */
export async function revokeToken(
  db: Database,
  context: CallContext,
  tokenId: string,
  reason: string,
): Promise<{ job_id: string; token: ApiToken }> {
  return mutate(
    db,
    context,
    {
      action: 'iam.tokens.revoke',
      title: `Revoke API token ${tokenId}`,
      permission: 'iam.tokens.revoke',
      target: { type: 'api_token', id: tokenId },
      reason,
    },
    async (tx) => {
      const before = await lockToken(tx, tokenId);
      if (before.state !== 'active')
        throw new ControlError('action_not_allowed', `Token ${before.name} is ${before.state} already.`);
      await tx
        .updateTable('api_tokens')
        .set({ revoked_at: sql`now()` })
        .where('token_id', '=', tokenId)
        .execute();
      const revoked = await lockToken(tx, tokenId);
      return { before: shown(before), after: shown(revoked), result: { token: revoked } };
    },
  );
}

async function lockToken(tx: Tx, tokenId: string): Promise<ApiToken> {
  const { rows } = await sql<ApiToken>`select ${token} from api_tokens t join users u using (user_id)
    where t.token_id = ${tokenId}::uuid for update of t`.execute(tx);
  const [found] = rows;
  if (!found) throw notFound('API token', tokenId);
  return found;
}

const shown = ({
  user_email,
  name,
  prefix,
  permissions,
  tenant_id,
  environment,
  state,
  expires_at,
  revoked_at,
}: ApiToken) => ({
  user_email,
  name,
  prefix,
  permissions,
  tenant_id,
  environment,
  state,
  expires_at,
  revoked_at,
});
