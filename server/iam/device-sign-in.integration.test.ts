/** Signing in at a terminal (RFC 8628) through the whole server: over HTTP with a foreign client, and on the database where time has to pass. */
import * as oauth from 'openid-client';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Endpoint } from '#contract/endpoint.ts';
import * as contract from '#contract/iam.ts';
import { revokeTokens } from '#contract/iam.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { SESSION_COOKIE } from '#server/http/session-cookie.ts';
import { startControlPlane, type ControlPlane } from '#server/control-plane.ts';
import { NO_SIGN_IN_SETTINGS, PUBLIC_URL } from './iam-test-scene.ts';
import { csrfTokenOf, newRefreshToken, newSecret, secretHash } from './secret-values.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- answers of several endpoints, of which each test reads what its own has
type Answer = Record<string, any>;
interface Reply {
  status: number;
  type: string;
  body: Answer;
}
interface Person {
  user_id: string;
  email: string;
  cookie: string;
}

let database: TestDatabase;
let plane: ControlPlane;
let address: string;
let owner: Person;
let logged = '';
let people = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  plane = await startControlPlane({
    databaseUrl: database.url,
    environments: [],
    nodeToken: 'not used',
    uiFolder: null,
    trustProxy: true,
    requestsPerSecond: 10_000,
    shutdownDelayS: 0,
    owner: { email: 'owner@example.com', password: 'correct horse battery staple' },
    signIn: NO_SIGN_IN_SETTINGS,
    logger: pino({ level: 'debug' }, { write: (line) => void (logged += line) }),
    gitSha: 'test',
  });
  address = await plane.app.listen({ host: '127.0.0.1', port: 0 });
  const [{ user_id } = { user_id: '' }] = await query<{ user_id: string }>('select user_id from users');
  owner = { user_id, email: 'owner@example.com', cookie: await browserOf(user_id) };
});
afterAll(async () => {
  await plane?.stop();
  await database?.drop();
});

const query = async <Row extends Answer = Answer>(text: string, ...values: unknown[]): Promise<Row[]> =>
  (await database.pool.query<Row>(text, values)).rows;

async function browserOf(user_id: string, methods = ['password']): Promise<string> {
  const token = newSecret();
  await query(
    `insert into sessions (token_hash, user_id, ip, user_agent, methods, authenticated_at, expires_at)
      values ($1, $2, '203.0.113.9', 'Firefox', $3, now(), now() + interval '1 hour')`,
    secretHash(token),
    user_id,
    methods,
  );
  return token;
}

async function person(...roles: string[]): Promise<Person> {
  const email = `person-${(people += 1)}@example.com`;
  const [{ user_id } = { user_id: '' }] = await query<{ user_id: string }>(
    `insert into users (email, display_name, status) values ($1, 'Somebody', 'active') returning user_id`,
    email,
  );
  for (const role of roles)
    await query('insert into assignments (user_id, role_id) values ($1, $2)', user_id, role);
  return { user_id, email, cookie: await browserOf(user_id) };
}

async function send(
  { method, path }: Pick<Endpoint, 'method' | 'path'>,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> },
): Promise<Reply> {
  const answer = await fetch(`${address}${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const type = answer.headers.get('content-type') ?? '';
  return { status: answer.status, type, body: (await answer.json()) as Answer };
}
const inBrowser = ({ cookie }: Pick<Person, 'cookie'>, endpoint: Endpoint, body?: unknown) =>
  send(endpoint, {
    body,
    headers: { cookie: `${SESSION_COOKIE}=${cookie}`, 'x-csrf-token': csrfTokenOf(cookie) },
  });
const withToken = (token: string, endpoint: Pick<Endpoint, 'method' | 'path'>, body?: unknown) =>
  send(endpoint, { body, headers: { authorization: `Bearer ${token}` } });

const client_id = contract.CLI_CLIENT_ID;
let addresses = 0;
/** Each sign-in is begun at an address of its own. */
async function begin(): Promise<Answer> {
  const headers = { 'x-forwarded-for': `198.51.100.${(addresses += 1)}` };
  const { status, body } = await send(contract.authorizeDevice, {
    body: { client_id, client_name: 'laptop-7' },
    headers,
  });
  expect(status).toBe(200);
  return body;
}
const poll = ({ device_code }: Answer) =>
  send(contract.issueTokens, { body: { client_id, grant_type: contract.DEVICE_CODE_GRANT, device_code } });
const refresh = (refresh_token: string) =>
  send(contract.issueTokens, { body: { client_id, grant_type: 'refresh_token', refresh_token } });
const approve = (who: Pick<Person, 'cookie'>, { user_code }: Answer) =>
  inBrowser(who, contract.approveDeviceRequest, { user_code });

async function signedIn(who: Person): Promise<Answer> {
  const begun = await begin();
  expect(await approve(who, begun)).toMatchObject({ status: 200, body: { approved: true } });
  const { status, body } = await poll(begun);
  expect(status).toBe(200);
  return body;
}
const sessionOf = async (token: string): Promise<Answer> =>
  (
    await query(
      'select s.* from sessions s join session_tokens t using (session_id) where t.token_hash = $1',
      secretHash(token),
    )
  )[0] ?? {};

describe('signing in at a terminal', () => {
  it('serves a foreign client of the RFCs: device code, refresh, revocation', async () => {
    const who = await person('support');
    const url = (endpoint: Endpoint) => `${address}${endpoint.path}`;
    const config = new oauth.Configuration(
      {
        issuer: address,
        device_authorization_endpoint: url(contract.authorizeDevice),
        token_endpoint: url(contract.issueTokens),
        revocation_endpoint: url(revokeTokens),
      },
      client_id,
      undefined,
      oauth.None(),
    );
    // oxlint-disable-next-line typescript/no-deprecated -- its name for plain HTTP, which is all that a test server has
    oauth.allowInsecureRequests(config);
    const begun = await oauth.initiateDeviceAuthorization(config, {
      client_name: 'foreign',
      scope: 'ignored',
    });
    expect(begun).toMatchObject({
      user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
      verification_uri: `${PUBLIC_URL}/device`,
      verification_uri_complete: `${PUBLIC_URL}/device?user_code=${begun.user_code}`,
      expires_in: 600,
      interval: 2,
    });
    const polled = oauth.pollDeviceAuthorizationGrant(config, begun);
    // Another client asks meanwhile, so that both `authorization_pending` and `slow_down` are on the way.
    expect(await poll(begun)).toMatchObject({
      status: 400,
      type: expect.stringContaining('application/json'),
      body: {
        error: 'authorization_pending',
        error_description: expect.any(String),
        code: 'authorization_pending',
        request_id: expect.any(String),
      },
    });
    await approve(who, { user_code: begun.user_code.toLowerCase().replace('-', ' ') });
    const tokens = await polled;
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 600 });
    expect(tokens.access_token).toMatch(/^clca_[A-Za-z0-9_-]{49}$/);
    const me = await withToken(tokens.access_token, contract.me);
    expect(me).toMatchObject({
      status: 200,
      body: { user: { email: who.email }, session: { client: 'cli' }, csrf_token: null, token: null },
    });
    const next = await oauth.refreshTokenGrant(config, tokens.refresh_token ?? '');
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
    expect((await withToken(next.access_token, contract.me)).status).toBe(200);
    await oauth.tokenRevocation(config, next.refresh_token ?? '');
    expect(await withToken(next.access_token, contract.me)).toMatchObject({
      status: 401,
      body: { code: 'session_revoked' },
    });
    await expect(oauth.refreshTokenGrant(config, next.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('opens a session that is worth what the approving one is, and changes without a CSRF token', async () => {
    const who = await person();
    await query(
      `update sessions set methods = '{password,totp}', authenticated_at = now() - interval '2 minutes' where user_id = $1`,
      who.user_id,
    );
    const { access_token } = await signedIn(who);
    const session = await sessionOf(access_token as string);
    expect(session).toMatchObject({
      client: 'cli',
      methods: ['password', 'totp'],
      user_agent: expect.stringMatching(/^laptop-7 \(/),
    });
    expect(Date.now() - Date.parse(session['authenticated_at'] as string)).toBeGreaterThan(110_000);
    const renamed = await withToken(access_token as string, contract.updateMyProfile, {
      display_name: 'Renamed',
    });
    expect(renamed.status).toBe(200);
    expect(logged).not.toContain(access_token);
  });

  it('shows who asks before anybody decides, and tells a denial', async () => {
    const begun = await begin();
    const { user_code } = begun;
    expect(await inBrowser(owner, contract.inspectDeviceRequest, { user_code })).toMatchObject({
      status: 200,
      body: { purpose: 'sign_in', client_name: 'laptop-7', ip: `198.51.100.${addresses}`, session_id: null },
    });
    expect(await inBrowser(owner, contract.denyDeviceRequest, { user_code })).toMatchObject({ status: 200 });
    expect(await poll(begun)).toMatchObject({ status: 400, body: { error: 'access_denied' } });
    expect(await approve(owner, begun)).toMatchObject({ status: 404 });
  });

  it('gives tokens for an approval once, however many ask at a time', async () => {
    const begun = await begin();
    await approve(await person(), begun);
    const answers = await Promise.all(Array.from({ length: 6 }, () => poll(begun)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 400, 400, 400, 400, 400]);
    expect(await poll(begun)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('slows a device down that asks too often, and tells when its code has expired', async () => {
    const begun = await begin();
    const errors: unknown[] = [];
    for (let question = 0; question < 3; question += 1) errors.push((await poll(begun)).body['error']);
    expect(errors).toEqual(['authorization_pending', 'slow_down', 'slow_down']);
    const hash = secretHash(begun['device_code'] as string);
    expect(
      await query('select interval_s from device_authorizations where device_code_hash = $1', hash),
    ).toEqual([{ interval_s: 12 }]);
    await query('update device_authorizations set expires_at = now() where device_code_hash = $1', hash);
    expect(await poll(begun)).toMatchObject({ status: 400, body: { error: 'expired_token' } });
    expect(await approve(owner, begun)).toMatchObject({ status: 404 });
  });

  it('says in the words of OAuth what does not fit, and takes forms nowhere else', async () => {
    const ask = (body: Answer) => send(contract.issueTokens, { body });
    expect(await ask({ client_id, grant_type: 'password' })).toMatchObject({
      status: 400,
      body: { error: 'unsupported_grant_type' },
    });
    for (const body of [
      {},
      { client_id: 'other', grant_type: 'refresh_token' },
      { client_id, grant_type: 'refresh_token' },
    ])
      expect(await ask(body)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request', code: 'validation_failed' },
      });
    expect(
      await ask({ client_id, grant_type: contract.DEVICE_CODE_GRANT, device_code: 'guessed' }),
    ).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(`${address}${contract.login.path}`, {
      method: 'POST',
      headers: form,
      body: 'email=a&password=b',
    });
    expect(answer.status).toBe(415);
  });
});

describe('who may approve', () => {
  it('is not the device itself, nobody who is not wholly signed in, and nobody who confirmed long ago', async () => {
    const { access_token } = await signedIn(owner);
    const begun = await begin();
    const { user_code } = begun;
    expect(
      await withToken(access_token as string, contract.approveDeviceRequest, { user_code }),
    ).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('open the page in a browser') },
    });
    const stale = await person();
    await query(
      `update sessions set authenticated_at = now() - interval '6 minutes' where user_id = $1`,
      stale.user_id,
    );
    expect(await approve(stale, begun)).toMatchObject({
      status: 401,
      body: { code: 'insufficient_user_authentication' },
    });
    const pending = await person();
    await query(`update sessions set pending = 'second_factor' where user_id = $1`, pending.user_id);
    expect(await approve(pending, begun)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect((await poll(begun)).body['error']).toBe('authorization_pending');
  });

  it('has the factors that the roles demand, when approving and when the device comes', async () => {
    const who = await person('support');
    const before = await begin();
    await approve(who, before);
    await query(
      `insert into role_sign_in_policies (role_id, methods, mfa_required) values ('support', '{password,passkey}', true)`,
    );
    expect(await poll(before)).toMatchObject({ status: 400, body: { error: 'access_denied' } });
    const begun = await begin();
    expect(await approve(who, begun)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('second factor') },
    });
    const stronger = { ...who, cookie: await browserOf(who.user_id, ['password', 'totp']) };
    expect(await approve(stronger, begun)).toMatchObject({ status: 200 });
    expect((await poll(begun)).status).toBe(200);
    await query(`delete from role_sign_in_policies`);
  });

  it('is still signed in when the device comes for its tokens', async () => {
    const who = await person();
    const begun = await begin();
    await approve(who, begun);
    await query(
      `update sessions set ended_at = now(), ended_reason = 'Signed out' where user_id = $1`,
      who.user_id,
    );
    expect(await poll(begun)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await query(`select 1 from sessions where user_id = $1 and client = 'cli'`, who.user_id)).toEqual(
      [],
    );
  });

  it('cannot guess codes: five wrong ones close the way for a while', async () => {
    const who = await person();
    const { user_code } = await begin();
    const guess = (code: string) => inBrowser(who, contract.inspectDeviceRequest, { user_code: code });
    for (let wrong = 0; wrong < 5; wrong += 1) expect((await guess('BBBB-BBBB')).status).toBe(404);
    expect(await guess(user_code as string)).toMatchObject({ status: 429 });
    expect((await inBrowser(owner, contract.inspectDeviceRequest, { user_code })).status).toBe(200);
  });
});

describe('refresh tokens', () => {
  it('answer the same successor to two questions at once and to one who lost the answer', async () => {
    const { refresh_token } = await signedIn(await person());
    const [one, two] = await Promise.all([
      refresh(refresh_token as string),
      refresh(refresh_token as string),
    ]);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect(two.body['refresh_token']).toBe(one.body['refresh_token']);
    expect((await refresh(refresh_token as string)).body['refresh_token']).toBe(one.body['refresh_token']);
    for (const { body } of [one, two])
      expect((await withToken(body['access_token'] as string, contract.me)).status).toBe(200);
  });

  const endsTheSession = async (stolen: string, access_token: string) => {
    const { session_id } = await sessionOf(access_token);
    expect(await refresh(stolen)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', detail: expect.stringContaining('somebody else may have it') },
    });
    expect((await withToken(access_token, contract.me)).status).toBe(401);
    expect(
      await query(
        `select action, details ->> 'cause' as cause from audit_events where target_id = $1 order by sequence desc limit 1`,
        session_id,
      ),
    ).toEqual([{ action: 'iam.sessions.end_reused', cause: 'refresh_token_reuse' }]);
    expect(await query(`select kind from detections where subject_id = $1`, session_id)).toEqual([
      { kind: 'token_reuse' },
    ]);
  };

  it('end the session when one comes again after its successor was used', async () => {
    const { refresh_token } = await signedIn(await person());
    const { body: second } = await refresh(refresh_token as string);
    const { body: third } = await refresh(second['refresh_token'] as string);
    await endsTheSession(refresh_token as string, third['access_token'] as string);
    expect((await refresh(third['refresh_token'] as string)).body['error']).toBe('invalid_grant');
  });

  it('end the session when one comes again after the grace, which repeating does not prolong', async () => {
    const { refresh_token } = await signedIn(await person());
    const { body } = await refresh(refresh_token as string);
    const age = (seconds: number) =>
      query(
        `update session_tokens set used_at = used_at - make_interval(secs => $2) where token_hash = $1`,
        secretHash(refresh_token as string),
        seconds,
      );
    await age(40);
    expect((await refresh(refresh_token as string)).status).toBe(200);
    await age(40);
    await endsTheSession(refresh_token as string, body['access_token'] as string);
  });

  it('are void with the session: ended by an administrator, idle, expired, or of a suspended user', async () => {
    const endings: ((who: Person, session_id: string) => Promise<unknown>)[] = [
      (_, session_id) =>
        inBrowser(
          owner,
          {
            ...contract.revokeSession,
            path: contract.revokeSession.path.replace(':session_id', session_id) as Endpoint['path'],
          },
          { reason: 'Lost laptop' },
        ),
      (_, session_id) =>
        query(
          `update sessions set last_seen_at = now() - interval '3 hours' where session_id = $1`,
          session_id,
        ),
      (_, session_id) => query(`update sessions set expires_at = now() where session_id = $1`, session_id),
      ({ user_id }) => query(`update users set status = 'suspended' where user_id = $1`, user_id),
    ];
    for (const end of endings) {
      const who = await person();
      const { access_token, refresh_token } = await signedIn(who);
      await end(who, (await sessionOf(access_token as string))['session_id'] as string);
      expect((await withToken(access_token as string, contract.me)).status).toBe(401);
      expect(await refresh(refresh_token as string)).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant' },
      });
    }
    expect((await refresh(newRefreshToken())).body['error']).toBe('invalid_grant');
  });

  it('outlive an access token, which is refused after ten minutes', async () => {
    const { access_token, refresh_token } = await signedIn(await person());
    await query(
      'update session_tokens set expires_at = now() where token_hash = $1',
      secretHash(access_token as string),
    );
    expect(await withToken(access_token as string, contract.me)).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining('refresh token') },
    });
    expect((await refresh(refresh_token as string)).status).toBe(200);
  });
});

describe('confirming a command line session', () => {
  const beginStepUp = async (access_token: string) =>
    (await withToken(access_token, contract.authorizeDeviceStepUp, { client_name: 'laptop-7' })).body;

  it('lifts it to the approving moment, under new tokens, and only by its own person', async () => {
    const who = await person('owner');
    const { access_token, refresh_token } = await signedIn(who);
    const token = access_token as string;
    const { session_id } = await sessionOf(token);
    await query(
      `update sessions set authenticated_at = now() - interval '1 hour' where session_id = $1`,
      session_id,
    );
    const makeToken = (as: string) =>
      withToken(as, contract.createToken, { name: 'ci', permissions: ['tenants.read'], expires_in_days: 1 });
    expect(await makeToken(token)).toMatchObject({
      status: 401,
      body: { code: 'insufficient_user_authentication', detail: expect.stringContaining('control confirm') },
    });
    const begun = await beginStepUp(token);
    expect(await approve(owner, begun)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('somebody else') },
    });
    expect(
      await inBrowser(who, contract.inspectDeviceRequest, { user_code: begun['user_code'] as string }),
    ).toMatchObject({
      body: { purpose: 'step_up', session_id },
    });
    await approve(who, begun);
    const { body: renewed } = await poll(begun);
    expect((await sessionOf(renewed['access_token'] as string))['session_id']).toBe(session_id);
    expect((await makeToken(renewed['access_token'] as string)).status).toBe(201);
    expect((await withToken(token, contract.me)).status).toBe(401);
    expect((await refresh(refresh_token as string)).body['error']).toBe('invalid_grant');
    expect((await withToken(renewed['access_token'] as string, contract.me)).status).toBe(200);
  });

  it('is not by a password, and a single request is confirmed in the Admin UI', async () => {
    const { access_token } = await signedIn(owner);
    const token = access_token as string;
    expect(await withToken(token, contract.stepUp, { password: 'anything at all' })).toMatchObject({
      status: 409,
    });
    const skip = {
      method: 'POST',
      path: '/admin/v1/jobs/019abc00-0000-7000-8000-000000000000/skip',
    } as const;
    expect(await withToken(token, skip, { reason: 'stuck' })).toMatchObject({
      status: 401,
      body: { detail: expect.stringContaining('Admin UI') },
    });
    expect(await inBrowser(owner, contract.authorizeDeviceStepUp, {})).toMatchObject({ status: 409 });
  });
});
