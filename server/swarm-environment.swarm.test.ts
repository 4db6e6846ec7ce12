/** The main path on what production has: nodes as services of a Docker Swarm, placed by NATS, behind the Admin API on PostgreSQL. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pino from 'pino';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Service, Task } from '#contract/fleet.ts';
import type { Job, Plan } from '#contract/jobs.ts';
import type { Placement } from '#contract/scale.ts';
import { NO_SIGN_IN_SETTINGS } from '#server/iam/iam-test-scene.ts';
import { createTestDatabase, testFolder, type TestDatabase } from '#server/db/test-database.ts';
import { startTestNats, type TestNats } from '#tools/test-nats.ts';
import { testSwarm } from '#tools/test-swarm.ts';
import { startSwarmNodes, type SwarmNodes } from '#tools/test-swarm-nodes.ts';
import { readConfiguration } from './configuration.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
const PATIENCE = { timeout: 60_000, interval: 200 };

describe('an environment on Docker Swarm and NATS', { timeout: 120_000 }, () => {
  const swarm = testSwarm();
  const { environment } = swarm;
  let database: TestDatabase;
  let nats: TestNats;
  let nodes: SwarmNodes;
  let plane: ControlPlane;
  let session: Record<string, string>;

  beforeAll(async () => {
    const folder = await mkdtemp(path.join(testFolder(), 'swarm-environment-'));
    [database, nats] = await Promise.all([createTestDatabase(), startTestNats()]);
    nodes = await startSwarmNodes(
      swarm,
      [
        { kind: 'gateway', name: 'gw-1' },
        { kind: 'aggregate', name: 'agg-1' },
        { kind: 'aggregate', name: 'agg-2' },
        { kind: 'projection', name: 'prj-1' },
        { kind: 'runner', name: 'run-1' },
      ],
      nats,
    );
    const file = path.join(folder, 'control.yaml');
    const configured = {
      name: environment,
      nats: { servers: [nats.url] },
      placement: { nats: {} },
      orchestrator: { docker: swarm.swarmAddress },
      nodes: [],
      thresholds: { drain_timeout_s: 20 },
    };
    await writeFile(file, stringify({ environments: [configured] }));
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
      logger: pino({ level: process.env['LOG_LEVEL'] ?? 'silent' }),
      gitSha: 'test',
    });
    const login = await plane.app.inject({ method: 'POST', url: '/admin/v1/iam/login', payload: OWNER });
    session = {
      cookie: String(login.headers['set-cookie']).split(';')[0] ?? '',
      'x-csrf-token': login.json<{ csrf_token: string }>().csrf_token,
    };
  }, 120_000);
  afterAll(async () => {
    await plane?.stop();
    await swarm.dispose();
    await nodes?.stop();
    await nats?.dispose();
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
  const items = async <T>(url: string): Promise<T[]> => (await send<{ items: T[] }>('GET', url)).items;
  const endOf = async (job_id: string): Promise<Job> => {
    const job = () => send<Job>('GET', `/jobs/${job_id}`);
    await expect.poll(async () => (await job()).finished_at, PATIENCE).not.toBeNull();
    return job();
  };
  /** Plans a change, starts it, and waits for the end of its job. */
  const carryOut = async (url: string, change: object): Promise<Job> => {
    const plan = await send<Plan>('POST', `${url}/plan`, change);
    expect(plan.blockers).toEqual([]);
    const { plan_hash } = plan;
    const { job_id } = await send<{ job_id: string }>('POST', url, {
      ...change,
      plan_hash,
      reason: 'make room',
    });
    return endOf(job_id);
  };

  test('shows the services and tasks of the Swarm with the nodes that answer inside', async () => {
    const running = async () =>
      (await items<Task>('/scale/tasks')).filter(
        ({ state, node_id }) => state === 'running' && node_id !== null,
      );
    await expect.poll(running, PATIENCE).toHaveLength(5);
    expect(new Set((await running()).map(({ node_id }) => node_id))).toEqual(
      new Set(['agg-1', 'agg-2', 'gw-1', 'prj-1', 'run-1'].map((name) => `${environment}-${name}`)),
    );
    const gateway = (await items<Service>('/scale/services?kind=gateway'))[0];
    expect(gateway).toMatchObject({
      service_id: nodes.services.get('gw-1'),
      state: 'healthy',
      replicas_desired: 1,
      replicas_running: 1,
      observation: { source: expect.stringContaining('Docker Swarm') },
    });
  });

  test('migrates a tenant between two services', async () => {
    const ready = async () =>
      (await items<{ state: string }>('/scale/nodes')).filter(({ state }) => state === 'ready');
    await expect.poll(ready, PATIENCE).toHaveLength(5);
    const created = await send<{ job_id: string }>('POST', '/tenants', {
      tenant_id: 'acme',
      name: 'Acme',
      environments: [environment],
      reason: 'first customer',
    });
    expect(await endOf(created.job_id)).toMatchObject({ state: 'succeeded' });
    const shardOf = async () =>
      (await items<Placement>('/scale/placements?tenant_id=acme')).find(
        ({ service }) => service === 'aggregate',
      )?.shard;
    await expect.poll(shardOf, PATIENCE).toMatch(/^agg-/);
    const target_shard = (await shardOf()) === 'agg-1' ? 'agg-2' : 'agg-1';
    const move = { tenant_id: 'acme', environment, service: 'aggregate', target_shard };
    expect(await carryOut('/scale/migrations', move)).toMatchObject({ state: 'succeeded' });
    await expect.poll(shardOf, PATIENCE).toBe(target_shard);
  });

  test('restarts a service: another task runs the same node', async () => {
    const service_id = nodes.services.get('gw-1');
    const runningTask = async () =>
      (await items<Task>(`/scale/tasks?service_id=${service_id}`)).find(({ state }) => state === 'running')
        ?.task_id;
    const before = await runningTask();
    const job = await carryOut('/scale/service-restarts', { environment, service_id });
    expect(job).toMatchObject({ state: 'succeeded' });
    await expect.poll(runningTask, PATIENCE).toBeTypeOf('string');
    expect(await runningTask()).not.toBe(before);
  });

  test('takes a scaling back whose tasks fail, and says how they ended', async () => {
    const service_id = await swarm.createService({
      name: 'sidecar',
      replicas: 1,
      update_policy: { monitor_s: 3 },
      env: ['SLOT={{.Task.Slot}}'],
      command: ['sh', '-c', 'trap "exit 0" TERM; [ "$SLOT" = 2 ] && exit 9; sleep 100000 & wait'],
    });
    const sidecar = async () => (await items<Service>('/scale/services?q=sidecar'))[0];
    await expect.poll(sidecar, PATIENCE).toMatchObject({ state: 'healthy', replicas_running: 1 });
    const job = await carryOut('/scale/service-scalings', { environment, service_id, replicas: 2 });
    expect(job).toMatchObject({
      state: 'failed_rolled_back',
      error: {
        code: 'rollout_tasks_failed',
        message: '1 of 2 tasks failed (task 2 failed: task: non-zero exit (9)).',
      },
    });
    await expect
      .poll(sidecar, PATIENCE)
      .toMatchObject({ state: 'healthy', replicas_desired: 1, replicas_running: 1 });
  });
});
