/** Pure: what assignments add up to, permission by permission, and what a change of them gives and takes. */
import type { EffectivePermissions, PermissionReason, ScopedPermission } from '#contract/iam.ts';
import {
  permissionMatches,
  scopesOf,
  type PermissionGrant,
  type PermissionScope,
} from '#contract/permission-rules.ts';
import { PERMISSION_NAMES, PERMISSIONS } from '#contract/permissions.ts';

/** A live assignment with what its role holds. */
export interface HeldRole extends PermissionScope {
  assignment_id: string;
  role_id: string;
  role_title: string;
  permissions: readonly string[];
  expires_at: string | null;
}

const patternFor = (patterns: readonly string[], permission: string): string | null =>
  patterns.find((pattern) => permissionMatches(pattern, permission)) ?? null;

/** What both scopes cover; undefined = nothing. */
function overlap(a: PermissionScope, b: PermissionScope): PermissionScope | undefined {
  const narrow = (left: string | null, right: string | null) =>
    left === null ? right : right === null || left === right ? left : undefined;
  const tenant_id = narrow(a.tenant_id, b.tenant_id);
  const environment = narrow(a.environment, b.environment);
  return tenant_id === undefined || environment === undefined ? undefined : { tenant_id, environment };
}

const width = ({ tenant_id, environment }: PermissionScope) => (tenant_id ? 2 : 0) + (environment ? 1 : 0);

/** Every permission that the roles grant, each with all assignments that do, within the limits of a token if there is one. */
export function explainPermissions(
  held: readonly HeldRole[],
  token: PermissionGrant | null,
): EffectivePermissions['items'] {
  return PERMISSION_NAMES.flatMap((permission) => {
    const token_pattern = token && patternFor(token.permissions, permission);
    if (token && token_pattern === null) return [];
    const reasons = held.flatMap(({ permissions, ...role }): PermissionReason[] => {
      const pattern = patternFor(permissions, permission);
      const scope = token ? overlap(role, token) : role;
      if (pattern === null || scope === undefined) return [];
      const { tenant_id, environment } = scope;
      return [{ ...role, pattern, token_pattern, tenant_id, environment }];
    });
    if (reasons.length === 0) return [];
    return [
      {
        permission,
        description: PERMISSIONS[permission],
        reasons: reasons.toSorted((a, b) => width(a) - width(b)),
      },
    ];
  });
}

const covered = (inner: PermissionScope, outer: readonly PermissionScope[]) =>
  outer.some(
    ({ tenant_id, environment }) =>
      (tenant_id === null || tenant_id === inner.tenant_id) &&
      (environment === null || environment === inner.environment),
  );

/** What `after` allows and `before` does not, and the other way round; each in the widest scopes that say so. */
export function compareGrants(
  before: readonly PermissionGrant[],
  after: readonly PermissionGrant[],
): { gains: ScopedPermission[]; loses: ScopedPermission[] } {
  const scopesIn = (grants: readonly PermissionGrant[], permission: (typeof PERMISSION_NAMES)[number]) => {
    const found = scopesOf(grants, permission);
    return found.all ? [{ tenant_id: null, environment: null }] : found.scopes;
  };
  const beyond = (more: readonly PermissionGrant[], less: readonly PermissionGrant[]) =>
    PERMISSION_NAMES.flatMap((permission) => {
      const known = scopesIn(less, permission);
      return scopesIn(more, permission)
        .filter((scope) => !covered(scope, known))
        .map((scope) => ({ permission, ...scope }));
    });
  return { gains: beyond(after, before), loses: beyond(before, after) };
}
