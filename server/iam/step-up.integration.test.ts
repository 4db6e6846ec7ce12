import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { openScene, PASSWORD, type Scene } from './iam-test-scene.ts';

let testDatabase: TestDatabase;
let database: DatabaseHandle;
let scene: Scene;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  await seedRoleTemplates(database.db);
  scene = openScene(database.db);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query(text, values)).rows as Record<string, unknown>[];
const login = (email: string, password: string, ip?: string) =>
  scene.request(contract.login, { body: { email, password }, ...(ip !== undefined && { ip }) });

describe('stepping up', () => {
  const request_hash = 'a'.repeat(64);
  const stepUp = (as: string, body: { password: string; request_hash?: string }) =>
    scene.request(contract.stepUp, { as, body });

  it('authenticates anew, under a new token that replaces the old one', async () => {
    const { token, user_id } = await scene.enter('careful@example.com');
    await query(
      `update sessions set authenticated_at = now() - interval '1 hour' where user_id = $1`,
      user_id,
    );
    const { answer, cookie } = await stepUp(token, { password: PASSWORD });
    expect(Date.now() - Date.parse(answer.authenticated_at)).toBeLessThan(5000);
    expect(answer.proof).toBeNull();
    expect(await scene.authenticate(token)).toMatchObject({ rejected: 'unknown' });
    const me = await scene.call(contract.me, { as: cookie! });
    expect(me).toMatchObject({
      csrf_token: answer.csrf_token,
      session: { authenticated_at: answer.authenticated_at },
    });
  });

  it('makes a proof that lets one request pass, once, in this session', async () => {
    const { token } = await scene.enter('proving@example.com');
    const { answer, cookie } = await stepUp(token, { password: PASSWORD, request_hash });
    const context = scene.contextOf(await scene.principalOf(cookie!));
    const foreign = scene.contextOf(await scene.principalOf((await scene.enter('other@example.com')).token));
    const proves = (where: typeof context, hash: string) =>
      scene.authenticator.provesBound(where, answer.proof!, hash);
    expect(await proves(foreign, request_hash)).toBe(false);
    expect(await proves(context, 'b'.repeat(64))).toBe(false);
    const uses = await Promise.all(Array.from({ length: 8 }, () => proves(context, request_hash)));
    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await proves(context, request_hash)).toBe(false);
  });

  it('makes a proof that is void after two minutes', async () => {
    const { token, user_id } = await scene.enter('slow@example.com');
    const { answer, cookie } = await stepUp(token, { password: PASSWORD, request_hash });
    const life = await query(
      `select p.expires_at - now() < interval '2 minutes' as short from step_up_proofs p join sessions s using (session_id) where user_id = $1`,
      user_id,
    );
    expect(life).toEqual([{ short: true }]);
    await query(`update step_up_proofs set expires_at = now()`);
    const context = scene.contextOf(await scene.principalOf(cookie!));
    expect(await scene.authenticator.provesBound(context, answer.proof!, request_hash)).toBe(false);
  });

  it('is refused with a wrong password, five times, and leaves the session as it was', async () => {
    const { token } = await scene.enter('unsure@example.com');
    for (let failure = 1; failure <= 5; failure++) {
      await expect(stepUp(token, { password: 'wrong' })).rejects.toMatchObject({
        code: 'invalid_credentials',
      });
    }
    await expect(stepUp(token, { password: PASSWORD })).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await scene.authenticate(token)).toHaveProperty('principal');
    expect(
      await query(
        `select 1 from audit_events where action = 'iam.step_up' and outcome = 'failed' and actor_label = 'unsure@example.com'`,
      ),
    ).toHaveLength(5);
    // Strangers who guess at the sign-in page have another count, so they cannot lock a signed-in person out, nor the other way round.
    await scene.signIn('unsure@example.com');
  });

  it('twice at once leaves one valid session', async () => {
    const { token } = await scene.enter('double@example.com');
    const results = await Promise.allSettled([
      stepUp(token, { password: PASSWORD }),
      stepUp(token, { password: PASSWORD }),
    ]);
    const cookies = results.flatMap((result) =>
      result.status === 'fulfilled' ? [result.value.cookie!] : [],
    );
    expect(cookies).toHaveLength(1);
    expect(await scene.authenticate(cookies[0]!)).toHaveProperty('principal');
  });

  it('is not for API tokens', async () => {
    const { token } = await scene.enter('automation@example.com', 'owner');
    const created = await scene.call(contract.createToken, {
      as: token,
      body: { name: 'ci', permissions: ['*'], expires_in_days: 1 },
    });
    await expect(stepUp(created.value!, { password: PASSWORD })).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });
});

describe('changing the own password', () => {
  const body = { current_password: PASSWORD, new_password: 'copper lantern 88 drift' };

  it('ends the other sessions and keeps this one', async () => {
    const { token } = await scene.enter('changing@example.com');
    const other = await scene.signIn('changing@example.com');
    await scene.call(contract.changeMyPassword, { as: token, body });
    expect(await scene.authenticate(token)).toHaveProperty('principal');
    expect(await scene.authenticate(other)).toMatchObject({ rejected: 'revoked' });
    await expect(login('changing@example.com', PASSWORD)).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    await scene.signIn('changing@example.com', body.new_password);
  });

  it('needs the current one, and a new one that is hard to guess', async () => {
    const { token } = await scene.enter('lindqvist@example.com');
    const change = (changed: Partial<typeof body>) =>
      scene.call(contract.changeMyPassword, { as: token, body: { ...body, ...changed } });
    await expect(change({ current_password: 'wrong' })).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    await expect(change({ new_password: 'lindqvist-2026' })).rejects.toMatchObject({
      code: 'unprocessable',
      errors: [{ pointer: '/new_password' }],
    });
    await scene.signIn('lindqvist@example.com');
  });
});
