import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { mayDo } from '#server/http/call-context.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { openScene, PASSWORD, type Scene } from './iam-test-scene.ts';

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

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query(text, values)).rows as Record<string, unknown>[];
const reason = 'the pipeline needs it';
const create = async (name: string, as = owner.token) =>
  (
    await scene.call(contract.createServiceAccount, {
      as,
      body: { name, display_name: `What ${name} does`, reason },
    })
  ).service_account;
const give = (user_id: string, role_id: string, scope: { environment?: string } = {}, as = owner.token) =>
  scene.call(contract.createAssignment, { as, body: { user_id, role_id, ...scope } });
const makeToken = (user_id: string, permissions: string[], as = owner.token, expires_in_days = 1) =>
  scene.call(contract.createServiceAccountToken, {
    as,
    params: { user_id },
    body: { name: 'deploy', permissions, expires_in_days },
  });
const act = (endpoint: typeof contract.disableServiceAccount, user_id: string) =>
  scene.call(endpoint, { as: owner.token, params: { user_id }, body: { reason } });
const rolesOf = async (user_id: string) =>
  (await scene.call(contract.getServiceAccount, { as: owner.token, params: { user_id } })).roles;

describe('a service account', () => {
  it('acts by a token within the roles that it is given as people are, and says whom the audit log names', async () => {
    const { user_id, email } = await create('ci-deploy');
    expect(email).toBe('ci-deploy@service-account');
    const { token, value } = await makeToken(user_id, ['scale.*', 'tenants.read']);
    expect(token).toMatchObject({
      user_kind: 'service_account',
      user_email: email,
      created_by: 'owner@example.com',
    });
    expect(mayDo(await scene.principalOf(value!), 'scale.migrate', { environment: 'dev' })).toBe(false);
    await give(user_id, 'operator', { environment: 'dev' });
    const principal = await scene.principalOf(value!);
    expect(principal).toMatchObject({ type: 'api_token', user_id, label: `${email} (deploy)` });
    const may = (permission: 'scale.migrate' | 'jobs.cancel', environment: string) =>
      mayDo(principal, permission, { environment });
    expect([may('scale.migrate', 'dev'), may('scale.migrate', 'prod'), may('jobs.cancel', 'dev')]).toEqual([
      true,
      false,
      false,
    ]);
    const explained = await scene.call(contract.explainTokenPermissions, {
      as: owner.token,
      params: { token_id: token.token_id },
    });
    expect(explained.principal).toMatchObject({ type: 'api_token', may_act: true });
    expect(explained.items.map(({ permission }) => permission)).toContain('scale.migrate');
    expect(explained.items.map(({ permission }) => permission)).not.toContain('jobs.cancel');
    expect(await scene.call(contract.me, { as: value! })).toMatchObject({
      user: { user_id, kind: 'service_account' },
    });
  });

  it('has no way to sign in, whatever is tried on it', async () => {
    const { user_id, email } = await create('no-way-in');
    await expect(scene.signIn(email, PASSWORD)).rejects.toMatchObject({ code: 'invalid_credentials' });
    const body = { reason, new_password: 'copper lantern 88 drift' };
    const asked = { as: owner.token, params: { user_id } };
    for (const attempt of [
      () => scene.call(contract.setUserPassword, { ...asked, body }),
      () => scene.call(contract.resetUserPassword, { ...asked, body: { reason } }),
      () => scene.call(contract.resendInvitation, { ...asked, body: { reason } }),
      () => scene.call(contract.resetUserMfa, { ...asked, body: { reason } }),
      () => scene.call(contract.suspendUser, { ...asked, body: { reason } }),
      () => scene.call(contract.updateUser, { ...asked, body: { email: 'person@example.com' }, if_match: 1 }),
      () => scene.call(contract.getUser, asked),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'not_found' });
    await scene.call(contract.requestPasswordReset, { body: { email } });
    expect(await query('select 1 from one_time_secrets where user_id = $1', user_id)).toEqual([]);
    expect(await query('select 1 from sessions where user_id = $1', user_id)).toEqual([]);
    await expect(query(`update users set password_hash = 'x' where user_id = $1`, user_id)).rejects.toThrow(
      /users_service_account/,
    );
  });

  it('is no person in lists of people, and found where people and it are asked for', async () => {
    const { user_id } = await create('unlisted');
    const idsOf = async (kind?: 'any' | 'service_account') =>
      (
        await scene.call(contract.listUsers, {
          as: owner.token,
          query: { q: 'unlisted', ...(kind && { kind }) },
        })
      ).items.map((user) => user.user_id);
    expect([await idsOf(), await idsOf('service_account'), await idsOf('any')]).toEqual([
      [],
      [user_id],
      [user_id],
    ]);
    const { items } = await scene.call(contract.listServiceAccounts, {
      as: owner.token,
      query: { q: 'What unl' },
    });
    expect(items).toMatchObject([{ user_id, token_count: 0, last_used_at: null }]);
  });

  it('has a name that no other has and no person can take', async () => {
    await create('only-one');
    await expect(create('only-one')).rejects.toMatchObject({ code: 'already_exists' });
  });

  it('is changed only in the revision that was read', async () => {
    const { user_id } = await create('renamed');
    const change = (if_match: number) =>
      scene.call(contract.updateServiceAccount, {
        as: owner.token,
        params: { user_id },
        if_match,
        body: { display_name: 'Ships the images' },
      });
    expect((await change(1)).service_account).toMatchObject({
      display_name: 'Ships the images',
      revision: 2,
    });
    await expect(change(1)).rejects.toMatchObject({ code: 'precondition_failed' });
  });

  it('whose every status allows what the table says, and nothing else', async () => {
    const endpoints = {
      disable: contract.disableServiceAccount,
      enable: contract.enableServiceAccount,
      delete: contract.deleteServiceAccount,
    };
    const outcomes: Record<string, string> = {};
    for (const status of contract.SERVICE_ACCOUNT_STATUSES)
      for (const action of ['disable', 'enable', 'delete'] as const) {
        const { user_id } = await create(`${status}-${action}`);
        await query('update users set status = $2 where user_id = $1', user_id, status);
        outcomes[`${status} ${action}`] = await act(endpoints[action], user_id).then(
          ({ service_account }) => service_account.status,
          ({ code }: { code: string }) => code,
        );
      }
    expect(outcomes).toEqual({
      'active disable': 'disabled',
      'active enable': 'action_not_allowed',
      'active delete': 'deleted',
      'disabled disable': 'action_not_allowed',
      'disabled enable': 'active',
      'disabled delete': 'deleted',
      'deleted disable': 'action_not_allowed',
      'deleted enable': 'action_not_allowed',
      'deleted delete': 'action_not_allowed',
    });
  });

  it('that is disabled has no token that works until it is enabled, and can be given none', async () => {
    const { user_id } = await create('paused');
    const { value } = await makeToken(user_id, ['tenants.read']);
    await act(contract.disableServiceAccount, user_id);
    expect(await scene.authenticate(value!)).toMatchObject({ rejected: 'user_not_active' });
    await expect(makeToken(user_id, ['tenants.read'])).rejects.toMatchObject({ code: 'action_not_allowed' });
    await act(contract.enableServiceAccount, user_id);
    expect(await scene.principalOf(value!)).toMatchObject({ user_id });
  });

  it('that is deleted leaves a tombstone without roles or tokens, and its name is free', async () => {
    const { user_id, email } = await create('gone');
    await give(user_id, 'read-only');
    const { value, token } = await makeToken(user_id, ['tenants.read']);
    const { job_id } = await act(contract.deleteServiceAccount, user_id);
    expect(await scene.authenticate(value!)).toMatchObject({ rejected: 'revoked' });
    expect(await rolesOf(user_id)).toEqual([]);
    const [event] = await query('select changes, reason from audit_events where job_id = $1', job_id);
    expect(event).toMatchObject({ reason });
    expect(JSON.stringify(event)).toContain(token.prefix);
    expect((await create('gone')).email).toBe(email);
    await expect(give(user_id, 'read-only')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is not the owner that must be left: it cannot sign in', async () => {
    const { user_id } = await create('machine-owner');
    await give(user_id, 'owner');
    const { items } = await scene.call(contract.listAssignments, {
      as: owner.token,
      query: { user_id: owner.user_id, role_id: 'owner' },
    });
    const params = { assignment_id: items[0]!.assignment_id };
    await expect(
      scene.call(contract.deleteAssignment, { as: owner.token, params, body: { reason } }),
    ).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('a token of a service account', () => {
  it('is made by nobody for more, or for longer, than they hold themselves', async () => {
    const { user_id } = await create('powerful');
    await give(user_id, 'owner');
    const security = await scene.enter('security@example.com', 'security-admin');
    expect((await makeToken(user_id, ['audit.view'], security.token)).token.permissions).toEqual([
      'audit.view',
    ]);
    await expect(makeToken(user_id, ['scale.migrate'], security.token)).rejects.toMatchObject({
      code: 'permission_denied',
      details: { missing: [{ permission: 'scale.migrate' }] },
    });
    const brief = await scene.enter('brief@example.com');
    const expires_at = new Date(Date.now() + 3 * 24 * 3600_000).toISOString();
    await scene.call(contract.createAssignment, {
      as: owner.token,
      body: { user_id: brief.user_id, role_id: 'security-admin', expires_at },
    });
    await makeToken(user_id, ['audit.view'], brief.token, 2);
    await expect(makeToken(user_id, ['audit.view'], brief.token, 4)).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });

  it('is made and rotated by people only', async () => {
    const { user_id } = await create('self-serving');
    await give(user_id, 'owner');
    const { value, token } = await makeToken(user_id, ['*']);
    await expect(makeToken(user_id, ['*'], value!)).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(
      scene.call(contract.rotateToken, {
        as: value!,
        params: { token_id: token.token_id },
        body: { expires_in_days: 1, overlap_hours: 1 },
      }),
    ).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('is rotated by whoever may make it, and by nobody who may not', async () => {
    const { user_id } = await create('rotated');
    await give(user_id, 'owner');
    const { token } = await makeToken(user_id, ['scale.migrate']);
    const security = await scene.enter('rotating@example.com', 'security-admin');
    const rotate = (as: string) =>
      scene.call(contract.rotateToken, {
        as,
        params: { token_id: token.token_id },
        body: { expires_in_days: 30, overlap_hours: 24 },
      });
    await expect(rotate(security.token)).rejects.toMatchObject({ code: 'permission_denied' });
    const { token: successor, replaced } = await rotate(owner.token);
    expect(successor).toMatchObject({ user_id, permissions: ['scale.migrate'], state: 'active' });
    expect(replaced.state).toBe('retiring');
  });
});
