import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isSatisfied,
  policiesFor,
  progressOf,
  rolesThatCount,
  unsatisfiable,
  type Person,
  type Policy,
} from './approval-rules.ts';

const PROD = { tenant_id: null, environment: 'prod' };
const person = (user_id: string, role_id = 'operator', scope: Partial<typeof PROD> = {}): Person => ({
  user_id,
  may_approve: true,
  grants: [{ role_id, permissions: ['approvals.decide'], tenant_id: null, environment: null, ...scope }],
});
const policy = (environment: string | null, over: Partial<Policy> = {}): Policy => ({
  policy_id: `policy of ${environment}`,
  operation: 'scale.migrations.start',
  environment,
  requirements: [{ count: 1, roles: ['operator'] }],
  expires_after_h: 24,
  revision: 1,
  ...over,
});

describe('the policies that guard an operation', () => {
  const all = [policy('prod'), policy(null), policy('dev')];
  it.each([
    ['in one environment are those of it and of all', 'prod', ['policy of null', 'policy of prod']],
    [
      'that acts everywhere are those of every environment',
      null,
      ['policy of dev', 'policy of null', 'policy of prod'],
    ],
    ['elsewhere are those of all', 'staging', ['policy of null']],
  ])('%s', (_, environment, expected) => {
    expect(policiesFor(all, 'scale.migrations.start', environment).map((each) => each.policy_id)).toEqual(
      expected,
    );
  });

  it('are not those of another operation, nor those without requirements', () => {
    expect(policiesFor(all, 'iam.roles.update', 'prod')).toEqual([]);
    expect(policiesFor([policy('prod', { requirements: [] })], 'scale.migrations.start', 'prod')).toEqual([]);
  });
});

describe('an approver', () => {
  const needed = { count: 1, roles: ['operator', 'owner'] };
  it.each([
    ['with the role everywhere counts', person('a'), ['operator']],
    ['with the role there counts', person('a', 'owner', { environment: 'prod' }), ['owner']],
    [
      'with the role in another environment does not count',
      person('a', 'operator', { environment: 'dev' }),
      [],
    ],
    [
      'with the role for one tenant does not count for all',
      { ...person('a', 'operator', { tenant_id: 'acme' } as never) },
      [],
    ],
    ['with another role does not count', person('a', 'support'), []],
    ['who may not approve does not count', { ...person('a'), may_approve: false }, []],
  ])('%s', (_, who, roles) => {
    expect(rolesThatCount(who, needed, PROD)).toEqual(roles);
  });

  it('needs approvals.decide besides the role, by whatever grant covers the place', () => {
    const [grant] = person('a').grants;
    const without = { ...person('a'), grants: [{ ...grant!, permissions: ['scale.*'] }] };
    expect(rolesThatCount(without, needed, PROD)).toEqual([]);
    const elsewhere = { ...grant!, role_id: 'x', environment: 'dev' };
    expect(rolesThatCount({ ...without, grants: [...without.grants, elsewhere] }, needed, PROD)).toEqual([]);
    const here = { ...grant!, role_id: 'x' };
    expect(rolesThatCount({ ...without, grants: [...without.grants, here] }, needed, PROD)).toEqual([
      'operator',
    ]);
  });
});

describe('approvals', () => {
  const anyone = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    role: fc.constantFrom('operator', 'owner', 'support'),
  });

  it('never count a contributor, nor one person twice, however they are given', () => {
    fc.assert(
      fc.property(
        fc.array(anyone, { maxLength: 12 }),
        fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd')),
        fc.integer({ min: 1, max: 4 }),
        (given, contributors, count) => {
          const approvers = given.map(({ id, role }) => person(id, role));
          const needed = [{ count, roles: ['operator', 'owner'] }];
          const progress = progressOf(needed, approvers, contributors, PROD);
          const others = new Set(given.map(({ id }) => id).filter((id) => !contributors.includes(id)));
          expect(progress[0]!.have).toBeLessThanOrEqual(others.size);
          expect(isSatisfied(progressOf(needed, [...approvers, ...approvers], contributors, PROD))).toBe(
            isSatisfied(progress),
          );
        },
      ),
    );
  });

  it('meet every requirement, and one may count for several', () => {
    const both = [
      { count: 1, roles: ['operator'] },
      { count: 1, roles: ['operator', 'owner'] },
    ];
    expect(isSatisfied(progressOf(both, [person('a', 'owner')], [], PROD))).toBe(false);
    expect(isSatisfied(progressOf(both, [person('a')], [], PROD))).toBe(true);
  });
});

describe('a policy', () => {
  const two = [{ count: 2, roles: ['operator'] }];
  it('that takes more people than there are besides every requester is one that nobody can satisfy', () => {
    const people = [person('a'), person('b')];
    expect(unsatisfiable(two, people, ['a', 'b'], PROD)).toEqual({ requirement: two[0], approvers: 2 });
    expect(unsatisfiable(two, people, ['a', 'c'], PROD)).toBeNull();
    expect(unsatisfiable(two, [...people, person('c')], ['a', 'b'], PROD)).toBeNull();
  });

  it('of a lone owner is always refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), (count) => {
        const alone = [{ count, roles: ['owner'] }];
        expect(unsatisfiable(alone, [person('me', 'owner')], ['me'], PROD)).not.toBeNull();
      }),
    );
  });
});
