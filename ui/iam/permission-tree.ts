/** Choosing permissions: the tree of domains and resources with their wildcards, and what a choice grants. Pure. */
import {
  decide,
  permissionMatches,
  type PermissionGrant,
  type PermissionTarget,
} from '#contract/permission-rules.ts';
import { PERMISSION_NAMES, PERMISSIONS, type Permission } from '#contract/permissions.ts';

export interface PermissionNode {
  /** What a role holds when this is chosen: `iam.*`, `iam.users.*`, `iam.users.read`. */
  pattern: string;
  /** Last part of the name, or the domain. */
  label: string;
  /** What it allows; null for a wildcard. */
  description: string | null;
  children: PermissionNode[];
}

/** The permissions as a tree of their segments. */
export function permissionTree(names: readonly Permission[] = PERMISSION_NAMES): PermissionNode[] {
  const grow = (prefix: string, within: readonly Permission[]): PermissionNode[] => {
    const heads = [...new Set(within.map((name) => name.slice(prefix.length).split('.')[0] ?? ''))];
    return heads.flatMap((head): PermissionNode[] => {
      const path = `${prefix}${head}`;
      if (within.includes(path as Permission))
        return [{ pattern: path, label: head, description: PERMISSIONS[path as Permission], children: [] }];
      const inside = within.filter((name) => name.startsWith(`${path}.`));
      const children = grow(`${path}.`, inside);
      return [{ pattern: `${path}.*`, label: head, description: null, children }];
    });
  };
  return grow('', names);
}

/** A choice with one more pattern: what the new one covers is dropped. */
export const addPattern = (chosen: readonly string[], pattern: string): string[] =>
  [...chosen.filter((one) => !permissionMatches(pattern, one)), pattern].sort();

/** The chosen pattern that covers a pattern other than itself; null = none. */
export const coveredBy = (chosen: readonly string[], pattern: string): string | null =>
  chosen.find((one) => one !== pattern && permissionMatches(one, pattern)) ?? null;

/** Whether a wildcard is chosen in part: something below it is chosen, itself is not. */
export const isPartly = (chosen: readonly string[], pattern: string): boolean =>
  !chosen.some((one) => permissionMatches(one, pattern)) &&
  chosen.some((one) => permissionMatches(pattern, one));

/** Every permission of today that the patterns grant, in the order of the contract. */
export const grantedPermissions = (patterns: readonly string[]): Permission[] =>
  PERMISSION_NAMES.filter((name) => patterns.some((pattern) => permissionMatches(pattern, name)));

/** Patterns that match nothing of today: from a newer or an older version. */
export const unknownPatterns = (patterns: readonly string[]): string[] =>
  patterns.filter((pattern) => !PERMISSION_NAMES.some((name) => permissionMatches(pattern, name)));

/**
 * The patterns that somebody does not hold in a scope, so that they cannot pass them on there. A wildcard is held by a wildcard that
 * covers it; single permissions do not add up to one, because tomorrow's would be missing. The server decides by the same function.
 */
export const notHeld = (
  grants: readonly PermissionGrant[],
  patterns: readonly string[],
  scope: PermissionTarget = {},
): string[] => patterns.filter((pattern) => !decide(grants, pattern as Permission, scope).allowed);
