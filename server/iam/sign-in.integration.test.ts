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
const problemOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: { code: string; message: string; headers: Record<string, string> }) => error,
  );
const lastLogin = async (email: string) =>
  (
    await query(
      `select outcome, actor_type, details from audit_events where action = 'iam.login' and target_id = $1 order by sequence desc limit 1`,
      email,
    )
  )[0];

describe('signing in', () => {
  it('opens a session that says who it is and where it came from', async () => {
    const user_id = await scene.addUser('Anna@Example.com', 'owner');
    const { answer, cookie } = await login('anna@example.COM', PASSWORD, '192.0.2.7');
    expect(answer.user).toMatchObject({ user_id, email: 'Anna@Example.com', status: 'active' });
    expect(answer.user).not.toHaveProperty('password_hash');
    expect(answer).not.toHaveProperty('token');
    const me = await scene.call(contract.me, { as: cookie! });
    expect(me).toMatchObject({
      user: { user_id },
      csrf_token: answer.csrf_token,
      token: null,
      grants: [
        { role_id: 'owner', permissions: ['*'], tenant_id: null, environment: null, expires_at: null },
      ],
    });
    const { items } = await scene.call(contract.listSessions, { as: cookie!, query: { user_id } });
    expect(items).toMatchObject([
      { state: 'active', current: true, ip: '192.0.2.7', user_agent: 'scene', ended_reason: null },
    ]);
  });

  it('gives a new token every time', async () => {
    await scene.addUser('fixed@example.com');
    expect(await scene.signIn('fixed@example.com')).not.toBe(await scene.signIn('fixed@example.com'));
  });

  it('answers a wrong password, an unknown email and a suspended user alike, and audits the difference', async () => {
    await scene.addUser('wrong@example.com');
    const suspended = await scene.addUser('suspended@example.com');
    await query(`update users set status = 'suspended' where user_id = $1`, suspended);
    const answers = await Promise.all([
      problemOf(login('wrong@example.com', 'not the password')),
      problemOf(login('nobody@example.com', 'not the password')),
      problemOf(login('suspended@example.com', PASSWORD)),
    ]);
    for (const answer of answers)
      expect(answer).toMatchObject({
        code: 'invalid_credentials',
        message: answers[0]!.message,
        headers: {},
      });
    expect(await lastLogin('wrong@example.com')).toMatchObject({
      outcome: 'failed',
      actor_type: 'anonymous',
      details: { cause: 'wrong_password' },
    });
    expect(await lastLogin('nobody@example.com')).toMatchObject({
      outcome: 'failed',
      details: { cause: 'unknown_user', user_id: null },
    });
    expect(await lastLogin('suspended@example.com')).toMatchObject({
      outcome: 'failed',
      details: { cause: 'user_suspended', user_id: suspended },
    });
  });

  it('writes nothing down of what is no email: it may be a password in the wrong field', async () => {
    for (const typed of ['hunter2-in-the-wrong-field', 'a\0b@example.com']) {
      expect(await problemOf(login(typed, PASSWORD))).toMatchObject({ code: 'invalid_credentials' });
    }
    expect(JSON.stringify(await query('select * from audit_events'))).not.toContain(
      'hunter2-in-the-wrong-field',
    );
    expect(await query(`select 1 from audit_events where target_id = '(not an email)'`)).toHaveLength(2);
  });

  it('keeps the password anew when its parameters are outdated', async () => {
    const user_id = await scene.addUser('old@example.com');
    // argon2id of PASSWORD with m = 8 KiB, t = 1
    const { argon2Sync } = await import('node:crypto');
    const nonce = Buffer.alloc(16, 3);
    const weak = argon2Sync('argon2id', {
      message: PASSWORD,
      nonce,
      parallelism: 1,
      tagLength: 32,
      memory: 8,
      passes: 1,
    });
    const plain = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
    await query(
      'update users set password_hash = $2 where user_id = $1',
      user_id,
      `$argon2id$v=19$m=8,t=1,p=1$${plain(nonce)}$${plain(weak)}`,
    );
    await scene.signIn('old@example.com');
    expect(await query('select password_hash from users where user_id = $1', user_id)).toMatchObject([
      { password_hash: expect.stringContaining('m=19456,t=2') },
    ]);
    await scene.signIn('old@example.com');
  });
});

describe('guessing', () => {
  it('closes the account after five failures, for everybody and for the right password too, and says for how long', async () => {
    await scene.addUser('guessed@example.com');
    for (let failure = 1; failure <= 5; failure++) {
      expect(await problemOf(login('guessed@example.com', 'wrong'))).toMatchObject({
        code: 'invalid_credentials',
      });
    }
    const refused = await problemOf(login('GUESSED@example.com', PASSWORD));
    expect(refused).toMatchObject({
      code: 'rate_limited',
      message: expect.stringMatching(/try again in (29|30) seconds/),
    });
    expect(Number(refused!.headers['retry-after'])).toBeGreaterThan(28);
    expect(await lastLogin('guessed@example.com')).toMatchObject({ details: { closed_for_s: 30 } });
  });

  it('is slowed down more with every failure after that', async () => {
    await scene.addUser('again@example.com');
    for (let failure = 1; failure <= 5; failure++) await problemOf(login('again@example.com', 'wrong'));
    await query(`update sign_in_throttle set expire = 1 where key like 'account:%' and points > 5`);
    expect(await problemOf(login('again@example.com', 'wrong'))).toMatchObject({
      code: 'invalid_credentials',
    });
    expect(await problemOf(login('again@example.com', PASSWORD))).toMatchObject({
      code: 'rate_limited',
      message: expect.stringMatching(/(59|60) seconds/),
    });
  });

  it('is forgotten after a right password', async () => {
    await scene.addUser('clumsy@example.com');
    for (let round = 0; round < 3; round++) {
      for (let failure = 1; failure <= 4; failure++) await problemOf(login('clumsy@example.com', 'wrong'));
      expect(await problemOf(login('clumsy@example.com', PASSWORD))).toBeNull();
    }
  });

  it('a hundred times at once is five guesses', async () => {
    await scene.addUser('stormed@example.com');
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => problemOf(login('stormed@example.com', 'wrong'))),
    );
    expect(answers.filter((answer) => answer?.code === 'invalid_credentials')).toHaveLength(5);
    expect(answers.filter((answer) => answer?.code === 'rate_limited')).toHaveLength(35);
  });

  it('by strangers does not keep out who comes from an address that they signed in from before', async () => {
    await scene.addUser('owner-under-attack@example.com');
    await login('owner-under-attack@example.com', PASSWORD, '198.51.100.4');
    for (let failure = 1; failure <= 6; failure++)
      await problemOf(login('owner-under-attack@example.com', 'wrong'));
    expect(await problemOf(login('owner-under-attack@example.com', PASSWORD))).toMatchObject({
      code: 'rate_limited',
    });
    expect(await problemOf(login('owner-under-attack@example.com', PASSWORD, '198.51.100.4'))).toBeNull();
    // A known address is no licence to guess.
    for (let failure = 1; failure <= 5; failure++)
      await problemOf(login('owner-under-attack@example.com', 'wrong', '198.51.100.4'));
    expect(await problemOf(login('owner-under-attack@example.com', PASSWORD, '198.51.100.4'))).toMatchObject({
      code: 'rate_limited',
    });
  });

  it('is not what many right sign-ins at once are taken for', async () => {
    await scene.addUser('script@example.com');
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => problemOf(login('script@example.com', PASSWORD))),
    );
    expect(answers).toEqual(Array(12).fill(null));
  });

  it('many accounts from one address is stopped after thirty, and other addresses go on', async () => {
    const attempt = (index: number, host: number) =>
      problemOf(login(`spray-${index}@example.com`, 'wrong', `2001:db8:5:5::${host}`));
    const answers = [];
    for (let index = 0; index < 32; index++) answers.push(await attempt(index, index));
    expect(answers.map((answer) => answer?.code)).toEqual([
      ...Array(30).fill('invalid_credentials'),
      'rate_limited',
      'rate_limited',
    ]);
    expect(await problemOf(login('spray-40@example.com', 'wrong', '2001:db8:5:6::1'))).toMatchObject({
      code: 'invalid_credentials',
    });
  });
});

describe('a session', () => {
  it('is over on the next request when it is signed out', async () => {
    const { token } = await scene.enter('leaving@example.com');
    expect(await scene.request(contract.logout, { as: token })).toEqual({
      answer: { ended: true, job_id: expect.any(String) },
      cookie: null,
    });
    expect(await scene.authenticate(token)).toMatchObject({ rejected: 'revoked' });
  });

  it('is over on the next request when somebody ends it', async () => {
    const { token: admin } = await scene.enter('ending@example.com', 'owner');
    const { token, user_id } = await scene.enter('ended@example.com');
    const { items } = await scene.call(contract.listSessions, {
      as: admin,
      query: { user_id, state: 'active' },
    });
    const params = { session_id: items[0]!.session_id };
    const { session } = await scene.call(contract.revokeSession, {
      as: admin,
      params,
      body: { reason: 'lost laptop' },
    });
    expect(session).toMatchObject({
      state: 'revoked',
      ended_reason: 'Ended by ending@example.com: lost laptop',
    });
    expect(await scene.authenticate(token)).toMatchObject({ rejected: 'revoked' });
    const again = scene.call(contract.revokeSession, { as: admin, params, body: { reason: 'lost laptop' } });
    await expect(again).rejects.toMatchObject({
      code: 'action_not_allowed',
      message: expect.stringContaining('revoked'),
    });
    expect(
      await scene.call(contract.listSessions, { as: admin, query: { user_id, state: 'revoked' } }),
    ).toMatchObject({ total: { count: 1, exact: true } });
  });

  it.each([
    ['twelve hours after signing in', `expires_at = now() - interval '1 second'`],
    ['two hours after its last use', `last_seen_at = now() - interval '2 hours 1 second'`],
  ])('expires %s', async (_when, change) => {
    const email = `expires-${change.length}@example.com`;
    const { token, user_id } = await scene.enter(email);
    await query(`update sessions set ${change} where user_id = $1`, user_id);
    expect(await scene.authenticate(token)).toMatchObject({ rejected: 'expired' });
    const { token: admin } = await scene.enter(`admin-${email}`, 'owner');
    expect((await scene.call(contract.listSessions, { as: admin, query: { user_id } })).items).toMatchObject([
      { state: 'expired' },
    ]);
  });

  it('lives twelve hours at most and keeps being used', async () => {
    const { token, user_id } = await scene.enter('used@example.com');
    await query(`update sessions set last_seen_at = now() - interval '1 hour' where user_id = $1`, user_id);
    expect(await scene.authenticate(token)).toHaveProperty('principal');
    await expect
      .poll(() =>
        query(
          `select 1 from sessions where user_id = $1 and last_seen_at > now() - interval '1 minute'`,
          user_id,
        ),
      )
      .toHaveLength(1);
    expect(
      await query(`select expires_at - created_at as life from sessions where user_id = $1`, user_id),
    ).toMatchObject([{ life: { hours: 12 } }]);
  });

  it('is known by no other value', async () => {
    for (const value of ['', 'x', 'clc_', 'a'.repeat(4000)])
      expect(await scene.authenticate(value)).toMatchObject({ rejected: 'unknown' });
  });
});

it('no password, token or proof is in the audit log or with the jobs', async () => {
  const { token } = await scene.enter('secretive@example.com', 'owner');
  const secrets = [PASSWORD, token, 'copper lantern 88 drift', 'a first password 77'];
  const idempotency = { key: 'k-1', request_hash: 'h', response_status: 201 };
  const created = await scene.call(contract.createToken, {
    as: token,
    body: { name: 'ci', permissions: ['*'], expires_in_days: 1 },
    idempotency,
  });
  const stepped = await scene.request(contract.stepUp, {
    as: token,
    body: { password: PASSWORD, request_hash: 'c'.repeat(64) },
  });
  await scene.call(contract.createUser, {
    as: stepped.cookie!,
    body: { email: 'new@example.com', display_name: 'New', password: 'a first password 77' },
  });
  secrets.push(created.value!, stepped.cookie!, stepped.answer.proof!, stepped.answer.csrf_token);
  const kept = (
    await query(
      `select to_jsonb(a)::text as text from audit_events a union all select to_jsonb(j)::text from jobs j`,
    )
  )
    .map(({ text }) => text)
    .join('\n');
  expect(kept).toContain('new@example.com');
  expect(secrets.filter((secret) => kept.includes(secret))).toEqual([]);
  expect(kept).not.toContain('argon2id');
});
