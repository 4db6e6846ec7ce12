import { newEnforcer, newModelFromString } from 'casbin';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, permissionMatches, scopesOf, type PermissionGrant } from './permission-rules.ts';
import { PERMISSION_NAMES, PERMISSION_PATTERN, ROLE_TEMPLATES, type Permission } from './permissions.ts';

const grant = (
  permissions: string[],
  tenant_id: string | null = null,
  environment: string | null = null,
): PermissionGrant => ({ permissions, tenant_id, environment });

describe('a pattern', () => {
  it.each([
    ['*', 'tenants.read', true],
    ['iam.*', 'iam.users.read', true],
    ['iam.users.*', 'iam.users.read', true],
    ['iam.users.read', 'iam.users.read', true],
    ['iam.users.*', 'iam.roles.read', false],
    ['iam.*', 'iamx.users.read', false],
    ['iam.*', 'iam', false],
    ['iam.*', 'iam.', false],
    ['iam.users', 'iam.users.read', false],
    ['iam.us*', 'iam.users.read', false],
    ['*.read', 'tenants.read', false],
    ['', 'tenants.read', false],
  ])('%s against %s: %s', (pattern, permission, expected) => {
    expect(permissionMatches(pattern, permission)).toBe(expected);
  });

  it('covers a narrower pattern and not a wider one', () => {
    expect(permissionMatches('iam.*', 'iam.users.*')).toBe(true);
    expect(permissionMatches('*', 'iam.*')).toBe(true);
    expect(permissionMatches('iam.users.*', 'iam.*')).toBe(false);
    expect(permissionMatches('iam.*', '*')).toBe(false);
  });
});

describe('the decision', () => {
  it('denies without grants and names what was missing', () => {
    expect(decide([], 'scale.migrate', { tenant_id: 'acme', environment: 'prod' })).toEqual({
      allowed: false,
      missing: { permission: 'scale.migrate', tenant_id: 'acme', environment: 'prod' },
    });
  });

  it('answers the grant that allowed', () => {
    const [other, right] = [grant(['audit.view']), grant(['scale.*'], 'acme')];
    expect(decide([other, right], 'scale.migrate', { tenant_id: 'acme' })).toEqual({
      allowed: true,
      grant: right,
    });
  });

  it('does not let a scoped grant do something on the whole platform', () => {
    expect(decide([grant(['*'], 'acme')], 'tenants.create').allowed).toBe(false);
    expect(decide([grant(['*'], null, 'dev')], 'tenants.create').allowed).toBe(false);
    expect(decide([grant(['*'], null, 'dev')], 'tenants.read', { tenant_id: 'acme' }).allowed).toBe(false);
  });

  it('needs tenant and environment of one grant to fit, never of two', () => {
    const grants = [grant(['*'], 'acme', 'dev'), grant(['*'], 'other', 'prod')];
    expect(decide(grants, 'scale.migrate', { tenant_id: 'acme', environment: 'prod' }).allowed).toBe(false);
    expect(decide(grants, 'scale.migrate', { tenant_id: 'acme', environment: 'dev' }).allowed).toBe(true);
  });
});

describe('the scopes of a permission', () => {
  it('are all of them with one global grant', () => {
    expect(scopesOf([grant(['tenants.*'], 'acme'), grant(['tenants.read'])], 'tenants.read')).toEqual({
      all: true,
    });
  });

  it('leave out what is inside another', () => {
    const grants = [
      grant(['tenants.read'], 'acme', 'prod'),
      grant(['tenants.read'], null, 'prod'),
      grant(['tenants.read'], 'acme', 'dev'),
      grant(['tenants.read'], 'acme', 'dev'),
      grant(['jobs.view']),
    ];
    expect(scopesOf(grants, 'tenants.read')).toEqual({
      all: false,
      scopes: [
        { tenant_id: null, environment: 'prod' },
        { tenant_id: 'acme', environment: 'dev' },
      ],
    });
  });
});

const domains = [...new Set(PERMISSION_NAMES.map((name) => name.split('.')[0]!))];
const segments = [...new Set(PERMISSION_NAMES.flatMap((name) => name.split('.')))];
const anyPermission = fc.constantFrom(...PERMISSION_NAMES);
const anyPattern = fc.oneof(
  fc.constant('*'),
  anyPermission,
  anyPermission.chain((name) => {
    const parts = name.split('.');
    return fc.integer({ min: 1, max: parts.length }).map((kept) => `${parts.slice(0, kept).join('.')}.*`);
  }),
  fc
    .tuple(fc.constantFrom(...domains), fc.array(fc.constantFrom(...segments), { maxLength: 2 }))
    .map(([domain, parts]) => [domain, ...parts].join('.')),
);
const anyTenant = fc.constantFrom(null, 'acme', 'acme-42', 'globex');
const anyEnvironment = fc.constantFrom(null, 'dev', 'staging', 'prod');
const anyGrant = fc.record({
  permissions: fc.array(anyPattern, { maxLength: 5 }),
  tenant_id: anyTenant,
  environment: anyEnvironment,
});
const anyTarget = fc.record({ tenant_id: anyTenant, environment: anyEnvironment });

/** The same policy as casbin sees it: `*` for every tenant or environment, its own wildcard matching for permissions. */
const MODEL = `
[request_definition]
r = tenant, environment, permission
[policy_definition]
p = tenant, environment, permission
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = keyMatch(r.tenant, p.tenant) && keyMatch(r.environment, p.environment) && keyMatch(r.permission, p.permission)
`;

describe('against casbin', () => {
  it('decides every generated case alike', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyGrant, { maxLength: 5 }),
        anyPermission,
        anyTarget,
        async (grants, permission, target) => {
          const oracle = await newEnforcer(newModelFromString(MODEL));
          for (const { tenant_id, environment, permissions } of grants)
            for (const pattern of permissions)
              await oracle.addPolicy(tenant_id ?? '*', environment ?? '*', pattern);
          const expected = await oracle.enforce(target.tenant_id ?? '', target.environment ?? '', permission);
          expect(decide(grants, permission, target).allowed).toBe(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('finds every permission of every role template alike', async () => {
    for (const { permissions } of Object.values(ROLE_TEMPLATES)) {
      const oracle = await newEnforcer(newModelFromString(MODEL));
      for (const pattern of permissions) await oracle.addPolicy('*', '*', pattern);
      for (const permission of PERMISSION_NAMES)
        expect(decide([grant([...permissions])], permission).allowed).toBe(
          await oracle.enforce('', '', permission),
        );
    }
  });
});

describe('for all grants', () => {
  it('another grant never takes anything away, and their order does not matter', () => {
    fc.assert(
      fc.property(
        fc.array(anyGrant),
        anyGrant,
        anyPermission,
        anyTarget,
        (grants, more, permission, target) => {
          const before = decide(grants, permission, target).allowed;
          expect(decide(grants.toReversed(), permission, target).allowed).toBe(before);
          if (before) expect(decide([...grants, more], permission, target).allowed).toBe(true);
        },
      ),
    );
  });

  it('a wider target needs no smaller grant', () => {
    fc.assert(
      fc.property(fc.array(anyGrant), anyPermission, anyTarget, (grants, permission, target) => {
        if (decide(grants, permission).allowed) expect(decide(grants, permission, target).allowed).toBe(true);
      }),
    );
  });

  it('the scopes say the same as the decision', () => {
    fc.assert(
      fc.property(fc.array(anyGrant), anyPermission, anyTarget, (grants, permission, target) => {
        const found = scopesOf(grants, permission);
        const within =
          found.all ||
          found.scopes.some(
            (scope) =>
              (scope.tenant_id === null || scope.tenant_id === target.tenant_id) &&
              (scope.environment === null || scope.environment === target.environment),
          );
        expect(within).toBe(decide(grants, permission, target).allowed);
      }),
    );
  });

  it('a pattern that covers another covers all that it covers', () => {
    fc.assert(
      fc.property(anyPattern, anyPattern, anyPermission, (wide, narrow, permission: Permission) => {
        if (permissionMatches(wide, narrow) && permissionMatches(narrow, permission))
          expect(permissionMatches(wide, permission)).toBe(true);
      }),
    );
  });

  it('the patterns of the tests are patterns that the contract accepts', () => {
    fc.assert(fc.property(anyPattern, (pattern) => new RegExp(PERMISSION_PATTERN).test(pattern)));
  });
});
