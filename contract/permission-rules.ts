/**
 * The permission decision: one pure function that the server's gate and the UI's disabled reasons both call, so that a button is
 * enabled exactly when its request would pass. A grant is a role as given to somebody somewhere: permissions and wildcards, in a
 * tenant (null = every tenant), in an environment (null = every environment). Nothing is denied by rule: what no grant allows is denied.
 */
import { PERMISSION_NAMES, ROLE_TEMPLATES, type Permission } from './permissions.ts';

/** What the decision reads of a grant; `Grant` of the contract fits. */
export interface PermissionGrant {
  permissions: readonly string[];
  tenant_id: string | null;
  environment: string | null;
}

/** Where something is to be done. An absent or null field means all of them: only a grant for all of them passes. */
export interface PermissionTarget {
  tenant_id?: string | null | undefined;
  environment?: string | null | undefined;
}

export interface PermissionScope {
  tenant_id: string | null;
  environment: string | null;
}

export type PermissionDecision<G extends PermissionGrant = PermissionGrant> =
  | { allowed: true; grant: G }
  | { allowed: false; missing: PermissionScope & { permission: Permission } };

/**
 * Whether a pattern of a role covers a permission. `*` covers all, `iam.*` all below `iam.`, and anything else only itself: a
 * wildcard stands for whole segments at the end. Also answers whether one pattern covers another (`iam.*` covers `iam.users.*`).
 */
export function permissionMatches(pattern: string, permission: string): boolean {
  if (pattern === '*' || pattern === permission) return true;
  return (
    pattern.endsWith('.*') &&
    permission.length >= pattern.length &&
    permission.startsWith(pattern.slice(0, -1))
  );
}

const holds = (grant: PermissionGrant, permission: string) =>
  grant.permissions.some((pattern) => permissionMatches(pattern, permission));

const covers = (granted: string | null, wanted: string | null) => granted === null || granted === wanted;

/** Whether the grants allow a permission at a target; a denial names what was missing. */
export function decide<G extends PermissionGrant>(
  grants: readonly G[],
  permission: Permission,
  target: PermissionTarget = {},
): PermissionDecision<G> {
  const tenant_id = target.tenant_id ?? null;
  const environment = target.environment ?? null;
  const grant = grants.find(
    (candidate) =>
      covers(candidate.tenant_id, tenant_id) &&
      covers(candidate.environment, environment) &&
      holds(candidate, permission),
  );
  return grant
    ? { allowed: true, grant }
    : { allowed: false, missing: { permission, tenant_id, environment } };
}

/**
 * Where the grants allow a permission: everywhere, or in these scopes (none = nowhere). A scope inside another one is left out, so
 * the list is the shortest filter that says the same.
 */
export function scopesOf(
  grants: readonly PermissionGrant[],
  permission: Permission,
): { all: true } | { all: false; scopes: PermissionScope[] } {
  const scopes: PermissionScope[] = [];
  const inside = (inner: PermissionScope, outer: PermissionScope) =>
    covers(outer.tenant_id, inner.tenant_id) && covers(outer.environment, inner.environment);
  for (const grant of grants.filter((candidate) => holds(candidate, permission))) {
    const scope = { tenant_id: grant.tenant_id, environment: grant.environment };
    if (scope.tenant_id === null && scope.environment === null) return { all: true };
    if (scopes.some((outer) => inside(scope, outer))) continue;
    const wider = scopes.filter((inner) => !inside(inner, scope));
    scopes.splice(0, scopes.length, ...wider, scope);
  }
  return { all: false, scopes };
}

/**
 * What nobody reaches while acting as another user: who has access, the log of what was done, who approved it, and secrets. A
 * permission that comes later falls under it by its domain.
 */
export const NEVER_WHILE_ACTING = ['iam.*', 'approvals.*', 'audit.*', 'secrets.*'] as const;

export const neverWhileActing = (permission: string): boolean =>
  NEVER_WHILE_ACTING.some((pattern) => permissionMatches(pattern, permission));

/** What grants allow to somebody who acts as their holder. Wildcards become what they stand for, less what is never allowed. */
export function actingGrants<G extends PermissionGrant>(
  grants: readonly G[],
): (G & { permissions: Permission[] })[] {
  return grants
    .map((grant) => ({
      ...grant,
      permissions: PERMISSION_NAMES.filter((name) => holds(grant, name) && !neverWhileActing(name)),
    }))
    .filter(({ permissions }) => permissions.length > 0);
}

/** Every pattern that covers a permission: `a.b.c`, `a.b.*`, `a.*`, `*`. */
export function coveringPatterns(permission: Permission): string[] {
  const segments = permission.split('.');
  const wildcards = segments.slice(1).map((_, index) => `${segments.slice(0, index + 1).join('.')}.*`);
  return ['*', ...wildcards, permission];
}

/**
 * The role template that allows the least of those that allow a permission; break-glass is for emergencies and never named. Templates
 * are in the documentation, so this tells nobody which roles others have made.
 */
export function leastRole(permission: Permission): { role_id: string; title: string } {
  const size = (patterns: readonly string[]) =>
    PERMISSION_NAMES.filter((name) => patterns.some((pattern) => permissionMatches(pattern, name))).length;
  const [least] = Object.entries(ROLE_TEMPLATES)
    .filter(([role_id]) => role_id !== 'break-glass')
    .filter(([, { permissions }]) => permissions.some((pattern) => permissionMatches(pattern, permission)))
    .toSorted(([, a], [, b]) => size(a.permissions) - size(b.permissions));
  const [role_id, { title }] = least ?? ['owner', ROLE_TEMPLATES.owner];
  return { role_id, title };
}
