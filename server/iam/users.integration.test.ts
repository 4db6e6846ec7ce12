import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '#contract/common.ts';
import * as contract from '#contract/iam.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { openScene, PASSWORD, type Scene } from './iam-test-scene.ts';

let testDatabase: TestDatabase;
let database: DatabaseHandle;
let scene: Scene;
/** An owner who is signed in. */
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

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query(text, values)).rows as Record<string, unknown>[];
const reason = 'left the team';
const create = (email: string, password = 'a first password 77') =>
  scene.call(contract.createUser, { as: owner.token, body: { email, display_name: 'Some One', password } });
const act = (endpoint: typeof contract.suspendUser, user_id: string, as = owner.token) =>
  scene.call(endpoint, { as, params: { user_id }, body: { reason } });

describe('a user', () => {
  it('is created active, can sign in, and its creation is audited as a finished job', async () => {
    const { user, job_id } = await create('new@example.com');
    expect(user).toMatchObject({
      email: 'new@example.com',
      status: 'active',
      revision: 1,
      last_sign_in_at: null,
    });
    await scene.signIn('new@example.com', 'a first password 77');
    expect(await query('select state, kind from jobs where job_id = $1', job_id)).toEqual([
      { state: 'succeeded', kind: 'iam.users.create' },
    ]);
    const [event] = await query(
      'select action, actor_label, changes from audit_events where job_id = $1',
      job_id,
    );
    expect(event).toMatchObject({
      action: 'iam.users.create',
      actor_label: 'owner@example.com',
      changes: expect.arrayContaining([{ path: 'email', before: null, after: 'new@example.com' }]),
    });
  });

  it('needs an email of its own, whatever its case, and a password that is hard to guess', async () => {
    await create('taken@example.com');
    await expect(create('TAKEN@example.com')).rejects.toMatchObject({ code: 'already_exists' });
    await expect(create('weak@example.com', 'Password1234')).rejects.toMatchObject({
      code: 'unprocessable',
      errors: [{ in: 'body', pointer: '/password' }],
    });
  });

  it('is changed only in the revision that was read', async () => {
    const { user } = await create('changing@example.com');
    const params = { user_id: user.user_id };
    const change = (if_match: number, body: { display_name?: string; email?: string }) =>
      scene.call(contract.updateUser, { as: owner.token, params, if_match, body });
    const { user: changed } = await change(1, { display_name: 'Other' });
    expect(changed).toMatchObject({ display_name: 'Other', revision: 2 });
    await expect(change(1, { display_name: 'Late' })).rejects.toMatchObject({
      code: 'precondition_failed',
      details: { revision: 2 },
    });
    await expect(change(2, { email: 'owner@example.com' })).rejects.toMatchObject({ code: 'already_exists' });
    await expect(change(2, {})).rejects.toMatchObject({ code: 'unprocessable' });
    const [event] = await query(
      `select changes from audit_events where action = 'iam.users.update' and target_id = $1`,
      user.user_id,
    );
    expect(event).toEqual({ changes: [{ path: 'display_name', before: 'Some One', after: 'Other' }] });
  });

  it.each([
    ['suspended', contract.suspendUser],
    ['disabled', contract.disableUser],
    ['deleted', contract.deleteUser],
  ] as const)('who is %s has no session left and cannot come back', async (status, endpoint) => {
    const { user_id, token } = await scene.enter(`${status}@example.com`, 'operator');
    await scene.signIn(`${status}@example.com`);
    expect(await act(endpoint, user_id)).toMatchObject({ sessions_ended: 2, user: { status, revision: 2 } });
    expect(await scene.authenticate(token)).toMatchObject({ rejected: 'revoked' });
    await expect(scene.signIn(`${status}@example.com`)).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    await expect(act(contract.suspendUser, user_id)).rejects.toMatchObject({
      code: 'action_not_allowed',
      message: expect.stringContaining(`is ${status}`),
    });
  });

  it('who is suspended comes back with roles and password when reactivated', async () => {
    const { user_id } = await scene.enter('back@example.com', 'operator');
    await act(contract.suspendUser, user_id);
    await act(contract.reactivateUser, user_id);
    const token = await scene.signIn('back@example.com');
    expect(await scene.principalOf(token)).toMatchObject({ grants: [{ role_id: 'operator' }] });
  });

  it('who is deleted frees the email and leaves a tombstone without roles or tokens', async () => {
    const { user_id, token } = await scene.enter('reused@example.com', 'owner');
    const { value } = await scene.call(contract.createToken, {
      as: token,
      body: { name: 'ci', permissions: ['*'], expires_in_days: 1 },
    });
    await act(contract.deleteUser, user_id);
    expect(await scene.authenticate(value!)).toMatchObject({ rejected: 'revoked' });
    const { user } = await create('reused@example.com');
    expect(user.user_id).not.toBe(user_id);
    expect(await scene.call(contract.getUser, { as: owner.token, params: { user_id } })).toMatchObject({
      status: 'deleted',
      email: 'reused@example.com',
      roles: [],
      session_count: 0,
    });
    await expect(
      scene.call(contract.updateUser, {
        as: owner.token,
        params: { user_id },
        if_match: 2,
        body: { display_name: 'X' },
      }),
    ).rejects.toMatchObject({ code: 'not_found' });
    const [event] = await query(
      `select changes from audit_events where action = 'iam.users.delete' and target_id = $1`,
      user_id,
    );
    expect(JSON.stringify(event)).toContain('"role_id":"owner"');
  });

  it('cannot suspend, disable or delete itself', async () => {
    await scene.addUser('second-owner@example.com', 'owner');
    for (const endpoint of [contract.suspendUser, contract.disableUser, contract.deleteUser]) {
      await expect(act(endpoint, owner.user_id)).rejects.toMatchObject({
        code: 'action_not_allowed',
        message: expect.stringContaining('yourself'),
      });
    }
  });

  it('that there is not is not found', async () => {
    const params = { user_id: '019ab000-0000-7000-8000-000000000000' };
    await expect(act(contract.suspendUser, params.user_id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(scene.call(contract.getUser, { as: owner.token, params })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(
      scene.call(contract.revokeUserSessions, { as: owner.token, params, body: { reason } }),
    ).rejects.toMatchObject({ code: 'not_found' });
  });

  it('whose sessions are all ended has none left, and may sign in again', async () => {
    const { user_id, token } = await scene.enter('everywhere@example.com');
    await scene.signIn('everywhere@example.com');
    expect(
      await scene.call(contract.revokeUserSessions, {
        as: owner.token,
        params: { user_id },
        body: { reason },
      }),
    ).toMatchObject({ sessions_ended: 2 });
    expect(await scene.authenticate(token)).toMatchObject({ rejected: 'revoked' });
    await scene.signIn('everywhere@example.com');
  });

  it('who is suspended after the password was looked at does not get in', async () => {
    const user_id = await scene.addUser('meeting@example.com');
    const suspension = await testDatabase.pool.connect();
    await suspension.query('begin');
    await suspension.query(`update users set status = 'suspended' where user_id = $1`, [user_id]);
    const entering = scene.signIn('meeting@example.com').catch((error: unknown) => error);
    await expect
      .poll(() =>
        query(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        ),
      )
      .toHaveLength(1);
    await suspension.query('commit');
    suspension.release();
    expect(await entering).toMatchObject({ code: 'invalid_credentials' });
    expect(await query('select 1 from sessions where user_id = $1', user_id)).toEqual([]);
  });
});

describe('setting a password', () => {
  const set = (as: string, user_id: string, new_password = 'violet anchor 19 mist') =>
    scene.call(contract.setUserPassword, { as, params: { user_id }, body: { new_password, reason } });

  it('ends all sessions of the user', async () => {
    const { user_id, token } = await scene.enter('forgetful@example.com');
    expect(await set(owner.token, user_id)).toMatchObject({ sessions_ended: 1 });
    expect(await scene.authenticate(token)).toMatchObject({ rejected: 'revoked' });
    await expect(scene.signIn('forgetful@example.com', PASSWORD)).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    await scene.signIn('forgetful@example.com', 'violet anchor 19 mist');
    const [event] = await query(
      `select changes from audit_events where action = 'iam.users.set_password' and target_id = $1`,
      user_id,
    );
    expect(event).toEqual({ changes: [{ path: 'password', before: '[redacted]', after: '[redacted]' }] });
  });

  it('is no way for an admin to become an owner', async () => {
    const admin = await scene.enter('ambitious@example.com', 'admin');
    await expect(set(admin.token, owner.user_id)).rejects.toMatchObject({
      code: 'permission_denied',
      details: { missing: [{ permission: '*' }] },
    });
    await set(admin.token, await scene.addUser('plain@example.com', 'operator'));
  });
});

describe('the list of users', () => {
  it('pages through every user once, while others are added', async () => {
    for (let index = 0; index < 12; index++)
      await scene.addUser(`page-${String(index).padStart(2, '0')}@list.example`);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const answer: Page<contract.UserListItem> = await scene.call(contract.listUsers, {
        as: owner.token,
        query: { q: '@list.example', limit: 5, ...(cursor !== null && { cursor }) },
      });
      seen.push(...answer.items.map(({ email }) => email));
      cursor = answer.next_cursor;
      // Before what was read: never seen. It would shift every page of an offset.
      await scene.addUser(`page-00-${seen.length}@list.example`);
    } while (cursor !== null);
    expect(seen.filter((email) => /^page-\d\d@/.test(email))).toEqual(
      Array.from({ length: 12 }, (_, index) => `page-${String(index).padStart(2, '0')}@list.example`),
    );
    expect(new Set(seen).size).toBe(seen.length);
  });

  it.each(['email', '-email', 'created_at', '-created_at', 'last_sign_in_at', '-last_sign_in_at'] as const)(
    'sorts by %s without losing anybody at the seams',
    async (sort) => {
      const all = await scene.call(contract.listUsers, { as: owner.token, query: { sort, limit: 200 } });
      const paged: string[] = [];
      let cursor: string | null = null;
      do {
        const answer: typeof all = await scene.call(contract.listUsers, {
          as: owner.token,
          query: { sort, limit: 3, ...(cursor !== null && { cursor }) },
        });
        paged.push(...answer.items.map(({ user_id }) => user_id));
        cursor = answer.next_cursor;
      } while (cursor !== null);
      expect(paged).toEqual(all.items.map(({ user_id }) => user_id));
      expect(all.total).toEqual({ count: all.items.length, exact: true });
    },
  );

  it('finds part of an email or name, takes wildcards as they stand, and filters by status', async () => {
    const list = (asked: object) => scene.call(contract.listUsers, { as: owner.token, query: asked });
    await scene.addUser('under_score@find.example');
    expect((await list({ q: 'R_SCORE@find' })).items).toHaveLength(1);
    expect((await list({ q: 'under%score' })).items).toHaveLength(0);
    const suspended = await list({ status: 'suspended' });
    expect(new Set(suspended.items.map(({ status }) => status))).toEqual(new Set(['suspended']));
  });

  it('shows roles with their scope and the number of live sessions', async () => {
    const { user_id } = await scene.enter('shown@example.com', 'support');
    await query(
      `insert into assignments (user_id, role_id, environment) values ($1, 'operator', 'dev')`,
      user_id,
    );
    const { items } = await scene.call(contract.listUsers, { as: owner.token, query: { q: 'shown@' } });
    expect(items).toMatchObject([
      {
        session_count: 1,
        roles: [
          { role_id: 'support', tenant_id: null, environment: null },
          { role_id: 'operator', tenant_id: null, environment: 'dev' },
        ],
      },
    ]);
  });

  it('refuses a cursor of another sort', async () => {
    const { next_cursor } = await scene.call(contract.listUsers, {
      as: owner.token,
      query: { limit: 1, sort: 'email' },
    });
    await expect(
      scene.call(contract.listUsers, {
        as: owner.token,
        query: { limit: 1, sort: '-email', cursor: next_cursor! },
      }),
    ).rejects.toMatchObject({ code: 'malformed_cursor' });
  });
});

describe('the list of sessions', () => {
  it('pages by either time and finds by email or start of the address', async () => {
    for (let index = 0; index < 4; index++) await scene.enter(`session-${index}@seen.example`);
    const list = (asked: object) => scene.call(contract.listSessions, { as: owner.token, query: asked });
    for (const sort of ['created_at', '-last_seen_at'] as const) {
      const all = await list({ q: '@seen.example', sort });
      expect(all.items).toHaveLength(4);
      const first = await list({ q: '@seen.example', sort, limit: 3 });
      const rest = await list({ q: '@seen.example', sort, limit: 3, cursor: first.next_cursor });
      expect([...first.items, ...rest.items].map(({ session_id }) => session_id)).toEqual(
        all.items.map(({ session_id }) => session_id),
      );
    }
    expect((await list({ q: '10.0.' })).items.length).toBeGreaterThan(3);
    expect((await list({ q: '0.0.' })).items).toHaveLength(0);
  });
});
