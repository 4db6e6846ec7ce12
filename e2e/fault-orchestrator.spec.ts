/** What runs the nodes is away: a simulated orchestrator that is cut off or hangs, a Docker socket that is gone. The fleet is shown with its age, operations are refused or wait by name, and all of it comes back by itself. */
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import type { Service } from '#contract/fleet.ts';
import type { Job, Plan } from '#contract/jobs.ts';
import type { EnvironmentSummary } from '#contract/scale.ts';
import { findDockerEngine } from '#tools/docker-engine.mjs';
import { createTestDocker, type TestDocker, type TestDockerHost } from '#tools/test-docker.ts';
import { signIn, waitFor, type Caller, type ControlProcess } from './control-process.ts';
import { keepReading, readiness, timed, timedUntil } from './fault-tools.ts';
import {
  createTenant,
  ENVIRONMENT,
  startLastingPlatform,
  startMove,
  waitForJob,
  type LastingPlatform,
} from './lasting-platform.ts';

const READ = [
  '/scale/services?environment=prod',
  '/scale/hosts?environment=prod',
  '/scale/tasks?environment=prod',
  '/scale/topology?environment=prod',
  '/scale/nodes',
];

const summaryOf = async (caller: Caller) =>
  (await caller.call<{ items: EnvironmentSummary[] }>('GET', '/scale/environments')).body.items[0];
const servicesOf = async (caller: Caller) =>
  (await caller.call<{ items: Service[] }>('GET', `/scale/services?environment=${ENVIRONMENT}`)).body.items;

/** Waits until the fleet is named as not current, and its rows are as old as their last word. */
async function untilNamed(control: ControlProcess, caller: Caller, says: RegExp) {
  const before = await servicesOf(caller);
  const down = await waitFor(
    'the orchestrator to be down',
    () => summaryOf(caller),
    (now) => now?.orchestrator?.state === 'down',
  );
  expect(down?.orchestrator?.detail).toMatch(says);
  const rows = await waitFor(
    'rows that age',
    () => servicesOf(caller),
    (items) =>
      items.every(
        ({ observation }) =>
          Date.now() - Date.parse(observation.observed_at ?? '') > 2_000 * observation.interval_s,
      ),
  );
  expect(rows.map(({ name, observation }) => [name, observation.source])).toEqual(
    before.map(({ name, observation }) => [name, observation.source]),
  );
  const ready = await readiness(control);
  expect(ready.ready).toBe(true);
  expect(ready.checks.find(({ name }) => name === 'orchestrators')?.detail).toMatch(/prod: .* down/);
}
const planScaling = (caller: Caller, service_id: string, replicas: number) =>
  caller.call<Plan>('POST', '/scale/service-scalings/plan', {
    environment: ENVIRONMENT,
    service_id,
    replicas,
  });
const untilLive = (what: string, caller: Caller) =>
  timedUntil(
    what,
    () => summaryOf(caller),
    (now) => now?.orchestrator?.state === 'live',
  );

test.describe.serial('the simulated orchestrator', () => {
  let platform: LastingPlatform;
  let control: ControlProcess;
  let caller: Caller;

  test.beforeAll(async () => {
    platform = await startLastingPlatform({
      settings: ({ control_url }) => ({ orchestrator: { simulated: { url: control_url } }, nodes: [] }),
    });
    control = await platform.start();
    caller = await signIn(control.url);
    await waitFor(
      'the fleet',
      () => servicesOf(caller),
      ({ length }) => length === 4,
    );
  });
  test.afterAll(async () => {
    await control?.stop();
    await platform?.stop();
  });
  test.afterEach(() => platform.fleet.faults.clear());

  /** A service of projections, with a plan for one more replica. */
  async function planOneMore() {
    const service = (await servicesOf(caller)).find(({ kind }) => kind === 'projection');
    if (!service) throw new Error('there is no service of projections');
    const replicas = (service.replicas_desired ?? 0) + 1;
    const plan = await waitFor(
      'a plan',
      () => planScaling(caller, service.service_id, replicas),
      ({ body }) => body.blockers?.length === 0,
    );
    const { plan_hash } = plan.body;
    return {
      environment: ENVIRONMENT,
      service_id: service.service_id,
      replicas,
      plan_hash,
      reason: 'more room',
    };
  }
  const refused = {
    status: 502,
    body: { code: 'upstream_failed', detail: expect.stringContaining(ENVIRONMENT) },
  };

  test('cut off: a migration waits by name and goes on, a scaling is refused by name', async () => {
    const tenant = 'through-a-cut';
    await createTenant(caller, tenant);
    const stalls = platform.nodes
      .filter(({ kind }) => kind === 'aggregate')
      .map(({ node_id }) => platform.fleet.faults.switchOn({ fault: 'drain_stalls', node_id }));
    const { job_id, target } = await startMove(platform, caller, tenant);
    const job = async () => (await caller.call<Job>('GET', `/jobs/${job_id}`)).body;
    await waitFor('the drain', job, ({ steps }) =>
      steps.some(({ name, progress }) => name === 'drain' && progress !== null),
    );
    const oneMore = await planOneMore();

    const reader = keepReading(caller, READ);
    const { id } = platform.fleet.faults.switchOn({
      fault: 'orchestrator_unreachable',
      environment: ENVIRONMENT,
    });
    await untilNamed(control, caller, /orchestrator/);
    expect(await caller.call('POST', '/scale/service-scalings', oneMore)).toMatchObject(refused);
    for (const stalled of stalls) platform.fleet.faults.switchOff(stalled.id);
    await waitFor('the step that waits for the orchestrator', job, ({ steps }) =>
      steps.some(
        ({ state, progress }) => state === 'running' && /orchestrator of prod/.test(JSON.stringify(progress)),
      ),
    );

    platform.fleet.faults.switchOff(id);
    await untilLive('orchestrator no longer cut off → live', caller);
    const ended = await timed('orchestrator live → the migration has ended', () =>
      waitForJob(caller, job_id),
    );
    expect(ended.state).toBe('succeeded');
    expect(await platform.serving('aggregate', tenant)).toEqual([target.node_id]);
    await reader.stop();
    expect(reader.met.filter(({ status }) => status !== 200)).toEqual([]);
  });

  test('hanging: the fleet is shown with its age, a scaling is refused by name', async () => {
    const oneMore = await planOneMore();
    const { id } = platform.fleet.faults.switchOn({ fault: 'orchestrator_hangs', environment: ENVIRONMENT });
    await untilNamed(control, caller, /orchestrator/);
    expect(await caller.call('POST', '/scale/service-scalings', oneMore)).toMatchObject(refused);
    platform.fleet.faults.switchOff(id);
    await untilLive('orchestrator no longer hangs → live', caller);
  });
});

/** A Docker socket that can be taken away: what is sent to it goes on to the engine's own. */
async function startSocket(at: string, engine: string) {
  const open = new Set<Socket>();
  let server: Server | null = null;
  const put = async () => {
    server = createServer((near) => {
      const far = connect(engine);
      for (const socket of [near, far]) {
        open.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          open.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far);
      far.pipe(near);
    }).listen(at);
    await once(server, 'listening');
  };
  const take = async () => {
    server?.close();
    for (const socket of open) socket.destroy();
    await rm(at, { force: true });
  };
  await put();
  return { put, take };
}

const { reason: noEngine = null } = findDockerEngine() as { reason?: string };

test.describe.serial('a Docker Swarm', () => {
  test.skip(noEngine !== null, noEngine ?? '');
  let engines: TestDocker;
  let host: TestDockerHost;
  let socket: Awaited<ReturnType<typeof startSocket>>;
  let platform: LastingPlatform;
  let control: ControlProcess;
  let caller: Caller;

  /** A service that runs nothing: what is looked at is whether it is known. */
  const createService = async (name: string) => {
    const { id } = await host.docker.createService({
      Name: name,
      Labels: { 'cloudlysis.environment': ENVIRONMENT },
      TaskTemplate: { ContainerSpec: { Image: '127.0.0.1:1/none:1' } },
      Mode: { Replicated: { Replicas: 0 } },
    });
    return id;
  };

  test.beforeAll(async () => {
    engines = await createTestDocker();
    host = await engines.startHost();
    await host.docker.swarmInit({ AdvertiseAddr: host.address, ListenAddr: `${host.address}:2377` });
    platform = await startLastingPlatform({
      settings: (_fleet, folder) => ({
        orchestrator: { docker: { socket_path: path.join(folder, 'docker.sock') } },
      }),
    });
    socket = await startSocket(path.join(platform.folder, 'docker.sock'), host.socketPath);
    await createService('first');
    control = await platform.start();
    caller = await signIn(control.url);
    await waitFor(
      'the service',
      () => servicesOf(caller),
      ({ length }) => length === 1,
    );
  });
  test.afterAll(async () => {
    await control?.stop();
    await platform?.stop();
    await socket?.take();
    await engines?.stop();
  });

  test('whose socket is gone is shown with its age, plans are refused by name, and what changed meanwhile is found', async () => {
    const [service] = await servicesOf(caller);
    const reader = keepReading(caller, READ);
    await socket.take();
    await untilNamed(control, caller, /docker|swarm|engine/i);
    expect(await planScaling(caller, service?.service_id ?? '', 2)).toMatchObject({
      status: 502,
      body: { code: 'upstream_failed', detail: expect.stringContaining(ENVIRONMENT) },
    });
    await createService('made-meanwhile');
    await socket.put();
    await untilLive('Docker socket back → live', caller);
    await waitFor(
      'what was made meanwhile',
      () => servicesOf(caller),
      (items) => items.some(({ name }) => name === 'made-meanwhile'),
    );
    await reader.stop();
    expect(reader.met.filter(({ status }) => status !== 200)).toEqual([]);
  });
});
