/** Who has which role, and where. Nobody gives or takes a role that allows more, there, than they may themselves. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Assignment } from '#contract/iam.ts';
import type { PermissionScope } from '#contract/permission-rules.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { ASSIGNMENT_LIVE, findAssignment } from './assignment-store.ts';
import { insteadOf } from './constraint-problems.ts';
import { assertHolds, assertHoldsUntil, describeScope, scopeOf } from './grant-rules.ts';
import { isLastOwner, lockOwnership } from './last-owner.ts';

interface NewAssignment {
  user_id: string;
  role_id: string;
  tenant_id?: string | null | undefined;
  environment?: string | null | undefined;
  expires_at?: string | null | undefined;
  reason?: string | undefined;
}

/** Gives a role to a user, everywhere or in a scope, for good or until a time. It takes the place of the same one that has expired. */
export async function createAssignment(
  db: Database,
  context: CallContext,
  environmentNames: readonly string[],
  { user_id, role_id, reason, expires_at = null, ...asked }: NewAssignment,
): Promise<{ job_id: string; assignment: Assignment }> {
  const scope = scopeOf(asked, environmentNames);
  const where = describeScope(scope);
  const assignment_id = randomUUIDv7();
  const target = { type: 'assignment', id: assignment_id };
  return mutate(
    db,
    context,
    {
      action: 'iam.assignments.create',
      title: `Give role ${role_id} ${where}`,
      permission: 'iam.roles.assign',
      target,
      ...scope,
      reason,
    },
    async (tx) => {
      const { permissions } = await shareRole(tx, role_id);
      const { email } = await shareUser(tx, user_id);
      await assertFuture(tx, expires_at);
      const why = `You cannot give role ${role_id} ${where}`;
      assertHoldsUntil(principalOf(context), permissions, scope, expires_at, why);
      const created_by = principalOf(context).label;
      await removeExpired(tx, user_id, role_id, scope);
      await tx
        .insertInto('assignments')
        .values({ assignment_id, user_id, role_id, ...scope, expires_at, created_by })
        .execute();
      const given = await findAssignment(tx, assignment_id);
      if (!given) throw notFound('assignment', assignment_id);
      return {
        after: { user_id, user_email: email, role_id, ...scope, expires_at, permissions },
        result: { assignment: given },
      };
    },
  ).catch(
    insteadOf(
      'assignments_once',
      () => new ControlError('already_exists', `The user has role ${role_id} ${where} already.`),
    ),
  );
}

/** Takes a role away; the last owner keeps theirs. */
export async function deleteAssignment(
  db: Database,
  context: CallContext,
  assignmentId: string,
  reason: string,
): Promise<{ job_id: string }> {
  const named = await findAssignment(db, assignmentId);
  if (!named) throw notFound('assignment', assignmentId);
  const { tenant_id, environment } = named;
  const where = describeScope(named);
  const title = `Take role ${named.role_id} ${where} from ${named.user_email}`;
  const target = { type: 'assignment', id: assignmentId };
  return mutate(
    db,
    context,
    {
      action: 'iam.assignments.delete',
      title,
      permission: 'iam.roles.assign',
      target,
      tenant_id,
      environment,
      reason,
    },
    async (tx) => {
      await lockOwnership(tx);
      const { permissions } = await shareRole(tx, named.role_id);
      assertHolds(
        principalOf(context),
        permissions,
        { tenant_id, environment },
        `You cannot take role ${named.role_id} ${where}`,
      );
      await assertOwnerLeft(tx, named);
      const removed = await tx
        .deleteFrom('assignments')
        .where('assignment_id', '=', assignmentId)
        .returning('assignment_id')
        .executeTakeFirst();
      if (!removed) throw notFound('assignment', assignmentId);
      const { user_id, user_email, role_id, expires_at } = named;
      return {
        before: { user_id, user_email, role_id, tenant_id, environment, expires_at, permissions },
        result: {},
      };
    },
  );
}

/** Refuses with `conflict` to take the role from the last active owner that lasts. */
export async function assertOwnerLeft(tx: Database, assignment: Assignment): Promise<void> {
  const { role_id, tenant_id, environment, state, user_id, user_email } = assignment;
  const owns = role_id === 'owner' && tenant_id === null && environment === null && state === 'lasting';
  if (owns && (await isLastOwner(tx, user_id)))
    throw new ControlError(
      'conflict',
      `${user_email} is the last active owner whose role does not expire; make somebody else an owner for good first.`,
    );
}

/** Refuses an end that has passed already, by the clock that will end it. */
export async function assertFuture(db: Database, expires_at: string | null): Promise<void> {
  if (expires_at === null) return;
  const { rows } = await sql<{ past: boolean }>`select ${expires_at}::timestamptz <= now() as past`.execute(
    db,
  );
  if (rows[0]?.past)
    throw new ControlError('unprocessable', `${expires_at} has passed already; a role ends in the future.`, {
      errors: [{ in: 'body', pointer: '/expires_at', message: 'must be in the future' }],
    });
}

async function removeExpired(
  tx: Tx,
  userId: string,
  roleId: string,
  { tenant_id, environment }: PermissionScope,
): Promise<void> {
  await sql`delete from assignments a where a.user_id = ${userId}::uuid and a.role_id = ${roleId}
    and a.tenant_id is not distinct from ${tenant_id} and a.environment is not distinct from ${environment} and not ${ASSIGNMENT_LIVE}`.execute(
    tx,
  );
}

/** The role, which neither changes nor goes until the transaction ends. */
export async function shareRole(tx: Tx, roleId: string): Promise<{ permissions: string[] }> {
  const role = await tx
    .selectFrom('roles')
    .select('permissions')
    .where('role_id', '=', roleId)
    .forShare()
    .executeTakeFirst();
  if (!role) throw notFound('role', roleId);
  return role;
}

/** The user, who is not deleted and will not be until the transaction ends. */
async function shareUser(tx: Tx, userId: string): Promise<{ email: string }> {
  const user = await tx
    .selectFrom('users')
    .select('email')
    .where('user_id', '=', userId)
    .where('status', '<>', 'deleted')
    .forShare()
    .executeTakeFirst();
  if (!user) throw notFound('user', userId);
  return user;
}
