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
        // Long enough to see a second task of it start and fail.
        { kind: 'aggregate', name: 'agg-1', update_policy: { monitor_s: 30 } },
        { kind: 'aggregate', name: 'agg-2', max_per_host: 1 },
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
  /** Plans a change and starts it. */
  const begin = async (url: string, change: object): Promise<string> => {
    const plan = await send<Plan>('POST', `${url}/plan`, change);
    expect(plan.blockers).toEqual([]);
    const { plan_hash } = plan;
    const { job_id } = await send<{ job_id: string }>('POST', url, {
      ...change,
      plan_hash,
      reason: 'make room',
    });
    return job_id;
  };
  const carryOut = async (url: string, change: object): Promise<Job> => endOf(await begin(url, change));
  const shardOf = async () =>
    (await items<Placement>('/scale/placements?tenant_id=acme')).find(
      ({ service }) => service === 'aggregate',
    )?.shard;
  const moveTo = async (target_shard: string): Promise<void> => {
    const move = { tenant_id: 'acme', environment, service: 'aggregate', target_shard };
    if ((await shardOf()) !== target_shard)
      expect(await carryOut('/scale/migrations', move)).toMatchObject({ state: 'succeeded' });
    await expect.poll(shardOf, PATIENCE).toBe(target_shard);
  };
  const serviceOf = async (name: string) => (await items<Service>(`/scale/services?q=${name}`))[0];
  const runningTask = async (name: string) =>
    (await items<Task>(`/scale/tasks?service_id=${nodes.services.get(name)}`)).find(
      ({ state }) => state === 'running',
    )?.task_id;

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
    await expect.poll(shardOf, PATIENCE).toMatch(/^agg-/);
    await moveTo((await shardOf()) === 'agg-1' ? 'agg-2' : 'agg-1');
  });

  test('restarts a service: another task runs the same node', async () => {
    const service_id = nodes.services.get('gw-1');
    const before = await runningTask('gw-1');
    const job = await carryOut('/scale/service-restarts', { environment, service_id });
    expect(job).toMatchObject({ state: 'succeeded' });
    await expect.poll(() => runningTask('gw-1'), PATIENCE).toBeTypeOf('string');
    expect(await runningTask('gw-1')).not.toBe(before);
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

  test('takes a scaling of a node with tenants back whose new task finds no host: Swarm ends that one first', async () => {
    await moveTo('agg-2');
    const before = await runningTask('agg-2');
    const service_id = nodes.services.get('agg-2');
    const job_id = await begin('/scale/service-scalings', { environment, service_id, replicas: 2 });
    const waiting = async () =>
      (await items<Task>(`/scale/tasks?service_id=${service_id}`)).map(({ state }) => state);
    await expect.poll(waiting, PATIENCE).toContain('pending');
    await send('POST', `/jobs/${job_id}/cancel`, { reason: 'no host for it' });
    expect(await endOf(job_id)).toMatchObject({ state: 'cancelled_rolled_back' });
    await expect
      .poll(() => serviceOf('agg-2'), PATIENCE)
      .toMatchObject({ replicas_desired: 1, state: 'healthy' });
    expect(await runningTask('agg-2')).toBe(before);
  });

  test('leaves a scaling as it is where Swarm might end the node with tenants instead of the task that fails', async () => {
    await moveTo('agg-1');
    const before = await runningTask('agg-1');
    // Its second task finds the port taken.
    const service_id = nodes.services.get('agg-1');
    const job = await carryOut('/scale/service-scalings', { environment, service_id, replicas: 2 });
    expect(job).toMatchObject({
      state: 'failed_kept',
      error: {
        code: 'rollout_tasks_failed',
        message: expect.stringMatching(/agg-1 stays at 2 replicas, not 1: .*its shard agg-1 holds 1 tenant/),
      },
    });
    expect(job.steps.find(({ name }) => name === 'scale')).toMatchObject({ state: 'undo_skipped' });
    expect(await serviceOf('agg-1')).toMatchObject({ replicas_desired: 2 });
    expect(
      (await items<Task>(`/scale/tasks?service_id=${service_id}`)).map(({ task_id }) => task_id),
    ).toContain(before);
  });
});
