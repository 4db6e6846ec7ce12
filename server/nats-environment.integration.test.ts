/** The main path on what production has: an environment on a real nats-server, with nodes in processes of their own. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import pino from 'pino';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job, Plan } from '#contract/jobs.ts';
import type { EnvironmentSummary, Placement } from '#contract/scale.ts';
import type { TenantDetail, TenantHealth } from '#contract/tenants.ts';
import { NO_SIGN_IN_SETTINGS } from '#server/iam/iam-test-scene.ts';
import { createTestDatabase, testFolder, type TestDatabase } from '#server/db/test-database.ts';
import { startTestNatsNodes } from '#tools/test-nats-nodes.ts';
import { natsIsMissing, startTestNats, type TestNats } from '#tools/test-nats.ts';
import { readConfiguration } from './configuration.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
const PASSWORD = 'a password that nobody may see';

describe.skipIf(natsIsMissing())('an environment on NATS', { timeout: 60_000 }, () => {
  let database: TestDatabase;
  let server: TestNats;
  let nodes: Awaited<ReturnType<typeof startTestNatsNodes>>;
  let plane: ControlPlane;
  let session: Record<string, string>;
  let logged = '';

  beforeAll(async () => {
    const folder = await mkdtemp(path.join(testFolder(), 'nats-environment-'));
    [database, server] = await Promise.all([
      createTestDatabase(),
      startTestNats({
        config: `authorization { users: [{ user: control, password: "${PASSWORD}" }, { user: node, password: node }] }`,
      }),
    ]);
    process.env['NATS_PASSWORD'] = 'node';
    nodes = await startTestNatsNodes(
      [
        { kind: 'gateway', name: 'gw-1' },
        { kind: 'aggregate', name: 'agg-1' },
        { kind: 'aggregate', name: 'agg-2' },
        { kind: 'projection', name: 'prj-1' },
        { kind: 'runner', name: 'run-1' },
      ],
      { environment: 'prod', nats: server.url, user: 'node', folder },
    );
    const file = path.join(folder, 'control.yaml');
    await writeFile(
      file,
      stringify({
        environments: [
          {
            name: 'prod',
            production: true,
            nats: {
              servers: [server.url],
              credentials: { user: 'control', password_env: 'CONTROL_NATS_PASSWORD' },
              monitoring_urls: [`http://${server.monitoring}`],
            },
            placement: { nats: { history: 5 } },
            tenant_resources: {
              streams: [{ name: '{tenant_id}-events', subjects: ['tenant.{tenant_id}.events.>'] }],
              buckets: [{ name: '{tenant_id}-state', history: 3 }],
            },
            nodes: nodes.nodes,
            thresholds: { drain_timeout_s: 20 },
          },
        ],
      }),
    );
    process.env['CONTROL_NATS_PASSWORD'] = PASSWORD;
    const { environments } = readConfiguration([], { ...process.env, CONTROL_CONFIG: file }, folder);
    plane = await startControlPlane({
      databaseUrl: database.url,
      environments: environments ?? [],
      nodeToken: nodes.token,
      uiFolder: null,
      trustProxy: false,
      requestsPerSecond: 10_000,
      shutdownDelayS: 0,
      owner: OWNER,
      signIn: NO_SIGN_IN_SETTINGS,
      logger: pino({ level: 'debug' }, { write: (line) => void (logged += line) }),
      gitSha: 'test',
    });
    const login = await plane.app.inject({ method: 'POST', url: '/admin/v1/iam/login', payload: OWNER });
    session = {
      cookie: String(login.headers['set-cookie']).split(';')[0] ?? '',
      'x-csrf-token': login.json<{ csrf_token: string }>().csrf_token,
    };
  });
  afterAll(async () => {
    await plane?.stop();
    await nodes?.stop();
    await server?.dispose();
    await database?.drop();
  });

  async function send<T>(method: 'GET' | 'POST', url: string, payload?: object): Promise<T> {
    const answer = await plane.app.inject({
      method,
      url: `/admin/v1${url}`,
      headers: session,
      ...(payload && { payload }),
    });
    if (answer.statusCode >= 400) throw new Error(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
    return answer.json<T>();
  }
  const jobOf = async (job_id: string): Promise<Job> => {
    const ended = () => send<Job>('GET', `/jobs/${job_id}`);
    await expect.poll(async () => (await ended()).finished_at, { timeout: 30_000 }).not.toBeNull();
    return ended();
  };

  async function streams(): Promise<string[]> {
    const client = await connect({ servers: server.url, user: 'control', pass: PASSWORD });
    const names: string[] = [];
    for await (const name of (await jetstreamManager(client)).streams.names()) names.push(name);
    await client.close();
    return names.toSorted();
  }

  test('provisions a tenant and migrates it: record, index and every node say the same', async () => {
    const created = await send<{ job_id: string }>('POST', '/tenants', {
      tenant_id: 'acme',
      name: 'Acme',
      environments: ['prod'],
      reason: 'first customer',
    });
    expect(await jobOf(created.job_id)).toMatchObject({ state: 'succeeded' });
    expect(await send<TenantDetail>('GET', '/tenants/acme')).toMatchObject({
      status: 'active',
      kept_resources: [],
    });
    expect(await streams()).toEqual(['KV_TENANT_PLACEMENT', 'KV_acme-state', 'acme-events']);

    const shardOf = async () =>
      (await send<{ items: Placement[] }>('GET', '/scale/placements?tenant_id=acme')).items.find(
        ({ service }) => service === 'aggregate',
      )?.shard;
    await expect.poll(shardOf).toMatch(/^agg-/);
    const from = await shardOf();
    const target_shard = from === 'agg-1' ? 'agg-2' : 'agg-1';
    const move = { tenant_id: 'acme', environment: 'prod', service: 'aggregate', target_shard };
    const plan = await send<Plan>('POST', '/scale/migrations/plan', move);
    expect(plan.blockers).toEqual([]);
    const started = await send<{ job_id: string }>('POST', '/scale/migrations', {
      ...move,
      plan_hash: plan.plan_hash,
      reason: 'make room',
    });
    expect(await jobOf(started.job_id)).toMatchObject({ state: 'succeeded' });
    await expect.poll(shardOf).toBe(target_shard);
    const { environments } = await send<TenantHealth>('GET', '/tenants/acme/health');
    expect(JSON.stringify(environments)).toContain(target_shard);
  });

  test('says in the API which server that is and what is unsafe about it, and shows its password nowhere', async () => {
    const environment = async () =>
      (await send<{ items: EnvironmentSummary[] }>('GET', '/scale/environments')).items[0];
    await expect.poll(async () => (await environment())?.placement_store.version).toMatch(/^2\./);
    expect((await environment())?.placement_store).toMatchObject({
      kind: 'nats',
      address: server.url,
      warnings: expect.arrayContaining([expect.stringContaining('every 120 s')]),
    });
    expect(logged).toContain('the placement store is set up unsafely');
    const ready = await plane.app.inject({ url: '/ready' });
    expect(ready.body).toMatch(/prod on nats 2\.[^"]*warnings/);
    expect(logged + ready.body + JSON.stringify(await environment())).not.toContain(PASSWORD);
  });

  test('is named as down while its server is, and comes back by itself', async () => {
    await server.stop();
    const ready = async () => (await plane.app.inject({ url: '/ready' })).json<{ ready: boolean }>();
    const watcher = (detail: unknown) => ({
      ready: true,
      checks: expect.arrayContaining([{ name: 'placement_watcher', ok: true, detail }]),
    });
    await expect.poll(ready, { timeout: 20_000 }).toMatchObject(watcher(expect.stringContaining(server.url)));
    await server.start();
    await expect.poll(ready, { timeout: 20_000 }).toMatchObject(watcher('watches every environment'));
  });
});
