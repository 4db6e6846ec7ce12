import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { openFileMailer } from '#server/adapters/mail/file-mailer.ts';
import { openSmtpMailer } from '#server/adapters/mail/smtp-mailer.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { openScene, PASSWORD, PUBLIC_URL, type Scene } from './iam-test-scene.ts';

const NEW_PASSWORD = 'copper lantern 88 drift';
const mails: string[] = [];
let refuseMail = false;
const smtp = new SMTPServer({
  authOptional: false,
  allowInsecureAuth: true,
  disabledCommands: ['STARTTLS'],
  onAuth: ({ username, password }, _session, done) =>
    username === 'control' && password === 'smtp secret'
      ? done(null, { user: username })
      : done(new Error('unknown user')),
  onData: (stream, _session, done) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (refuseMail) return done(new Error('mailbox full'));
      // Quoted-printable: a soft line break ends with "=".
      mails.push(Buffer.concat(chunks).toString().replaceAll('=\r\n', '').replaceAll('=3D', '='));
      done();
    });
  },
});
smtp.on('error', () => undefined);

let testDatabase: TestDatabase;
let database: DatabaseHandle;
let scene: Scene;
let folder: string;
let admin: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  await seedRoleTemplates(database.db);
  const listening = smtp.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  const mailer = openSmtpMailer({
    from: 'Control <control@example.com>',
    host: '127.0.0.1',
    port,
    security: 'none',
    credentials: { user: 'control', password: 'smtp secret' },
  });
  scene = openScene(database.db, { mailer });
  folder = await mkdtemp(path.join(tmpdir(), 'control-mail-'));
  ({ token: admin } = await scene.enter('admin@example.com', 'owner'));
});
afterAll(async () => {
  await new Promise<void>((resolve) => smtp.close(resolve));
  await database.close();
  await testDatabase.drop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  mails.length = 0;
  refuseMail = false;
});

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query(text, values)).rows as Record<string, unknown>[];
const tokenIn = (text: string | undefined) => /#([\w-]{43})\b/.exec(text ?? '')?.[1] ?? '';
const invite = (email: string, by: Scene = scene) =>
  by.call(contract.inviteUser, { as: admin, body: { email, display_name: 'Nora New' } });
const redeem = (token: string, new_password = NEW_PASSWORD) =>
  scene.call(contract.redeemLink, { body: { token, new_password } });

describe('an invitation', () => {
  it('reaches the person by mail, not the administrator, and makes them active by a password of their own', async () => {
    const { user, delivery } = await invite('nora@example.com');
    expect(user.status).toBe('invited');
    expect(delivery).toMatchObject({ way: 'sent', link: null, file: null });
    expect(mails).toHaveLength(1);
    expect(mails[0]).toContain('To: nora@example.com');
    expect(mails[0]).toContain(`${PUBLIC_URL}/accept-invitation#`);
    const token = tokenIn(mails[0]);
    expect(await scene.call(contract.inspectLink, { body: { token } })).toMatchObject({
      purpose: 'invitation',
      email: 'nora@example.com',
    });
    await expect(redeem(token, 'nora@example.com')).rejects.toMatchObject({ code: 'unprocessable' });
    expect(await redeem(token)).toEqual({ email: 'nora@example.com' });
    const session = await scene.signIn('nora@example.com', NEW_PASSWORD);
    expect(await scene.call(contract.me, { as: session })).toMatchObject({ user: { status: 'active' } });
    await expect(redeem(token)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('works once, of many at the same time too', async () => {
    await invite('raced@example.com');
    const token = tokenIn(mails[0]);
    const results = await Promise.allSettled([redeem(token), redeem(token), redeem(token)]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('stops working when it is sent again, has expired, or the user is disabled', async () => {
    const { user } = await invite('again@example.com');
    const params = { user_id: user.user_id };
    await scene.call(contract.resendInvitation, { as: admin, params, body: { reason: 'mail was lost' } });
    const [first, second] = mails.map(tokenIn);
    await expect(redeem(first!)).rejects.toMatchObject({ code: 'not_found' });
    await query(`update one_time_secrets set expires_at = now() where user_id = $1`, user.user_id);
    await expect(redeem(second!)).rejects.toMatchObject({ code: 'not_found' });
    await scene.call(contract.resendInvitation, { as: admin, params, body: { reason: 'it expired' } });
    await scene.call(contract.disableUser, { as: admin, params, body: { reason: 'not coming after all' } });
    await expect(redeem(tokenIn(mails[2]))).rejects.toMatchObject({ code: 'not_found' });
    await expect(
      scene.call(contract.resendInvitation, { as: admin, params, body: { reason: 'too late' } }),
    ).rejects.toMatchObject({ code: 'action_not_allowed' });
  });

  it('that the mail server does not take says so, and can be sent again', async () => {
    refuseMail = true;
    const { user, delivery } = await invite('full@example.com');
    expect(delivery).toMatchObject({ way: 'failed', link: null });
    refuseMail = false;
    const again = await scene.call(contract.resendInvitation, {
      as: admin,
      params: { user_id: user.user_id },
      body: { reason: 'mailbox has room now' },
    });
    expect(again.delivery).toMatchObject({ way: 'sent' });
    await redeem(tokenIn(mails[0]));
  });

  it('is shown once and written to a file where there is no mail server', async () => {
    const offline = openScene(database.db, { mailer: openFileMailer(folder) });
    const { delivery } = await invite('offline@example.com', offline);
    expect(delivery?.way).toBe('shown');
    expect((await stat(delivery!.file!)).mode & 0o777).toBe(0o600);
    expect(await readFile(delivery!.file!, 'utf8')).toContain('To: offline@example.com');
    await redeem(tokenIn(delivery!.link!));
  });

  it('leaves no link behind: not in the audit log, not in the answer to a replayed request', async () => {
    const offline = openScene(database.db, { mailer: openFileMailer(folder) });
    const { delivery } = await offline.call(contract.inviteUser, {
      as: admin,
      body: { email: 'replayed@example.com', display_name: 'Nora New' },
      idempotency: { key: 'invite-1', request_hash: 'h', response_status: 201 },
    });
    const kept = await query(
      `select to_jsonb(a)::text as text from audit_events a union all select to_jsonb(j)::text from jobs j`,
    );
    expect(JSON.stringify(kept)).not.toContain(tokenIn(delivery!.link!));
    expect(await query(`select response_body from jobs where idempotency_key = 'invite-1'`)).toMatchObject([
      { response_body: { delivery: null, user: { email: 'replayed@example.com' } } },
    ]);
  });
});

describe('a password reset', () => {
  const ask = (email: string, ip?: string) =>
    scene.call(contract.requestPasswordReset, { body: { email }, ...(ip !== undefined && { ip }) });

  it('asked for by the person leads to a new password, ends their sessions and opens a closed account', async () => {
    const { token: session } = await scene.enter('forgot@example.com');
    for (let failure = 0; failure < 5; failure++)
      await scene
        .request(contract.login, { body: { email: 'forgot@example.com', password: 'wrong' } })
        .catch(() => null);
    await ask('Forgot@example.com');
    await expect.poll(() => mails.length).toBe(1);
    await redeem(tokenIn(mails[0]));
    expect(await scene.authenticate(session)).toMatchObject({ rejected: 'revoked' });
    await scene.signIn('forgot@example.com', NEW_PASSWORD);
    await expect(scene.signIn('forgot@example.com', PASSWORD)).rejects.toMatchObject({
      code: 'invalid_credentials',
    });
  });

  it('answers the same for who is not there or may not come in, and sends them nothing', async () => {
    const suspended = await scene.addUser('held@example.com');
    await query(`update users set status = 'suspended' where user_id = $1`, suspended);
    await scene.addUser('here@example.com');
    const answers = [
      await ask('nobody@example.com'),
      await ask('held@example.com'),
      await ask('here@example.com'),
    ];
    expect(answers).toEqual(Array.from({ length: 3 }, () => ({ accepted: true })));
    await expect.poll(() => mails.length).toBe(1);
    expect(mails[0]).toContain('To: here@example.com');
    await expect
      .poll(() =>
        query(`select details->>'cause' as cause from audit_events where target_id = $1`, suspended),
      )
      .toEqual([{ cause: 'user_suspended' }]);
  });

  it('is sent three times an hour at most, and stopped by address after twenty', async () => {
    const user_id = await scene.addUser('bombed@example.com');
    for (let round = 0; round < 5; round++) await ask('bombed@example.com');
    await expect
      .poll(() =>
        query(`select 1 from audit_events where target_id = $1 and details->>'cause' = 'too_often'`, user_id),
      )
      .toHaveLength(2);
    await expect.poll(() => mails.length).toBe(3);
    for (let round = 0; round < 20; round++) await ask('nobody@example.com', '203.0.113.9');
    await expect(ask('nobody@example.com', '203.0.113.9')).rejects.toMatchObject({ code: 'rate_limited' });
  });

  it('by an administrator needs all that the person may do', async () => {
    const owner_id = await scene.addUser('other-owner@example.com', 'owner');
    const { token: lesser } = await scene.enter('lesser@example.com', 'security-admin');
    const params = { user_id: owner_id };
    const body = { reason: 'asked by phone' };
    await expect(scene.call(contract.resetUserPassword, { as: lesser, params, body })).rejects.toMatchObject({
      code: 'permission_denied',
    });
    await expect(scene.call(contract.resetUserMfa, { as: lesser, params, body })).rejects.toMatchObject({
      code: 'permission_denied',
    });
    expect(mails).toEqual([]);
    const { delivery } = await scene.call(contract.resetUserPassword, { as: admin, params, body });
    expect(delivery?.way).toBe('sent');
    await redeem(tokenIn(mails[0]));
  });
});

it('a link of chance or of another kind is none', async () => {
  for (const token of ['x', 'a'.repeat(43)])
    await expect(scene.call(contract.inspectLink, { body: { token } })).rejects.toMatchObject({
      code: 'not_found',
    });
});

describe('the second factors of somebody else', () => {
  it('are reset as a whole, which ends their sessions', async () => {
    const { user_id, token } = await scene.enter('lost-phone@example.com');
    await query(
      `insert into totp_factors (user_id, sealed_secret, confirmed_at) values ($1, '\\x00', now())`,
      user_id,
    );
    await query(`insert into recovery_codes (user_id, code_hash) values ($1, '\\x00')`, user_id);
    const params = { user_id };
    const body = { reason: 'phone was stolen' };
    expect(await scene.call(contract.getUserSignInMethods, { as: admin, params })).toMatchObject({
      recovery_codes_left: 1,
    });
    expect(await scene.call(contract.revokeUserRecoveryCodes, { as: admin, params, body })).toMatchObject({
      revoked: 1,
    });
    expect(await scene.call(contract.resetUserMfa, { as: admin, params, body })).toMatchObject({
      sessions_ended: 1,
    });
    expect(await scene.authenticate(token)).toMatchObject({ rejected: 'revoked' });
    expect(await scene.call(contract.getUserSignInMethods, { as: admin, params })).toMatchObject({
      totp: null,
    });
    await scene.signIn('lost-phone@example.com');
  });
});

describe('the sign-in policy of a role', () => {
  const set = (role_id: string, methods: contract.SignInMethod[], mfa_required: boolean) =>
    scene.call(contract.setSignInPolicy, {
      as: admin,
      params: { role_id },
      body: { methods, mfa_required, reason: 'policy review' },
    });

  it('counts from the next sign-in', async () => {
    await scene.enter('policy@example.com', 'operator');
    await set('operator', ['password', 'passkey'], true);
    const { answer } = await scene.request(contract.login, {
      body: { email: 'policy@example.com', password: PASSWORD },
    });
    expect(answer.next).toBe('enrolment');
    expect(
      await scene.call(contract.getSignInPolicy, { as: admin, params: { role_id: 'operator' } }),
    ).toEqual({
      role_id: 'operator',
      methods: ['password', 'passkey'],
      mfa_required: true,
    });
  });

  it('cannot take the password from owners, who are the last way in', async () => {
    await expect(set('owner', ['provider'], false)).rejects.toMatchObject({ code: 'unprocessable' });
    await expect(set('no-such-role', ['password'], false)).rejects.toMatchObject({ code: 'not_found' });
  });
});
