/** The whole Admin API over the wire format, on a real database and a simulated platform: what goes wrong, and what is said then. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { mkdtemp } from 'node:fs/promises';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ENDPOINTS } from '#contract/endpoints.ts';
import type { Job, Plan } from '#contract/jobs.ts';
import type { Problem } from '#contract/problem.ts';
import type { Tenant } from '#contract/tenants.ts';
import { startFleet } from '#fleet/fleet.ts';
import { NO_SIGN_IN_SETTINGS } from '#server/iam/iam-test-scene.ts';
import { createTestDatabase, testFolder, type TestDatabase } from '#server/db/test-database.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
const HOST = 'control.test';

let database: TestDatabase;
let fleet: Awaited<ReturnType<typeof startFleet>>;
let plane: ControlPlane;
let owner: Caller;
let logged = '';

beforeAll(async () => {
  const folder = await mkdtemp(path.join(testFolder(), 'plane-'));
  [database, fleet] = await Promise.all([
    createTestDatabase(),
    startFleet({ dataDir: folder, environments: ['dev', 'prod'], speed: 10 }),
  ]);
  const environments = ['dev', 'prod'].map((name) => ({
    name,
    production: name === 'prod',
    placement: { file: path.join(folder, `placement-${name}.db`) },
    nodes: fleet.manifest.nodes
      .filter((node) => node.environment === name)
      .map(({ node_id, kind, url, shards, labels }) => ({ node_id, kind, url, shards, labels })),
    thresholds: { max_tenants_per_shard: 40, drain_timeout_s: 20 },
  }));
  plane = await startControlPlane({
    databaseUrl: database.url,
    environments,
    nodeToken: fleet.manifest.token,
    uiFolder: null,
    trustProxy: false,
    requestsPerSecond: 10_000,
    shutdownDelayS: 0,
    owner: OWNER,
    signIn: NO_SIGN_IN_SETTINGS,
    logger: pino({ level: 'debug' }, { write: (line) => void (logged += line) }),
    gitSha: 'test',
  });
  await plane.seed(12);
  owner = await signIn(OWNER);
});
afterAll(async () => {
  await plane?.stop();
  await fleet?.close();
  await database?.drop();
});

interface Reply<T> {
  status: number;
  headers: Record<string, string | undefined>;
  body: T;
}
type Caller = <T = Problem>(
  method: string,
  url: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Reply<T>>;

async function send<T = Problem>(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply<T>> {
  const raw = typeof body === 'string';
  const answer = await plane.app.inject({
    method: method as 'GET',
    url:
      url.startsWith('/') && !url.startsWith('/admin') && !['/health', '/ready', '/metrics'].includes(url)
        ? `/admin/v1${url}`
        : url,
    headers: { host: HOST, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { payload: raw ? body : JSON.stringify(body) }),
  });
  const isJson = String(answer.headers['content-type']).includes('json');
  return {
    status: answer.statusCode,
    headers: answer.headers as Reply<T>['headers'],
    body: (isJson ? answer.json() : answer.body) as T,
  };
}

async function signIn(credentials: { email: string; password: string }): Promise<Caller> {
  const login = await send<{ csrf_token: string }>('POST', '/iam/login', credentials);
  expect(login.status).toBe(200);
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? '';
  const session = { cookie, 'x-csrf-token': login.body.csrf_token };
  return (method, url, body, headers) => send(method, url, body, { ...session, ...headers });
}

/** Creates a user with these roles and signs in as them. */
async function userWith(
  ...roles: { role_id: string; tenant_id?: string; environment?: string }[]
): Promise<Caller> {
  const email = `${randomUUID()}@example.com`;
  const password = 'a long enough pass phrase';
  const created = await owner<{ user: { user_id: string } }>('POST', '/iam/users', {
    email,
    display_name: 'Somebody',
    password,
  });
  expect(created.status).toBe(201);
  for (const role of roles) {
    expect(
      (await owner('POST', '/iam/assignments', { user_id: created.body.user.user_id, ...role })).status,
    ).toBe(201);
  }
  return signIn({ email, password });
}

async function jobEnded(job_id: string): Promise<Job> {
  for (
    const deadline = Date.now() + 25_000;
    Date.now() < deadline;
    await new Promise((resolve) => setTimeout(resolve, 30))
  ) {
    const { body } = await owner<Job>('GET', `/jobs/${job_id}`);
    if (body.finished_at !== null || body.state === 'stuck') return body;
  }
  throw new Error(`job ${job_id} did not end`);
}

async function newTenant(environments = ['prod']): Promise<string> {
  const tenant_id = `t-${randomUUID().slice(0, 12)}`;
  const created = await owner<{ job_id: string }>('POST', '/tenants', {
    tenant_id,
    name: tenant_id,
    environments,
  });
  expect(created.status).toBe(202);
  expect(created.headers['location']).toBe(`/admin/v1/jobs/${created.body.job_id}`);
  expect((await jobEnded(created.body.job_id)).state).toBe('succeeded');
  return tenant_id;
}

/** The move of a tenant off its aggregate shard to another one. */
async function moveOf(tenant_id: string) {
  const placed = await owner<{ items: { shard: string }[] }>(
    'GET',
    `/scale/placements?tenant_id=${tenant_id}&environment=prod&service=aggregate`,
  );
  const from = placed.body.items[0]?.shard ?? '';
  return {
    from,
    move: {
      environment: 'prod',
      tenant_id,
      service: 'aggregate',
      target_shard: from === 'agg-1' ? 'agg-2' : 'agg-1',
    },
  };
}

/** The plan, once every node has applied what the provisioning wrote: until then one that lags is a blocker. */
async function clearPlan(move: object): Promise<Reply<Plan>> {
  for (const deadline = Date.now() + 5_000; ; await new Promise((resolve) => setTimeout(resolve, 30))) {
    const plan = await owner<Plan>('POST', '/scale/migrations/plan', move);
    if (plan.body.blockers.length === 0 || Date.now() > deadline) return plan;
  }
}

describe('what callers get wrong', () => {
  test.each([
    ['malformed JSON', 'POST', '/tenants', '{"tenant_id": ', {}, 400, 'malformed_json'],
    ['an empty body', 'POST', '/tenants', '', {}, 400, 'malformed_json'],
    [
      'another media type',
      'POST',
      '/tenants',
      'a=1',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    [
      'an oversized body',
      'POST',
      '/tenants',
      JSON.stringify({ name: 'x'.repeat(300_000) }),
      {},
      413,
      'body_too_large',
    ],
    [
      'an unknown field',
      'POST',
      '/tenants',
      { tenant_id: 'ab', name: 'x', environments: ['prod'], colour: 'red' },
      {},
      400,
      'validation_failed',
    ],
    [
      'a wrong type',
      'POST',
      '/tenants',
      { tenant_id: 'ab', name: 5, environments: ['prod'] },
      {},
      400,
      'validation_failed',
    ],
    ['a list as a body', 'POST', '/tenants', [], {}, 400, 'validation_failed'],
    ['a malformed cursor', 'GET', '/tenants?cursor=%21%21', undefined, {}, 400, 'malformed_cursor'],
    [
      'a cursor of another sort',
      'GET',
      `/tenants?sort=name&cursor=${Buffer.from('["tenant_id","a","a"]').toString('base64url')}`,
      undefined,
      {},
      400,
      'malformed_cursor',
    ],
    [
      'a cursor that is a time no more',
      'GET',
      `/tenants?sort=updated_at&cursor=${Buffer.from('["updated_at","yesterdayish","a"]').toString('base64url')}`,
      undefined,
      {},
      400,
      'malformed_cursor',
    ],
    ['an unknown query parameter', 'GET', '/tenants?page=2', undefined, {}, 400, 'validation_failed'],
    ['too large a page', 'GET', '/tenants?limit=201', undefined, {}, 400, 'validation_failed'],
    ['an id of the wrong form', 'GET', '/jobs/42', undefined, {}, 400, 'validation_failed'],
    ['an unknown job', 'GET', `/jobs/${randomUUID()}`, undefined, {}, 404, 'not_found'],
    ['an unknown tenant', 'GET', '/tenants/nobody', undefined, {}, 404, 'not_found'],
    ['an unknown address', 'GET', '/tenantz', undefined, {}, 404, 'not_found'],
    [
      'an unknown environment',
      'POST',
      '/tenants',
      { tenant_id: 'ab', name: 'x', environments: ['moon'] },
      {},
      422,
      'unknown_environment',
    ],
    [
      'a change without a version',
      'PATCH',
      '/tenants/acme-foods',
      { name: 'x' },
      {},
      428,
      'precondition_required',
    ],
    [
      'a stale version',
      'PATCH',
      '/tenants/acme-foods',
      { name: 'x' },
      { 'if-match': '"99"' },
      412,
      'precondition_failed',
    ],
    [
      'a malformed idempotency key',
      'PATCH',
      '/tenants/acme-foods',
      { name: 'x' },
      { 'if-match': '"1"', 'idempotency-key': 'a b' },
      400,
      'validation_failed',
    ],
    [
      'an unknown shard',
      'POST',
      '/scale/migrations/plan',
      { environment: 'prod', tenant_id: 'acme-foods', service: 'aggregate', target_shard: 'agg-99' },
      {},
      422,
      'unknown_shard',
    ],
    [
      'a NUL byte',
      'POST',
      '/tenants',
      { tenant_id: 'ab', name: 'x\u0000y', environments: ['prod'] },
      {},
      400,
      'validation_failed',
    ],
  ] as const)('%s', async (_what, method, url, body, headers, status, code) => {
    const answer = await owner(method, url, body, headers);
    expect(answer.body).toMatchObject({ status, code, request_id: expect.any(String) as string });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body.detail.length).toBeGreaterThan(10);
    expect(answer.headers['x-request-id']).toBe(answer.body.request_id);
  });

  test('bad input names each field by a JSON pointer', async () => {
    const { body } = await owner('POST', '/tenants', {
      tenant_id: 'NOT OK',
      name: 'x',
      environments: [],
      contact: { email: 'nope', fax: '1' },
    });
    expect(body.errors?.map((error) => `${error.in} ${error.pointer}`).toSorted()).toEqual([
      'body /contact/email',
      'body /contact/fax',
      'body /environments',
      'body /tenant_id',
    ]);
  });
});

describe('who may', () => {
  test('nobody without a session, and nothing is said of what there is', async () => {
    const answers = await Promise.all(
      ENDPOINTS.filter((endpoint) => endpoint.permission !== 'public').map(async (endpoint) => {
        const url = endpoint.path.replace(/:\w+/g, randomUUID());
        return send(endpoint.method, url, endpoint.method === 'GET' ? undefined : {});
      }),
    );
    expect(new Set(answers.map((answer) => `${answer.status} ${answer.body.code}`))).toEqual(
      new Set(['401 unauthenticated']),
    );
  });

  test('every change needs the CSRF token and our own origin', async () => {
    expect(
      (await owner('PATCH', '/tenants/acme-foods', { name: 'x' }, { 'x-csrf-token': 'wrong' })).body.code,
    ).toBe('csrf_failed');
    expect(
      (await owner('PATCH', '/tenants/acme-foods', { name: 'x' }, { origin: 'https://evil.example' })).body
        .code,
    ).toBe('csrf_failed');
    expect((await send('POST', '/iam/login', OWNER, { 'sec-fetch-site': 'cross-site' })).body.code).toBe(
      'csrf_failed',
    );
    expect(
      (await owner('PATCH', '/tenants/acme-foods', { name: 'x' }, { origin: `http://${HOST}` })).body.code,
    ).toBe('precondition_required');
  });

  test('a viewer may look but not migrate, is told what is missing, and the denial is in the audit log', async () => {
    const viewer = await userWith({ role_id: 'read-only' });
    expect((await viewer('GET', '/tenants')).status).toBe(200);
    const { move } = await moveOf('acme-foods');
    const denied = await viewer('POST', '/scale/migrations/plan', move);
    expect(denied.body).toMatchObject({
      status: 403,
      code: 'permission_denied',
      details: { missing: { permission: 'scale.migrate' } },
    });
    const me = await viewer<{ user: { email: string } }>('GET', '/iam/me');
    const events = await owner<{ items: { action: string }[] }>(
      'GET',
      `/audit/events?outcome=denied&actor=${encodeURIComponent(me.body.user.email)}`,
    );
    expect(events.body.items.map((event) => event.action)).toContain('scale.migrations.plan');
  });

  test('a tenant-scoped user sees that tenant alone', async () => {
    const scoped = await userWith({ role_id: 'operator', tenant_id: 'acme-foods' });
    const list = await scoped<{ items: Tenant[]; total: { count: number } }>('GET', '/tenants');
    expect(list.body.items.map((tenant) => tenant.tenant_id)).toEqual(['acme-foods']);
    expect(list.body.total.count).toBe(1);
    // Whether there is such a tenant is not theirs to know.
    expect((await scoped('GET', '/tenants/globex-foods')).body.code).toBe('not_found');
    const placements = await scoped<{ items: { tenant_id: string }[] }>('GET', '/scale/placements');
    expect(new Set(placements.body.items.map((placement) => placement.tenant_id))).toEqual(
      new Set(['acme-foods']),
    );
    const audit = await scoped<{ items: { tenant_id: string | null }[] }>('GET', '/audit/events');
    expect(audit.body.items.every((event) => event.tenant_id === 'acme-foods')).toBe(true);
  });

  test('a revoked session is refused at its next request, also in the middle of a plan', async () => {
    const operator = await userWith({ role_id: 'operator' });
    const { move } = await moveOf('acme-foods');
    const plan = await operator<Plan>('POST', '/scale/migrations/plan', move);
    expect(plan.status).toBe(200);
    const { session } = (await operator<{ session: { session_id: string } }>('GET', '/iam/me')).body;
    expect(
      (await owner('POST', `/iam/sessions/${session.session_id}/revoke`, { reason: 'lost laptop' })).status,
    ).toBe(200);
    const start = await operator('POST', '/scale/migrations', {
      ...move,
      plan_hash: plan.body.plan_hash,
      reason: 'too late',
    });
    expect(start.body).toMatchObject({ status: 401, code: 'session_revoked' });
  });

  test('a session that signed in long ago is asked again, as RFC 9470 says', async () => {
    const operator = await userWith({ role_id: 'operator' });
    const { session } = (await operator<{ session: { session_id: string } }>('GET', '/iam/me')).body;
    await database.pool.query(
      "update sessions set authenticated_at = now() - interval '6 minutes' where session_id = $1",
      [session.session_id],
    );
    const { move } = await moveOf('acme-foods');
    const start = await operator('POST', '/scale/migrations', {
      ...move,
      plan_hash: 'a'.repeat(64),
      reason: 'later',
    });
    expect(start.body).toMatchObject({ status: 401, code: 'insufficient_user_authentication' });
    expect(start.headers['www-authenticate']).toContain('error="insufficient_user_authentication"');
    expect(start.headers['www-authenticate']).toContain('max_age="300"');
  });

  test('an API token does what it was made for, and no more', async () => {
    const made = await owner<{ value: string }>('POST', '/iam/tokens', {
      name: 'ci',
      permissions: ['tenants.read'],
      expires_in_days: 1,
    });
    expect(made.status).toBe(201);
    const bearer = { authorization: `Bearer ${made.body.value}` };
    expect((await send('GET', '/tenants', undefined, bearer)).status).toBe(200);
    expect((await send('GET', '/jobs', undefined, bearer)).body.code).toBe('permission_denied');
    expect(
      (await send('GET', '/tenants', undefined, { authorization: `Bearer ${made.body.value}x` })).status,
    ).toBe(401);
  });
});

describe('doing it once', () => {
  const create = () => ({ tenant_id: `t-${randomUUID().slice(0, 12)}`, name: 'once', environments: ['dev'] });

  test('the same key and body answer the first answer again', async () => {
    const body = create();
    const key = { 'idempotency-key': randomUUID() };
    const first = await owner<{ job_id: string }>('POST', '/tenants', body, key);
    const second = await owner<{ job_id: string }>('POST', '/tenants', body, key);
    expect(first.status).toBe(202);
    expect(second.status).toBe(202);
    expect(second.body).toEqual(first.body);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect((await owner('POST', '/tenants', { ...body, name: 'twice' }, key)).body.code).toBe(
      'idempotency_mismatch',
    );
    await jobEnded(first.body.job_id);
  });

  test('of two at once with one key exactly one happens', async () => {
    const body = create();
    const key = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all([
      owner('POST', '/tenants', body, key),
      owner('POST', '/tenants', body, key),
    ]);
    const done = answers.filter((answer) => answer.status === 202);
    // The one that comes later is told to wait, or, when the first is done already, gets its answer.
    for (const refused of answers.filter((answer) => answer.status !== 202))
      expect(refused.body.code).toBe('idempotency_in_progress');
    expect(new Set(done.map((answer) => (answer.body as unknown as { job_id: string }).job_id)).size).toBe(1);
    const { rows } = await database.pool.query<{ count: number }>(
      'select count(*)::integer as count from jobs where idempotency_key = $1',
      [key['idempotency-key']],
    );
    expect(rows[0]?.count).toBe(1);
  });

  test('nothing is kept of a request that was refused', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const { tenant_id } = create();
    expect(
      (await owner('POST', '/tenants', { tenant_id, name: 'x', environments: ['moon'] }, key)).status,
    ).toBe(422);
    expect(
      (await owner('POST', '/tenants', { tenant_id, name: 'x', environments: ['dev'] }, key)).status,
    ).toBe(202);
  });

  test('the value of a token is in the first answer only', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = { name: 'ci', permissions: ['tenants.read'], expires_in_days: 1 };
    const first = await owner<{ value: string | null }>('POST', '/iam/tokens', body, key);
    const second = await owner<{ value: string | null }>('POST', '/iam/tokens', body, key);
    expect(first.body.value).toMatch(/^clc_/);
    expect(second.body).toEqual({ ...first.body, value: null });
    const { rows } = await database.pool.query<{ found: boolean }>(
      `select exists (select from jobs where jobs::text like $1) or exists (select from audit_events where audit_events::text like $1) as found`,
      [`%${first.body.value}%`],
    );
    expect(rows[0]?.found).toBe(false);
  });
});

describe('moving a tenant', () => {
  test('plan, start, and every step of it is in the audit log', async () => {
    const tenant_id = await newTenant();
    const { from, move } = await moveOf(tenant_id);
    const plan = await clearPlan(move);
    expect(plan.body).toMatchObject({ blockers: [], kind: 'migrate_tenant', environment: 'prod' });
    expect(plan.body.steps.map((step) => step.name)).toEqual([
      'check',
      'drain',
      'place',
      'reload',
      'acknowledge',
      'verify',
    ]);
    expect(plan.body.changes).toContainEqual({ path: 'shard', before: from, after: move.target_shard });
    const again = await owner<Plan>('POST', '/scale/migrations/plan', move);
    expect(again.body.plan_hash).toBe(plan.body.plan_hash);

    const start = await owner<{ job_id: string }>('POST', '/scale/migrations', {
      ...move,
      plan_hash: plan.body.plan_hash,
      reason: 'agg is hot',
    });
    expect(start.status).toBe(202);
    const second = await owner('POST', '/scale/migrations', {
      ...move,
      plan_hash: plan.body.plan_hash,
      reason: 'me too',
    });
    expect(second.body.code).toBe('job_conflict');
    const job = await jobEnded(start.body.job_id);
    expect(job.state).toBe('succeeded');
    expect((await moveOf(tenant_id)).from).toBe(move.target_shard);

    const audit = await owner<{ items: { action: string; reason: string | null }[] }>(
      'GET',
      `/audit/events?job_id=${start.body.job_id}&sort=sequence&limit=200`,
    );
    const actions = audit.body.items.map((event) => event.action);
    expect(actions[0]).toBe('scale.migrations.start');
    expect(audit.body.items[0]?.reason).toBe('agg is hot');
    expect(actions.filter((action) => action === 'job.step.succeeded')).toHaveLength(6);
    expect(actions.at(-1)).toBe('job.succeeded');
  });

  test('a full target and a stale plan block it by name', async () => {
    const tenant_id = await newTenant();
    const { from, move } = await moveOf(tenant_id);
    expect((await owner('POST', '/scale/migrations/plan', { ...move, target_shard: from })).body.code).toBe(
      'same_shard',
    );
    expect(
      (await owner('POST', '/scale/migrations', { ...move, plan_hash: 'f'.repeat(64), reason: 'guessing' }))
        .body.code,
    ).toBe('plan_expired');

    const plan = await clearPlan(move);
    const node = fleet.manifest.nodes.find(
      (each) => each.environment === 'prod' && each.shards.includes(move.target_shard),
    );
    const fault = fleet.faults.switchOn({ node_id: node?.node_id ?? '', fault: 'storage_full' });
    const blocked = await owner<Plan>('POST', '/scale/migrations/plan', move);
    expect(blocked.body.blockers.map((blocker) => blocker.subject.id)).toContain(node?.node_id);
    const drifted = await owner('POST', '/scale/migrations', {
      ...move,
      plan_hash: plan.body.plan_hash,
      reason: 'old plan',
    });
    expect(drifted.body).toMatchObject({ status: 409, code: 'plan_drifted' });
    const { plan: fresh, changes } = drifted.body.details as { plan: Plan; changes: { path: string }[] };
    expect(changes.map((change) => change.path)).toContain('findings');
    expect(
      (await owner('POST', '/scale/migrations', { ...move, plan_hash: fresh.plan_hash, reason: 'new plan' }))
        .body.code,
    ).toBe('plan_blocked');
    fleet.faults.switchOff(fault.id);
  });

  test('a cancel half way brings the tenant back to where it was', async () => {
    const tenant_id = await newTenant();
    const { from, move } = await moveOf(tenant_id);
    const node = fleet.manifest.nodes.find(
      (each) => each.environment === 'prod' && each.shards.includes(from),
    );
    const fault = fleet.faults.switchOn({ node_id: node?.node_id ?? '', fault: 'drain_stalls', tenant_id });
    const plan = await clearPlan(move);
    const start = await owner<{ job_id: string }>('POST', '/scale/migrations', {
      ...move,
      plan_hash: plan.body.plan_hash,
      reason: 'try it',
    });
    await expect
      .poll(async () => (await owner<Job>('GET', `/jobs/${start.body.job_id}`)).body.current_step, {
        timeout: 10_000,
      })
      .toBe('drain');
    expect((await owner('POST', `/jobs/${start.body.job_id}/cancel`, { reason: 'not now' })).status).toBe(
      202,
    );
    const job = await jobEnded(start.body.job_id);
    expect(job.state).toBe('cancelled_rolled_back');
    expect((await moveOf(tenant_id)).from).toBe(from);
    expect((await owner<Tenant>('GET', `/tenants/${tenant_id}`)).body.status).toBe('active');
    fleet.faults.switchOff(fault.id);
  });
});

describe('the record', () => {
  test('the database refuses to change or remove an audit event', async () => {
    for (const statement of [
      "update audit_events set reason = 'x'",
      'delete from audit_events',
      'truncate audit_events',
    ]) {
      await expect(database.pool.query(statement)).rejects.toThrow('append-only');
    }
  });

  test('request and trace ids of the caller come back and stand in the audit log', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const tenant = await owner<Tenant>('GET', '/tenants/acme-foods');
    const changed = await owner(
      'PATCH',
      '/tenants/acme-foods',
      { name: 'Acme Foods International' },
      {
        'if-match': String(tenant.headers['etag']),
        'x-request-id': 'incident-42',
        traceparent: `00-${trace}-00f067aa0ba902b7-01`,
      },
    );
    expect(changed.status).toBe(200);
    expect(changed.headers['x-request-id']).toBe('incident-42');
    expect(changed.headers['traceresponse']).toContain(trace);
    const events = await owner<{ items: { trace_id: string; changes: unknown[] }[] }>(
      'GET',
      '/audit/events?request_id=incident-42',
    );
    expect(events.body.items).toMatchObject([
      { trace_id: trace, changes: [{ path: 'name', after: 'Acme Foods International' }] },
    ]);
    expect(logged).toContain('incident-42');
  });

  test('pages of the audit log are stable while events come in', async () => {
    const first = await owner<{ items: { sequence: number }[]; next_cursor: string }>(
      'GET',
      '/audit/events?limit=5',
    );
    await newTenant(['dev']);
    const second = await owner<{ items: { sequence: number }[] }>(
      'GET',
      `/audit/events?limit=5&cursor=${first.body.next_cursor}`,
    );
    expect(second.body.items[0]?.sequence).toBeLessThan(first.body.items.at(-1)?.sequence ?? 0);
  });

  test('no password reaches the log', () => {
    expect(logged).not.toContain(OWNER.password);
    expect(logged).not.toContain('a long enough pass phrase');
  });
});

describe('watching itself', () => {
  test('health, readiness and metrics answer', async () => {
    expect((await send('GET', '/health')).status).toBe(200);
    const ready = await send<{ ready: boolean; checks: { name: string }[] }>('GET', '/ready');
    expect(ready.body).toMatchObject({ ready: true });
    expect(ready.body.checks.map((check) => check.name)).toEqual([
      'postgres',
      'placement_watcher',
      'placement_stores',
      'orchestrators',
      'job_executor',
    ]);
    const { body } = await send<string>('GET', '/metrics');
    for (const metric of [
      'control_http_requests_total',
      'control_http_request_duration_seconds_bucket',
      'control_build_info',
      'control_jobs',
      'control_jobs_ended_total{kind="migrate_tenant",state="succeeded"',
      'control_database_connections',
      'nodejs_eventloop_lag_seconds',
      'control_placement_watcher_lag_revisions',
    ]) {
      expect(body).toContain(metric);
    }
    expect(body).toContain('route="/admin/v1/tenants/:tenant_id"');
    expect(body).not.toContain('acme-foods');
  });

  test('the API reference and its document answer', async () => {
    expect((await send('GET', '/admin/docs')).status).toBe(200);
    const document = await send<{ openapi: string; paths: object }>('GET', '/admin/openapi.json');
    expect(document.body.openapi).toBe('3.1.0');
    expect(Object.keys(document.body.paths).length).toBeGreaterThan(30);
  });
});
