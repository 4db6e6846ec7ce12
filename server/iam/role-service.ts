/** Roles: sets of permissions that are given as one. Nobody puts more into a role than they hold everywhere themselves. */
import { sql } from 'kysely';
import { ENDPOINTS } from '#contract/endpoints.ts';
import type { ResponseOf } from '#contract/endpoint.ts';
import type { listEndpoints, listPermissions, Role } from '#contract/iam.ts';
import { PERMISSION_NAMES, PERMISSIONS } from '#contract/permissions.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext, type Principal } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { insteadOf } from './constraint-problems.ts';
import { addedPatterns, assertHoldsUntil, assertKnown, GLOBAL } from './grant-rules.ts';
import { assertRevision } from './revision-rules.ts';
import { lockRole, readRole } from './role-store.ts';

interface RoleContent {
  title: string;
  description: string;
  permissions: string[];
}

const WHY = 'A role can be given to anybody, so it may hold only what you hold everywhere';
const target = (id: string) => ({ type: 'role', id });

/** Every permission with the endpoints that need it. */
export const describePermissions = (): ResponseOf<typeof listPermissions> => ({
  items: PERMISSION_NAMES.map((permission) => ({
    permission,
    description: PERMISSIONS[permission],
    endpoints: ENDPOINTS.filter((endpoint) => endpoint.permission === permission).map(
      ({ method, path }) => `${method} ${path}`,
    ),
  })),
});

/** Every endpoint and what its gate asks for. */
export const describeEndpoints = (): ResponseOf<typeof listEndpoints> => ({
  items: ENDPOINTS.map(({ id, method, path, summary, permission, scope, step_up }) => ({
    id,
    method,
    path,
    summary,
    permission,
    scope: scope === 'none' ? 'platform' : scope === 'filtered' ? 'filtered' : 'named',
    scope_fields: typeof scope === 'object' ? Object.values(scope) : [],
    step_up,
  })),
});

/** Creates a role. */
export async function createRole(
  db: Database,
  context: CallContext,
  {
    role_id,
    reason,
    title,
    description,
    permissions,
  }: RoleContent & { role_id: string; reason?: string | undefined },
): Promise<{ job_id: string; role: Role }> {
  assertKnown(permissions);
  assertHoldsUntil(principalOf(context), permissions, GLOBAL, null, WHY);
  return mutate(
    db,
    context,
    {
      action: 'iam.roles.create',
      title: `Create role ${role_id}`,
      permission: 'iam.roles.create',
      target: target(role_id),
      reason,
    },
    async (tx) => {
      await tx.insertInto('roles').values({ role_id, title, description, permissions }).execute();
      return {
        after: { role_id, title, description, permissions },
        result: { role: await readRole(tx, role_id) },
      };
    },
  ).catch(
    insteadOf('roles_pkey', () => new ControlError('already_exists', `There is a role ${role_id} already.`)),
  );
}

/** Changes the revision of a role that was read. What is added must be held; the rest may stay or go. */
export async function updateRole(
  db: Database,
  context: CallContext,
  roleId: string,
  if_match: number,
  { reason, title, description, permissions }: RoleContent & { reason: string },
): Promise<{ job_id: string; role: Role }> {
  assertKnown(permissions);
  return mutate(
    db,
    context,
    {
      action: 'iam.roles.update',
      title: `Change role ${roleId}`,
      permission: 'iam.roles.update',
      target: target(roleId),
      reason,
    },
    async (tx) => {
      const before = await lockRole(tx, roleId);
      assertOwn(before, 'changed');
      assertRevision('role', before.revision, if_match);
      assertMayHold(principalOf(context), before, permissions);
      await tx
        .updateTable('roles')
        .set({ title, description, permissions, revision: before.revision + 1, updated_at: sql`now()` })
        .where('role_id', '=', roleId)
        .execute();
      const role = await readRole(tx, roleId);
      return { before, after: role, result: { role } };
    },
  );
}

/** Deletes a role that nobody has. */
export async function deleteRole(
  db: Database,
  context: CallContext,
  roleId: string,
  reason: string,
): Promise<{ job_id: string }> {
  return mutate(
    db,
    context,
    {
      action: 'iam.roles.delete',
      title: `Delete role ${roleId}`,
      permission: 'iam.roles.update',
      target: target(roleId),
      reason,
    },
    async (tx) => {
      const before = await lockRole(tx, roleId);
      assertOwn(before, 'deleted');
      const { assignment_count: count } = before;
      if (count > 0) {
        throw new ControlError(
          'conflict',
          `Role ${roleId} is given ${count} ${count === 1 ? 'time' : 'times'}; take it away first.`,
          {
            details: { assignment_count: count },
          },
        );
      }
      // Expired ones count for nothing, and only they are left.
      await tx.deleteFrom('assignments').where('role_id', '=', roleId).execute();
      await tx.deleteFrom('roles').where('role_id', '=', roleId).execute();
      return { before, result: {} };
    },
  );
}

/** Refuses to add to a role what the principal does not hold everywhere and for good. */
export function assertMayHold(principal: Principal, before: Role, permissions: readonly string[]): void {
  assertHoldsUntil(principal, addedPatterns(before.permissions, permissions), GLOBAL, null, WHY);
}

/** Refuses to change or delete a built-in role. */
export function assertOwn({ role_id, built_in }: Role, verb: string): void {
  if (built_in)
    throw new ControlError(
      'action_not_allowed',
      `Role ${role_id} is built in and cannot be ${verb}; create a role of your own.`,
    );
}
