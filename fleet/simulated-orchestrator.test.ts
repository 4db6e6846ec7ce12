import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeStatus } from '#contract/node.ts';
import type { OrchestratorService, OrchestratorTask, ServiceChange } from '#server/scale/orchestrator.ts';
import { startFleet, type Fleet } from './fleet.ts';
import { waitUntil } from './wait-until.ts';

describe('the simulated orchestrator', () => {
  let folder: string;
  let fleet: Fleet;
  const start = async (): Promise<Fleet> =>
    startFleet({ dataDir: folder, environments: ['dev'], speed: 40, previous: fleet?.manifest ?? null });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orchestrator-'));
    fleet = await start();
  });
  afterEach(async () => {
    await fleet.close();
    await rm(folder, { recursive: true });
  });

  async function call<T>(path: string, body?: unknown): Promise<{ status: number; body: T }> {
    const response = await fetch(`${fleet.manifest.control_url}/orchestrators/dev${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${fleet.manifest.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  }
  const service = async (id: string): Promise<OrchestratorService> =>
    (await call<OrchestratorService>(`/services/${id}`)).body;
  const tasks = async (id: string): Promise<OrchestratorTask[]> =>
    (await call<{ items: OrchestratorTask[] }>(`/services/${id}/tasks`)).body.items;
  const running = async (id: string): Promise<OrchestratorTask[]> =>
    (await tasks(id)).filter((task) => task.state === 'running' && task.desired_state === 'running');
  async function change(id: string, to: ServiceChange): Promise<OrchestratorService> {
    const { version } = await service(id);
    const answer = await call<OrchestratorService>(`/services/${id}`, {
      expected_version: version,
      change: to,
    });
    expect(answer.status).toBe(200);
    return answer.body;
  }
  async function availability(host_id: string, to: string): Promise<void> {
    const { version } = (await call<{ version: number }>(`/hosts/${host_id}`)).body;
    const answer = await call(`/hosts/${host_id}`, { expected_version: version, availability: to });
    expect(answer.status).toBe(200);
  }
  async function status(task: OrchestratorTask | undefined): Promise<NodeStatus> {
    const response = await fetch(`${task?.url}/admin/status`, {
      headers: { authorization: `Bearer ${fleet.manifest.token}` },
    });
    return (await response.json()) as NodeStatus;
  }
  const ended = async (id: string, state: string): Promise<OrchestratorService> =>
    waitUntil(`${id} is ${state}`, async () => {
      const now = await service(id);
      return now.update.state === state && now;
    });

  it('starts one more node with a shard of its own when a service is scaled up, and stops the highest when it is scaled down', async () => {
    await change('dev-aggregate', { replicas: 4 });
    const four = await waitUntil('four tasks run', async () => {
      const list = await running('dev-aggregate');
      return list.length === 4 && list;
    });
    expect(await status(four.find(({ slot }) => slot === 4))).toMatchObject({
      node_id: 'dev-agg-4',
      shards: ['agg-4'],
      inflight: 0,
    });
    const url = four.find(({ slot }) => slot === 4)?.url;
    await change('dev-aggregate', { replicas: 2 });
    const two = await waitUntil('two tasks are left', async () => {
      const list = await tasks('dev-aggregate');
      return list.length === 2 && list;
    });
    expect(two.map(({ slot }) => slot)).toEqual([1, 2]);
    await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed');
  });

  it('replaces one task after the other in a restart, each by a new process on the same address', async () => {
    const before = await running('dev-projection');
    await change('dev-projection', { restart: true });
    const seen = new Set<number>();
    await waitUntil('the restart is done', async () => {
      seen.add((await running('dev-projection')).length);
      return (await service('dev-projection')).update.state === 'completed';
    });
    const after = await running('dev-projection');
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(2);
    expect(new Set(after.map(({ url }) => url))).toEqual(new Set(before.map(({ url }) => url)));
    const ids = after.map(({ task_id }) => task_id);
    expect(before.filter(({ task_id }) => ids.includes(task_id))).toEqual([]);
  });

  it('reports the version of the image that a service was given', async () => {
    const before = await service('dev-runner');
    await change('dev-runner', { image: 'cloudlysis/runner:1.7.0' });
    await ended('dev-runner', 'completed');
    expect(await status((await running('dev-runner'))[0])).toMatchObject({ version: '1.7.0' });
    await change('dev-runner', { spec: before.spec });
    await ended('dev-runner', 'completed');
    expect(await status((await running('dev-runner'))[0])).toMatchObject({ version: '1.6.5' });
    expect((await service('dev-runner')).spec_digest).toBe(before.spec_digest);
  });

  it('rolls an update back whose tasks fail', async () => {
    const before = await service('dev-gateway');
    await change('dev-gateway', { image: 'cloudlysis/gateway:broken' });
    const after = await ended('dev-gateway', 'rollback_completed');
    expect(after.image).toBe(before.image);
    expect((await tasks('dev-gateway')).find(({ state }) => state === 'failed')).toMatchObject({
      error: 'task: non-zero exit (1)',
      image: 'cloudlysis/gateway:broken',
    });
    expect(await running('dev-gateway')).toHaveLength(2);
  });

  it('refuses a change that was decided on an older version, an unknown service and an image that is none', async () => {
    const { version } = await service('dev-runner');
    const stale = { expected_version: version - 1, change: { restart: true } };
    expect((await call('/services/dev-runner', stale)).status).toBe(409);
    expect((await call('/services/nothing')).status).toBe(404);
    const refused = { expected_version: version, change: { image: 'No image' } };
    expect((await call('/services/dev-runner', refused)).status).toBe(422);
    expect((await service('dev-runner')).version).toBe(version);
  });

  it('moves the tasks of a drained host elsewhere, and gives a paused one no more', async () => {
    await availability('dev-host-1', 'drain');
    await waitUntil('every task runs elsewhere', async () => {
      const list = [...(await running('dev-aggregate')), ...(await running('dev-gateway'))];
      return list.length === 5 && list.every(({ host_id }) => host_id !== 'dev-host-1');
    });
    await availability('dev-host-2', 'pause');
    await change('dev-runner', { replicas: 6 });
    const six = await waitUntil('six runners run', async () => {
      const list = await running('dev-runner');
      return list.length === 6 && list;
    });
    expect(six.filter(({ slot, host_id }) => (slot ?? 0) > 2 && host_id !== 'dev-host-3')).toEqual([]);
    await availability('dev-host-3', 'pause');
    await change('dev-runner', { replicas: 7 });
    const waiting = await waitUntil('the seventh waits', async () =>
      (await tasks('dev-runner')).find(
        ({ slot, message }) => slot === 7 && message?.startsWith('no suitable'),
      ),
    );
    expect(waiting).toMatchObject({ state: 'pending', host_id: null, url: null });
    await availability('dev-host-3', 'active');
    await waitUntil('the seventh runs', async () => (await running('dev-runner')).length === 7);
  });

  it('replaces a task that fails, and the tasks of a host that is gone, which nobody says have ended', async () => {
    const [task] = await running('dev-aggregate');
    fleet.faults.switchOn({ node_id: 'dev-agg-1', fault: 'task_fails' });
    await waitUntil('it has failed', async () =>
      (await tasks('dev-aggregate')).find(
        ({ task_id, state }) => task_id === task?.task_id && state === 'failed',
      ),
    );
    fleet.faults.clear();
    await waitUntil('it was replaced', async () => (await running('dev-aggregate')).length === 3);
    const fault = fleet.faults.switchOn({ host_id: 'dev-host-2', fault: 'host_down' });
    await waitUntil('three run on the others', async () => {
      const list = await running('dev-aggregate');
      return list.length === 3 && list.every(({ host_id }) => host_id !== 'dev-host-2');
    });
    const lost = (await tasks('dev-aggregate')).find(({ host_id }) => host_id === 'dev-host-2');
    expect(lost).toMatchObject({ state: 'running', desired_state: 'shutdown' });
    fleet.faults.switchOff(fault.id);
    await waitUntil(
      'it has ended',
      async () =>
        (await tasks('dev-aggregate')).every(({ host_id }) => host_id !== 'dev-host-2' || host_id === null) ||
        (await tasks('dev-aggregate')).find(
          ({ task_id, state }) => task_id === lost?.task_id && state === 'shutdown',
        ),
    );
  });

  it('remembers hosts, services and tasks over a restart of the fleet', async () => {
    await change('dev-aggregate', { replicas: 4 });
    await availability('dev-host-1', 'pause');
    await waitUntil('four run', async () => (await running('dev-aggregate')).length === 4);
    const before = await running('dev-aggregate');
    await fleet.close();
    fleet = await start();
    expect(await running('dev-aggregate')).toEqual(before);
    expect(await status(before[3])).toMatchObject({ node_id: 'dev-agg-4' });
    expect((await call<{ availability: string }>('/hosts/dev-host-1')).body.availability).toBe('pause');
    expect((await service('dev-aggregate')).replicas_desired).toBe(4);
  });

  it.each([
    [{ fault: 'host_down', host_id: 'dev-host-9' }, 404],
    [{ fault: 'orchestrator_unreachable', environment: 'nowhere' }, 404],
    [{ fault: 'orchestrator_unreachable', node_id: 'dev-agg-1' }, 400],
  ])('refuses the fault %j with %i', async (request, expected) => {
    const response = await fetch(`${fleet.manifest.control_url}/faults`, {
      method: 'POST',
      headers: { authorization: `Bearer ${fleet.manifest.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    expect(response.status).toBe(expected);
  });
});
