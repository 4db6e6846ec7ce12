/** Gives passwords: to a new user, to somebody else, to oneself. */
import { sql } from 'kysely';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { commonPasswords } from './common-passwords.ts';
import { checkPassword, findAccount, type CredentialDeps } from './credential-service.ts';
import { assertHoldsGrants } from './grant-rules.ts';
import { hashPassword } from './password-hashing.ts';
import { passwordFault, type PasswordOwner } from './password-rules.ts';
import { endSessionsOf } from './session-store.ts';
import { assertUpkeep } from './user-state-rules.ts';
import { grantsOf, lockUser, readUser } from './user-store.ts';

/** The diff of an audit event names the field and hides both values. */
const PASSWORD_CHANGED = { before: { password: 'old' }, after: { password: 'new' } };

/** The hash to keep of a new password; `unprocessable` when it is too easy to guess. `field` is the request's. */
export async function acceptPassword(password: string, owner: PasswordOwner, field: string): Promise<string> {
  const fault = passwordFault(password, owner, await commonPasswords());
  if (fault === null) return hashPassword(password);
  throw new ControlError('unprocessable', fault, {
    errors: [{ in: 'body', pointer: `/${field}`, message: fault }],
  });
}

const writePassword = (tx: Tx, user_id: string, password_hash: string) =>
  tx
    .updateTable('users')
    .set({ password_hash, updated_at: sql`now()` })
    .where('user_id', '=', user_id)
    .execute();

/**
 * Sets a user's password and ends all of their sessions. It opens everything that the user may do, so the caller must hold all of it:
 * otherwise an admin could sign in as an owner.
 */
export async function setUserPassword(
  db: Database,
  context: CallContext,
  userId: string,
  { new_password, reason }: { new_password: string; reason: string },
): Promise<{ job_id: string; sessions_ended: number }> {
  const { email, display_name } = await readUser(db, userId);
  const password_hash = await acceptPassword(new_password, { email, display_name }, 'new_password');
  return mutate(
    db,
    context,
    {
      action: 'iam.users.set_password',
      title: `Set the password of ${email}`,
      permission: 'iam.users.update',
      target: { type: 'user', id: userId },
      reason,
    },
    async (tx) => {
      const user = await lockUser(tx, userId);
      if (user.status === 'deleted') throw new ControlError('not_found', `User ${userId} is deleted.`);
      assertUpkeep('set_password', user);
      assertHoldsGrants(
        principalOf(context),
        await grantsOf(tx, userId),
        `You cannot set the password of ${user.email}: it opens what you may not do yourself`,
      );
      await writePassword(tx, userId, password_hash);
      return {
        ...PASSWORD_CHANGED,
        result: { sessions_ended: await endSessionsOf(tx, userId, 'Password set by an administrator') },
      };
    },
  );
}

/** Changes the caller's own password and ends their other sessions. */
export async function changeOwnPassword(
  deps: CredentialDeps,
  context: CallContext,
  { current_password, new_password }: { current_password: string; new_password: string },
): Promise<{ job_id: string }> {
  const { session, user_id, label } = principalOf(context);
  if (!session)
    throw new ControlError(
      'permission_denied',
      'An API token cannot change a password; sign in with a browser for this.',
    );
  const target = { type: 'user', id: user_id };
  await checkPassword(
    deps,
    context,
    {
      action: 'iam.me.change_password',
      throttleKey: `step_up:${user_id}`,
      target,
      wrong: 'The current password is wrong.',
    },
    await findAccount(deps.db, user_id),
    current_password,
  );
  const { email, display_name } = await readUser(deps.db, user_id);
  const password_hash = await acceptPassword(new_password, { email, display_name }, 'new_password');
  return mutate(
    deps.db,
    context,
    {
      action: 'iam.me.change_password',
      title: `Change the password of ${label}`,
      permission: 'authenticated',
      target,
    },
    async (tx) => {
      await lockUser(tx, user_id);
      await writePassword(tx, user_id, password_hash);
      await endSessionsOf(tx, user_id, 'Password changed', session.session_id);
      return { ...PASSWORD_CHANGED, result: {} };
    },
  );
}
