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
const assign = (
  user_id: string,
  role_id: string,
  scope: { tenant_id?: string; environment?: string } = {},
  as = owner.token,
) => scene.call(contract.createAssignment, { as, body: { user_id, role_id, ...scope } });
const unassign = (assignment_id: string, as = owner.token) =>
  scene.call(contract.deleteAssignment, { as, params: { assignment_id }, body: { reason } });
const createToken = (
  as: string,
  permissions: string[],
  scope: { tenant_id?: string; environment?: string } = {},
) =>
  scene.call(contract.createToken, { as, body: { name: 'ci', permissions, ...scope, expires_in_days: 1 } });

describe('an API token', () => {
  it('acts as its user, narrowed to its permissions and scope', async () => {
    const { token, value } = await createToken(owner.token, ['tenants.*', 'scale.view'], {
      environment: 'dev',
    });
    expect(token).toMatchObject({
      state: 'active',
      environment: 'dev',
      tenant_id: null,
      prefix: value!.slice(0, 8),
    });
    const principal = await scene.principalOf(value!);
    expect(principal).toMatchObject({
      type: 'api_token',
      principal_id: token.token_id,
      label: `${token.user_email} (ci)`,
      session: null,
    });
    const may = (permission: 'tenants.create' | 'scale.migrate', environment: string) =>
      mayDo(principal, permission, { environment });
    expect([
      may('tenants.create', 'dev'),
      may('tenants.create', 'prod'),
      may('scale.migrate', 'dev'),
    ]).toEqual([true, false, false]);
  });

  it('never does more than its user may at the time of the call', async () => {
    const { user_id, token } = await scene.enter('narrowing@example.com');
    const { assignment } = await assign(user_id, 'operator');
    const { value } = await createToken(token, ['scale.migrate']);
    expect(mayDo(await scene.principalOf(value!), 'scale.migrate')).toBe(true);
    await unassign(assignment.assignment_id);
    expect(mayDo(await scene.principalOf(value!), 'scale.migrate')).toBe(false);
    await scene.call(contract.suspendUser, { as: owner.token, params: { user_id }, body: { reason } });
    expect(await scene.authenticate(value!)).toMatchObject({ rejected: 'user_not_active' });
  });

  it('is not made of what its user does not hold, nor by another token', async () => {
    await expect(createToken(admin.token, ['*'])).rejects.toMatchObject({ code: 'permission_denied' });
    await expect(createToken(owner.token, ['tenants.read'], { environment: 'qa' })).rejects.toMatchObject({
      code: 'unknown_environment',
    });
    const { value } = await createToken(owner.token, ['*']);
    await expect(createToken(value!, ['tenants.read'])).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('shows its value once: a replay of the request answers null', async () => {
    const idempotency = { key: 'token-1', request_hash: 'h', response_status: 201 };
    const body = { name: 'once', permissions: ['tenants.read'], expires_in_days: 1 };
    const { value, job_id } = await scene.call(contract.createToken, { as: owner.token, body, idempotency });
    const [job] = await query('select response_body from jobs where job_id = $1', job_id);
    expect(job).toMatchObject({ response_body: { job_id, value: null, token: { name: 'once' } } });
    const { items } = await scene.call(contract.listTokens, { as: owner.token, query: {} });
    expect(JSON.stringify(items)).not.toContain(value);
    expect(JSON.stringify(await query('select * from api_tokens'))).not.toContain(value);
  });

  it('ends with its time and when it is revoked', async () => {
    const expiring = await createToken(owner.token, ['tenants.read']);
    await query(`update api_tokens set expires_at = now() where token_id = $1`, expiring.token.token_id);
    expect(await scene.authenticate(expiring.value!)).toMatchObject({ rejected: 'expired' });
    const revoked = await createToken(owner.token, ['tenants.read']);
    const revoke = () =>
      scene.call(contract.revokeToken, {
        as: owner.token,
        params: { token_id: revoked.token.token_id },
        body: { reason },
      });
    expect(await revoke()).toMatchObject({ token: { state: 'revoked' } });
    expect(await scene.authenticate(revoked.value!)).toMatchObject({ rejected: 'revoked' });
    await expect(revoke()).rejects.toMatchObject({ code: 'action_not_allowed' });
    const states = await scene.call(contract.listTokens, {
      as: owner.token,
      query: { user_id: owner.user_id, state: 'expired' },
    });
    expect(states.items.map(({ token_id }) => token_id)).toEqual([expiring.token.token_id]);
  });

  it('says when it was last used', async () => {
    const { value, token } = await createToken(owner.token, ['tenants.read']);
    await scene.authenticate(value!);
    await expect
      .poll(() =>
        query('select 1 from api_tokens where token_id = $1 and last_used_at is not null', token.token_id),
      )
      .toHaveLength(1);
  });
});
