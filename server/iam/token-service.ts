/** API tokens for automation. One acts as its user, narrowed; its value is shown once and kept nowhere. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import { TOKEN_ACTIONS, type ApiToken, type User } from '#contract/iam.ts';
import type { PermissionScope } from '#contract/permission-rules.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext, type Principal } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { assertHolds, assertHoldsUntil, assertKnown, describeScope, GLOBAL, scopeOf } from './grant-rules.ts';
import { newApiToken, secretHash } from './secret-values.ts';
import { assertServiceAccount, lockServiceAccount } from './service-account-store.ts';
import { lockToken } from './token-store.ts';

interface NewToken {
  name: string;
  permissions: string[];
  tenant_id?: string | null | undefined;
  environment?: string | null | undefined;
  expires_in_days: number;
  reason?: string | undefined;
}
interface Made {
  token: ApiToken;
  value: string | null;
}
/** Whose token it is. */
type Owner = Pick<User, 'user_id' | 'email' | 'kind'>;

/** Creates a token of the caller. */
export async function createToken(
  db: Database,
  context: CallContext,
  environmentNames: readonly string[],
  asked: NewToken,
): Promise<Made & { job_id: string }> {
  const { user_id, label } = personMaking(context);
  return create(db, context, environmentNames, asked, {
    action: 'iam.tokens.create',
    permission: 'iam.tokens.create',
    ownerIn: async () => ({ user_id, email: label, kind: 'person' }),
  });
}

/** Creates a token of a service account. */
export async function createServiceAccountToken(
  db: Database,
  context: CallContext,
  environmentNames: readonly string[],
  serviceAccountId: string,
  asked: NewToken,
): Promise<Made & { job_id: string }> {
  personMaking(context);
  return create(db, context, environmentNames, asked, {
    action: 'iam.service_accounts.create_token',
    permission: 'iam.service_accounts.create_tokens',
    ownerIn: async (tx) => {
      const account = await lockServiceAccount(tx, serviceAccountId);
      assertServiceAccount('create_token', account);
      return { ...account, kind: 'service_account' };
    },
  });
}

async function create(
  db: Database,
  context: CallContext,
  environmentNames: readonly string[],
  { name, permissions, expires_in_days, reason, ...asked }: NewToken,
  how: { action: string; permission: string; ownerIn: (tx: Tx) => Promise<Owner> },
): Promise<Made & { job_id: string }> {
  assertKnown(permissions);
  const scope = scopeOf(asked, environmentNames);
  const token_id = randomUUIDv7();
  return mutate<Made>(
    db,
    context,
    {
      action: how.action,
      title: `Create API token ${name}`,
      permission: how.permission,
      target: { type: 'api_token', id: token_id },
      ...scope,
      reason,
    },
    async (tx) => {
      const owner = await how.ownerIn(tx);
      const expires_at = await endAfter(tx, expires_in_days);
      assertMayIssue(principalOf(context), owner, permissions, scope, expires_at);
      const { token, value } = await insertToken(tx, context, {
        token_id,
        user_id: owner.user_id,
        name,
        permissions,
        ...scope,
        expires_at,
        rotated_from: null,
      });
      return { after: shown(token), result: { token, value }, replay: { token, value: null } };
    },
  );
}

/** Puts a token with the same limits in the place of one, which goes on beside it for the overlap, within its own life. */
export async function rotateToken(
  db: Database,
  context: CallContext,
  tokenId: string,
  {
    expires_in_days,
    overlap_hours,
    reason,
  }: { expires_in_days: number; overlap_hours: number; reason?: string | undefined },
): Promise<Made & { job_id: string; replaced: ApiToken }> {
  const principal = personMaking(context);
  const token_id = randomUUIDv7();
  return mutate<Made & { replaced: ApiToken }>(
    db,
    context,
    {
      action: 'iam.tokens.rotate',
      title: `Rotate API token ${tokenId}`,
      permission: 'iam.tokens.rotate',
      target: { type: 'api_token', id: tokenId },
      reason,
    },
    async (tx) => {
      const before = await lockToken(tx, tokenId);
      const { user_id, name, permissions, tenant_id, environment } = before;
      const scope = { tenant_id, environment };
      assertState('rotate', before);
      if (before.user_kind === 'service_account')
        assertServiceAccount('create_token', await lockServiceAccount(tx, user_id));
      const expires_at = await endAfter(tx, expires_in_days);
      const owner = { user_id, email: before.user_email, kind: before.user_kind };
      assertMayIssue(principal, owner, permissions, scope, expires_at);
      const { token, value } = await insertToken(tx, context, {
        token_id,
        user_id,
        name,
        permissions,
        ...scope,
        expires_at,
        rotated_from: tokenId,
      });
      await tx
        .updateTable('api_tokens')
        .set({
          expires_at: sql`least(expires_at, now() + make_interval(hours => ${overlap_hours}::integer))`,
        })
        .where('token_id', '=', tokenId)
        .execute();
      const replaced = await lockToken(tx, tokenId);
      return {
        before: shown(before),
        after: { ...shown(replaced), successor: shown(token) },
        result: { token, replaced, value },
        replay: { token, replaced, value: null },
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
      assertState('revoke', before);
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

/** Only a person makes tokens: a stolen one must not make another that outlives it. */
function personMaking(context: CallContext): Principal {
  const principal = principalOf(context);
  if (principal.type !== 'user')
    throw new ControlError(
      'permission_denied',
      'An API token cannot make another; sign in with a browser for this.',
    );
  return principal;
}

function assertState(action: keyof typeof TOKEN_ACTIONS, { name, state, rotated_to }: ApiToken): void {
  const allowed: readonly string[] = TOKEN_ACTIONS[action];
  if (allowed.includes(state)) return;
  throw new ControlError(
    'action_not_allowed',
    rotated_to === null
      ? `Token ${name} is ${state} already.`
      : `Token ${name} was rotated already and is ${state}; ${action} its successor.`,
  );
}

/**
 * One's own token does no more than oneself may at the time of the call. That of a service account acts as somebody else and goes on when
 * its maker's role has ended: what it may do, the maker holds for as long.
 */
function assertMayIssue(
  principal: Principal,
  { user_id, email, kind }: Owner,
  permissions: readonly string[],
  scope: PermissionScope,
  expires_at: string,
): void {
  const why = `You cannot make this token ${describeScope(scope)}`;
  if (user_id === principal.user_id) {
    assertHolds(principal, permissions, scope, why);
    return;
  }
  if (kind !== 'service_account')
    throw new ControlError(
      'permission_denied',
      `This token acts as ${email}: only they can rotate it. You may revoke it.`,
    );
  assertHolds(principal, ['iam.service_accounts.create_tokens'], GLOBAL, why);
  assertHoldsUntil(principal, permissions, scope, expires_at, why);
}

/** So many days from now, by the database's clock. */
async function endAfter(tx: Tx, days: number): Promise<string> {
  const { rows } = await sql<{
    expires_at: string;
  }>`select now() + make_interval(days => ${days}::integer) as expires_at`.execute(tx);
  const [row] = rows;
  if (!row) throw new Error('A statement without a table answers one row.');
  return row.expires_at;
}

async function insertToken(
  tx: Tx,
  context: CallContext,
  token: PermissionScope & {
    token_id: string;
    user_id: string;
    name: string;
    permissions: string[];
    expires_at: string;
    rotated_from: string | null;
  },
): Promise<{ token: ApiToken; value: string }> {
  const { value, prefix } = newApiToken();
  await tx
    .insertInto('api_tokens')
    .values({ ...token, token_hash: secretHash(value), prefix, created_by: principalOf(context).label })
    .execute();
  return { token: await lockToken(tx, token.token_id), value };
}

/** What the audit log keeps. */
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
