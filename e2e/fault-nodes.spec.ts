/** Nodes that hang, talk rubbish, fail, dawdle or have the wrong time: each is shown as what it is, and only what needs it is held up. */
import { expect, test } from '@playwright/test';
import type { Job, Plan } from '#contract/jobs.ts';
import type { Node, Placement } from '#contract/scale.ts';
import type { FaultRequest } from '#fleet/faults.ts';
import { signIn, waitFor, type Caller, type ControlProcess } from './control-process.ts';
import { keepReading, timed, timedUntil } from './fault-tools.ts';
import {
  createTenant,
  ENVIRONMENT,
  startLastingPlatform,
  startMove,
  waitForJob,
  type LastingPlatform,
} from './lasting-platform.ts';

const MINUTES_MS = 60_000;

test.describe.serial('a node', () => {
  let platform: LastingPlatform;
  let control: ControlProcess;
  let caller: Caller;

  test.beforeAll(async () => {
    platform = await startLastingPlatform({
      settings: () => ({ thresholds: { ack_timeout_s: 6, drain_timeout_s: 20 } }),
    });
    control = await platform.start();
    caller = await signIn(control.url);
    for (const tenant of ['steady', 'needs-it']) await createTenant(caller, tenant);
  });
  test.afterAll(async () => {
    await control?.stop();
    await platform?.stop();
  });
  test.afterEach(() => platform.fleet.faults.clear());

  const switchOn = (fault: FaultRequest) => platform.fleet.faults.switchOn(fault);
  const nodeRow = async (node_id: string) =>
    (
      await caller.call<{ items: Node[] }>('GET', `/scale/nodes?environment=${ENVIRONMENT}&limit=200`)
    ).body.items.find((node) => node.node_id === node_id);
  const planOf = async (tenant_id: string, service: string) => {
    const target_shard = await elsewhere(service, tenant_id);
    return caller.call<Plan>('POST', '/scale/migrations/plan', {
      environment: ENVIRONMENT,
      tenant_id,
      service,
      target_shard,
    });
  };
  /** A shard that has a node without any fault and does not serve the tenant. */
  async function elsewhere(service: string, tenant_id: string) {
    const { body } = await caller.call<{ items: Placement[] }>(
      'GET',
      `/scale/placements?environment=${ENVIRONMENT}&tenant_id=${tenant_id}&service=${service}`,
    );
    const here = body.items[0]?.shard;
    return platform.nodes
      .filter(({ kind }) => kind === service)
      .flatMap(({ shards }) => shards)
      .find((shard) => shard !== here);
  }

  test('that hangs, returns rubbish, fails or dawdles is shown as that, and blocks by name what needs it and nothing else', async () => {
    const cases = [
      { node_id: 'prod-prj-1', fault: 'hang', state: 'unreachable', says: /does not answer/ },
      { node_id: 'prod-prj-2', fault: 'garbage', state: 'lying', says: /against the node contract/ },
      { node_id: 'prod-prj-3', fault: 'error_500', state: 'not_ready', says: /answers .* with 500/ },
      { node_id: 'prod-run-1', fault: 'slow', value: 5_000, state: 'unreachable', says: /does not answer/ },
    ] as const;
    const reader = keepReading(caller, ['/scale/nodes', '/scale/shards', '/tenants/needs-it']);
    const shown = await Promise.all(
      cases.map(async ({ state, says, ...fault }) => {
        const { node_id } = fault;
        const before = await waitFor(
          'a ready node',
          () => nodeRow(node_id),
          (node) => node?.state === 'ready',
        );
        const { id } = switchOn(fault);
        const row = await waitFor(
          `${node_id} to be ${state}`,
          () => nodeRow(node_id),
          (node) => node?.state === state,
        );
        expect(row?.problem).toContain(node_id);
        expect(row?.problem).toMatch(says);
        // The figures stay those of the last answer, with its time.
        expect(row).toMatchObject({ version: before?.version, shards: before?.shards });
        const aged = await waitFor(
          'figures that age',
          () => nodeRow(node_id),
          (node) =>
            Date.now() - Date.parse(node?.observation.observed_at ?? '') >
            2_000 * (node?.observation.interval_s ?? 0),
        );
        expect(aged?.observation.source).toBe('node admin API');
        return { node_id, fault: fault.fault, id };
      }),
    );

    const plan = await planOf('needs-it', 'projection');
    expect(plan.status).toBe(200);
    const named = plan.body.blockers.map(({ subject }) => subject.id);
    expect(named).toEqual(expect.arrayContaining(['prod-prj-1', 'prod-prj-2', 'prod-prj-3']));
    expect(named).not.toContain('prod-run-1');
    expect((await planOf('needs-it', 'runner')).body.blockers).toMatchObject([
      { subject: { type: 'node', id: 'prod-run-1' } },
    ]);
    expect((await planOf('needs-it', 'aggregate')).body.blockers).toEqual([]);

    for (const { node_id, fault, id } of shown) {
      platform.fleet.faults.switchOff(id);
      await timedUntil(
        `no longer ${fault} → ready`,
        () => nodeRow(node_id),
        (node) => node?.state === 'ready' && node.problem === null,
      );
    }
    await reader.stop();
    expect(reader.met.filter(({ status }) => status !== 200)).toEqual([]);
  });

  test('that hangs in the middle of a migration which needs it: it times out and undoes by name, while moves of others go on', async () => {
    const stalls = platform.nodes
      .filter(({ kind }) => kind === 'aggregate')
      .map(({ node_id }) => switchOn({ fault: 'drain_stalls', node_id }));
    const [before] = await platform.serving('aggregate', 'needs-it');
    const { job_id, target } = await startMove(platform, caller, 'needs-it');
    const job = async () => (await caller.call<Job>('GET', `/jobs/${job_id}`)).body;
    await waitFor('the drain', job, ({ steps }) =>
      steps.some(({ name, state, progress }) => name === 'drain' && state === 'running' && progress !== null),
    );
    const hang = switchOn({ fault: 'hang', node_id: target.node_id });
    for (const { id } of stalls) platform.fleet.faults.switchOff(id);

    const reader = keepReading(caller, ['/scale/nodes', '/scale/shards', '/tenants/needs-it']);
    const projection = {
      environment: ENVIRONMENT,
      tenant_id: 'steady',
      service: 'projection',
      target_shard: await elsewhere('projection', 'steady'),
    };
    const plan = await caller.call<Plan>('POST', '/scale/migrations/plan', projection);
    const started = await caller.call<{ job_id: string }>('POST', '/scale/migrations', {
      ...projection,
      plan_hash: plan.body.plan_hash,
      reason: 'not touched by it',
    });
    expect(started.status).toBe(202);
    expect((await waitForJob(caller, started.body.job_id)).state).toBe('succeeded');

    await waitFor('the undo', job, ({ state }) => state === 'undoing');
    expect((await job()).steps.find(({ error }) => error !== null)?.error?.message).toContain(target.node_id);
    await reader.stop();
    expect(reader.met.filter(({ status }) => status !== 200)).toEqual([]);
    platform.fleet.faults.switchOff(hang.id);
    const ended = await timed('no longer hangs → the migration is undone', () => waitForJob(caller, job_id));
    expect(ended).toMatchObject({
      state: 'failed_rolled_back',
      error: { message: expect.stringContaining(target.node_id) },
    });
    expect(await platform.serving('aggregate', 'needs-it')).toEqual([before]);
  });

  test('whose clock is minutes off is believed in everything but the time', async () => {
    const aggregates = platform.nodes.filter(({ kind }) => kind === 'aggregate');
    aggregates.forEach(({ node_id }, index) =>
      switchOn({ fault: 'clock_skew', node_id, value: (index === 0 ? -10 : 10) * MINUTES_MS }),
    );
    const stalls = aggregates.map(({ node_id }) => switchOn({ fault: 'drain_stalls', node_id }));
    const { job_id, source, target } = await startMove(platform, caller, 'needs-it');
    const drain = async () =>
      (await caller.call<Job>('GET', `/jobs/${job_id}`)).body.steps.find(({ name }) => name === 'drain');
    const draining = await waitFor(
      'the drain',
      drain,
      (step) => step?.state === 'running' && step.progress !== null,
    );
    expect(draining?.progress).toMatchObject({
      nodes: [{ node_id: source.node_id, state: 'draining', problem: null }],
    });
    const row = await nodeRow(source.node_id);
    expect(row?.state).toBe('ready');
    expect(Math.abs(Date.now() - Date.parse(row?.observation.observed_at ?? ''))).toBeLessThan(MINUTES_MS);
    for (const { id } of stalls) platform.fleet.faults.switchOff(id);
    expect((await waitForJob(caller, job_id)).state).toBe('succeeded');
    expect(await platform.serving('aggregate', 'needs-it')).toEqual([target.node_id]);
  });
});
