import { HOTP, Secret, TOTP } from 'otpauth';
import { Value } from 'typebox/value';
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
const codeOf = (secret: string, offset = 0) =>
  HOTP.generate({ secret: Secret.fromBase32(secret), counter: TOTP.counter() + offset });

/** Enrols an authenticator app by the code of the step before, so that the present and the next one are left to use. */
async function enrol(token: string) {
  const { enrolment } = await scene.call(contract.startTotpEnrolment, { as: token });
  const { answer, cookie } = await scene.request(contract.confirmTotpEnrolment, {
    as: token,
    body: { code: codeOf(enrolment!.secret, -1) },
  });
  return { ...enrolment!, recovery_codes: answer.recovery_codes!, csrf_token: answer.csrf_token, cookie };
}
const login = (email: string) => scene.request(contract.login, { body: { email, password: PASSWORD } });
const second = (as: string, body: { totp_code?: string; recovery_code?: string }) =>
  scene.request(contract.loginSecondFactor, { as, body });

describe('signing in with a second factor', () => {
  it('opens nothing between the password and the code, then everything under a new token', async () => {
    const { token, user_id } = await scene.enter('two@example.com', 'owner');
    const { secret } = await enrol(token);
    const first = await login('two@example.com');
    expect(first.answer).toMatchObject({ next: 'second_factor', second_factors: ['totp', 'recovery_code'] });
    const half = await scene.principalOf(first.cookie!);
    expect(half).toMatchObject({ session: { pending: 'second_factor' }, grants: [] });
    const done = await second(first.cookie!, { totp_code: codeOf(secret) });
    expect(done.answer).toMatchObject({ next: 'done', user: { user_id } });
    expect(await scene.authenticate(first.cookie!)).toMatchObject({ rejected: 'unknown' });
    expect(await scene.principalOf(done.cookie!)).toMatchObject({
      session: { pending: null },
      grants: [{ role_id: 'owner' }],
    });
    const { items } = await scene.call(contract.listMySessions, { as: done.cookie! });
    expect(items.map(({ methods }) => methods)).toContainEqual(['password', 'totp']);
  });

  it('takes each code once, of many at the same time too', async () => {
    const { token } = await scene.enter('once@example.com');
    const { secret } = await enrol(token);
    const sessions = [];
    for (let index = 0; index < 4; index++) sessions.push((await login('once@example.com')).cookie!);
    const results = await Promise.allSettled(
      sessions.map((session) => second(session, { totp_code: codeOf(secret) })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is refused after five wrong codes, and each is audited', async () => {
    const { token } = await scene.enter('guessed@example.com');
    const { secret } = await enrol(token);
    const { cookie } = await login('guessed@example.com');
    const wrong = codeOf(secret, 40);
    for (let index = 0; index < 5; index++)
      await expect(second(cookie!, { totp_code: wrong })).rejects.toMatchObject({
        code: 'invalid_credentials',
      });
    await expect(second(cookie!, { totp_code: codeOf(secret) })).rejects.toMatchObject({
      code: 'rate_limited',
    });
    expect(
      await query(
        `select details->>'cause' as cause from audit_events where action = 'iam.login.second_factor' and actor_label = 'guessed@example.com'`,
      ),
    ).toEqual(Array.from({ length: 5 }, () => ({ cause: 'wrong_totp_code' })));
  });

  it('is void ten minutes after the password', async () => {
    const { token, user_id } = await scene.enter('late@example.com');
    await enrol(token);
    const { cookie } = await login('late@example.com');
    expect(
      await query(
        `select expires_at - now() < interval '10 minutes' as short from sessions where user_id = $1 and pending is not null`,
        user_id,
      ),
    ).toEqual([{ short: true }]);
    await query('update sessions set expires_at = now() where user_id = $1', user_id);
    expect(await scene.authenticate(cookie!)).toMatchObject({ rejected: 'expired' });
  });

  it('needs exactly one answer', async () => {
    const { token } = await scene.enter('both@example.com');
    const { secret, recovery_codes } = await enrol(token);
    const { cookie } = await login('both@example.com');
    const both = { totp_code: codeOf(secret), recovery_code: recovery_codes[0]! };
    await expect(second(cookie!, both)).rejects.toMatchObject({ code: 'unprocessable' });
    await expect(second(cookie!, {})).rejects.toMatchObject({ code: 'unprocessable' });
  });
});

describe('recovery codes', () => {
  it('come with the first factor, ten of them, and each lets in once, however it is typed', async () => {
    const { token } = await scene.enter('lost@example.com');
    const { recovery_codes } = await enrol(token);
    expect(new Set(recovery_codes).size).toBe(10);
    const typed = recovery_codes[3]!
      .toUpperCase()
      .replaceAll('-', ' ')
      .replaceAll('0', 'O')
      .replaceAll('1', 'l');
    const { cookie } = await login('lost@example.com');
    expect((await second(cookie!, { recovery_code: typed })).answer.next).toBe('done');
    const again = await login('lost@example.com');
    await expect(second(again.cookie!, { recovery_code: recovery_codes[3]! })).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    const methods = await scene.call(contract.getMySignInMethods, { as: token });
    expect(methods).toMatchObject({ recovery_codes_left: 9, totp: { created_at: expect.any(String) } });
  });

  it('are renewed as a whole', async () => {
    const { token } = await scene.enter('renewing@example.com');
    const { recovery_codes: old } = await enrol(token);
    const { recovery_codes: fresh } = await scene.call(contract.renewRecoveryCodes, { as: token });
    const { cookie } = await login('renewing@example.com');
    await expect(second(cookie!, { recovery_code: old[0]! })).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    expect((await second(cookie!, { recovery_code: fresh![0]! })).answer.next).toBe('done');
  });

  it('are not there without a second factor, and leave with the last one', async () => {
    const { token } = await scene.enter('without@example.com');
    await expect(scene.call(contract.renewRecoveryCodes, { as: token })).rejects.toMatchObject({
      code: 'action_not_allowed',
    });
    await enrol(token);
    await scene.call(contract.removeTotp, { as: token });
    expect(await scene.call(contract.getMySignInMethods, { as: token })).toMatchObject({
      totp: null,
      recovery_codes_left: 0,
    });
    expect((await login('without@example.com')).answer.next).toBe('done');
  });
});

describe('an authenticator app', () => {
  it('counts only after its first code, and replaces the one before', async () => {
    const { token } = await scene.enter('changing-phone@example.com');
    const begun = await scene.call(contract.startTotpEnrolment, { as: token });
    expect((await login('changing-phone@example.com')).answer.next).toBe('done');
    await expect(
      scene.call(contract.confirmTotpEnrolment, {
        as: token,
        body: { code: codeOf(begun.enrolment!.secret, 40) },
      }),
    ).rejects.toMatchObject({ code: 'invalid_credentials' });
    const old = await enrol(token);
    const fresh = await scene.call(contract.startTotpEnrolment, { as: token });
    const { recovery_codes } = await scene.call(contract.confirmTotpEnrolment, {
      as: token,
      body: { code: codeOf(fresh.enrolment!.secret, -1) },
    });
    expect(recovery_codes).toBeNull();
    const { cookie } = await login('changing-phone@example.com');
    await expect(second(cookie!, { totp_code: codeOf(old.secret) })).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
    await second(cookie!, { totp_code: codeOf(fresh.enrolment!.secret) });
  });

  it('is not taken into use twice by a repeated request, whose answer shows no code again', async () => {
    const { token } = await scene.enter('repeating@example.com');
    const { enrolment } = await scene.call(contract.startTotpEnrolment, { as: token });
    const { job_id, csrf_token } = await scene.call(contract.confirmTotpEnrolment, {
      as: token,
      body: { code: codeOf(enrolment!.secret, -1) },
      idempotency: { key: 'confirm-1', request_hash: 'a', response_status: 200 },
    });
    expect(csrf_token).toBe((await scene.principalOf(token)).session?.csrf_token);
    const [job] = await query('select response_body from jobs where job_id = $1', job_id);
    expect(job?.['response_body']).toMatchObject({ csrf_token: null, recovery_codes: null });
    // An answer that the schema does not fit would be a failure of ours.
    expect(Value.Check(contract.confirmTotpEnrolment.response, job?.['response_body'])).toBe(true);
  });

  it('steps up', async () => {
    const { token, user_id } = await scene.enter('stepping@example.com');
    const { secret } = await enrol(token);
    await query(
      `update sessions set authenticated_at = now() - interval '1 hour' where user_id = $1`,
      user_id,
    );
    const { answer, cookie } = await scene.request(contract.stepUp, {
      as: token,
      body: { totp_code: codeOf(secret), request_hash: 'a'.repeat(64) },
    });
    expect(answer.proof).not.toBeNull();
    expect(Date.now() - Date.parse(answer.authenticated_at)).toBeLessThan(5000);
    await expect(
      scene.request(contract.stepUp, { as: cookie!, body: { totp_code: codeOf(secret) } }),
    ).rejects.toMatchObject({ code: 'invalid_credentials' });
  });
});

describe('a role that demands a second factor', () => {
  it('lets in after its enrolment only, and does not let the last one go', async () => {
    await query(
      `insert into role_sign_in_policies (role_id, methods, mfa_required) values ('support', '{password,passkey,provider}', true)`,
    );
    await scene.addUser('demanded@example.com', 'support');
    const { answer, cookie } = await login('demanded@example.com');
    expect(answer.next).toBe('enrolment');
    expect(await scene.principalOf(cookie!)).toMatchObject({ session: { pending: 'enrolment' }, grants: [] });
    const { cookie: whole, csrf_token } = await enrol(cookie!);
    expect(await scene.authenticate(cookie!)).toMatchObject({ rejected: 'unknown' });
    expect(await scene.principalOf(whole!)).toMatchObject({ session: { pending: null, csrf_token } });
    await expect(scene.call(contract.removeTotp, { as: whole! })).rejects.toMatchObject({
      code: 'action_not_allowed',
      message: expect.stringContaining('support demands one'),
    });
  });

  it('a sign-in that waits for an enrolment is no way past a factor that was enrolled meanwhile', async () => {
    await scene.addUser('raced@example.com', 'support');
    const mine = await login('raced@example.com');
    const theirs = await login('raced@example.com');
    const { enrolment } = await scene.call(contract.startTotpEnrolment, { as: theirs.cookie! });
    await scene.call(contract.confirmTotpEnrolment, {
      as: theirs.cookie!,
      body: { code: codeOf(enrolment!.secret, -1) },
    });
    const again = await scene.call(contract.startTotpEnrolment, { as: mine.cookie! });
    await expect(
      scene.call(contract.confirmTotpEnrolment, {
        as: mine.cookie!,
        body: { code: codeOf(again.enrolment!.secret) },
      }),
    ).rejects.toMatchObject({ code: 'action_not_allowed' });
  });

  it('says beforehand whom its policy would touch', async () => {
    const asked = {
      as: (await scene.enter('asking@example.com', 'owner')).token,
      params: { role_id: 'read-only' },
    };
    await scene.addUser('audits@example.com', 'read-only');
    const keyed = await scene.enter('audits-with-app@example.com', 'read-only');
    await enrol(keyed.token);
    const preview = (body: { methods: contract.SignInMethod[]; mfa_required: boolean }) =>
      scene.call(contract.previewSignInPolicy, { ...asked, body });
    expect(await preview({ methods: ['password', 'passkey'], mfa_required: true })).toMatchObject({
      blockers: [],
      users: [{ email: 'audits@example.com', effect: 'enrols' }],
      counts: { shut_out: 0, enrols: 1, narrowed: 0 },
      holder_count: 2,
    });
    expect(await preview({ methods: ['passkey'], mfa_required: false })).toMatchObject({
      counts: { shut_out: 2, enrols: 0, narrowed: 0 },
    });
    expect(await scene.call(contract.getSignInPolicy, asked)).toMatchObject({ mfa_required: false });
    const owners = { ...asked, params: { role_id: 'owner' } };
    expect(
      await scene.call(contract.previewSignInPolicy, {
        ...owners,
        body: { methods: ['passkey'], mfa_required: false },
      }),
    ).toMatchObject({ blockers: [{ code: 'unprocessable' }] });
  });

  it('can refuse a way to sign in, once it is known who comes', async () => {
    await query(
      `insert into role_sign_in_policies (role_id, methods, mfa_required) values ('operator', '{passkey}', false)`,
    );
    await scene.addUser('keys-only@example.com', 'operator');
    await expect(login('keys-only@example.com')).rejects.toMatchObject({
      code: 'action_not_allowed',
      message: expect.stringContaining('sign in with a passkey'),
    });
  });
});

it('no secret of a second factor is in the audit log, with the jobs or readable in the database', async () => {
  const { token } = await scene.enter('careful@example.com');
  const { secret, recovery_codes } = await enrol(token);
  const kept = (
    await query(`select to_jsonb(a)::text as text from audit_events a union all select to_jsonb(j)::text from jobs j
      union all select encode(sealed_secret, 'hex') from totp_factors union all select encode(code_hash, 'hex') from recovery_codes`)
  )
    .map(({ text }) => text)
    .join('\n');
  const hex = Buffer.from(Secret.fromBase32(secret).bytes).toString('hex');
  expect([secret, hex, ...recovery_codes].filter((value) => kept.includes(value))).toEqual([]);
});
