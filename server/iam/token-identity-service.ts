/** Whose the identities at token issuers are here, and which of their sessions are over. */
import { sql } from 'kysely';
import type { LinkedIdentity, TokenIssuer } from '#contract/iam.ts';
import type { Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import type { AccountDeps } from './account-deps.ts';
import { insteadOf } from './constraint-problems.ts';
import { assertHoldsGrants } from './grant-rules.ts';
import { describeIdentity, IDENTITY_COLUMNS } from './linked-identity-rules.ts';
import type { ConfiguredIssuer, TokenVerifier } from './token-verifier.ts';
import { assertUpkeep } from './user-state-rules.ts';
import { grantsOf, lockUser, readUser } from './user-store.ts';

/** The configured issuers, with how many accounts of each are linked here and when one of them was last used. */
export async function listTokenIssuers({
  db,
  tokenVerifier,
}: AccountDeps): Promise<{ items: TokenIssuer[] }> {
  const issuers = tokenVerifier?.issuers() ?? [];
  if (issuers.length === 0) return { items: [] };
  const used = await db
    .selectFrom('linked_identities')
    .select([
      'issuer',
      sql<number>`count(*)::integer`.as('linked_accounts'),
      sql<string | null>`max(last_used_at)`.as('last_used_at'),
    ])
    .where(
      'issuer',
      'in',
      issuers.map(({ issuer }) => issuer),
    )
    .groupBy('issuer')
    .execute();
  const none = { linked_accounts: 0, last_used_at: null };
  return {
    items: issuers.map((one) => ({ ...one, ...(used.find(({ issuer }) => issuer === one.issuer) ?? none) })),
  };
}

interface LinkRequest {
  issuer_id: string;
  subject: string;
  reason: string;
}

/** Lets the tokens of an account at an issuer act as the user. Only who may do all that the user may can do it. */
export async function linkUserIdentity(
  { db, providers, tokenVerifier }: AccountDeps,
  context: CallContext,
  user_id: string,
  { issuer_id, subject, reason }: LinkRequest,
): Promise<{ job_id: string; identity: LinkedIdentity }> {
  const { issuer, title } = issuerOf(tokenVerifier, issuer_id);
  const { email } = await readUser(db, user_id);
  return mutate(
    db,
    context,
    {
      action: 'iam.users.identities.link',
      title: `Link an account at ${title} to ${email}`,
      permission: 'iam.users.update',
      target: { type: 'user', id: user_id },
      reason,
    },
    async (tx) => {
      await lockForLinking(tx, context, user_id);
      const linked = await tx
        .insertInto('linked_identities')
        .values({ user_id, provider_id: issuer_id, issuer, subject, email: null })
        .returning(IDENTITY_COLUMNS)
        .executeTakeFirstOrThrow();
      const identity = describeIdentity(linked, { providers, issuers: tokenVerifier?.issuers() ?? [] });
      return { after: { identity: { issuer, subject } }, result: { identity } };
    },
  ).catch(
    insteadOf(
      'linked_identities_once',
      () =>
        new ControlError(
          'already_exists',
          `Account ${subject} at ${title} is linked already, to this user or another.`,
        ),
    ),
  );
}

/** As long as a token lives at most, whatever it says itself; the adapter takes none older than a day, give or take the clocks. */
const LONGEST_TOKEN_LIFE = sql`interval '25 hours'`;

/** Ends a session at an issuer for this control plane; again is no harm. What has run out is swept on the way. */
export async function revokeTokenSession(
  { db, tokenVerifier }: AccountDeps,
  context: CallContext,
  { issuer_id, session_id, reason }: { issuer_id: string; session_id: string; reason: string },
): Promise<{ job_id: string }> {
  const { issuer, title } = issuerOf(tokenVerifier, issuer_id);
  return mutate(
    db,
    context,
    {
      action: 'iam.token_sessions.revoke',
      title: `Refuse the tokens of a session at ${title}`,
      permission: 'iam.sessions.revoke',
      target: { type: 'token_session', id: `${issuer_id}:${session_id}` },
      reason,
    },
    async (tx) => {
      await sql`delete from revoked_token_sessions where expires_at < now()`.execute(tx);
      await sql`insert into revoked_token_sessions (issuer, session_id, expires_at)
        values (${issuer}, ${session_id}, now() + ${LONGEST_TOKEN_LIFE})
        on conflict (issuer, session_id) do update set expires_at = excluded.expires_at`.execute(tx);
      return { before: { tokens: 'accepted' }, after: { tokens: 'refused' }, result: {} };
    },
  );
}

function issuerOf(verifier: TokenVerifier | null, issuer_id: string): ConfiguredIssuer {
  const issuer = verifier?.issuers().find((one) => one.issuer_id === issuer_id);
  if (!issuer) throw notFound('token issuer', issuer_id);
  return issuer;
}

async function lockForLinking(tx: Tx, context: CallContext, user_id: string): Promise<void> {
  const user = await lockUser(tx, user_id);
  assertUpkeep('edit', user);
  assertHoldsGrants(
    principalOf(context),
    await grantsOf(tx, user_id),
    `You cannot give ${user.email} another way in: it opens what you may not do yourself`,
  );
}
