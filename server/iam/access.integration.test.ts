/** Roles for a while, what somebody may do and why, and what a change would do before it is made. */
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

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  await seedRoleTemplates(database.db);
  scene = openScene(database.db);
  owner = await scene.enter('owner@example.com', 'owner');
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const reason = 'access review';
const HOUR = 3_600_000;
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString();
interface Given {
  user_id: string;
  role_id: string;
  tenant_id?: string;
  environment?: string;
  expires_at?: string;
}
const assign = (given: Given, as = owner.token) => scene.call(contract.createAssignment, { as, body: given });
const unassign = (assignment_id: string, as = owner.token) =>
  scene.call(contract.deleteAssignment, { as, params: { assignment_id }, body: { reason } });
/** The database's clock decides when a role ends; this moves the end into the past instead of waiting for it. */
const letExpire = (assignment_id: string) =>
  testDatabase.pool.query(
    `update assignments set expires_at = now() - interval '1 second' where assignment_id = $1`,
    [assignment_id],
  );
const counts = async () => {
  const { rows } = await testDatabase.pool.query<Record<string, string>>(
    `select (select count(*) from jobs) as jobs, (select count(*) from audit_events) as events,
      (select md5(string_agg(r::text, '' order by role_id)) from roles r) as roles, (select md5(string_agg(a::text, '' order by assignment_id)) from assignments a) as assignments`,
  );
  return rows[0];
};

describe('a role for a while', () => {
  it('counts until its end and not on the next request after it', async () => {
    const { user_id, token } = await scene.enter('temporary@example.com');
    const expires_at = inHours(2);
    const { assignment } = await assign({ user_id, role_id: 'operator', expires_at });
    expect(assignment).toMatchObject({ state: 'temporary' });
    expect(Date.parse(assignment.expires_at ?? '')).toBe(Date.parse(expires_at));
    const principal = await scene.principalOf(token);
    expect(mayDo(principal, 'scale.migrate')).toBe(true);
    expect(Date.parse(principal.grants[0]?.expires_at ?? '')).toBe(Date.parse(expires_at));
    await letExpire(assignment.assignment_id);
    expect(mayDo(await scene.principalOf(token), 'scale.migrate')).toBe(false);
  });

  it('is shown and found as what it is, and no longer counted once it has ended', async () => {
    const user_id = await scene.addUser('shown@example.com');
    const ends = await assign({ user_id, role_id: 'support', expires_at: inHours(1) });
    await assign({ user_id, role_id: 'read-only' });
    const states = async (state?: contract.AssignmentState) => {
      const query = state ? { user_id, state } : { user_id };
      const { items } = await scene.call(contract.listAssignments, { as: owner.token, query });
      return items.map((item) => `${item.role_id} ${item.state}`).sort();
    };
    expect(await states()).toEqual(['read-only lasting', 'support temporary']);
    await letExpire(ends.assignment.assignment_id);
    expect(await states('expired')).toEqual(['support expired']);
    expect(await states('temporary')).toEqual([]);
    const user = await scene.call(contract.getUser, { as: owner.token, params: { user_id } });
    expect(user.roles.map(({ role_id }) => role_id)).toEqual(['read-only']);
    const role = await scene.call(contract.getRole, { as: owner.token, params: { role_id: 'support' } });
    expect(role.assignment_count).toBe(0);
  });

  it('can be given anew once it has ended, and not while it counts', async () => {
    const user_id = await scene.addUser('again@example.com');
    const given = { user_id, role_id: 'support', environment: 'dev' };
    const first = await assign({ ...given, expires_at: inHours(1) });
    await expect(assign(given)).rejects.toMatchObject({ code: 'already_exists' });
    await letExpire(first.assignment.assignment_id);
    expect((await assign(given)).assignment.state).toBe('lasting');
  });

  it('ends in the future', async () => {
    const user_id = await scene.addUser('past@example.com');
    await expect(assign({ user_id, role_id: 'support', expires_at: inHours(-1) })).rejects.toMatchObject({
      code: 'unprocessable',
      errors: [{ pointer: '/expires_at' }],
    });
  });

  it('cannot be passed on for longer than it lasts', async () => {
    const { user_id, token } = await scene.enter('for-a-day@example.com');
    await assign({ user_id, role_id: 'admin', expires_at: inHours(24) });
    const friend = await scene.addUser('friend@example.com');
    await expect(assign({ user_id: friend, role_id: 'operator' }, token)).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('your own role ends before'),
    });
    await expect(
      scene.call(contract.createRole, {
        as: token,
        body: { role_id: 'kept', title: 'Kept', description: '', permissions: ['scale.*'] },
      }),
    ).rejects.toMatchObject({ code: 'permission_denied' });
    await assign({ user_id: friend, role_id: 'operator', expires_at: inHours(23) }, token);
  });

  it('does not keep its role from being deleted once it has ended', async () => {
    const body = { role_id: 'short-lived', title: 'Short', description: '', permissions: ['jobs.view'] };
    await scene.call(contract.createRole, { as: owner.token, body });
    const user_id = await scene.addUser('short-lived@example.com');
    const { assignment } = await assign({ user_id, role_id: 'short-lived', expires_at: inHours(1) });
    const remove = { as: owner.token, params: { role_id: 'short-lived' }, body: { reason } };
    await expect(scene.call(contract.deleteRole, remove)).rejects.toMatchObject({ code: 'conflict' });
    await letExpire(assignment.assignment_id);
    await scene.call(contract.deleteRole, remove);
  });

  it('makes nobody the owner that has to stay: the last one for good keeps the role', async () => {
    const { user_id, token } = await scene.enter('owner-for-a-day@example.com');
    await assign({ user_id, role_id: 'owner', expires_at: inHours(24) });
    const [kept] = (
      await scene.call(contract.listAssignments, {
        as: token,
        query: { user_id: owner.user_id, role_id: 'owner' },
      })
    ).items;
    await expect(unassign(kept?.assignment_id ?? '', token)).rejects.toMatchObject({ code: 'conflict' });
    await expect(
      scene.call(contract.suspendUser, { as: token, params: { user_id: owner.user_id }, body: { reason } }),
    ).rejects.toMatchObject({ message: expect.stringContaining('last active owner') });
  });
});

describe('what somebody may do', () => {
  it('names for each permission every role that grants it, by which pattern, where and until when', async () => {
    const user_id = await scene.addUser('explained@example.com');
    const expires_at = inHours(5);
    await assign({ user_id, role_id: 'operator', tenant_id: 'acme', expires_at });
    await assign({ user_id, role_id: 'read-only', environment: 'dev' });
    const { principal, items } = await scene.call(contract.explainUserPermissions, {
      as: owner.token,
      params: { user_id },
    });
    expect(principal).toEqual({ type: 'user', label: 'explained@example.com', may_act: true });
    const find = (name: string) => items.find(({ permission }) => permission === name)?.reasons;
    expect(find('scale.view')).toMatchObject([
      { role_id: 'read-only', pattern: 'scale.view', tenant_id: null, environment: 'dev', expires_at: null },
      {
        role_id: 'operator',
        role_title: 'Operator',
        pattern: 'scale.*',
        tenant_id: 'acme',
        environment: null,
      },
    ]);
    expect(Date.parse(find('scale.migrate')?.[0]?.expires_at ?? '')).toBe(Date.parse(expires_at));
    expect(find('iam.users.read')).toBeUndefined();
  });

  it('of a token is what its user may within what it names, and says when neither counts', async () => {
    const automation = await scene.enter('automation@example.com', 'admin');
    const created = await scene.call(contract.createToken, {
      as: automation.token,
      body: { name: 'ci', permissions: ['scale.*', 'audit.view'], environment: 'dev', expires_in_days: 1 },
    });
    const explain = () =>
      scene.call(contract.explainTokenPermissions, {
        as: owner.token,
        params: { token_id: created.token.token_id },
      });
    const { items, principal } = await explain();
    expect(principal).toEqual({ type: 'api_token', label: 'automation@example.com (ci)', may_act: true });
    expect(items.map(({ permission }) => permission)).not.toContain('jobs.view');
    expect(items.find(({ permission }) => permission === 'scale.migrate')?.reasons).toMatchObject([
      {
        role_id: 'admin',
        pattern: 'scale.*',
        token_pattern: 'scale.*',
        tenant_id: null,
        environment: 'dev',
      },
    ]);
    const principalOfToken = await scene.principalOf(created.value ?? '');
    for (const { permission, reasons } of items)
      expect(mayDo(principalOfToken, permission as 'scale.view', reasons[0])).toBe(true);
    await scene.call(contract.revokeToken, {
      as: owner.token,
      params: { token_id: created.token.token_id },
      body: { reason },
    });
    expect((await explain()).principal.may_act).toBe(false);
  });
});

describe('a preview', () => {
  it('of a role says who gains and loses what, how many sessions feel it, and changes nothing', async () => {
    const body = {
      role_id: 'previewed',
      title: 'P',
      description: '',
      permissions: ['scale.view', 'jobs.view'],
    };
    await scene.call(contract.createRole, { as: owner.token, body });
    const touched = await scene.enter('touched@example.com');
    await scene.signIn('touched@example.com');
    await assign({ user_id: touched.user_id, role_id: 'previewed', tenant_id: 'acme' });
    const covered = await scene.addUser('covered@example.com', 'operator');
    await assign({ user_id: covered, role_id: 'previewed' });
    const before = await counts();
    const preview = await scene.call(contract.previewRole, {
      as: owner.token,
      params: { role_id: 'previewed' },
      body: { permissions: ['scale.*', 'audit.view'] },
    });
    expect(await counts()).toEqual(before);
    const acme = { tenant_id: 'acme', environment: null };
    expect(preview).toMatchObject({
      blockers: [],
      user_count: 1,
      unchanged_count: 1,
      session_count: 2,
      users: [
        {
          email: 'touched@example.com',
          session_count: 2,
          loses: [{ permission: 'jobs.view', ...acme }],
        },
      ],
    });
    expect(preview.users[0]?.gains.map(({ permission }) => permission)).toEqual([
      'scale.migrate',
      'scale.drain',
      'scale.apply',
      'audit.view',
    ]);
  });

  it('of a role names why the change would be refused', async () => {
    const { token } = await scene.enter('granting-admin@example.com', 'admin');
    const preview = await scene.call(contract.previewRole, {
      as: token,
      params: { role_id: 'operator' },
      body: { permissions: ['*'] },
    });
    expect(preview.blockers.map(({ code }) => code)).toEqual(['action_not_allowed', 'permission_denied']);
  });

  it('of an assignment says what it adds to what the user may already', async () => {
    const user_id = await scene.addUser('about-to-be-given@example.com');
    await assign({ user_id, role_id: 'read-only' });
    const preview = await scene.call(contract.previewAssignment, {
      as: owner.token,
      body: { user_id, role_id: 'support', environment: 'prod' },
    });
    const prod = { tenant_id: null, environment: 'prod' };
    expect(preview.users[0]).toMatchObject({
      loses: [],
      gains: ['iam.users.read', 'iam.sessions.list', 'iam.sessions.revoke'].map((permission) => ({
        permission,
        ...prod,
      })),
    });
    const twice = await scene.call(contract.previewAssignment, {
      as: owner.token,
      body: { user_id, role_id: 'read-only' },
    });
    expect(twice).toMatchObject({ blockers: [{ code: 'already_exists' }], user_count: 0 });
  });

  it('of taking a role away says what goes and what stays, and that the last owner stays', async () => {
    const user_id = await scene.addUser('about-to-lose@example.com', 'read-only');
    const { assignment } = await assign({ user_id, role_id: 'operator' });
    const preview = (assignment_id: string) =>
      scene.call(contract.previewUnassignment, { as: owner.token, params: { assignment_id } });
    const lost = (await preview(assignment.assignment_id)).users[0];
    expect(lost?.gains).toEqual([]);
    expect(lost?.loses.map(({ permission }) => permission)).toContain('scale.migrate');
    expect(lost?.loses.map(({ permission }) => permission)).not.toContain('scale.view');
    const { items } = await scene.call(contract.listAssignments, {
      as: owner.token,
      query: { user_id: owner.user_id },
    });
    expect((await preview(items[0]?.assignment_id ?? '')).blockers).toMatchObject([{ code: 'conflict' }]);
  });
});
