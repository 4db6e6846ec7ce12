import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PERMISSION_NAMES, ROLE_TEMPLATES } from '#contract/permissions.ts';
import {
  addPattern,
  coveredBy,
  grantedPermissions,
  notHeld,
  isPartly,
  permissionTree,
  unknownPatterns,
  type PermissionNode,
} from './permission-tree.ts';

const all = (nodes: PermissionNode[]): PermissionNode[] =>
  nodes.flatMap((node) => [node, ...all(node.children)]);
const anyPattern = fc.constantFrom('*', ...all(permissionTree()).map(({ pattern }) => pattern));

describe('the tree', () => {
  it('has every permission once as a leaf', () => {
    const leaves = all(permissionTree()).filter(({ children }) => children.length === 0);
    expect(leaves.map(({ pattern }) => pattern).sort()).toEqual([...PERMISSION_NAMES].sort());
  });

  it('covers what stands below a wildcard, and nothing else', () => {
    for (const node of all(permissionTree()).filter(({ children }) => children.length > 0)) {
      const below = all(node.children).filter(({ children }) => children.length === 0);
      expect(grantedPermissions([node.pattern]).sort()).toEqual(below.map(({ pattern }) => pattern).sort());
    }
  });
});

describe('choosing', () => {
  it('a wildcard replaces what it covers', () => {
    expect(addPattern(['iam.users.read', 'jobs.view', 'iam.roles.*'], 'iam.*')).toEqual([
      'iam.*',
      'jobs.view',
    ]);
    expect(coveredBy(['iam.*'], 'iam.users.read')).toBe('iam.*');
    expect(coveredBy(['iam.*'], 'iam.*')).toBeNull();
    expect(isPartly(['iam.users.read'], 'iam.*')).toBe(true);
    expect(isPartly(['*'], 'iam.*')).toBe(false);
  });

  it('one more pattern grants exactly what it adds', () => {
    fc.assert(
      fc.property(fc.array(anyPattern), anyPattern, (chosen, pattern) => {
        const expected = new Set([...grantedPermissions(chosen), ...grantedPermissions([pattern])]);
        expect(new Set(grantedPermissions(addPattern(chosen, pattern)))).toEqual(expected);
      }),
    );
  });

  it('names patterns that match nothing any more', () => {
    expect(unknownPatterns(['iam.*', 'billing.read', 'config.*'])).toEqual(['billing.read', 'config.*']);
    for (const { permissions } of Object.values(ROLE_TEMPLATES))
      expect(unknownPatterns(permissions)).toEqual([]);
  });
});

describe('passing on', () => {
  const grant = (permissions: string[], environment: string | null = null) => ({
    role_id: 'r',
    permissions,
    tenant_id: null,
    environment,
  });

  it('needs the whole of a pattern, in the whole of the scope', () => {
    expect(notHeld([grant(['iam.*'])], ['iam.users.*', 'jobs.view'])).toEqual(['jobs.view']);
    expect(notHeld([grant(['iam.users.*'])], ['iam.*'])).toEqual(['iam.*']);
    expect(notHeld([grant([...PERMISSION_NAMES])], ['iam.*'])).toEqual(['iam.*']);
    expect(notHeld([grant(['*'], 'prod')], ['jobs.view'])).toEqual(['jobs.view']);
    expect(notHeld([grant(['*'], 'prod')], ['jobs.view'], { environment: 'prod' })).toEqual([]);
  });
});
