import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Grant } from '#contract/iam.ts';
import { permissionMatches } from '#contract/permission-rules.ts';
import { PERMISSION_NAMES } from '#contract/permissions.ts';
import { mayDo, type Principal } from '#server/http/call-context.ts';
import {
  addedPatterns,
  assertHolds,
  assertHoldsGrants,
  assertHoldsUntil,
  assertKnown,
  describeScope,
  GLOBAL,
  scopeOf,
} from './grant-rules.ts';

const grant = (
  permissions: string[],
  tenant_id: string | null = null,
  environment: string | null = null,
  expires_at: string | null = null,
): Grant => ({
  role_id: 'some',
  permissions,
  tenant_id,
  environment,
  expires_at,
});
const person = (grants: Grant[], token: Principal['token'] = null): Principal => ({
  type: token ? 'api_token' : 'user',
  principal_id: 'p',
  user_id: 'u',
  label: 'ops@example.com',
  session: null,
  token,
  grants,
  impersonation: null,
});

describe('giving', () => {
  it('names everything that the giver does not hold', () => {
    const giver = person([grant(['tenants.*'])]);
    expect(() => assertHolds(giver, ['tenants.read', 'scale.migrate', 'iam.*'], GLOBAL, 'No')).toThrow(
      expect.objectContaining({
        code: 'permission_denied',
        details: {
          missing: [
            { permission: 'scale.migrate', tenant_id: null, environment: null },
            { permission: 'iam.*', tenant_id: null, environment: null },
          ],
        },
      }),
    );
  });

  it('a wildcard needs a wildcard: all that there is today is not all that there will be', () => {
    const giver = person([grant(PERMISSION_NAMES.filter((name) => name.startsWith('scale.')))]);
    expect(() => assertHolds(giver, ['scale.*'], GLOBAL, 'No')).toThrow(/scale\.\*/);
  });

  it('needs the permission where it is given', () => {
    const giver = person([grant(['tenants.*'], 'acme', 'dev')]);
    assertHolds(giver, ['tenants.read'], { tenant_id: 'acme', environment: 'dev' }, 'No');
    expect(() =>
      assertHolds(giver, ['tenants.read'], { tenant_id: 'acme', environment: 'prod' }, 'No'),
    ).toThrow(/tenants\.read/);
    expect(() => assertHolds(giver, ['tenants.read'], GLOBAL, 'No')).toThrow(/tenants\.read/);
  });

  it('through a token is limited by the token', () => {
    const token = {
      token_id: 't',
      name: 'ci',
      permissions: ['tenants.read'],
      tenant_id: null,
      environment: null,
    };
    const giver = person([grant(['*'])], token);
    assertHolds(giver, ['tenants.read'], GLOBAL, 'No');
    expect(() => assertHolds(giver, ['tenants.create'], GLOBAL, 'No')).toThrow(/tenants\.create/);
  });

  it('of several grants checks each in its scope', () => {
    const giver = person([grant(['tenants.*'], 'acme')]);
    assertHoldsGrants(giver, [grant(['tenants.read'], 'acme')], 'No');
    expect(() =>
      assertHoldsGrants(giver, [grant(['tenants.read'], 'acme'), grant(['tenants.read'], 'other')], 'No'),
    ).toThrow(/tenants\.read/);
  });

  it('never lets the receiver do what the giver may not', () => {
    const names = fc.constantFrom(...PERMISSION_NAMES, '*', 'iam.*', 'iam.users.*', 'scale.*', 'tenants.*');
    const places = fc.record({
      tenant_id: fc.constantFrom(null, 'acme', 'other'),
      environment: fc.constantFrom(null, 'dev', 'prod'),
    });
    const grants = fc.array(fc.tuple(fc.array(names, { maxLength: 4 }), places), { maxLength: 4 });
    fc.assert(
      fc.property(
        grants,
        fc.array(names, { minLength: 1, maxLength: 4 }),
        places,
        fc.constantFrom(...PERMISSION_NAMES),
        places,
        (held, given, scope, permission, place) => {
          const giver = person(
            held.map(([permissions, where]) => grant(permissions, where.tenant_id, where.environment)),
          );
          const receiver = person([grant(given, scope.tenant_id, scope.environment)]);
          try {
            assertHolds(giver, given, scope, 'No');
          } catch {
            return true;
          }
          return !mayDo(receiver, permission, place) || mayDo(giver, permission, place);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('changing a role', () => {
  it('adds only what no pattern of before covers', () => {
    expect(addedPatterns(['iam.*', 'tenants.read'], ['iam.users.read', 'tenants.read', 'tenants.*'])).toEqual(
      ['tenants.*'],
    );
    expect(permissionMatches('tenants.read', 'tenants.*')).toBe(false);
  });
});

describe('a request', () => {
  it('that names unknown permissions says which', () => {
    expect(() => assertKnown(['tenants.read', 'tenant.read', '*', 'scale.*', 'tenants.read.*'])).toThrow(
      expect.objectContaining({
        code: 'unprocessable',
        errors: [
          expect.objectContaining({ pointer: '/permissions/1' }),
          expect.objectContaining({ pointer: '/permissions/4' }),
        ],
      }),
    );
  });

  it('that names an unknown environment says which there are', () => {
    expect(scopeOf({ environment: 'dev' }, ['dev', 'prod'])).toEqual({ tenant_id: null, environment: 'dev' });
    expect(() => scopeOf({ environment: 'qa' }, ['dev', 'prod'])).toThrow(
      expect.objectContaining({ code: 'unknown_environment' }),
    );
  });

  it('says its scope in words', () => {
    expect(describeScope(GLOBAL)).toBe('everywhere');
    expect(describeScope({ tenant_id: 'acme', environment: 'dev' })).toBe('for tenant acme in dev');
  });
});

describe('a grant that ends', () => {
  const until = (expires_at: string) => person([grant(['scale.*'], null, null, expires_at)]);
  const give = (principal: Principal, end: string | null) => () =>
    assertHoldsUntil(principal, ['scale.migrate'], GLOBAL, end, 'You cannot give it');

  it('is passed on for no longer than it lasts itself', () => {
    expect(give(until('2030-01-02T00:00:00Z'), '2030-01-01T00:00:00Z')).not.toThrow();
    expect(give(until('2030-01-01T00:00:00Z'), '2030-01-02T00:00:00Z')).toThrow(/your own role ends before/);
    expect(give(until('2030-01-01T00:00:00Z'), null)).toThrow(/for good/);
    expect(give(person([grant(['scale.*'])]), null)).not.toThrow();
  });
});
