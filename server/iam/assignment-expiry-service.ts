/** Changing when an assignment ends: later, sooner, or not at all. Nobody lets a role last longer than they hold it themselves. */
import type { AccessPreview, Assignment } from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { blockersOf, previewOfGivenRole } from './access-service.ts';
import { assertFuture, assertOwnerLeft, shareRole } from './assignment-service.ts';
import { findAssignment } from './assignment-store.ts';
import { assertHoldsUntil, describeScope } from './grant-rules.ts';
import { lockOwnership } from './last-owner.ts';

const readAssignment = async (db: Database, assignmentId: string): Promise<Assignment> => {
  const found = await findAssignment(db, assignmentId);
  if (!found) throw notFound('assignment', assignmentId);
  return found;
};

/** Gives an assignment another end. One that has ended counts again, like a role that is given anew. */
export async function changeAssignmentExpiry(
  db: Database,
  context: CallContext,
  assignmentId: string,
  { expires_at, reason }: { expires_at: string | null; reason: string },
): Promise<{ job_id: string; assignment: Assignment }> {
  const { role_id, user_email, tenant_id, environment } = await readAssignment(db, assignmentId);
  return mutate(
    db,
    context,
    {
      action: 'iam.assignments.change_expiry',
      title: `Change when role ${role_id} of ${user_email} ends`,
      permission: 'iam.roles.assign',
      target: { type: 'assignment', id: assignmentId },
      tenant_id,
      environment,
      reason,
    },
    async (tx) => {
      await lockOwnership(tx);
      const { permissions } = await shareRole(tx, role_id);
      await tx
        .selectFrom('assignments')
        .select('assignment_id')
        .where('assignment_id', '=', assignmentId)
        .forUpdate()
        .execute();
      const before = await readAssignment(tx, assignmentId);
      await assertMayChange(tx, context, before, permissions, expires_at);
      await tx
        .updateTable('assignments')
        .set({ expires_at })
        .where('assignment_id', '=', assignmentId)
        .execute();
      const assignment = await readAssignment(tx, assignmentId);
      return { before: shown(before), after: shown(assignment), result: { assignment } };
    },
  );
}

/** What would be gained: nothing but by one that has ended. The checks are those of the change. */
export async function previewAssignmentExpiry(
  db: Database,
  context: CallContext,
  assignmentId: string,
  { expires_at }: { expires_at: string | null },
): Promise<AccessPreview> {
  const named = await readAssignment(db, assignmentId);
  const { role_id, user_id, tenant_id, environment } = named;
  return previewOfGivenRole(db, { user_id, role_id, tenant_id, environment, expires_at }, (permissions) =>
    blockersOf([() => assertMayChange(db, context, named, permissions, expires_at)]),
  );
}

async function assertMayChange(
  db: Database,
  context: CallContext,
  named: Assignment,
  permissions: readonly string[],
  expires_at: string | null,
): Promise<void> {
  const { role_id, tenant_id, environment } = named;
  if (sameTime(named.expires_at, expires_at))
    throw new ControlError(
      'unprocessable',
      `Role ${role_id} ${expires_at === null ? 'lasts' : 'ends then'} already.`,
    );
  await assertFuture(db, expires_at);
  const why = `You cannot let role ${role_id} ${describeScope(named)} go on`;
  assertHoldsUntil(principalOf(context), permissions, { tenant_id, environment }, expires_at, why);
  // An owner for a while is not one that lasts.
  if (expires_at !== null) await assertOwnerLeft(db, named);
}

const sameTime = (a: string | null, b: string | null): boolean =>
  a === null || b === null ? a === b : Date.parse(a) === Date.parse(b);

/** What the audit log keeps. */
const shown = ({ user_email, role_id, tenant_id, environment, expires_at, state }: Assignment) => ({
  user_email,
  role_id,
  tenant_id,
  environment,
  expires_at,
  state,
});
