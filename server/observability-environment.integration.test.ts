/** Observability over the Admin API: who sees what, and what is said when a system is away. The systems answer as their APIs are documented. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { mkdtemp } from 'node:fs/promises';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamedQuery, ObservabilityStatus, QueryResult } from '#contract/observability.ts';
import type { Problem } from '#contract/problem.ts';
import { createTestDatabase, testFolder, type TestDatabase } from '#server/db/test-database.ts';
import { NO_SIGN_IN_SETTINGS } from '#server/iam/iam-test-scene.ts';
import { startTestHttpServer, type TestHttpServer, type TestReply } from '#tools/test-http-server.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
const TOKEN = 'metrics-secret-token';

let database: TestDatabase;
let metrics: TestHttpServer;
let plane: ControlPlane;
let owner: Caller;
let logged = '';

const matrix = (): TestReply => ({
  body: { status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, values: [] }] } },
});

beforeAll(async () => {
  const folder = await mkdtemp(path.join(testFolder(), 'observed-'));
  [database, metrics] = await Promise.all([createTestDatabase(), startTestHttpServer()]);
  process.env['METRICS_TOKEN'] = TOKEN;
  const environment = (name: string, observability?: object) => ({
    name,
    placement: { file: path.join(folder, `${name}.db`) },
    nodes: [],
    ...(observability && { observability }),
  });
  plane = await startControlPlane({
    databaseUrl: database.url,
    environments: [
      environment('dev'),
      environment('prod', {
        metrics_url: metrics.url,
        credentials: { metrics: { token_env: 'METRICS_TOKEN' } },
      }),
    ],
    nodeToken: '',
    uiFolder: null,
    trustProxy: false,
    requestsPerSecond: 10_000,
    shutdownDelayS: 0,
    owner: OWNER,
    signIn: NO_SIGN_IN_SETTINGS,
    logger: pino({ level: 'debug' }, { write: (line) => void (logged += line) }),
    gitSha: 'test',
  });
  await database.pool.query(
    "insert into tenants (tenant_id, name, status, plan, environments) values ('acme', 'Acme', 'active', 'gold', '{prod}')",
  );
  owner = await signIn(OWNER);
});
afterAll(async () => {
  delete process.env['METRICS_TOKEN'];
  await plane?.stop();
  await metrics?.close();
  await database?.drop();
});

interface Reply<T> {
  status: number;
  body: T;
}
type Caller = <T = Problem>(url: string, body?: unknown) => Promise<Reply<T>>;

async function signIn(credentials: { email: string; password: string }): Promise<Caller> {
  const headers: Record<string, string> = { host: 'control.test' };
  const send: Caller = async (url, body) => {
    const answer = await plane.app.inject({
      method: body === undefined ? 'GET' : 'POST',
      url: `/admin/v1${url}`,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    headers['cookie'] ??= String(answer.headers['set-cookie']).split(';')[0] ?? '';
    return { status: answer.statusCode, body: answer.json() };
  };
  const { status, body } = await send<{ csrf_token: string }>('/iam/login', credentials);
  expect(status).toBe(200);
  headers['x-csrf-token'] = body.csrf_token;
  return send;
}

async function someoneWith(scope: { tenant_id?: string; environment?: string }): Promise<Caller> {
  const credentials = { email: `${randomUUID()}@example.com`, password: 'a long enough pass phrase' };
  const created = await owner<{ user: { user_id: string } }>('/iam/users', {
    ...credentials,
    display_name: 'Someone',
  });
  const assignment = { user_id: created.body.user.user_id, role_id: 'read-only', ...scope };
  expect((await owner('/iam/assignments', assignment)).status).toBe(201);
  return signIn(credentials);
}

const rate = '/observability/queries/request-rate/run';

describe('whoever may see one tenant', () => {
  it('reads figures of that tenant, and of no other and not of all', async () => {
    metrics.answer(matrix);
    const acme = await someoneWith({ tenant_id: 'acme' });
    const statusOf = async (query: string) => (await acme(`${rate}?${query}`)).status;
    expect(await statusOf('environment=prod&tenant_id=acme')).toBe(200);
    expect(metrics.requests.at(-1)?.query.get('query')).toContain('tenant_id=~"acme"');
    metrics.requests.splice(0);
    expect(await statusOf('environment=prod')).toBe(403);
    expect(await statusOf('environment=prod&tenant_id=globex')).toBe(403);
    expect(await statusOf('environment=prod&tenant_id=acme&tenant_id=globex')).not.toBe(200);
    expect(metrics.requests).toEqual([]);
  });

  it('is offered the queries that a tenant narrows, and runs no other', async () => {
    const acme = await someoneWith({ tenant_id: 'acme', environment: 'prod' });
    const { body } = await acme<{ items: NamedQuery[] }>('/observability/queries');
    const names = body.items.map(({ name }) => name);
    expect(names).toContain('request-rate');
    expect(names).toContain('recent-errors');
    expect(names).not.toContain('top-tenants-by-request-rate');
    const all = await owner<{ items: NamedQuery[] }>('/observability/queries');
    const others = all.body.items.filter(({ name }) => !names.includes(name));
    expect(others.length).toBeGreaterThan(0);
    for (const { name } of others) {
      const answer = await acme(`/observability/queries/${name}/run?environment=prod&tenant_id=acme`);
      expect([name, answer.status]).toEqual([name, 400]);
    }
  });

  it('sees neither alerts nor targets nor dashboards of the environment, which tell of others', async () => {
    const acme = await someoneWith({ tenant_id: 'acme' });
    for (const page of ['alerts', 'targets', 'dashboards', 'status', 'links']) {
      expect((await acme(`/observability/${page}?environment=prod`)).status).toBe(403);
    }
  });
});

it('whoever may see one environment reads nothing of another', async () => {
  const dev = await someoneWith({ environment: 'dev' });
  expect((await dev('/observability/status?environment=dev')).status).toBe(200);
  for (const page of ['status', 'alerts', 'targets', 'dashboards', 'links', 'queries/request-rate/run']) {
    expect((await dev(`/observability/${page}?environment=prod`)).status).toBe(403);
  }
});

describe('a request', () => {
  it.each([
    ['?environment=nowhere', 422, 'unknown_environment', 'there are dev, prod'],
    ['?environment=dev', 422, 'not_configured', 'observability.metrics_url'],
    ['', 400, 'validation_failed', 'environment'],
    ['?environment=prod&step_s=1', 400, 'validation_failed', '/step_s'],
    ['?environment=prod&service=web', 400, 'validation_failed', '/service'],
    ['?environment=prod&tenant_id=%22%7D', 400, 'validation_failed', '/tenant_id'],
    ['?environment=prod&query=up', 400, 'validation_failed', '/query'],
    ['?environment=prod&from=yesterday', 400, 'validation_failed', '/from'],
    ['?environment=prod&from=2020-01-01T00:00:00Z', 400, 'validation_failed', '7 days'],
  ])('%s is answered with %i %s', async (query, status, code, says) => {
    const answer = await owner(`${rate}${query}`);
    expect(answer).toMatchObject({ status, body: { code } });
    expect(JSON.stringify(answer.body)).toContain(says);
  });

  it('for a query that is none is answered with 404', async () => {
    expect((await owner('/observability/queries/up/run?environment=prod')).status).toBe(404);
  });
});

describe('a metrics server', () => {
  const refusal = async () => {
    const answer = await owner(`${rate}?environment=prod`);
    expect(answer.status).toBe(502);
    return answer.body.detail;
  };

  it('is asked with its token, which is in no answer and in no line of the log', async () => {
    metrics.answer(matrix);
    const { status, body } = await owner<QueryResult>(`${rate}?environment=prod`);
    expect(status).toBe(200);
    expect(body.answer.source).toBe(`metrics server ${metrics.url}`);
    expect(metrics.requests.at(-1)?.headers['authorization']).toBe(`Bearer ${TOKEN}`);
    metrics.answer(({ headers }) => ({ status: 400, body: `no ${String(headers['authorization'])}` }));
    expect(await refusal()).toContain('no Bearer [redacted]');
    metrics.answer(({ headers }) => ({ body: { token: headers['authorization'] } }));
    await refusal();
    const status_page = await owner<ObservabilityStatus>('/observability/status?environment=prod');
    expect(JSON.stringify(status_page.body)).not.toContain(TOKEN);
    expect(logged).not.toContain(TOKEN);
  });

  it.each<[string, () => TestReply | null, string]>([
    ['hangs up', () => null, 'the connection failed'],
    ['answers rubbish', () => ({ body: '{"status":"succ' }), 'answers no JSON'],
    ['answers without end', () => ({ body: 'x'.repeat(5_000_000) }), 'more than 4194304 bytes'],
    [
      'refuses the query',
      () => ({ status: 422, body: { error: 'too many samples' } }),
      '422: too many samples',
    ],
    ['lies about the shape', () => ({ body: { status: 'success', data: {} } }), 'unknown shape'],
    [
      'lies about a time',
      () => ({
        body: {
          status: 'success',
          data: { resultType: 'matrix', result: [{ metric: {}, values: [['now', '1']] }] },
        },
      }),
      'unknown shape',
    ],
  ])('that %s is named with what is wrong', async (_what, reply, says) => {
    metrics.answer(reply);
    const detail = await refusal();
    expect(detail).toContain(`metrics server ${metrics.url}: `);
    expect(detail).toContain(says);
  });
});
