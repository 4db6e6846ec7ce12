import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { placementKey } from '#contract/placement-record.ts';
import { Cancelled, driveJob, type DrivenJob } from '#tools/test-job-driver.ts';
import { startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { migrateTenantJob } from './migrate-tenant-job.ts';
import { readMigrationFacts } from './migration-facts.ts';
import { planMigrationDraft } from './placement-rules.ts';

const STEPS = ['check', 'drain', 'place', 'reload', 'acknowledge', 'verify'];

describe('the migration of a tenant', () => {
  let platform: TestPlatform;
  let tenant_id: string;
  let count = 0;

  beforeAll(async () => {
    platform = await startTestPlatform({ thresholds: { drain_timeout_s: 2, ack_timeout_s: 2 } });
  });
  afterAll(() => platform.close());
  beforeEach(async () => {
    tenant_id = `mover-${(count += 1)}`;
    await platform.addTenant(tenant_id, { aggregate: 'agg-3' });
  });
  afterEach(() => platform.fleet.faults.clear());

  async function start(): Promise<DrivenJob> {
    const request = { environment: 'dev', tenant_id, service: 'aggregate' as const, target_shard: 'agg-1' };
    const { input } = planMigrationDraft(await readMigrationFacts(platform.dependencies, request, 'test'));
    const job = migrateTenantJob(platform.dependencies);
    return driveJob(platform.database.db, job, { ...input, previous_status: 'active' });
  }

  const record = async () => (await platform.store().get(placementKey('aggregate', tenant_id)))?.record;

  /** What each aggregate node says of the tenant, by shard. */
  async function served(): Promise<Record<string, string>> {
    const [settings] = platform.dependencies.environments;
    const nodes = settings!.nodes.filter(({ kind }) => kind === 'aggregate');
    const states = await Promise.all(
      nodes.map(async (node) => [
        node.node_id,
        (await platform.dependencies.nodes.tenant(node, tenant_id)).state,
      ]),
    );
    return Object.fromEntries(states) as Record<string, string>;
  }
  const onSource = { 'dev-agg-1': 'absent', 'dev-agg-2': 'absent', 'dev-agg-3': 'active' };
  const onTarget = { 'dev-agg-1': 'active', 'dev-agg-2': 'absent', 'dev-agg-3': 'absent' };

  async function runUpTo(job: DrivenJob, last: string): Promise<void> {
    for (const step of STEPS.slice(0, STEPS.indexOf(last) + 1)) await job.run(step);
  }

  async function undoFrom(job: DrivenJob, first: string, times = 1): Promise<void> {
    for (const step of STEPS.slice(0, STEPS.indexOf(first) + 1).toReversed()) {
      for (let time = 0; time < times; time += 1) await job.undo(step);
    }
  }

  it('moves the tenant, and every node acknowledges', async () => {
    const job = await start();
    await runUpTo(job, 'verify');
    expect(await record()).toMatchObject({ shard: 'agg-1', state: 'active', epoch: 18, job_id: null });
    expect(await served()).toEqual(onTarget);
    expect(job.progress.get('acknowledge')?.at(-1)).toMatchObject({
      nodes: [1, 2, 3, 4, 5].map(() => ({ acknowledged: true, problem: null })),
    });
    expect(job.progress.get('drain')?.at(-1)).toMatchObject({ node_id: 'dev-agg-3', inflight: 0, eta_s: 0 });
  });

  it.each(STEPS)('may repeat %s', async (step) => {
    const job = await start();
    await runUpTo(job, step);
    await job.run(step);
    await job.run(step);
    for (const later of STEPS.slice(STEPS.indexOf(step) + 1)) await job.run(later);
    expect(await record()).toMatchObject({ shard: 'agg-1', state: 'active', epoch: 18, job_id: null });
    expect(await served()).toEqual(onTarget);
  });

  it.each(STEPS.map((step) => [step, step === 'check' || step === 'drain' ? 17 : 19] as const))(
    'is undone after %s, each undo done twice, and the source serves at epoch %i',
    async (step, epoch) => {
      const job = await start();
      await runUpTo(job, step);
      await undoFrom(job, step, 2);
      expect(await record()).toMatchObject({ shard: 'agg-3', state: 'active', epoch, job_id: null });
      expect(await served()).toEqual(onSource);
    },
  );

  it('does nothing in the undo of a step that had not begun', async () => {
    const job = await start();
    const before = await platform.store().get(placementKey('aggregate', tenant_id));
    await undoFrom(job, 'verify');
    expect(await platform.store().get(placementKey('aggregate', tenant_id))).toEqual(before);
  });

  it('gives a drain up that never converges, says what is left, and resumes', async () => {
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'drain_stalls', tenant_id });
    const job = await start();
    await job.run('check');
    await expect(job.run('drain')).rejects.toMatchObject({
      code: 'drain_timeout',
      message: expect.stringMatching(/was not drained within 2 s: \d+ in flight .* on dev-agg-3/) as string,
    });
    expect(await served()).toMatchObject({ 'dev-agg-3': 'draining' });
    await undoFrom(job, 'drain');
    expect(await served()).toEqual(onSource);
  });

  it('stops a drain when it is cancelled, and resumes', async () => {
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'drain_stalls', tenant_id });
    const job = await start();
    job.cancelAt('drain');
    await expect(job.run('drain')).rejects.toThrow(Cancelled);
    await undoFrom(job, 'drain');
    expect(await record()).toMatchObject({ shard: 'agg-3', state: 'active', epoch: 17, job_id: null });
    expect(await served()).toEqual(onSource);
  });

  it('waits for every node: one that never acknowledges undoes the move', async () => {
    const job = await start();
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'never_acknowledges' });
    await runUpTo(job, 'reload');
    await expect(job.run('acknowledge')).rejects.toMatchObject({
      code: 'not_acknowledged',
      message: expect.stringContaining('dev-agg-2 has applied revision') as string,
    });
    await undoFrom(job, 'acknowledge');
    expect(await record()).toMatchObject({ shard: 'agg-3', state: 'active', epoch: 19, job_id: null });
    expect(await served()).toEqual(onSource);
  });

  it('waits for the very write: a node that stays one behind it holds the job, and its undo, until it follows', async () => {
    const job = await start();
    await runUpTo(job, 'drain');
    const [settings] = platform.dependencies.environments;
    for (const node of settings!.nodes) await platform.dependencies.nodes.reload(node);
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'never_acknowledges' });
    await job.run('place');
    await job.run('reload');
    await expect(job.run('acknowledge')).rejects.toMatchObject({ code: 'not_acknowledged' });
    // It has heard of the drain, so it must hear of the end of it too.
    await expect(job.undo('place')).rejects.toMatchObject({ code: 'undo_incomplete' });
    platform.fleet.faults.clear();
    await undoFrom(job, 'place');
    expect(await record()).toMatchObject({ shard: 'agg-3', state: 'active', epoch: 19, job_id: null });
    expect(await served()).toEqual(onSource);
  });

  it('lets the source serve again only when every node knows that the target does not', async () => {
    const job = await start();
    await runUpTo(job, 'verify');
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-1', fault: 'never_acknowledges' });
    await expect(job.undo('place')).rejects.toMatchObject({ code: 'undo_incomplete' });
    expect(await record()).toMatchObject({ shard: 'agg-3', state: 'moving', epoch: 19 });
    expect(await served()).toMatchObject({ 'dev-agg-1': 'active', 'dev-agg-3': 'drained' });
    platform.fleet.faults.clear();
    await undoFrom(job, 'place');
    expect(await served()).toEqual(onSource);
  });

  it('does not call an undo done while a node cannot be reached, and does once it can', async () => {
    const job = await start();
    await runUpTo(job, 'place');
    platform.fleet.faults.switchOn({ node_id: 'dev-gw-2', fault: 'hang' });
    await expect(job.undo('place')).rejects.toMatchObject({
      code: 'undo_incomplete',
      message: expect.stringContaining('dev-gw-2 does not answer') as string,
    });
    platform.fleet.faults.clear();
    await undoFrom(job, 'place');
    expect(await served()).toEqual(onSource);
  });

  it('does not call an undo done while the source will not resume', async () => {
    const job = await start();
    await runUpTo(job, 'drain');
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'refuses_resume' });
    await expect(job.undo('drain')).rejects.toMatchObject({ code: 'undo_incomplete' });
  });

  it('goes on over a node that restarts while it drains', async () => {
    const job = await start();
    await job.run('check');
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'restart', value: 200 });
    await job.run('drain');
    for (const step of STEPS.slice(2)) await job.run(step);
    expect(await served()).toEqual(onTarget);
  });

  it('stops at a placement that somebody else changed, names who, and leaves it alone', async () => {
    const job = await start();
    const key = placementKey('aggregate', tenant_id);
    const entry = await platform.store().get(key);
    await platform
      .store()
      .update({ ...entry!.record, state: 'draining', job_id: 'another' }, entry!.revision);
    await expect(job.run('drain')).rejects.toMatchObject({
      code: 'placement_changed',
      message: expect.stringContaining('written by job another') as string,
    });
    await undoFrom(job, 'drain');
    expect((await platform.store().get(key))?.record).toMatchObject({ state: 'draining', job_id: 'another' });
  });

  it('does not place a tenant that was taken from under it after the drain', async () => {
    const job = await start();
    await runUpTo(job, 'drain');
    const key = placementKey('aggregate', tenant_id);
    const entry = await platform.store().get(key);
    await platform
      .store()
      .update({ ...entry!.record, shard: 'agg-2', epoch: 30, job_id: 'another' }, entry!.revision);
    await expect(job.run('place')).rejects.toMatchObject({ code: 'placement_changed' });
    await expect(job.undo('drain')).rejects.toMatchObject({ code: 'placement_changed' });
  });

  it('checks again when it starts', async () => {
    const job = await start();
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-1', fault: 'storage_full' });
    await expect(job.run('check')).rejects.toMatchObject({
      code: 'preflight_blocked',
      message: expect.stringContaining(
        'The storage of dev-agg-1 is 100 % full, more than 90 % allowed.',
      ) as string,
    });
  });

  it.each([
    ['succeeded', 'active'],
    ['failed_rolled_back', 'active'],
    ['stuck', 'degraded'],
  ] as const)('leaves the tenant, when %s, %s', async (state, status) => {
    const { db } = platform.database;
    const job = await start();
    await db.updateTable('tenants').set({ status: 'migrating' }).where('tenant_id', '=', tenant_id).execute();
    await job.settle(state);
    await job.settle(state);
    const tenant = await db
      .selectFrom('tenants')
      .select('status')
      .where('tenant_id', '=', tenant_id)
      .executeTakeFirst();
    expect(tenant?.status).toBe(status);
  });
});
