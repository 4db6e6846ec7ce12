/** Users: who they are and whether they may come in. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import { USER_ACTIONS, type User, type UserAction } from '#contract/iam.ts';
import type { Permission } from '#contract/permissions.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { insteadOf } from './constraint-problems.ts';
import { isLastOwner, lockOwnership } from './last-owner.ts';
import { voidOneTimeSecrets } from './one-time-secret-store.ts';
import { acceptPassword } from './password-service.ts';
import { removeAccess } from './removed-access.ts';
import { assertRevision } from './revision-rules.ts';
import { endSessionsOf } from './session-store.ts';
import { lockUser, readUser, USER_COLUMNS } from './user-store.ts';

const emailTaken = (email: string) =>
  insteadOf('users_email', () => new ControlError('already_exists', `Another user has the email ${email}.`));

/** Creates an active user with a first password. */
export async function createUser(
  db: Database,
  context: CallContext,
  {
    email,
    display_name,
    password,
    reason,
  }: { email: string; display_name: string; password: string; reason?: string | undefined },
): Promise<{ job_id: string; user: User }> {
  const password_hash = await acceptPassword(password, { email, display_name }, 'password');
  const user_id = randomUUIDv7();
  const target = { type: 'user', id: user_id };
  return mutate(
    db,
    context,
    {
      action: 'iam.users.create',
      title: `Create user ${email}`,
      permission: 'iam.users.create',
      target,
      reason,
    },
    async (tx) => {
      const user = await tx
        .insertInto('users')
        .values({ user_id, email, display_name, status: 'active', password_hash })
        .returning(USER_COLUMNS)
        .executeTakeFirstOrThrow();
      return { after: { email, display_name, status: user.status }, result: { user } };
    },
  ).catch(emailTaken(email));
}

/** Changes name or email of the revision that was read. */
export async function updateUser(
  db: Database,
  context: CallContext,
  userId: string,
  if_match: number,
  {
    email,
    display_name,
    tags,
    reason,
  }: {
    email?: string | undefined;
    display_name?: string | undefined;
    tags?: string[] | undefined;
    reason?: string | undefined;
  },
): Promise<{ job_id: string; user: User }> {
  if (email === undefined && display_name === undefined && tags === undefined)
    throw new ControlError(
      'unprocessable',
      'There is nothing to change: give a display_name, an email or tags.',
    );
  const target = { type: 'user', id: userId };
  return mutate(
    db,
    context,
    {
      action: 'iam.users.update',
      title: `Change user ${email ?? display_name ?? userId}`,
      permission: 'iam.users.update',
      target,
      reason,
    },
    async (tx) => {
      const before = await lockUser(tx, userId);
      if (before.status === 'deleted') throw new ControlError('not_found', `User ${userId} is deleted.`);
      assertRevision('user', before.revision, if_match);
      const user = await tx
        .updateTable('users')
        .set({
          email: email ?? before.email,
          display_name: display_name ?? before.display_name,
          tags: tags ?? before.tags,
          revision: before.revision + 1,
          updated_at: sql`now()`,
        })
        .where('user_id', '=', userId)
        .returning(USER_COLUMNS)
        .executeTakeFirstOrThrow();
      return { before, after: user, result: { user } };
    },
  ).catch(emailTaken(email ?? ''));
}

const PERMISSION_OF = {
  suspend: 'iam.users.suspend',
  reactivate: 'iam.users.suspend',
  disable: 'iam.users.suspend',
  delete: 'iam.users.delete',
} as const satisfies Record<UserAction, Permission>;

const titled = (action: UserAction) => `${action.charAt(0).toUpperCase()}${action.slice(1)}`;

/** Suspends, reactivates, disables or deletes a user. Whoever is not active afterwards has no session left. */
export async function changeUserStatus(
  db: Database,
  context: CallContext,
  action: UserAction,
  userId: string,
  reason: string,
): Promise<{ job_id: string; user: User; sessions_ended: number }> {
  const { email } = await readUser(db, userId);
  const { to } = USER_ACTIONS[action];
  const target = { type: 'user', id: userId };
  return mutate(
    db,
    context,
    {
      action: `iam.users.${action}`,
      title: `${titled(action)} user ${email}`,
      permission: PERMISSION_OF[action],
      target,
      reason,
    },
    async (tx) => {
      if (to !== 'active') await lockOwnership(tx);
      const before = await lockUser(tx, userId);
      assertAllowed(action, before);
      if (to !== 'active') await assertMayLeave(tx, context, action, before);
      if (to !== 'active') await voidOneTimeSecrets(tx, userId, ['invitation', 'password_reset']);
      const sessions_ended = to === 'active' ? 0 : await endSessionsOf(tx, userId, `User ${to}`);
      const removed = to === 'deleted' ? await removeAccess(tx, userId) : {};
      const user = await tx
        .updateTable('users')
        .set({ status: to, revision: before.revision + 1, updated_at: sql`now()` })
        .where('user_id', '=', userId)
        .returning(USER_COLUMNS)
        .executeTakeFirstOrThrow();
      return { before: { ...before, ...removed }, after: user, result: { user, sessions_ended } };
    },
  );
}

function assertAllowed(action: UserAction, { email, status }: User): void {
  const from: readonly string[] = USER_ACTIONS[action].from;
  if (from.includes(status)) return;
  throw new ControlError(
    'action_not_allowed',
    `${email} is ${status}; to ${action} a user, it must be ${from.join(' or ')}.`,
  );
}

async function assertMayLeave(
  tx: Tx,
  context: CallContext,
  action: UserAction,
  { user_id, email }: User,
): Promise<void> {
  if (principalOf(context).user_id === user_id) {
    throw new ControlError('action_not_allowed', `You cannot ${action} yourself; ask somebody else.`);
  }
  if (await isLastOwner(tx, user_id)) {
    throw new ControlError(
      'action_not_allowed',
      `${email} is the last active owner; make somebody else an owner first.`,
    );
  }
}
