/** Opens and closes the browser session, and says who it is. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Me, User } from '#contract/iam.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext, type Principal } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { Database } from '#server/db/database.ts';
import {
  checkPassword,
  findAccountByEmail,
  type Account,
  type CredentialDeps,
} from './credential-service.ts';
import { hashPassword } from './password-hashing.ts';
import { csrfTokenOf } from './secret-values.ts';
import { endSession, insertSession } from './session-store.ts';
import { readUser, USER_COLUMNS } from './user-store.ts';

const WRONG = 'Email or password is wrong.';

/** Signs in: a new session with a new token, whatever the browser came with. `token` is for the cookie. */
export async function signIn(
  deps: CredentialDeps,
  context: CallContext,
  { email, password }: { email: string; password: string },
): Promise<{ user: User; csrf_token: string; token: string }> {
  // What is no email may be a password in the wrong field: neither looked up nor written down.
  const isEmail = /^[^\s@\0]+@[^\s@\0]+$/.test(email);
  const named = email.toLowerCase();
  const account = await checkPassword(
    deps,
    context,
    {
      action: 'iam.login',
      throttleKey: `login:${named}`,
      target: { type: 'user', id: isEmail ? named : '(not an email)' },
      wrong: WRONG,
    },
    isEmail ? await findAccountByEmail(deps.db, email) : undefined,
    password,
  );
  const password_hash = account.outdated ? await hashPassword(password) : account.password_hash;
  const session_id = randomUUIDv7();
  const { user_id } = account;
  const principal = personOf(account);
  const opened = await mutate(
    deps.db,
    { ...context, principal },
    {
      action: 'iam.login',
      title: `Sign in ${account.email}`,
      permission: 'public',
      target: { type: 'session', id: session_id },
      job: 'none',
    },
    async (tx) => {
      // Suspending and setting a password lock this row and end sessions: whoever is second here sees what the first did.
      const user = await tx
        .updateTable('users')
        .set({ last_sign_in_at: sql`now()`, password_hash })
        .where('user_id', '=', user_id)
        .where('status', '=', 'active')
        .where('password_hash', '=', account.password_hash)
        .returning(USER_COLUMNS)
        .executeTakeFirst();
      if (!user) throw new ControlError('invalid_credentials', WRONG);
      return { result: { user, token: await insertSession(tx, context, session_id, user_id) } };
    },
  );
  await account.succeeded();
  return { user: opened.user, csrf_token: csrfTokenOf(opened.token), token: opened.token };
}

/** Whom the audit log names: the request came from nobody. */
const personOf = ({ user_id, email }: Account): Principal => ({
  type: 'user',
  principal_id: user_id,
  user_id,
  label: email,
  session: null,
  token: null,
  grants: [],
});

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
    async (tx) => ({ result: { ended: await endSession(tx, session_id, 'Signed out') } }),
  );
}

/** Who the caller is and what they may do. */
export async function describeMe(db: Database, context: CallContext): Promise<Me> {
  const { user_id, session, token, grants } = principalOf(context);
  const user = await readUser(db, user_id);
  return {
    user,
    session: session && {
      session_id: session.session_id,
      authenticated_at: session.authenticated_at,
      expires_at: session.expires_at,
    },
    token: token && { ...token },
    grants,
    csrf_token: session?.csrf_token ?? null,
  };
}
