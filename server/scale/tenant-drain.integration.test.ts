import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { placementKey, type ServiceKind } from '#contract/placement-record.ts';
import type { JobState } from '#contract/jobs.ts';
import { Cancelled, driveJob, type DrivenJob } from '#tools/test-job-driver.ts';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { planMigration } from './migration-service.ts';
import { tenantDrainJobs } from './tenant-drain-job.ts';
import { planTenantDrain, startTenantDrain } from './tenant-drain-service.ts';

const caller = callerWith();
const STEPS = {
  drain: ['check', 'drain', 'acknowledge', 'verify'],
  resume: ['check', 'resume', 'acknowledge', 'verify'],
};
type Action = keyof typeof STEPS;

describe('draining and resuming a tenant', () => {
  let platform: TestPlatform;
  let tenant_id: string;
  let count = 0;

  beforeAll(async () => {
    platform = await startTestPlatform({
      environments: ['dev', 'staging'],
      thresholds: { drain_timeout_s: 2, ack_timeout_s: 2 },
    });
  });
  afterAll(() => platform.close());
  beforeEach(async () => {
    tenant_id = `drained-${(count += 1)}`;
    await platform.addTenant(tenant_id, { aggregate: 'agg-3', projection: 'prj-2' }, ['dev', 'staging']);
  });
  afterEach(() => platform.fleet.faults.clear());

  const plan = (action: Action, environment = 'dev') =>
    planTenantDrain(platform.dependencies, caller, { environment, tenant_id, action });

  /** Starts the job as a person would, and hands its steps to the test. */
  async function start(action: Action, environment = 'dev'): Promise<DrivenJob> {
    const { plan_hash, blockers } = await plan(action, environment);
    expect(blockers).toEqual([]);
    const request = { environment, tenant_id, action, plan_hash, reason: 'maintenance' };
    const { job_id } = await startTenantDrain(platform.dependencies, caller, request);
    const { input } = await platform.database.db
      .selectFrom('jobs')
      .select('input')
      .where('job_id', '=', job_id)
      .executeTakeFirstOrThrow();
    const definition = tenantDrainJobs(platform.dependencies).find(({ kind }) => kind === `${action}_tenant`);
    return driveJob(platform.database.db, definition!, input as Record<string, unknown>, job_id);
  }

  /** Ends a job as the runner does, and brings the index up to date as the watcher does. */
  async function end(job: DrivenJob, state: Extract<JobState, 'succeeded' | 'failed_rolled_back' | 'stuck'>) {
    await job.settle(state);
    await sql`update jobs set state = ${state}, finished_at = now() where job_id = ${job.job_id}::uuid`.execute(
      platform.database.db,
    );
    for (const environment of ['dev', 'staging']) {
      for (const service of ['aggregate', 'projection'] as const) {
        const entry = await platform.store(environment).get(placementKey(service, tenant_id));
        const { shard, state: placed, epoch, job_id, updated_at } = entry!.record;
        await sql`insert into placement_index (tenant_id, environment, service, shard, state, epoch, revision, job_id, updated_at)
          values (${tenant_id}, ${environment}, ${service}, ${shard}, ${placed}, ${epoch}, ${entry!.revision}, ${job_id}, ${updated_at}::timestamptz)
          on conflict (tenant_id, environment, service) do update set state = excluded.state, job_id = excluded.job_id`.execute(
          platform.database.db,
        );
      }
    }
  }

  async function runAll(job: DrivenJob, action: Action): Promise<void> {
    for (const step of STEPS[action]) await job.run(step);
  }
  async function done(action: Action, environment = 'dev'): Promise<DrivenJob> {
    const job = await start(action, environment);
    await runAll(job, action);
    await end(job, 'succeeded');
    return job;
  }
  async function undoFrom(job: DrivenJob, action: Action, first: string, times = 1): Promise<void> {
    const steps = STEPS[action];
    for (const step of steps.slice(0, steps.indexOf(first) + 1).toReversed()) {
      for (let time = 0; time < times; time += 1) await job.undo(step);
    }
  }

  const record = async (service: ServiceKind = 'aggregate', environment = 'dev') =>
    (await platform.store(environment).get(placementKey(service, tenant_id)))?.record;
  /** What the nodes that hold its shards say of the tenant. */
  async function served(environment = 'dev'): Promise<string[]> {
    const settings = platform.dependencies.environments.find((each) => each.environment === environment);
    const holders = settings!.nodes.filter(({ node_id }) => /-(agg-3|prj-2)$/.test(node_id));
    return Promise.all(
      holders.map(async (node) => (await platform.dependencies.nodes.tenant(node, tenant_id)).state),
    );
  }
  const status = async () =>
    (
      await platform.database.db
        .selectFrom('tenants')
        .select('status')
        .where('tenant_id', '=', tenant_id)
        .executeTakeFirstOrThrow()
    ).status;

  it('says in its plan what happens, to whom and for how long', async () => {
    const made = await plan('drain');
    expect(made).toMatchObject({
      kind: 'drain_tenant',
      title: `Drain ${tenant_id} in dev`,
      changes: [
        { path: 'status', before: 'active', after: 'draining' },
        { path: 'aggregate on agg-3', before: 'active', after: 'draining' },
        { path: 'projection on prj-2', before: 'active', after: 'draining' },
      ],
      blockers: [],
      warnings: [
        {
          code: 'no_new_work',
          message: `${tenant_id} takes no new work in dev, on any service, until it is resumed.`,
        },
      ],
      rollback: `Resume ${tenant_id} in dev.`,
    });
    expect((await plan('drain')).plan_hash).toBe(made.plan_hash);
    expect(made.steps.map(({ title }) => title)).toEqual([
      'Check the nodes that serve the tenant, and the gateways',
      `Drain ${tenant_id} on agg-3, prj-2`,
      'Wait until 8 of 8 nodes acknowledge',
      `Verify that nothing of ${tenant_id} is left on agg-3, prj-2`,
    ]);
  });

  it('lasts until it is resumed, over a restart of the node, and shows on tenant and placements', async () => {
    const drain = await done('drain');
    expect(await status()).toBe('draining');
    expect(await record()).toMatchObject({ state: 'draining', epoch: 17, job_id: drain.job_id });
    expect(await record('projection')).toMatchObject({ state: 'draining', job_id: drain.job_id });
    expect(await served()).toEqual(['drained', 'drained']);
    expect(await served('staging')).toEqual(['active', 'active']);

    platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'restart', value: 50 });
    await expect.poll(() => served().catch(() => 'away'), { timeout: 5_000 }).toEqual(['drained', 'drained']);

    await done('resume');
    expect(await status()).toBe('active');
    expect(await record()).toMatchObject({ state: 'active', epoch: 17, job_id: null });
    expect(await record('projection')).toMatchObject({ state: 'active', job_id: null });
    expect(await served()).toEqual(['active', 'active']);
  });

  it('keeps the tenant draining while it is drained in another environment, then gives it its status back', async () => {
    await sql`update tenants set status = 'suspended' where tenant_id = ${tenant_id}`.execute(
      platform.database.db,
    );
    await done('drain', 'dev');
    await done('drain', 'staging');
    expect((await plan('resume', 'dev')).changes).not.toContainEqual(
      expect.objectContaining({ path: 'status' }),
    );
    await done('resume', 'dev');
    expect(await status()).toBe('draining');
    expect(await served('staging')).toEqual(['drained', 'drained']);
    await done('resume', 'staging');
    expect(await status()).toBe('suspended');
  });

  it('blocks a migration, another drain and an archiving of a drained tenant by name', async () => {
    await done('drain');
    const migration = await planMigration(platform.dependencies, caller, {
      environment: 'dev',
      tenant_id,
      service: 'aggregate',
      target_shard: 'agg-1',
    });
    expect(migration.blockers.map(({ code }) => code)).toContain('tenant_status');
    expect(migration.blockers.map(({ message }) => message)).toContainEqual(
      expect.stringContaining(`The aggregate placement in dev of ${tenant_id} is draining on agg-3`),
    );
    expect((await plan('drain')).blockers.map(({ code }) => code)).toContain('placement_not_active');
  });

  it.each([
    [{ node_id: 'dev-agg-3', fault: 'high_inflight', value: 1_204 }, 'inflight_too_high', 'dev-agg-3'],
    [{ node_id: 'dev-prj-2', fault: 'high_lag', value: 18_204 }, 'consumer_lag_too_high', 'dev-prj-2'],
    [{ node_id: 'dev-agg-3', fault: 'storage_unhealthy' }, 'storage_unhealthy', 'dev-agg-3'],
    [{ node_id: 'dev-gw-1', fault: 'hang' }, 'node_unreachable', 'dev-gw-1'],
    [{ node_id: 'dev-prj-2', fault: 'garbage' }, 'node_lying', 'dev-prj-2'],
  ] as const)('is blocked by %o', async (fault, code, id) => {
    platform.fleet.faults.switchOn(fault);
    expect((await plan('drain')).blockers).toContainEqual(
      expect.objectContaining({ code, subject: { type: 'node', id } }),
    );
  });

  it('has nothing to resume where nothing is drained, and nothing to drain where the tenant is not placed', async () => {
    expect((await plan('resume')).blockers.map(({ code }) => code)).toEqual(['tenant_status', 'not_drained']);
    await expect(
      planTenantDrain(platform.dependencies, caller, {
        environment: 'prod',
        tenant_id,
        action: 'drain',
      }),
    ).rejects.toMatchObject({ code: 'unknown_environment' });
    await platform.addTenant(`${tenant_id}-elsewhere`, { aggregate: 'agg-1' }, ['staging']);
    await expect(
      planTenantDrain(platform.dependencies, caller, {
        environment: 'dev',
        tenant_id: `${tenant_id}-elsewhere`,
        action: 'drain',
      }),
    ).rejects.toMatchObject({ code: 'not_placed' });
  });

  it('refuses a second job on the tenant and a plan that the world has left behind', async () => {
    const { plan_hash } = await plan('drain');
    const request = { environment: 'dev', tenant_id, action: 'drain' as const, plan_hash, reason: 'x' };
    const { job_id } = await startTenantDrain(platform.dependencies, caller, request);
    expect(await status()).toBe('draining');
    await expect(startTenantDrain(platform.dependencies, caller, request)).rejects.toMatchObject({
      code: 'job_conflict',
      details: { job_id },
    });
  });

  it('gives up a drain that does not converge, names what is left, and serves again', async () => {
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'drain_stalls', tenant_id });
    const job = await start('drain');
    await job.run('check');
    await expect(job.run('drain')).rejects.toMatchObject({
      code: 'drain_timeout',
      message: expect.stringMatching(/was not drained within 2 s: \d+ in flight .* on dev-agg-3/) as string,
    });
    await undoFrom(job, 'drain', 'drain', 2);
    await end(job, 'failed_rolled_back');
    expect(await status()).toBe('active');
    expect(await record()).toMatchObject({ state: 'active', job_id: null });
    expect(await served()).toEqual(['active', 'active']);
  });

  it('stops when it is cancelled, and serves again', async () => {
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'drain_stalls', tenant_id });
    const job = await start('drain');
    job.cancelAt('drain');
    await expect(job.run('drain')).rejects.toThrow(Cancelled);
    await undoFrom(job, 'drain', 'drain');
    expect(await served()).toEqual(['active', 'active']);
  });

  it('does not succeed, and does not call itself undone, while a node does not acknowledge', async () => {
    const job = await start('drain');
    await job.run('check');
    await job.run('drain');
    for (const node of platform.dependencies.environments[0]!.nodes)
      await platform.dependencies.nodes.reload(node);
    platform.fleet.faults.switchOn({ node_id: 'dev-gw-2', fault: 'hang' });
    await expect(job.run('acknowledge')).rejects.toMatchObject({
      code: 'not_acknowledged',
      message: expect.stringContaining('dev-gw-2') as string,
    });
    await expect(job.undo('drain')).rejects.toMatchObject({ code: 'undo_incomplete' });
    platform.fleet.faults.clear();
    await job.undo('drain');
    expect(await served()).toEqual(['active', 'active']);
  });

  it.each(STEPS.drain)('may repeat %s of a drain', async (step) => {
    const job = await start('drain');
    for (const each of STEPS.drain) {
      await job.run(each);
      if (each === step) await job.run(each);
    }
    expect(await served()).toEqual(['drained', 'drained']);
  });

  it.each(STEPS.resume)('may repeat %s of a resume', async (step) => {
    await done('drain');
    const job = await start('resume');
    for (const each of STEPS.resume) {
      await job.run(each);
      if (each === step) await job.run(each);
    }
    expect(await record()).toMatchObject({ state: 'active', job_id: null });
    expect(await served()).toEqual(['active', 'active']);
  });

  it.each(STEPS.drain)('is undone after %s, each undo done twice', async (step) => {
    const job = await start('drain');
    for (const each of STEPS.drain.slice(0, STEPS.drain.indexOf(step) + 1)) await job.run(each);
    await undoFrom(job, 'drain', step, 2);
    expect(await record()).toMatchObject({ state: 'active', epoch: 17, job_id: null });
    expect(await served()).toEqual(['active', 'active']);
  });

  it.each(STEPS.resume)(
    'a resume is undone after %s, each undo done twice, and the drain stands',
    async (step) => {
      const drain = await done('drain');
      const job = await start('resume');
      for (const each of STEPS.resume.slice(0, STEPS.resume.indexOf(step) + 1)) await job.run(each);
      await undoFrom(job, 'resume', step, 2);
      await end(job, 'failed_rolled_back');
      expect(await record()).toMatchObject({ state: 'draining', epoch: 17, job_id: drain.job_id });
      expect(await served()).toEqual(['drained', 'drained']);
      expect(await status()).toBe('draining');
      await done('resume');
      expect(await status()).toBe('active');
    },
  );

  it('does not resume while the node refuses, and stays drained', async () => {
    await done('drain');
    const job = await start('resume');
    await job.run('check');
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'refuses_resume' });
    await expect(job.run('resume')).rejects.toMatchObject({
      code: 'not_resumed',
      message: expect.stringContaining('dev-agg-3 answers') as string,
    });
    await undoFrom(job, 'resume', 'resume');
    expect(await served()).toEqual(['drained', 'drained']);
  });
});
