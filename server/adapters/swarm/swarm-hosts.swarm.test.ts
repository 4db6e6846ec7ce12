import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StepContext } from '#server/jobs/job-definition.ts';
import {
  OrchestratorError,
  type Orchestrator,
  type OrchestratorTask,
  type ServiceChange,
} from '#server/scale/orchestrator.ts';
import { applyServiceChange, awaitRollout } from '#server/scale/service-rollout.ts';
import { createTestDocker, type TestDocker, type TestDockerHost } from '#tools/test-docker.ts';
import { importTestImages } from '#tools/test-docker-image.ts';
import { testSwarm } from '#tools/test-swarm.ts';
import { openSwarmOrchestrator } from './swarm-orchestrator.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

/** Two hosts with an engine each, in namespaces of their own. The first manages the swarm. */
describe('a Swarm of two hosts', { timeout: 120_000 }, () => {
  let machine: TestDocker;
  let hosts: [TestDockerHost, TestDockerHost];
  let swarm: ReturnType<typeof testSwarm>;
  let orchestrator: Orchestrator;
  let service_id: string;

  beforeAll(async () => {
    machine = await createTestDocker();
    const first = await machine.startHost();
    const second = await machine.startHost();
    hosts = [first, second];
    await first.docker.swarmInit({
      AdvertiseAddr: first.address,
      ListenAddr: `${first.address}:2377`,
      // A host that says nothing for three of these is down.
      Spec: { Dispatcher: { HeartbeatPeriod: 1_000_000_000 } },
    });
    const { JoinTokens } = await first.docker.swarmInspect();
    await second.docker.swarmJoin({
      AdvertiseAddr: second.address,
      ListenAddr: `${second.address}:2377`,
      RemoteAddrs: [`${first.address}:2377`],
      JoinToken: JoinTokens.Worker,
    });
    await Promise.all(hosts.map(({ docker }) => importTestImages(docker)));
    swarm = testSwarm(first);
    orchestrator = openSwarmOrchestrator(swarm.swarmAddress, swarm.environment);
    service_id = await swarm.createService({ replicas: 2 });
  }, 120_000);
  afterAll(async () => {
    await orchestrator?.close();
    await machine?.stop();
  });

  const tasksUp = async (): Promise<OrchestratorTask[]> =>
    (await orchestrator.tasks(service_id)).filter(
      ({ state, desired_state }) => state === 'running' && desired_state === 'running',
    );
  const hostnameOf = async (host_id: string | null) =>
    (await orchestrator.host(host_id ?? ''))?.hostname ?? 'none';
  /** Names of the hosts that the wanted tasks run on. */
  const spread = async () =>
    (await Promise.all((await tasksUp()).map(({ host_id }) => hostnameOf(host_id)))).toSorted((one, other) =>
      one.localeCompare(other),
    );
  const idOf = async (hostname: string): Promise<string> => {
    const nodes = await hosts[0].docker.listNodes();
    return nodes.find((node) => node.Description.Hostname === hostname).ID;
  };
  const setAvailability = async (hostname: string, availability: 'active' | 'drain') => {
    const host_id = await idOf(hostname);
    const host = await orchestrator.host(host_id);
    return orchestrator.setAvailability(host_id, host?.version ?? 0, availability);
  };
  const rollOut = async (change: ServiceChange) => {
    const { target } = await applyServiceChange(orchestrator, service_id, () => change);
    return awaitRollout(step(), orchestrator, target, { monitor_s: 0.5 });
  };
  const spreadAgain = async () => {
    await rollOut({ replicas: 0 });
    await rollOut({ replicas: 2 });
    expect(await spread()).toEqual(['host-1', 'host-2']);
  };

  it('shows where tasks run, and gives those of a drained host to the other', async () => {
    await expect.poll(spread, PATIENCE).toEqual(['host-1', 'host-2']);
    expect(await orchestrator.host(await idOf('host-2'))).toMatchObject({
      hostname: 'host-2',
      role: 'worker',
      address: hosts[1].address,
      state: 'ready',
    });
    await setAvailability('host-2', 'drain');
    await expect.poll(spread, PATIENCE).toEqual(['host-1', 'host-1']);
    await setAvailability('host-2', 'active');
    // Swarm moves nothing back by itself.
    expect(await spread()).toEqual(['host-1', 'host-1']);
    await spreadAgain();
  });

  it('does not wait for the tasks of a host that is gone, and says which host that is', async () => {
    const lost = await idOf('host-2');
    await hosts[1].setConnected(false);
    await expect.poll(async () => (await orchestrator.host(lost))?.state, PATIENCE).toBe('down');
    await expect.poll(spread, PATIENCE).toEqual(['host-1', 'host-1']);
    // The engine cannot hear that it has ended.
    expect(
      (await orchestrator.tasks(service_id)).some(
        (task) => task.host_id === lost && task.state === 'running',
      ),
    ).toBe(true);
    const { target } = await applyServiceChange(orchestrator, service_id, () => ({ replicas: 3 }));
    expect(await awaitRollout(step(), orchestrator, target, { monitor_s: 0.5 })).toMatchObject({
      running: 3,
    });
    await hosts[1].setConnected(true);
    await expect.poll(async () => (await orchestrator.host(lost))?.state, PATIENCE).toBe('ready');
  });

  it('breaks its watch when the engine dies, waits through it in a rollout, and has the whole picture after', async () => {
    const watch = (async () => {
      for await (const event of orchestrator.watch(new AbortController().signal)) void event;
    })().catch((error: unknown) => error);
    const before = await orchestrator.service(service_id);
    const { target } = await applyServiceChange(orchestrator, service_id, () => ({ restart: true }));
    await hosts[0].killEngine();
    expect(await watch).toMatchObject({ name: 'OrchestratorError', code: 'unavailable' });
    await expect(orchestrator.service(service_id)).rejects.toBeInstanceOf(OrchestratorError);
    const shown: { problem?: string }[] = [];
    const rollout = awaitRollout(step(shown), orchestrator, target, { monitor_s: 0.5 });
    await expect
      .poll(() => shown.some(({ problem }) => problem?.includes('is the engine running?')), PATIENCE)
      .toBe(true);
    await hosts[0].startEngine();
    expect(await rollout).toMatchObject({ running: before?.replicas_desired });
    expect((await orchestrator.service(service_id))?.task_spec_digest).not.toBe(before?.task_spec_digest);
    const seen = new Set<string>();
    for await (const event of orchestrator.watch(new AbortController().signal)) {
      if (event.kind === 'caught_up') break;
      if (event.kind === 'task' && event.task) seen.add(event.id);
    }
    for (const { task_id } of await tasksUp()) expect(seen).toContain(task_id);
  });
});

/** A job's step of a minute, that keeps what it is shown. */
function step(shown: unknown[] = []): StepContext<unknown> {
  const started_at = new Date();
  return {
    job_id: 'job',
    input: {},
    outputs: {},
    signal: new AbortController().signal,
    started_at,
    deadline: new Date(started_at.getTime() + 60_000),
    request_id: 'request',
    progress: async (figures) => {
      shown.push(figures);
    },
  };
}
