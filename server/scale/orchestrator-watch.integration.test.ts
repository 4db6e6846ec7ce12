import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '#fleet/wait-until.ts';
import { callerWith, replicaOf, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { listEnvironments, listNodes } from './fleet-service.ts';
import {
  getHost,
  getService,
  getTopology,
  listHosts,
  listServices,
  listTasks,
} from './orchestrator-list-service.ts';
import { startScaleWatch, type ScaleWatch } from './scale-watch.ts';

const quiet = { info: () => undefined, warn: () => undefined };
const everything = callerWith();

describe('the watch over the orchestrators', () => {
  let platform: TestPlatform;
  const running: ScaleWatch[] = [];
  const deps = () => platform.dependencies;
  const settings = () => deps().environments[0]!;
  beforeAll(async () => {
    platform = await startTestPlatform({ environments: ['dev', 'prod'], orchestrated: true });
    await platform.addTenant('acme');
  });
  afterEach(async () => {
    platform.fleet.faults.clear();
    await Promise.all(running.splice(0).map((watch) => watch.stop()));
  });
  afterAll(() => platform.close());

  async function start(): Promise<ScaleWatch> {
    const watch = startScaleWatch(deps(), {
      databaseUrl: platform.database.url,
      log: quiet,
      registry: new Registry(),
    });
    running.push(watch);
    await watch.settled();
    return watch;
  }
  const orchestrator = () => settings().orchestrator!;
  async function scale(service_id: string, replicas: number): Promise<void> {
    const service = await orchestrator().service(service_id);
    await orchestrator().updateService(service_id, service?.version ?? 0, { replicas });
  }
  const node = async (node_id: string) =>
    (await listNodes(deps(), everything, { q: node_id })).items.find((each) => each.node_id === node_id);
  const state = async () =>
    (await listEnvironments(deps(), everything)).items.find(({ environment }) => environment === 'dev')
      ?.orchestrator;

  it('expects nobody and says why, before the orchestrator was ever read', async () => {
    const unread = settings().nodes;
    expect(unread.map(({ kind }) => kind)).toEqual(['gateway', 'aggregate', 'projection', 'runner']);
    expect(unread[0]).toMatchObject({
      url: null,
      absent: expect.stringContaining('has not been read yet') as string,
    });
    await expect(deps().nodes.status(unread[0]!)).rejects.toThrow('has not been read yet');
  });

  it('finds the nodes inside the tasks, and shows hosts, services, tasks and how they hang together', async () => {
    await start();
    expect(settings().nodes).toHaveLength(10);
    expect(await node('dev-agg-2')).toMatchObject({
      state: 'ready',
      host_id: 'dev-host-2',
      service_id: 'dev-aggregate',
      region: 'us-1',
      load: { cpu_cores: expect.any(Number) as number },
    });
    const hosts = await listHosts(deps(), everything, { environment: 'dev' });
    expect(hosts.items.map(({ hostname, tasks_running }) => [hostname, tasks_running])).toEqual([
      ['dev-host-1', 4],
      ['dev-host-2', 4],
      ['dev-host-3', 2],
    ]);
    expect(hosts.items[0]?.load?.memory_bytes).toBeGreaterThan(4 * 180 * 1024 ** 2);
    const services = await listServices(deps(), everything, { environment: 'dev', kind: 'aggregate' });
    expect(services.items).toMatchObject([
      {
        service_id: 'dev-aggregate',
        state: 'healthy',
        version: '1.14.0',
        replicas_desired: 3,
        replicas_running: 3,
        replicas_current: 3,
        problem: null,
        observation: { source: 'simulated orchestrator' },
      },
    ]);
    const tasks = await listTasks(deps(), everything, { environment: 'dev', host_id: 'dev-host-3' });
    expect(tasks.items.map(({ node_id, state: is, current }) => [node_id, is, current])).toEqual([
      ['dev-agg-3', 'running', true],
      ['dev-prj-3', 'running', true],
    ]);
    const { history } = await getService(deps(), everything, 'dev-gateway');
    expect(history).toMatchObject([{ revision: 1, image: 'cloudlysis/gateway:2.8.1', current: true }]);
    const topology = await getTopology(deps(), everything, { environment: 'dev' });
    expect(topology.hosts).toHaveLength(3);
    expect(topology.nodes.find(({ node_id }) => node_id === 'dev-run-2')).toMatchObject({
      host_id: 'dev-host-2',
      service_id: 'dev-runner',
      shards: ['run-2'],
    });
    expect(topology.shards.find(({ shard }) => shard === 'agg-3')).toMatchObject({ tenant_count: 1 });
  });

  it('takes a node that is scaled up into the list, and one that is scaled down out of it', async () => {
    await start();
    await scale('dev-aggregate', 4);
    await waitUntil('the new node is shown', async () => (await node('dev-agg-4'))?.state === 'ready');
    expect(settings().nodes.map(({ node_id }) => node_id)).toContain('dev-agg-4');
    await scale('dev-aggregate', 3);
    await waitUntil('it is gone', async () => (await node('dev-agg-4')) === undefined);
    expect(settings().nodes).toHaveLength(10);
  });

  it('goes on expecting a node whose task restarts, under the name that it had', async () => {
    await start();
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-1', fault: 'task_fails' });
    const absent = await waitUntil('it is away', () =>
      settings().nodes.find(({ node_id, url }) => node_id === 'dev-agg-1' && url === null),
    );
    expect(absent.absent).toMatch(/dev-aggregate/);
    expect(settings().nodes).toHaveLength(10);
    await waitUntil('the service is degraded', async () => {
      const { items } = await listServices(deps(), everything, { environment: 'dev', state: 'degraded' });
      return items[0]?.problem?.includes('2 of 3 tasks of dev-aggregate run. Task: non-zero exit');
    });
    platform.fleet.faults.clear();
    await waitUntil('it is back', () =>
      settings().nodes.some(({ node_id, url }) => node_id === 'dev-agg-1' && url !== null),
    );
  });

  it('keeps list and pages while the orchestrator is away, says so, and rebuilds when it is back', async () => {
    const watch = await start();
    const before = settings().nodes;
    platform.fleet.faults.switchOn({ environment: 'dev', fault: 'orchestrator_unreachable' });
    const down = await waitUntil('it is down', async () => {
      const now = await state();
      return now?.state === 'down' && now;
    });
    expect(down.detail).toMatch(/^The simulated orchestrator of dev fails: .*does not answer/);
    expect(watch.orchestrators()).toContain(
      'dev: simulated orchestrator down (The simulated orchestrator of dev fails',
    );
    expect(watch.ready().ok).toBe(true);
    expect(settings().nodes).toEqual(before);
    expect(await settings().directory?.missing(['aggregate'])).toMatch(
      /nobody knows whether there are other nodes/,
    );
    const { items } = await listHosts(deps(), everything, { environment: 'dev' });
    expect(items).toHaveLength(3);
    expect(items[0]?.observation.observed_at).toBe(down.observation.observed_at);
    // Happens unseen, and is seen afterwards.
    const service = platform.fleet.orchestrator('dev');
    await service.updateService('dev-runner', service.service('dev-runner').version, { replicas: 1 });
    platform.fleet.faults.clear();
    await waitUntil('it is live', async () => (await state())?.state === 'live');
    await waitUntil('the end of the runner is seen', () => settings().nodes.length === 9);
    await scale('dev-runner', 2);
    await waitUntil('both are back', async () => (await node('dev-run-2'))?.state === 'ready');
  });

  it('lets another replica follow the list, and lead when the first is gone', async () => {
    const first = await start();
    const second = await startTestPlatformReplica();
    await scale('dev-projection', 4);
    await waitUntil('the follower expects the new node', () =>
      second.nodes().some(({ node_id, url }) => node_id === 'dev-prj-4' && url !== null),
    );
    await first.stop();
    await scale('dev-projection', 3);
    await waitUntil('the second leads and sees it gone', () => second.nodes().length === 10);
    expect(second.nodes().map(({ node_id }) => node_id)).not.toContain('dev-prj-4');
    await second.stop();
  });

  /** A second control plane on the same database, with a directory of its own. */
  async function startTestPlatformReplica() {
    const dependencies = replicaOf(platform);
    const watch = startScaleWatch(dependencies, {
      databaseUrl: platform.database.url,
      log: quiet,
      registry: new Registry(),
    });
    await watch.settled();
    return { nodes: () => dependencies.environments[0]!.nodes, stop: () => watch.stop() };
  }

  it('pages through tasks in every order without losing or repeating one', async () => {
    await start();
    for (const sort of ['service_name', '-service_name', 'state', '-since'] as const) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await listTasks(deps(), everything, { sort, limit: 3, cursor, wanted: true });
        seen.push(...page.items.map(({ environment, task_id }) => `${environment}/${task_id}`));
        expect(page.total).toEqual({ count: 20, exact: true });
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      expect(new Set(seen).size).toBe(20);
      expect(seen).toHaveLength(20);
    }
  });

  it('shows what an orchestrator runs only to who may see the environment as a whole', async () => {
    await start();
    const devOnly = callerWith(['scale.view'], { environment: 'dev' });
    const acmeOnly = callerWith(['scale.view'], { tenant_id: 'acme' });
    expect((await listHosts(deps(), devOnly, {})).items.map(({ environment }) => environment)).toEqual([
      'dev',
      'dev',
      'dev',
    ]);
    expect((await listTasks(deps(), acmeOnly, {})).items).toEqual([]);
    await expect(getService(deps(), devOnly, 'prod-runner')).rejects.toMatchObject({ code: 'not_found' });
    await expect(getHost(deps(), 'dev-host-9', { environment: 'dev' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});
