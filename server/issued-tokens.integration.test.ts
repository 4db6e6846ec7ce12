/** Bearer JWTs of a configured issuer through the whole request pipeline: what they open, what ends them, and what hostile ones are told. */
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { AuditEvent } from '#contract/audit.ts';
import type { LinkedIdentity } from '#contract/iam.ts';
import type { Problem } from '#contract/problem.ts';
import { openTokenVerifier } from '#server/adapters/jose/jose-token-verifier.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { SESSION_COOKIE } from '#server/http/session-cookie.ts';
import { NO_SIGN_IN_SETTINGS } from '#server/iam/iam-test-scene.ts';
import { csrfTokenOf, newAccessToken, newSecret, secretHash } from '#server/iam/secret-values.ts';
import { canonicalHash } from '#server/jobs/plan-rules.ts';
import { hostileTokens } from '#tools/hostile-tokens.ts';
import { AUDIENCE, startTestTokenIssuer, type TestTokenIssuer } from '#tools/test-token-issuer.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
const REASON = 'Asked for in the test';

let database: TestDatabase;
let issuer: TestTokenIssuer;
let plane: ControlPlane;
let owner: Record<string, string>;
let people = 0;
let logged = '';

beforeAll(async () => {
  [database, issuer] = await Promise.all([createTestDatabase(), startTestTokenIssuer()]);
  const gateway = {
    issuer_id: 'gateway',
    title: 'Gateway',
    issuer: issuer.issuer,
    audience: AUDIENCE,
    jwks_url: issuer.jwks_url,
    algorithms: ['ES256'] as const,
    clock_skew_s: 30,
    environment: 'dev',
  };
  plane = await startControlPlane({
    databaseUrl: database.url,
    environments: [],
    nodeToken: '',
    uiFolder: null,
    trustProxy: false,
    requestsPerSecond: 100_000,
    shutdownDelayS: 0,
    owner: OWNER,
    signIn: { ...NO_SIGN_IN_SETTINGS, tokenVerifier: openTokenVerifier([gateway]) },
    logger: pino({ level: 'debug' }, { write: (line) => void (logged += line) }),
    gitSha: 'test',
  });
});
afterAll(async () => {
  await plane?.stop();
  await issuer?.close();
  await database?.drop();
});

async function send<T = Problem>(
  method: 'GET' | 'POST',
  url: string,
  headers: Record<string, string>,
  payload?: object,
) {
  const answer = await plane.app.inject({
    method,
    url: url.startsWith('/ready') ? url : `/admin/v1${url}`,
    headers: { host: 'control.test', ...headers },
    ...(payload && { payload }),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json<T>() };
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

beforeEach(async () => {
  const login = await send<{ csrf_token: string }>('POST', '/iam/login', {}, OWNER);
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? '';
  owner = { cookie, 'x-csrf-token': login.body.csrf_token };
});

/** A person with this role, linked by the owner to an account at the issuer. */
async function linked(role_id: string) {
  people += 1;
  const subject = `person-${people}`;
  const email = `${subject}@example.com`;
  const {
    rows: [user],
  } = await database.pool.query<{ user_id: string }>(
    `insert into users (email, display_name, status) values ($1, $1, 'active') returning user_id`,
    [email],
  );
  const user_id = user?.user_id ?? '';
  await database.pool.query('insert into assignments (user_id, role_id) values ($1, $2)', [user_id, role_id]);
  const link = await send<{ identity: LinkedIdentity; job_id: string }>(
    'POST',
    `/iam/users/${user_id}/identities`,
    owner,
    { issuer_id: 'gateway', subject, reason: REASON },
  );
  expect(link.status).toBe(201);
  return { user_id, email, subject, sid: `session-of-${subject}`, identity: link.body.identity };
}

it('a token opens what the roles given here open, whatever roles it claims, and its acts name person and issuer', async () => {
  const support = await linked('support');
  const { subject: sub, sid } = support;
  const token = await issuer.sign({ sub, sid, roles: ['owner'], scope: '*', groups: ['owner'] });
  expect((await send('GET', '/iam/users', bearer(token))).status).toBe(200);
  const denied = await send('GET', '/iam/roles', bearer(token));
  expect([denied.status, denied.body.code]).toEqual([403, 'permission_denied']);

  const { rows } = await database.pool.query<AuditEvent>(
    `select actor_type, actor_id, actor_label from audit_events where actor_id = $1`,
    [support.user_id],
  );
  expect(rows).toContainEqual({
    actor_type: 'user',
    actor_id: support.user_id,
    actor_label: `${support.email} (by Gateway)`,
  });
});

it('an account at the issuer that nobody is linked to opens nothing, and its bearer learns whom to ask', async () => {
  const answer = await send('GET', '/iam/me', bearer(await issuer.sign({ sub: 'stranger' })));
  expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
  expect(answer.body.detail).toContain('ask an administrator to link it');
  expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
});

it('ending its session, unlinking it, suspending the user and taking the role count from the next request on', async () => {
  const person = await linked('support');
  const { subject: sub, user_id } = person;
  const users = async (sid: string) => send('GET', '/iam/users', bearer(await issuer.sign({ sub, sid })));
  expect((await users('first')).status).toBe(200);

  const session = { issuer_id: 'gateway', session_id: 'first', reason: REASON };
  expect((await send('POST', '/iam/token-sessions/revoke', owner, session)).status).toBe(200);
  expect((await send('POST', '/iam/token-sessions/revoke', owner, session)).status).toBe(200);
  const ended = await users('first');
  expect([ended.status, ended.body.code]).toEqual([401, 'session_revoked']);
  expect(ended.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
  expect((await users('second')).status).toBe(200);

  // The Gateway of the environment ended one itself; another environment's session of the same id is not meant.
  await database.pool.query(
    `insert into gateway_sessions (environment, gateway_session_id, family_id, tenant_id, end_user_id, ip, user_agent, created_at, last_seen_at, expires_at, ended_at)
      select environment, 'third', 'f', 't', 'u', '', '', now(), now(), now(), case environment when $1 then now() end
      from unnest(array['dev', 'prod']) as environment`,
    ['prod'],
  );
  expect((await users('third')).status).toBe(200);
  await database.pool.query(`update gateway_sessions set ended_at = now()`);
  expect((await users('third')).body.code).toBe('session_revoked');

  const suspend = await send('POST', `/iam/users/${user_id}/suspend`, owner, { reason: REASON });
  expect(suspend.status).toBe(200);
  expect((await users('second')).status).toBe(401);
  await send('POST', `/iam/users/${user_id}/reactivate`, owner, { reason: REASON });
  expect((await users('second')).status).toBe(200);

  await database.pool.query('delete from assignments where user_id = $1', [user_id]);
  expect((await users('second')).status).toBe(403);

  const { identity_id } = person.identity;
  const removed = await send('POST', `/iam/users/${user_id}/identities/${identity_id}/unlink`, owner, {
    reason: REASON,
  });
  expect(removed.status).toBe(200);
  expect((await users('second')).status).toBe(401);
});

it('a privileged change wants a recent auth_time', async () => {
  const { subject: sub, sid } = await linked('owner');
  const now = Math.floor(Date.now() / 1000);
  const body = { email: 'made@example.com', display_name: 'Made', password: 'nine blue kettles sing' };
  for (const auth_time of [undefined, now - 301]) {
    const asked = await send('POST', '/iam/users', bearer(await issuer.sign({ sub, sid, auth_time })), body);
    expect([asked.status, asked.body.code]).toEqual([401, 'insufficient_user_authentication']);
    expect(asked.headers['www-authenticate']).toMatch(/acr_values="recent", max_age="300"/);
    expect(asked.body.detail).toContain('auth_time');
  }
  const token = await issuer.sign({ sub, sid, auth_time: now - 60 });
  expect((await send('POST', '/iam/users', bearer(token), body)).status).toBe(201);
});

it('what is bound to one request takes a browser session: each other credential is refused with the way out, and no proof helps it', async () => {
  const person = await linked('owner');
  const { user_id } = await linked('support');
  const [token, access] = [newSecret(), newAccessToken()];
  const { rows } = await database.pool.query<{ value: string }>(
    `with opened as (insert into sessions (token_hash, user_id, ip, user_agent, authenticated_at, expires_at, client)
        select hash, $1::uuid, '', '', now(), now() + interval '1 hour', client from (values ($2::bytea, 'browser'), ($3::bytea, 'cli')) as made (hash, client)
        returning session_id, client)
      insert into session_tokens (token_hash, session_id, kind, expires_at)
        select $3::bytea, session_id, 'access', now() + interval '1 hour' from opened where client = 'cli' returning 'made' as value`,
    [person.user_id, secretHash(token), secretHash(access)],
  );
  expect(rows).toHaveLength(1);
  const body = { user_id, reason: REASON };
  const browser = { cookie: `${SESSION_COOKIE}=${token}`, 'x-csrf-token': csrfTokenOf(token) };
  const apiToken = await send<{ value: string }>('POST', '/iam/tokens', browser, {
    name: 'everything',
    permissions: ['*'],
    expires_in_days: 1,
  });
  await database.pool.query(
    `insert into step_up_proofs (proof_hash, session_id, request_hash, expires_at)
      select $1, session_id, $2, now() + interval '1 minute' from sessions where token_hash = $3`,
    [secretHash('a proof'), canonicalHash(body), secretHash(token)],
  );
  const jwt = await issuer.sign({
    sub: person.subject,
    sid: person.sid,
    auth_time: Math.floor(Date.now() / 1000),
  });
  for (const [value, wayOut] of [
    [jwt, 'sign in to the control plane itself'],
    [apiToken.body.value, 'which an API token cannot: do it in the Admin UI'],
    [access, 'which a command line cannot: do it in the Admin UI'],
  ] as const)
    for (const proof of [{}, { 'x-step-up-proof': 'a proof' }]) {
      const asked = await send('POST', '/iam/impersonations', { ...bearer(value), ...proof }, body);
      expect([asked.status, asked.body.code]).toEqual([401, 'insufficient_user_authentication']);
      expect(asked.headers['www-authenticate']).toMatch(/acr_values="bound", max_age="0"/);
      expect(asked.body.detail).toContain(wayOut);
    }
  const begun = await send('POST', '/iam/impersonations', { ...browser, 'x-step-up-proof': 'a proof' }, body);
  expect(begun.status).toBe(200);
});

it('only who may do all that a user may links another way in to them, and each account elsewhere once', async () => {
  const { user_id, subject } = await linked('owner');
  const admin = await linked('admin');
  const token = await issuer.sign({
    sub: admin.subject,
    sid: admin.sid,
    auth_time: Math.floor(Date.now() / 1000),
  });
  const link = (headers: Record<string, string>, to: string, body: object) =>
    send('POST', `/iam/users/${to}/identities`, headers, { issuer_id: 'gateway', reason: REASON, ...body });
  const above = await link(bearer(token), user_id, { subject: 'a-way-up' });
  expect([above.status, above.body.code]).toEqual([403, 'permission_denied']);
  const twice = await link(owner, admin.user_id, { subject });
  expect([twice.status, twice.body.code]).toEqual([409, 'already_exists']);
  const nowhere = await link(owner, admin.user_id, { subject: 'x', issuer_id: 'nobody' });
  expect(nowhere.status).toBe(404);
});

it('no hostile token gets past the pipeline, all are answered alike, and no part of one reaches the log', async () => {
  const told = new Set<string>();
  const wrong: string[] = [];
  for (const [name, token] of await hostileTokens(issuer)) {
    const answer = await send('GET', '/iam/me', bearer(token));
    if (answer.status !== 401) wrong.push(`${name}: ${answer.status}`);
    if (name !== 'expired') told.add(answer.body.detail ?? '');
    const [, payload = '', signature = ''] = token.split('.');
    for (const piece of [payload, signature])
      if (piece.length > 20 && logged.includes(piece)) wrong.push(`${name}: in the log`);
  }
  expect(wrong).toEqual([]);
  // What cannot be a token at all is answered as any unknown credentials are.
  expect(told.size).toBeLessThanOrEqual(3);
  expect(logged).toContain('a bearer token was refused');
});

it('operators see the issuers with the age of their keys, and readiness says which cannot be asked without ending it', async () => {
  const { rowCount: linkedNow } = await database.pool.query('select from linked_identities');
  const { body } = await send<{ items: unknown[] }>('GET', '/iam/token-issuers', owner);
  expect(body.items).toMatchObject([
    {
      issuer_id: 'gateway',
      keys_state: 'current',
      keys: [{ kid: 'first', kty: 'EC' }],
      last_failure: null,
      linked_accounts: linkedNow,
      last_used_at: expect.stringMatching(/^\d{4}-/) as string,
    },
  ]);
  const ready = await send<{ checks: { name: string; ok: boolean; detail: string }[] }>('GET', '/ready', {});
  expect(ready.body.checks.find((check) => check.name === 'token_issuers')).toMatchObject({
    ok: true,
    detail: expect.stringContaining('gateway (keys: 1') as string,
  });
});
