/**
 * Every endpoint × every role template × every scope, as a session and as an API token, through the real gate on a real database, and
 * what casbin says of the same policy. Handlers are stand-ins that only tell that the gate let somebody through.
 */
import { newEnforcer, newModelFromString } from 'casbin';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENDPOINTS } from '#contract/endpoints.ts';
import type { Endpoint } from '#contract/endpoint.ts';
import type { PermissionScope } from '#contract/permission-rules.ts';
import { ROLE_TEMPLATES } from '#contract/permissions.ts';
import { createDenialRecorder, type DenialRecorder } from '#server/audit/denial-recorder.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { createApp } from '#server/http/app.ts';
import { ControlError } from '#server/http/control-error.ts';
import { createHttpMetrics } from '#server/http/http-metrics.ts';
import { route } from '#server/http/route.ts';
import { SESSION_COOKIE } from '#server/http/session-cookie.ts';
import { createAuthenticator } from '#server/iam/authentication-service.ts';
import { seedRoleTemplates } from '#server/iam/bootstrap.ts';
import { csrfTokenOf, newApiToken, newSecret, secretHash } from '#server/iam/secret-values.ts';
import { arbitraryOf } from '#tools/schema-arbitrary.ts';

/** Where every request of the matrix acts, as far as its endpoint says where. */
const HERE = { tenant_id: 'acme', environment: 'dev' };
const SCOPES: Record<string, PermissionScope | null> = {
  'no grant': null,
  everywhere: { tenant_id: null, environment: null },
  'the tenant': { tenant_id: 'acme', environment: null },
  'another tenant': { tenant_id: 'globex', environment: null },
  'the environment': { tenant_id: null, environment: 'dev' },
  'another environment': { tenant_id: null, environment: 'prod' },
  'the tenant there': HERE,
  'the tenant elsewhere': { tenant_id: 'acme', environment: 'prod' },
};
const REACHED = 'the gate let this through';
const EVERYTHING = 1_000_000;

const MODEL = `
[request_definition]
r = tenant, environment, permission
[policy_definition]
p = tenant, environment, permission
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = keyMatch(r.tenant, p.tenant) && keyMatch(r.environment, p.environment) && keyMatch(r.permission, p.permission)
`;

let testDatabase: TestDatabase;
let database: DatabaseHandle;
let denials: DenialRecorder;
let app: FastifyInstance;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  await seedRoleTemplates(database.db);
  denials = createDenialRecorder(database.db, (error) => {
    throw error;
  });
  app = await createApp({
    db: database.db,
    authenticator: createAuthenticator(database.db),
    denials,
    logger: pino({ level: 'silent' }),
    metrics: createHttpMetrics('test'),
    uiFolder: null,
    trustProxy: false,
    requestsPerSecond: EVERYTHING,
    ready: async () => [],
    routes: ENDPOINTS.map((endpoint) =>
      route(endpoint, (() => (endpoint.stream ? nothing() : reached())) as never),
    ),
  });
});
afterAll(async () => {
  await app.close();
  await denials.close();
  await database.close();
  await testDatabase.drop();
});

async function reached(): Promise<never> {
  throw new ControlError('not_found', REACHED);
}
async function* nothing(): AsyncGenerator<never> {}

type Credentials = Record<string, string>;

/** A user with this role in this scope, signed in. */
async function sessionWith(role_id: string, scope: PermissionScope | null): Promise<Credentials> {
  const { db } = database;
  const { user_id } = await db
    .insertInto('users')
    .values({ email: `${newSecret().slice(0, 12)}@example.com`, display_name: 'Somebody', status: 'active' })
    .returning('user_id')
    .executeTakeFirstOrThrow();
  if (scope)
    await db
      .insertInto('assignments')
      .values({ user_id, role_id, ...scope })
      .execute();
  const token = newSecret();
  await testDatabase.pool.query(
    `insert into sessions (token_hash, user_id, ip, user_agent, authenticated_at, expires_at) values ($1, $2, '', '', now(), now() + interval '1 hour')`,
    [secretHash(token), user_id],
  );
  return { cookie: `${SESSION_COOKIE}=${token}`, 'x-csrf-token': csrfTokenOf(token) };
}

/** An API token of an owner, narrowed to what this role holds in this scope. */
async function tokenWith(role_id: string, scope: PermissionScope | null): Promise<Credentials> {
  const { user_id } = await database.db
    .insertInto('users')
    .values({ email: `${newSecret().slice(0, 12)}@example.com`, display_name: 'Somebody', status: 'active' })
    .returning('user_id')
    .executeTakeFirstOrThrow();
  await database.db.insertInto('assignments').values({ user_id, role_id: 'owner' }).execute();
  const { value, prefix } = newApiToken();
  const permissions = scope ? permissionsOf(role_id) : [];
  await testDatabase.pool.query(
    `insert into api_tokens (user_id, token_hash, prefix, name, permissions, tenant_id, environment, expires_at) values ($1, $2, $3, 'matrix', $4, $5, $6, now() + interval '1 hour')`,
    [user_id, secretHash(value), prefix, permissions, scope?.tenant_id ?? null, scope?.environment ?? null],
  );
  return { authorization: `Bearer ${value}` };
}

const permissionsOf = (role_id: string): readonly string[] =>
  ROLE_TEMPLATES[role_id as keyof typeof ROLE_TEMPLATES].permissions;

/** One request to the endpoint that fits its schemas and acts HERE. */
function requestTo(endpoint: Endpoint) {
  const sample = (part: Endpoint['body'] | undefined): Record<string, unknown> =>
    part ? (fc.sample(arbitraryOf(part), { numRuns: 1, seed: 1 })[0] as Record<string, unknown>) : {};
  const parts = {
    params: sample(endpoint.params),
    query: sample(endpoint.query),
    body: sample(endpoint.body),
  };
  if (typeof endpoint.scope === 'object')
    for (const [field, source] of Object.entries(endpoint.scope)) {
      const [part, name] = source.split('.') as ['params' | 'query' | 'body', string];
      parts[part][name] = HERE[field as keyof typeof HERE];
    }
  const path = endpoint.path.replaceAll(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(String(parts.params[name])),
  );
  const named = typeof endpoint.scope === 'object' ? Object.values(endpoint.scope) : [];
  const query = new URLSearchParams(
    named
      .filter((source) => source.startsWith('query.'))
      .map((source): [string, string] => {
        const name = source.slice('query.'.length);
        return [name, String(parts.query[name])];
      }),
  );
  const { required = [] }: { required?: string[] } = endpoint.query ?? {};
  for (const name of required) if (!query.has(name)) query.set(name, String(parts.query[name]));
  return { url: query.size > 0 ? `${path}?${query.toString()}` : path, body: parts.body };
}

const requests = new Map(ENDPOINTS.map((endpoint) => [endpoint, requestTo(endpoint)]));
const requestOf = (endpoint: Endpoint) => requests.get(endpoint) ?? requestTo(endpoint);

async function passes(endpoint: Endpoint, credentials: Credentials): Promise<boolean> {
  const { url, body } = requestOf(endpoint);
  const answer = await app.inject({
    method: endpoint.method,
    url,
    headers: {
      host: 'control.test',
      'if-match': '"1"',
      ...(endpoint.method !== 'GET' && endpoint.body && { 'content-type': 'application/json' }),
      ...credentials,
    },
    ...(endpoint.method !== 'GET' && endpoint.body && { payload: JSON.stringify(body) }),
  });
  if (endpoint.stream && answer.statusCode === 200) return true;
  const problem = answer.json<{
    code: string;
    detail: string;
    details?: { missing?: { permission: string } };
  }>();
  if (problem.detail === REACHED) return true;
  // Level `bound` comes after the permission: whoever is asked for it holds the permission.
  if (problem.code === 'insufficient_user_authentication') return true;
  expect(problem, `${endpoint.id}: ${JSON.stringify(problem)}`).toMatchObject({
    code: 'permission_denied',
    details: { missing: { permission: endpoint.permission } },
  });
  return false;
}

/** What casbin says: `filtered` endpoints take a grant in any scope and narrow their answer themselves. */
async function expected(
  role_id: string,
  scope: PermissionScope | null,
): Promise<(endpoint: Endpoint) => Promise<boolean>> {
  const oracle = await newEnforcer(newModelFromString(MODEL));
  const policies = scope ? permissionsOf(role_id) : [];
  for (const pattern of policies)
    await oracle.addPolicy(scope?.tenant_id ?? '*', scope?.environment ?? '*', pattern);
  return async ({ permission, scope: source }) => {
    if (permission === 'public' || permission === 'authenticated') return true;
    if (source === 'filtered')
      return oracle.enforce(scope?.tenant_id ?? '', scope?.environment ?? '', permission);
    const names = typeof source === 'object' ? source : {};
    const tenant = names.tenant_id ? HERE.tenant_id : '';
    const environment = names.environment ? HERE.environment : '';
    return oracle.enforce(tenant, environment, permission);
  };
}

describe.each(Object.keys(ROLE_TEMPLATES))('%s', (role_id) => {
  it.each(Object.entries(SCOPES))(
    'given for %s passes where casbin says so, and nowhere else',
    async (_, scope) => {
      const oracle = await expected(role_id, scope);
      const callers = { session: await sessionWith(role_id, scope), token: await tokenWith(role_id, scope) };
      for (const endpoint of ENDPOINTS) {
        const allowed = await oracle(endpoint);
        for (const [kind, credentials] of Object.entries(callers))
          expect(await passes(endpoint, credentials), `${endpoint.id} by ${kind}`).toBe(allowed);
      }
    },
  );
});

it('whoever is not signed in reaches only what is public', async () => {
  for (const endpoint of ENDPOINTS) {
    const { url, body } = requestOf(endpoint);
    const { statusCode, body: text } = await app.inject({
      method: endpoint.method,
      url,
      headers: { host: 'control.test', ...(endpoint.body && { 'content-type': 'application/json' }) },
      ...(endpoint.body && { payload: JSON.stringify(body) }),
    });
    const through = text.includes(REACHED);
    expect(through, `${endpoint.id}: ${statusCode} ${text}`).toBe(endpoint.permission === 'public');
  }
});

it('what is denied is audited, with what was missing', async () => {
  await denials.close();
  const { rows } = await testDatabase.pool.query<{ action: string }>(
    `select distinct action from audit_events where outcome = 'denied' and details->'missing'->>'permission' is not null`,
  );
  const guarded = ENDPOINTS.filter(
    ({ permission }) => permission !== 'public' && permission !== 'authenticated',
  );
  expect(rows.map(({ action }) => action).sort()).toEqual(guarded.map(({ id }) => id).sort());
});
