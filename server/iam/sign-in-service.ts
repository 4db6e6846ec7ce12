/** Opens and closes the browser session, and says who it is. */
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import type { Me } from '#contract/iam.ts';
import { recordEvent } from '#server/audit/audit-store.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { AccountDeps } from './account-deps.ts';
import { checkPassword, findAccount, findAccountByEmail, signInThrottleKey } from './credential-service.ts';
import { verifyAuthentication } from './passkey-service.ts';
import { hashPassword } from './password-hashing.ts';
import { readImpersonation } from './impersonation-store.ts';
import { openSession, type TakenStep } from './session-opening.ts';
import { endSession } from './session-store.ts';
import { readUserOfAnyKind } from './user-store.ts';

const WRONG = 'Email or password is wrong.';

/** Signs in by email and password: the first step, often the only one. */
export async function signIn(
  deps: AccountDeps,
  context: CallContext,
  { email, password }: { email: string; password: string },
): Promise<TakenStep> {
  // What is no email may be a password in the wrong field: neither looked up nor written down.
  const isEmail = /^[^\s@\0]+@[^\s@\0]+$/.test(email);
  const named = email.toLowerCase();
  const found = isEmail ? await findAccountByEmail(deps.db, email) : undefined;
  const account = await checkPassword(
    deps,
    context,
    {
      action: 'iam.login',
      throttleKey: await signInThrottleKey(deps.db, named, found, context.ip),
      target: { type: 'user', id: isEmail ? named : '(not an email)' },
      wrong: WRONG,
    },
    found,
    password,
  );
  const password_hash = account.outdated ? await hashPassword(password) : account.password_hash;
  return openSession(deps, context, account, 'password', {
    action: 'iam.login',
    wrong: WRONG,
    claim: async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('users')
        .set({ password_hash })
        .where('user_id', '=', account.user_id)
        .where('password_hash', '=', account.password_hash)
        .executeTakeFirst();
      if (numUpdatedRows !== 1n) throw new ControlError('invalid_credentials', WRONG);
    },
  });
}

/** Signs in by a passkey, whoever's it is. */
export async function signInWithPasskey(
  deps: AccountDeps,
  context: CallContext,
  passkey: AuthenticationResponseJSON,
): Promise<TakenStep> {
  const wrong = 'This passkey is not known here, or was not accepted.';
  const action = 'iam.login.passkey';
  const proven = await deps.db
    .transaction()
    .execute((tx) => verifyAuthentication(deps, tx, 'passkey_sign_in', null, passkey));
  const refuse = async (cause: string): Promise<never> => {
    const target = { type: 'passkey', id: passkey.id.slice(0, 64) };
    await recordEvent(deps.db, context, { action, outcome: 'failed', target, details: { cause } });
    throw new ControlError('invalid_credentials', wrong);
  };
  if ('fault' in proven) return refuse(proven.fault);
  const account = await findAccount(deps.db, proven.user_id);
  if (account?.status !== 'active') return refuse(`user_${account?.status ?? 'unknown'}`);
  return openSession(deps, context, account, 'passkey', { action, wrong });
}

/** Ends the session that asks. An API token has none to end. */
export async function signOut(db: Database, context: CallContext): Promise<{ ended: boolean }> {
  const { session, label } = principalOf(context);
  if (!session) return { ended: false };
  const { session_id } = session;
  return mutate(
    db,
    context,
    {
      action: 'iam.logout',
      title: `Sign out ${label}`,
      permission: 'authenticated',
      target: { type: 'session', id: session_id },
      job: 'none',
    },
    async (tx) => ({
      before: { state: 'active' },
      after: { state: 'revoked' },
      result: { ended: await endSession(tx, session_id, 'Signed out') },
    }),
  );
}

/** Who the caller is and what they may do. */
export async function describeMe(db: Database, context: CallContext): Promise<Me> {
  const { user_id, session, token, grants, impersonation } = principalOf(context);
  const [user, acting] = await Promise.all([
    readUserOfAnyKind(db, user_id),
    impersonation && readImpersonation(db, impersonation.impersonation_id),
  ]);
  return {
    user,
    session: session && {
      session_id: session.session_id,
      client: session.client,
      authenticated_at: session.authenticated_at,
      expires_at: session.expires_at,
    },
    token: token && { ...token },
    grants,
    impersonation: acting,
    csrf_token: session?.csrf_token ?? null,
  };
}
