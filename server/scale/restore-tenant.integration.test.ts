import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Plan } from '#contract/jobs.ts';
import { placementKey, SERVICE_KINDS, type PlacementRecord } from '#contract/placement-record.ts';
import type { TenantStatus } from '#contract/tenants.ts';
import { driveJob, type DrivenJob } from '#tools/test-job-driver.ts';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { planArchive, startArchive } from './archive-service.ts';
import { archiveTenantJob } from './archive-tenant-job.ts';
import { planRestore, startRestore } from './restore-service.ts';
import { restoreTenantJob } from './restore-tenant-job.ts';

describe('bringing an archived tenant back', () => {
  const SHARDS = { aggregate: 'agg-1', projection: 'prj-2', runner: 'run-1' };
  const ENVIRONMENTS = ['dev', 'prod'];
  let platform: TestPlatform;
  let tenant_id: string;
  let count = 0;

  beforeAll(async () => {
    platform = await startTestPlatform({
      environments: ENVIRONMENTS,
      thresholds: { drain_timeout_s: 2, ack_timeout_s: 2, max_tenants_per_shard: 50 },
    });
  });
  afterAll(() => platform.close());
  beforeEach(() => {
    tenant_id = `returning-${(count += 1)}`;
  });
  afterEach(() => platform.fleet.faults.clear());

  const records = async (environment: string): Promise<(PlacementRecord | undefined)[]> =>
    Promise.all(
      SERVICE_KINDS.map(
        async (service) => (await platform.store(environment).get(placementKey(service, tenant_id)))?.record,
      ),
    );
  /** The nodes that say that they have the tenant. */
  async function serving(): Promise<string[]> {
    const nodes = platform.dependencies.environments.flatMap((each) => each.nodes);
    const asked = await Promise.all(
      nodes
        .filter(({ kind }) => kind !== 'gateway')
        .map(async (node) => {
          const { state } = await platform.dependencies.nodes.tenant(node, tenant_id);
          return state === 'absent' ? [] : [`${node.node_id} ${state}`];
        }),
    );
    return asked.flat().toSorted();
  }
  const SERVED = ENVIRONMENTS.flatMap((environment) =>
    Object.values(SHARDS).map((shard) => `${environment}-${shard} active`),
  ).toSorted();

  const statusOf = async () =>
    (
      await sql<{ status: string }>`select status from tenants where tenant_id = ${tenant_id}`.execute(
        platform.database.db,
      )
    ).rows[0]?.status;

  /** The job of a start, to be driven; it ends in the database as it ends here. */
  async function jobOf(definition: Parameters<typeof driveJob>[1], job_id: string): Promise<DrivenJob> {
    const { rows } = await sql<{ input: Record<string, unknown> }>`select input from jobs
      where job_id = ${job_id}::uuid`.execute(platform.database.db);
    return driveJob(platform.database.db, definition, rows[0]!.input, job_id);
  }
  async function end(job: DrivenJob, state: Parameters<DrivenJob['settle']>[0]): Promise<void> {
    await job.settle(state);
    await sql`update jobs set state = ${state} where job_id = ${job.job_id}::uuid`.execute(
      platform.database.db,
    );
  }

  async function archived(previous: TenantStatus = 'active'): Promise<void> {
    await platform.addTenant(tenant_id, SHARDS, ENVIRONMENTS);
    await sql`update tenants set status = ${previous} where tenant_id = ${tenant_id}`.execute(
      platform.database.db,
    );
    await platform.caughtUp();
    const { plan_hash } = await planArchive(platform.dependencies, callerWith(), tenant_id);
    const approved = { tenant_id, plan_hash, reason: 'left us' };
    const { job_id } = await startArchive(platform.dependencies, callerWith(), approved);
    const job = await jobOf(archiveTenantJob(platform.dependencies), job_id);
    for (const { name } of job.steps) await job.run(name);
    await end(job, 'succeeded');
  }
  const plan = (): Promise<Plan> => planRestore(platform.dependencies, callerWith(), tenant_id);
  async function start(): Promise<DrivenJob> {
    await platform.caughtUp();
    const approved = { tenant_id, plan_hash: (await plan()).plan_hash, reason: 'came back' };
    const { job_id } = await startRestore(platform.dependencies, callerWith(), approved);
    return jobOf(restoreTenantJob(platform.dependencies), job_id);
  }
  const codes = ({ blockers }: Plan) => [...new Set(blockers.map(({ code }) => code))];

  it.each([1, 2])('places it where it was, one epoch on, each step done %i times', async (times) => {
    await archived();
    const { changes, steps } = await plan();
    expect(changes).toContainEqual({ path: 'prod.projection', before: null, after: 'prj-2' });
    const job = await start();
    expect(await statusOf()).toBe('provisioning');
    expect(job.steps.map(({ name }) => name)).toEqual(steps.map(({ name }) => name));
    for (const { name } of job.steps) for (let time = 0; time < times; time += 1) await job.run(name);
    await end(job, 'succeeded');
    for (const environment of ENVIRONMENTS)
      for (const record of await records(environment))
        expect(record).toMatchObject({ state: 'active', epoch: 18, job_id: null });
    expect(await serving()).toEqual(SERVED);
    expect(await statusOf()).toBe('active');
  });

  it('can be archived and restored again', async () => {
    await archived();
    const first = await start();
    for (const { name } of first.steps) await first.run(name);
    await end(first, 'succeeded');
    await platform.caughtUp();
    const { plan_hash } = await planArchive(platform.dependencies, callerWith(), tenant_id);
    const { job_id } = await startArchive(platform.dependencies, callerWith(), {
      tenant_id,
      plan_hash,
      reason: 'left again',
    });
    const again = await jobOf(archiveTenantJob(platform.dependencies), job_id);
    for (const { name } of again.steps) await again.run(name);
    await end(again, 'succeeded');
    const second = await start();
    for (const { name } of second.steps) await second.run(name);
    for (const record of await records('dev')) expect(record).toMatchObject({ epoch: 19, job_id: null });
  });

  it.each(['place_dev', 'verify_dev', 'place_prod', 'verify_prod'])(
    'is undone after %s, each undo done twice: nobody serves it, and it is archived as before',
    async (last) => {
      await archived();
      const job = await start();
      const names = job.steps.map(({ name }) => name);
      const done = names.slice(0, names.indexOf(last) + 1);
      for (const name of done) await job.run(name);
      for (const name of done.toReversed()) {
        await job.undo(name);
        await job.undo(name);
      }
      await end(job, 'cancelled_rolled_back');
      expect(await serving()).toEqual([]);
      expect(await records('prod')).toEqual([undefined, undefined, undefined]);
      expect(await statusOf()).toBe('archived');
      expect(codes(await plan())).toEqual([]);
    },
  );

  it('comes back suspended when it was suspended, and degraded when it was not placed everywhere', async () => {
    await archived('suspended');
    expect((await plan()).input['restored_status']).toBe('suspended');
    await sql`update tenants set environments = '{dev,prod,staging}' where tenant_id = ${tenant_id}`.execute(
      platform.database.db,
    );
    const partial = await plan();
    expect(partial.input['restored_status']).toBe('degraded');
    expect(partial.warnings).toMatchObject([{ code: 'partly_placed' }]);
  });

  it('is blocked by name: a full shard, a shard that nobody holds, a node that does not answer', async () => {
    await archived();
    await sql`insert into shard_totals values ('dev', 'aggregate', 'agg-1', 50)
      on conflict (environment, service, shard) do update set tenant_count = 50`.execute(
      platform.database.db,
    );
    expect((await plan()).blockers).toMatchObject([
      { code: 'target_full', subject: { id: 'agg-1' }, figure: 50, threshold: 50 },
    ]);
    await sql`update shard_totals set tenant_count = 0 where shard = 'agg-1'`.execute(platform.database.db);
    platform.fleet.faults.switchOn({ node_id: 'prod-prj-2', fault: 'error_500' });
    expect((await plan()).blockers).toMatchObject([
      { subject: { id: 'prod-prj-2' } },
      { code: 'shard_gone' },
    ]);
  });

  it('does not overwrite a placement that somebody else has made meanwhile', async () => {
    await archived();
    const job = await start();
    const foreign = {
      tenant_id,
      service: 'runner',
      shard: 'run-2',
      state: 'active',
      epoch: 40,
      job_id: null,
      updated_at: new Date().toISOString(),
    } as const;
    await job.run('check');
    await platform.store('dev').update(foreign, 0);
    await expect(job.run('place_dev')).rejects.toMatchObject({ code: 'placement_changed' });
    await job.undo('place_dev');
    expect(await records('dev')).toEqual([undefined, undefined, foreign]);
    await end(job, 'failed_rolled_back');
    expect(codes(await plan())).toEqual(['placement_exists']);
  });

  it('needs an archived tenant, and one that a job has archived', async () => {
    await platform.addTenant(tenant_id, SHARDS, ENVIRONMENTS);
    await expect(plan()).rejects.toMatchObject({ code: 'action_not_allowed' });
    await sql`update tenants set status = 'archived' where tenant_id = ${tenant_id}`.execute(
      platform.database.db,
    );
    expect(codes(await plan())).toEqual(['not_recorded']);
    tenant_id = 'nobody';
    await expect(plan()).rejects.toMatchObject({ code: 'not_found' });
  });

  it('leaves the tenant degraded when it is stuck', async () => {
    await archived();
    const job = await start();
    await end(job, 'stuck');
    expect(await statusOf()).toBe('degraded');
  });

  it('holds the tenant from its start on', async () => {
    await archived();
    await platform.caughtUp();
    const { plan_hash } = await plan();
    const approved = { tenant_id, plan_hash, reason: 'came back' };
    const { job_id } = await startRestore(platform.dependencies, callerWith(), approved);
    await expect(startRestore(platform.dependencies, callerWith(), approved)).rejects.toMatchObject({
      code: 'job_conflict',
      details: { job_id },
    });
  });
});
