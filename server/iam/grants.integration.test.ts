import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { mayDo } from '#server/http/call-context.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { openScene, type Scene } from './iam-test-scene.ts';

let testDatabase: TestDatabase;
let database: DatabaseHandle;
let scene: Scene;
let owner: { user_id: string; token: string };
let admin: { user_id: string; token: string };

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  await seedRoleTemplates(database.db);
  scene = openScene(database.db);
  owner = await scene.enter('owner@example.com', 'owner');
  admin = await scene.enter('admin@example.com', 'admin');
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query(text, values)).rows as Record<string, unknown>[];
const reason = 'access review';
const content = { title: 'Title', description: '', permissions: ['tenants.read'] };
const createRole = (role_id: string, permissions: string[], as = owner.token) =>
  scene.call(contract.createRole, { as, body: { role_id, ...content, permissions } });
const assign = (
  user_id: string,
  role_id: string,
  scope: { tenant_id?: string; environment?: string } = {},
  as = owner.token,
) => scene.call(contract.createAssignment, { as, body: { user_id, role_id, ...scope } });
const unassign = (assignment_id: string, as = owner.token) =>
  scene.call(contract.deleteAssignment, { as, params: { assignment_id }, body: { reason } });

describe('a role', () => {
  it('counts on the next request of everyone who has it', async () => {
    await createRole('reader', ['tenants.read']);
    const { user_id, token } = await scene.enter('reading@example.com');
    await assign(user_id, 'reader');
    const may = async () => mayDo(await scene.principalOf(token), 'scale.migrate');
    expect(await may()).toBe(false);
    await scene.call(contract.updateRole, {
      as: owner.token,
      params: { role_id: 'reader' },
      if_match: 1,
      body: { ...content, permissions: ['scale.*'], reason },
    });
    expect(await may()).toBe(true);
    const [event] = await query(
      `select changes from audit_events where action = 'iam.roles.update' and target_id = 'reader'`,
    );
    expect(event).toEqual({
      changes: [{ path: 'permissions', before: ['tenants.read'], after: ['scale.*'] }],
    });
  });

  it('is changed only in the revision that was read', async () => {
    await createRole('versioned', ['tenants.read']);
    const change = (if_match: number) =>
      scene.call(contract.updateRole, {
        as: owner.token,
        params: { role_id: 'versioned' },
        if_match,
        body: { ...content, reason },
      });
    expect(await change(1)).toMatchObject({ role: { revision: 2 } });
    await expect(change(1)).rejects.toMatchObject({ code: 'precondition_failed' });
  });

  it('cannot hold what its maker does not hold, nor what there is not', async () => {
    await expect(createRole('climb', ['tenants.read', '*'], admin.token)).rejects.toMatchObject({
      code: 'permission_denied',
      details: { missing: [{ permission: '*', tenant_id: null, environment: null }] },
    });
    await expect(createRole('climb', ['tenants.reed'])).rejects.toMatchObject({
      code: 'unprocessable',
      errors: [{ pointer: '/permissions/0' }],
    });
    await createRole('operations', ['scale.*', 'iam.users.read'], admin.token);
    const climb = {
      as: admin.token,
      params: { role_id: 'operations' },
      if_match: 1,
      body: { ...content, permissions: ['*'], reason },
    };
    await expect(scene.call(contract.updateRole, climb)).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('that is built in stays as it is', async () => {
    const params = { role_id: 'operator' };
    await expect(
      scene.call(contract.updateRole, { as: owner.token, params, if_match: 1, body: { ...content, reason } }),
    ).rejects.toMatchObject({ code: 'action_not_allowed' });
    await expect(
      scene.call(contract.deleteRole, { as: owner.token, params, body: { reason } }),
    ).rejects.toMatchObject({ code: 'action_not_allowed' });
    await expect(createRole('operator', ['tenants.read'])).rejects.toMatchObject({ code: 'already_exists' });
  });

  it('that somebody has cannot be deleted, and says how many do', async () => {
    await createRole('temporary', ['tenants.read']);
    const { assignment } = await assign(await scene.addUser('has-role@example.com'), 'temporary');
    const remove = () =>
      scene.call(contract.deleteRole, {
        as: owner.token,
        params: { role_id: 'temporary' },
        body: { reason },
      });
    await expect(remove()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('given 1 time'),
      details: { assignment_count: 1 },
    });
    await unassign(assignment.assignment_id);
    await remove();
    await expect(
      scene.call(contract.getRole, { as: owner.token, params: { role_id: 'temporary' } }),
    ).rejects.toMatchObject({ code: 'not_found' });
  });

  it('that is given and deleted at once is one or the other', async () => {
    for (let round = 0; round < 5; round++) {
      const role_id = `contested-${round}`;
      await createRole(role_id, ['tenants.read']);
      const user_id = await scene.addUser(`contested-${round}@example.com`);
      const results = await Promise.allSettled([
        assign(user_id, role_id),
        scene.call(contract.deleteRole, { as: owner.token, params: { role_id }, body: { reason } }),
      ]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: expect.stringMatching(/^(not_found|conflict)$/) },
      });
    }
  });

  it('is listed with how many have it; permissions are listed with the endpoints that need them', async () => {
    const { items } = await scene.call(contract.listRoles, { as: owner.token, query: { q: 'owner' } });
    expect(items).toMatchObject([
      { role_id: 'owner', built_in: true, assignment_count: 1, permissions: ['*'] },
    ]);
    const paged = await scene.call(contract.listRoles, {
      as: owner.token,
      query: { limit: 3, sort: '-role_id' },
    });
    const next = await scene.call(contract.listRoles, {
      as: owner.token,
      query: { limit: 3, sort: '-role_id', cursor: paged.next_cursor! },
    });
    const ids = [...paged.items, ...next.items].map(({ role_id }) => role_id);
    expect(ids).toEqual([...new Set(ids)].sort().toReversed());
    const permissions = await scene.call(contract.listPermissions, { as: owner.token });
    expect(permissions.items.find(({ permission }) => permission === 'iam.tokens.revoke')?.endpoints).toEqual(
      ['POST /admin/v1/iam/tokens/:token_id/revoke'],
    );
  });
});

describe('an assignment', () => {
  it('counts where it was given, on the next request', async () => {
    const { user_id, token } = await scene.enter('scoped@example.com');
    const { assignment } = await assign(user_id, 'operator', { tenant_id: 'acme', environment: 'dev' });
    expect(assignment).toMatchObject({
      user_email: 'scoped@example.com',
      role_id: 'operator',
      created_by: 'owner@example.com',
    });
    const may = async (environment: string) =>
      mayDo(await scene.principalOf(token), 'scale.migrate', { tenant_id: 'acme', environment });
    expect([await may('dev'), await may('prod')]).toEqual([true, false]);
    await expect(
      assign(user_id, 'operator', { tenant_id: 'acme', environment: 'dev' }),
    ).rejects.toMatchObject({ code: 'already_exists' });
    await unassign(assignment.assignment_id);
    expect(await may('dev')).toBe(false);
    await expect(unassign(assignment.assignment_id)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('of more than the giver may do is refused, for oneself and in a scope too, and so is taking it away', async () => {
    const user_id = await scene.addUser('nobody@example.com');
    await expect(assign(user_id, 'owner', {}, admin.token)).rejects.toMatchObject({
      code: 'permission_denied',
      details: { missing: [{ permission: '*' }] },
    });
    await expect(assign(admin.user_id, 'owner', { environment: 'dev' }, admin.token)).rejects.toMatchObject({
      code: 'permission_denied',
    });
    await assign(user_id, 'operator', {}, admin.token);
    const { assignment } = await assign(user_id, 'owner', { environment: 'dev' });
    await expect(unassign(assignment.assignment_id, admin.token)).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });

  it('needs a user, a role and an environment that there are', async () => {
    const user_id = await scene.addUser('gone@example.com');
    await expect(assign('019ab000-0000-7000-8000-000000000000', 'operator')).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(assign(user_id, 'no-such-role')).rejects.toMatchObject({ code: 'not_found' });
    await expect(assign(user_id, 'operator', { environment: 'qa' })).rejects.toMatchObject({
      code: 'unknown_environment',
    });
    await scene.call(contract.deleteUser, { as: owner.token, params: { user_id }, body: { reason } });
    await expect(assign(user_id, 'operator')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is found by user, role, tenant and environment', async () => {
    const user_id = await scene.addUser('filtered@example.com');
    for (const environment of ['dev', 'prod'])
      await assign(user_id, 'support', { tenant_id: 'filter-co', environment });
    const list = async (asked: object) =>
      (await scene.call(contract.listAssignments, { as: owner.token, query: asked })).items;
    expect(await list({ user_id })).toHaveLength(2);
    expect(await list({ tenant_id: 'filter-co', environment: 'prod' })).toMatchObject([
      { user_id, environment: 'prod' },
    ]);
    expect(await list({ user_id, role_id: 'owner' })).toEqual([]);
  });
});

describe('the last owner', () => {
  /** Leaves exactly these two owners. */
  async function twoOwners(name: string) {
    await query(`delete from assignments where role_id = 'owner'`);
    const first = await scene.enter(`first-${name}@example.com`, 'owner');
    const second = await scene.enter(`second-${name}@example.com`, 'owner');
    const assignmentOf = async (user_id: string) =>
      (await query(`select assignment_id from assignments where user_id = $1`, user_id))[0]![
        'assignment_id'
      ] as string;
    return { first, second, assignmentOf };
  }
  const owners = () =>
    query(
      `select 1 from assignments join users using (user_id) where role_id = 'owner' and status = 'active'`,
    );

  it('keeps the role', async () => {
    const { first, second, assignmentOf } = await twoOwners('keep');
    await unassign(await assignmentOf(second.user_id), first.token);
    await expect(unassign(await assignmentOf(first.user_id), first.token)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('last active owner'),
    });
  });

  it.each([
    ['suspend', contract.suspendUser],
    ['disable', contract.disableUser],
    ['delete', contract.deleteUser],
  ] as const)('cannot be made to leave: %s', async (name, endpoint) => {
    const { first, second } = await twoOwners(name);
    await scene.call(endpoint, { as: first.token, params: { user_id: second.user_id }, body: { reason } });
    const attempt = scene.call(endpoint, {
      as: admin.token,
      params: { user_id: first.user_id },
      body: { reason },
    });
    await expect(attempt).rejects.toMatchObject({
      code: 'action_not_allowed',
      message: expect.stringContaining('last active owner'),
    });
  });

  it('stays when two owners remove each other at the same moment', async () => {
    for (let round = 0; round < 6; round++) {
      const { first, second, assignmentOf } = await twoOwners(`race-${round}`);
      const [one, other] = [await assignmentOf(first.user_id), await assignmentOf(second.user_id)];
      const results = await Promise.allSettled([
        unassign(other, first.token),
        round % 2 === 0
          ? unassign(one, second.token)
          : scene.call(contract.suspendUser, {
              as: second.token,
              params: { user_id: first.user_id },
              body: { reason },
            }),
      ]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await owners()).toHaveLength(1);
    }
  });

  it('is not somebody who owns one environment only', async () => {
    const { first, second, assignmentOf } = await twoOwners('scoped');
    await query(`update assignments set environment = 'dev' where user_id = $1`, second.user_id);
    await expect(unassign(await assignmentOf(first.user_id), first.token)).rejects.toMatchObject({
      code: 'conflict',
    });
    owner = first;
  });
});
