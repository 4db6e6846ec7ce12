/** Pure: nobody gives what they do not hold, and every permission that is given is one that exists. */
import type { Grant } from '#contract/iam.ts';
import { permissionMatches, type PermissionScope } from '#contract/permission-rules.ts';
import { PERMISSION_NAMES, type Permission } from '#contract/permissions.ts';
import { mayDo, type Principal } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';

/** Everywhere. */
export const GLOBAL: PermissionScope = { tenant_id: null, environment: null };

type Missing = PermissionScope & { permission: string };

/** The patterns that the principal does not hold in this scope. One held pattern must cover all of a given one: `iam.*` covers `iam.users.*`. */
function missingOf(principal: Principal, patterns: readonly string[], scope: PermissionScope): Missing[] {
  return patterns
    .filter((pattern) => !mayDo(principal, pattern as Permission, scope))
    .map((permission) => ({ permission, ...scope }));
}

function refuse(missing: Missing[], why: string): void {
  if (missing.length === 0) return;
  const named = [...new Set(missing.map(({ permission }) => permission))].join(', ');
  throw new ControlError('permission_denied', `${why}. You do not hold ${named} there.`, {
    details: { missing },
  });
}

/** Refuses with `permission_denied`, naming what is missing, unless the principal holds all of the patterns in the scope. */
export function assertHolds(
  principal: Principal,
  patterns: readonly string[],
  scope: PermissionScope,
  why: string,
): void {
  refuse(missingOf(principal, patterns, scope), why);
}

/**
 * The same for something that is to last until a time (null = for good): what the principal holds themselves for less long does not
 * count, or a role for a day could be made into one for ever.
 */
export function assertHoldsUntil(
  principal: Principal,
  patterns: readonly string[],
  scope: PermissionScope,
  until: string | null,
  why: string,
): void {
  assertHolds(principal, patterns, scope, why);
  const lasting = principal.grants.filter(
    ({ expires_at }) => expires_at === null || outlasts(expires_at, until),
  );
  const missing = missingOf({ ...principal, grants: lasting }, patterns, scope);
  refuse(missing, `${why} ${until === null ? 'for good' : `until ${until}`}: your own role ends before`);
}

const outlasts = (expires_at: string, until: string | null): boolean =>
  until !== null && Date.parse(expires_at) >= Date.parse(until);

/** The same for what somebody was granted, each grant in its own scope. */
export function assertHoldsGrants(principal: Principal, grants: readonly Grant[], why: string): void {
  refuse(
    grants.flatMap(({ permissions, tenant_id, environment }) =>
      missingOf(principal, permissions, { tenant_id, environment }),
    ),
    why,
  );
}

/** The patterns that a role gets and no pattern that it has covers. */
export function addedPatterns(before: readonly string[], after: readonly string[]): string[] {
  return after.filter((pattern) => !before.some((held) => permissionMatches(held, pattern)));
}

/** Refuses with `unprocessable` patterns that match no permission there is. */
export function assertKnown(patterns: readonly string[]): void {
  const errors = patterns.flatMap((pattern, index) =>
    PERMISSION_NAMES.some((permission) => permissionMatches(pattern, permission))
      ? []
      : [
          {
            in: 'body' as const,
            pointer: `/permissions/${index}`,
            message: `There is no permission ${pattern}`,
          },
        ],
  );
  if (errors.length > 0)
    throw new ControlError('unprocessable', `${errors.map(({ message }) => message).join('; ')}.`, {
      errors,
    });
}

/** The scope of a request, checked: its environment, if any, is one that is configured. */
export function scopeOf(
  {
    tenant_id = null,
    environment = null,
  }: { tenant_id?: string | null | undefined; environment?: string | null | undefined },
  environmentNames: readonly string[],
): PermissionScope {
  if (environment !== null && !environmentNames.includes(environment)) {
    throw new ControlError(
      'unknown_environment',
      `There is no environment ${environment}; there are ${environmentNames.join(', ')}.`,
    );
  }
  return { tenant_id, environment };
}

/** A scope in words. */
export function describeScope({ tenant_id, environment }: PermissionScope): string {
  if (tenant_id === null && environment === null) return 'everywhere';
  if (tenant_id === null) return `in ${environment}`;
  return environment === null ? `for tenant ${tenant_id}` : `for tenant ${tenant_id} in ${environment}`;
}
