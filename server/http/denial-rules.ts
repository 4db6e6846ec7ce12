/** Pure: how a denial explains itself. */
import { leastRole, type PermissionScope } from '#contract/permission-rules.ts';
import type { Permission } from '#contract/permissions.ts';
import { ControlError } from './control-error.ts';

export type MissingPermission = PermissionScope & { permission: Permission };

/** Says what was missing, where, and the least role that would do. `who` reads on as "… not hold". */
export function permissionDenied(missing: MissingPermission, who: string): ControlError {
  const { permission, tenant_id, environment } = missing;
  const where =
    [tenant_id && `tenant ${tenant_id}`, environment && `environment ${environment}`]
      .filter(Boolean)
      .join(', ') || 'the whole platform';
  const least_role = leastRole(permission);
  return new ControlError(
    'permission_denied',
    `This needs ${permission} for ${where}, which ${who} not hold. The least role that grants it is ${least_role.title}; ask somebody who gives roles for it there.`,
    { details: { missing, least_role } },
  );
}
