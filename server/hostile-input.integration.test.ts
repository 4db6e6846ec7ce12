/**
 * Every endpoint with input that fits, nearly fits or means harm, against the real server on a real database: never a failure of the
 * server's own, never a stack trace, never a secret in an answer or a log line. A failure prints the seed that repeats it.
 */
import fc from 'fast-check';
import path from 'node:path';
import { mkdtemp } from 'node:fs/promises';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Endpoint } from '#contract/endpoint.ts';
import { ENDPOINTS } from '#contract/endpoints.ts';
import { startFleet } from '#fleet/fleet.ts';
import { createTestDatabase, testFolder, type TestDatabase } from '#server/db/test-database.ts';
import { SESSION_COOKIE } from '#server/http/session-cookie.ts';
import { csrfTokenOf, newSecret, secretHash } from '#server/iam/secret-values.ts';
import { NO_SIGN_IN_SETTINGS } from '#server/iam/iam-test-scene.ts';
import { arbitraryOf } from '#tools/schema-arbitrary.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
/** Stands where people put secrets: it is in no answer and in no log line. */
const SECRET = 'Zq7-this-is-the-secret-Xw9';
const SECRET_FIELDS = /password|secret|code$|token$/;
const STACK_TRACE = /\n\s+at .+:\d+:\d+|node_modules|\/server\/[a-z-]+\//;
const REQUESTS_AN_ENDPOINT = 12;

let database: TestDatabase;
let fleet: Awaited<ReturnType<typeof startFleet>>;
let plane: ControlPlane;
let logged = '';

beforeAll(async () => {
  const folder = await mkdtemp(path.join(testFolder(), 'fuzz-'));
  [database, fleet] = await Promise.all([
    createTestDatabase(),
    startFleet({ dataDir: folder, environments: ['dev'], speed: 10 }),
  ]);
  plane = await startControlPlane({
    databaseUrl: database.url,
    environments: [
      {
        name: 'dev',
        production: false,
        placement: { file: path.join(folder, 'placement-dev.db') },
        nodes: fleet.manifest.nodes.map(({ node_id, kind, url, shards, labels }) => ({
          node_id,
          kind,
          url,
          shards,
          labels,
        })),
      },
    ],
    nodeToken: fleet.manifest.token,
    uiFolder: null,
    trustProxy: false,
    requestsPerSecond: 100_000,
    shutdownDelayS: 0,
    owner: OWNER,
    signIn: NO_SIGN_IN_SETTINGS,
    logger: pino({ level: 'debug' }, { write: (line) => void (logged += line) }),
    gitSha: 'test',
  });
  await plane.seed(3);
});
afterAll(async () => {
  await plane?.stop();
  await fleet?.close();
  await database?.drop();
});

/** A new session of the owner: earlier requests may have ended the one before. */
async function ownerSession(): Promise<{ cookie: string; 'x-csrf-token': string }> {
  const token = newSecret();
  await database.pool.query(`update users set status = 'active' where email = $1`, [OWNER.email]);
  await database.pool.query(
    `insert into sessions (token_hash, user_id, ip, user_agent, authenticated_at, expires_at)
      select $1, user_id, '', '', now(), now() + interval '1 hour' from users where email = $2`,
    [secretHash(token), OWNER.email],
  );
  return { cookie: `${SESSION_COOKIE}=${token}`, 'x-csrf-token': csrfTokenOf(token) };
}

const hostileText = fc.constantFrom(
  '',
  ' ',
  '\u0000',
  '\uD800',
  '\u202Eevil',
  "' or 1=1; drop table users; --",
  '$1::uuid',
  '%00',
  '..%2f..%2fetc%2fpasswd',
  '../../../etc/passwd',
  '<script>alert(1)</script>',
  '{{7*7}}',
  '__proto__',
  'constructor',
  '-1',
  '1e309',
  'NaN',
  '9'.repeat(400),
  'é'.repeat(300),
  '2026-02-30T25:61:61Z',
  '00000000-0000-0000-0000-000000000000',
  'http://169.254.169.254/latest/meta-data/',
);
const hostile: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom(null, true, -1, 0, 1e308, 2 ** 53, 0.1, [], {}, [[[]]], { a: { b: { c: {} } } }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A value that fits, with at most one of its fields left out, added or replaced by something else. */
const nearly = (fitting: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(fitting, fc.constantFrom('replace', 'remove', 'add'), fc.nat(), hostile)
    .map(([value, how, index, bad]) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad;
      const fields = Object.entries(value);
      if (how === 'add' || fields.length === 0) return { ...value, __proto: bad };
      const name = fields[index % fields.length]?.[0];
      const others = fields.filter(([each]) => each !== name);
      return Object.fromEntries(how === 'remove' ? others : [...others, [name, bad]]);
    });

/** Puts the secret where secrets go, so that it can be looked for. */
function withSecret(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      typeof each === 'string' && SECRET_FIELDS.test(name) && each.length >= SECRET.length ? SECRET : each,
    ]),
  );
}

const part = (schema: Endpoint['body']): fc.Arbitrary<unknown> => {
  if (!schema) return fc.constant({});
  const fitting = arbitraryOf(schema);
  return fc.oneof({ weight: 2, arbitrary: fitting }, { weight: 3, arbitrary: nearly(fitting) });
};

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function urlOf(endpoint: Endpoint, params: unknown, query: unknown): string {
  const given = (params ?? {}) as Record<string, unknown>;
  const url = endpoint.path.replaceAll(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(asText(given[name] ?? 'x').toWellFormed()),
  );
  if (typeof query !== 'object' || query === null) return url;
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(asText(value).toWellFormed())}`,
  );
  return pairs.length === 0 ? url : `${url}?${pairs.join('&')}`;
}

/** These answer for as long as the caller listens. */
const calls = ENDPOINTS.filter(({ stream }) => stream !== true);

it.each(calls.map((endpoint) => [endpoint.id, endpoint] as const))(
  '%s keeps its composure',
  async (_, endpoint) => {
    const headers = await ownerSession();
    await fc.assert(
      fc.asyncProperty(
        part(endpoint.params),
        part(endpoint.query),
        part(endpoint.body),
        fc.constantFrom('"1"', '"0"', 'W/"1"', '*', '"999999999999999999999"', ''),
        async (params, query, body, ifMatch) => {
          logged = '';
          const url = urlOf(endpoint, params, query);
          const payload = JSON.stringify(withSecret(body));
          const sends = endpoint.method !== 'GET' && endpoint.body !== undefined;
          const answer = await plane.app.inject({
            method: endpoint.method,
            url,
            headers: {
              host: 'control.test',
              ...headers,
              ...(ifMatch !== '' && { 'if-match': ifMatch }),
              ...(sends && { 'content-type': 'application/json' }),
            },
            ...(sends && { payload }),
          });
          const about = `${endpoint.method} ${url} ${sends ? payload : ''} → ${answer.statusCode} ${answer.body}`;
          // 503: a system that this platform does not have, said as such.
          if (answer.statusCode >= 500) expect(answer.statusCode, `${about} ${logged}`).toBe(503);
          expect(STACK_TRACE.test(answer.body), `a stack trace in the answer: ${about}`).toBe(false);
          expect(answer.body.includes(SECRET), `a secret in the answer: ${about}`).toBe(false);
          expect(logged.includes(SECRET), `a secret in the log: ${about}`).toBe(false);
        },
      ),
      { numRuns: REQUESTS_AN_ENDPOINT },
    );
  },
);
