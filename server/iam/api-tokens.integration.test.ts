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

describe('a rotated token', () => {
  const rotate = (token_id: string, overlap_hours: number, as = owner.token, expires_in_days = 30) =>
    scene.call(contract.rotateToken, {
      as,
      params: { token_id },
      body: { expires_in_days, overlap_hours, reason },
    });

  it('works beside its successor until the overlap has passed, and the list shows the chain', async () => {
    const first = await createToken(owner.token, ['tenants.*'], { environment: 'dev' });
    await query(
      `update api_tokens set expires_at = now() + interval '20 days' where token_id = $1`,
      first.token.token_id,
    );
    const { token: second, value, replaced, job_id } = await rotate(first.token.token_id, 24);
    expect(second).toMatchObject({
      name: 'ci',
      permissions: ['tenants.*'],
      environment: 'dev',
      state: 'active',
      rotated_from: { token_id: first.token.token_id, prefix: first.token.prefix },
      rotated_to: null,
    });
    expect(replaced).toMatchObject({ state: 'retiring', rotated_to: { token_id: second.token_id } });
    const overlap_h = (Date.parse(replaced.expires_at) - Date.parse(second.created_at)) / 3600_000;
    expect(overlap_h).toBeCloseTo(24, 3);
    for (const one of [first.value!, value!])
      expect(await scene.principalOf(one)).toMatchObject({ user_id: owner.user_id });

    await query(`update api_tokens set expires_at = now() where token_id = $1`, first.token.token_id);
    expect(await scene.authenticate(first.value!)).toMatchObject({ rejected: 'expired' });
    expect(await scene.principalOf(value!)).toMatchObject({ user_id: owner.user_id });
    const [event] = await query('select changes from audit_events where job_id = $1', job_id);
    expect(JSON.stringify(event)).toContain(second.prefix);
    expect(JSON.stringify(event)).not.toContain(value);
  });

  it('ends at once without an overlap, and never lives longer than it would have', async () => {
    const atOnce = await createToken(owner.token, ['tenants.read']);
    expect((await rotate(atOnce.token.token_id, 0)).replaced.state).toBe('expired');
    expect(await scene.authenticate(atOnce.value!)).toMatchObject({ rejected: 'expired' });
    const soon = await createToken(owner.token, ['tenants.read']);
    const { replaced } = await rotate(soon.token.token_id, 7 * 24);
    expect(replaced.expires_at).toBe(soon.token.expires_at);
  });

  it('has one successor, of many asked for at once too; an ended token has none', async () => {
    const { token } = await createToken(owner.token, ['tenants.read']);
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => rotate(token.token_id, 1)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(rotate(token.token_id, 1)).rejects.toMatchObject({
      code: 'action_not_allowed',
      message: expect.stringContaining('successor'),
    });
    const ended = await createToken(owner.token, ['tenants.read']);
    const params = { token_id: ended.token.token_id };
    await scene.call(contract.revokeToken, { as: owner.token, params, body: { reason } });
    await expect(rotate(ended.token.token_id, 1)).rejects.toMatchObject({ code: 'action_not_allowed' });
  });

  it('can be revoked before its overlap has passed, which leaves its successor', async () => {
    const { token, value } = await createToken(owner.token, ['tenants.read']);
    const { value: successor } = await rotate(token.token_id, 24);
    const params = { token_id: token.token_id };
    await scene.call(contract.revokeToken, { as: owner.token, params, body: { reason } });
    expect(await scene.authenticate(value!)).toMatchObject({ rejected: 'revoked' });
    expect(await scene.principalOf(successor!)).toMatchObject({ user_id: owner.user_id });
  });

  it('is rotated by its own person only: the value would act as them', async () => {
    const { token } = await createToken(admin.token, ['tenants.read']);
    await expect(rotate(token.token_id, 1)).rejects.toMatchObject({ code: 'permission_denied' });
  });
});
