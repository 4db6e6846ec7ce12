/** Two servers on one database: what is taken from somebody by one counts at the next request to the other, and ends what they have open there. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ENDPOINTS } from '#contract/endpoints.ts';
import { openTokenVerifier } from '#server/adapters/jose/jose-token-verifier.ts';
import { createDenialRecorder } from '#server/audit/denial-recorder.ts';
import { openDatabase } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { createApp } from '#server/http/app.ts';
import { createHttpMetrics } from '#server/http/http-metrics.ts';
import { route } from '#server/http/route.ts';
import { SESSION_COOKIE } from '#server/http/session-cookie.ts';
import { createAuthenticator } from '#server/iam/authentication-service.ts';
import { NO_SIGN_IN_SETTINGS } from '#server/iam/iam-test-scene.ts';
import { csrfTokenOf, newSecret, secretHash } from '#server/iam/secret-values.ts';
import type { TokenVerifier } from '#server/iam/token-verifier.ts';
import { openJobFeed } from '#server/jobs/job-feed.ts';
import { jobRoutes } from '#server/jobs/job-routes.ts';
import { AUDIENCE, startTestTokenIssuer, type TestTokenIssuer } from '#tools/test-token-issuer.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
const REASON = 'Asked for in the test';

let database: TestDatabase;
let issuer: TestTokenIssuer;
let here: ControlPlane;
let there: Awaited<ReturnType<typeof startReplica>>;
let job_id: string;
let people = 0;

type Headers = Record<string, string>;
interface Person {
  user_id: string;
  session_id: string;
  subject: string;
  headers: Headers;
}

beforeAll(async () => {
  [database, issuer] = await Promise.all([createTestDatabase(), startTestTokenIssuer()]);
  const verifier = () =>
    openTokenVerifier([
      {
        issuer_id: 'gateway',
        title: 'Gateway',
        issuer: issuer.issuer,
        audience: AUDIENCE,
        jwks_url: issuer.jwks_url,
        algorithms: ['ES256'],
        clock_skew_s: 30,
        environment: null,
      },
    ]);
  here = await startControlPlane({
    databaseUrl: database.url,
    environments: [],
    nodeToken: '',
    uiFolder: null,
    trustProxy: false,
    requestsPerSecond: 100_000,
    shutdownDelayS: 0,
    owner: OWNER,
    signIn: { ...NO_SIGN_IN_SETTINGS, tokenVerifier: verifier() },
    logger: pino({ level: 'silent' }),
    gitSha: 'test',
  });
  there = await startReplica(verifier());
  // A job that does not end, for its event stream.
  const { rows } = await database.pool.query<{ job_id: string }>(
    `insert into jobs (kind, title, state, permission, target_type, target_id, principal_id, created_by, request_id, step_count)
      values ('migrate_tenant', 'Lasts', 'running', 'scale.migrate', 'tenant', 'acme', 'somebody', 'somebody', $1, 1) returning job_id`,
    [randomUUID()],
  );
  job_id = rows[0]?.job_id ?? '';
});
afterAll(async () => {
  await there?.stop();
  await here?.stop();
  await issuer?.close();
  await database?.drop();
});

/** Another server that shares the database and nothing else. A process runs one job executor, so it leaves the jobs to the first. */
async function startReplica(tokenVerifier: TokenVerifier) {
  const logger = pino({ level: 'silent' });
  const handle = openDatabase(database.url);
  const { db } = handle;
  const feed = await openJobFeed(database.url);
  const denials = createDenialRecorder(db, (error) => {
    throw error;
  });
  const jobs = jobRoutes({ db, feed });
  const others = ENDPOINTS.filter(({ id }) => !jobs.some(({ endpoint }) => endpoint.id === id));
  const app = await createApp({
    db,
    authenticator: createAuthenticator(db, { verifier: tokenVerifier, log: logger }),
    denials,
    logger,
    metrics: createHttpMetrics('test'),
    uiFolder: null,
    trustProxy: false,
    requestsPerSecond: 100_000,
    routes: [
      ...jobs,
      ...others.map((endpoint) => route(endpoint, () => Promise.reject(new Error('Not here.')))),
    ],
    ready: async () => [],
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    app,
    stop: async () => {
      await app.close();
      await Promise.all([feed.close(), denials.close()]);
      await handle.close();
    },
  };
}

async function personWith(role_id: string, email = `person-${(people += 1)}@example.com`): Promise<Person> {
  const token = newSecret();
  const subject = `subject-${(people += 1)}`;
  const { rows } = await database.pool.query<{ user_id: string; session_id: string }>(
    `with person as (insert into users (email, display_name, status) values ($1, $1, 'active')
          on conflict do nothing returning user_id),
        found as (select user_id from person union select user_id from users where email = $1),
        linked as (insert into linked_identities (user_id, provider_id, issuer, subject) select user_id, 'gateway', $4, $5 from found)
      insert into sessions (token_hash, user_id, ip, user_agent, authenticated_at, expires_at)
        select $2, user_id, '', '', now(), now() + interval '1 hour' from found where $3 <> '' returning user_id, session_id`,
    [email, secretHash(token), role_id, issuer.issuer, subject],
  );
  const { user_id = '', session_id = '' } = rows[0] ?? {};
  if (role_id !== 'owner')
    await database.pool.query('insert into assignments (user_id, role_id) values ($1, $2)', [
      user_id,
      role_id,
    ]);
  const cookie = `${SESSION_COOKIE}=${token}`;
  return { user_id, session_id, subject, headers: { cookie, 'x-csrf-token': csrfTokenOf(token) } };
}

const ask = async (
  { app }: Pick<ControlPlane, 'app'>,
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  headers: Headers,
  payload?: object,
) =>
  (
    await app.inject({
      method,
      url: `/admin/v1${url}`,
      headers: { host: 'control.test', ...headers },
      ...(payload && { payload }),
    })
  ).statusCode;

/** Opens the job's event stream on the other server; `ended` comes when that server closes it. */
async function follow(headers: Headers): Promise<{ ended: Promise<string> }> {
  const { port } = there.app.server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/admin/v1/jobs/${job_id}/events`, { headers });
  expect(response.status).toBe(200);
  return { ended: response.text() };
}

it('a taken role, an ended session and a suspension by one server count at once on the other, and end open streams there', async () => {
  const owner = await personWith('owner', OWNER.email);
  const [demoted, ended, suspended, unlinked, kept] = [
    await personWith('operator'),
    await personWith('operator'),
    await personWith('operator'),
    await personWith('operator'),
    await personWith('operator'),
  ];
  const bearer = async ({ subject: sub }: Person) => ({
    authorization: `Bearer ${await issuer.sign({ sub, sid: `sid-of-${sub}` })}`,
  });
  const tokens = {
    demoted: await bearer(demoted),
    suspended: await bearer(suspended),
    unlinked: await bearer(unlinked),
    kept: await bearer(kept),
    ended: await bearer(ended),
  };
  const followed = await Promise.all(
    [
      demoted.headers,
      ended.headers,
      suspended.headers,
      tokens.demoted,
      tokens.suspended,
      tokens.unlinked,
      tokens.ended,
    ].map(follow),
  );
  for (const headers of [demoted.headers, ended.headers, suspended.headers, ...Object.values(tokens)])
    expect(await ask(there, 'GET', '/jobs', headers)).toBe(200);

  const { rows } = await database.pool.query<{ assignment_id: string }>(
    'select assignment_id from assignments where user_id = $1',
    [demoted.user_id],
  );
  const remove = `/iam/assignments/${rows[0]?.assignment_id ?? ''}/delete`;
  const identities = await database.pool.query<{ identity_id: string }>(
    'select identity_id from linked_identities where user_id = $1',
    [unlinked.user_id],
  );
  const unlink = `/iam/users/${unlinked.user_id}/identities/${identities.rows[0]?.identity_id ?? ''}/unlink`;
  const end = { issuer_id: 'gateway', session_id: `sid-of-${ended.subject}`, reason: REASON };
  expect(
    await Promise.all([
      ask(here, 'POST', remove, owner.headers, { reason: REASON }),
      ask(here, 'POST', `/iam/sessions/${ended.session_id}/revoke`, owner.headers, { reason: REASON }),
      ask(here, 'POST', '/iam/token-sessions/revoke', owner.headers, end),
      ask(here, 'POST', `/iam/users/${suspended.user_id}/suspend`, owner.headers, { reason: REASON }),
      ask(here, 'POST', unlink, owner.headers, { reason: REASON }),
    ]),
  ).toEqual([200, 200, 200, 200, 200]);

  expect(await ask(there, 'GET', '/jobs', demoted.headers)).toBe(403);
  expect(await ask(there, 'GET', '/jobs', ended.headers)).toBe(401);
  expect(await ask(there, 'GET', '/jobs', suspended.headers)).toBe(401);
  expect(await ask(there, 'GET', '/jobs', tokens.demoted)).toBe(403);
  expect(await ask(there, 'GET', '/jobs', tokens.suspended)).toBe(401);
  expect(await ask(there, 'GET', '/jobs', tokens.unlinked)).toBe(401);
  expect(await ask(there, 'GET', '/jobs', tokens.ended)).toBe(401);
  expect(await ask(there, 'GET', '/jobs', tokens.kept)).toBe(200);
  expect(await ask(there, 'GET', '/jobs', kept.headers)).toBe(200);

  for (const text of await Promise.all(followed.map((stream) => stream.ended)))
    expect(text).toContain('event: job');
});
