import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { placementKey, SERVICE_KINDS, type PlacementRecord } from '#contract/placement-record.ts';
import { driveJob, type DrivenJob } from '#tools/test-job-driver.ts';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { readArchiveFacts } from './archive-facts.ts';
import { planArchiveDraft } from './archive-rules.ts';
import { planArchive, startArchive } from './archive-service.ts';
import { archiveTenantJob } from './archive-tenant-job.ts';
import { provisionRun, provisionTenantJob } from './provision-tenant-job.ts';

describe('the jobs that give a tenant its shards and take them away', () => {
  let platform: TestPlatform;
  let tenant_id: string;
  let count = 0;

  beforeAll(async () => {
    platform = await startTestPlatform({
      environments: ['dev', 'prod'],
      thresholds: { drain_timeout_s: 2, ack_timeout_s: 2 },
    });
  });
  afterAll(() => platform.close());
  beforeEach(() => {
    tenant_id = `lifecycle-${(count += 1)}`;
  });
  afterEach(() => platform.fleet.faults.clear());

  const records = async (environment: string): Promise<(PlacementRecord | undefined)[]> =>
    Promise.all(
      SERVICE_KINDS.map(
        async (service) => (await platform.store(environment).get(placementKey(service, tenant_id)))?.record,
      ),
    );

  /** The nodes of an environment that say that they have the tenant, with what they say. */
  async function serving(environment: string): Promise<Record<string, string>> {
    const settings = platform.dependencies.environments.find((each) => each.environment === environment);
    const nodes = settings!.nodes.filter(({ kind }) => kind !== 'gateway');
    const states = await Promise.all(
      nodes.map(
        async (node) =>
          [node.node_id, (await platform.dependencies.nodes.tenant(node, tenant_id)).state] as const,
      ),
    );
    return Object.fromEntries(states.filter(([, state]) => state !== 'absent'));
  }

  const status = async () =>
    (await platform.database.db
      .selectFrom('tenants')
      .select(['status', 'environments'])
      .where('tenant_id', '=', tenant_id)
      .executeTakeFirst()) ?? null;

  async function runAll(job: DrivenJob, times = 1): Promise<void> {
    for (const { name } of job.steps) for (let time = 0; time < times; time += 1) await job.run(name);
  }
  async function undoAll(job: DrivenJob, last: string, times = 1): Promise<void> {
    const names = job.steps.map(({ name }) => name);
    for (const name of names.slice(0, names.indexOf(last) + 1).toReversed()) {
      for (let time = 0; time < times; time += 1) await job.undo(name);
    }
  }

  describe('provisioning', () => {
    const start = (environments: string[], purpose: 'create' | 'add' = 'create'): DrivenJob => {
      const { input } = provisionRun(platform.dependencies, { tenant_id, environments, purpose });
      return driveJob(platform.database.db, provisionTenantJob(platform.dependencies), input);
    };

    it.each([1, 2])(
      'places the tenant on one shard of each kind in each environment, each step done %i times',
      async (times) => {
        const job = start(['dev', 'prod']);
        await runAll(job, times);
        for (const environment of ['dev', 'prod']) {
          for (const record of await records(environment))
            expect(record).toMatchObject({ state: 'active', epoch: 1, job_id: null });
          expect(Object.values(await serving(environment))).toEqual(['active', 'active', 'active']);
        }
      },
    );

    it('takes the shard with the fewest tenants whose node is ready', async () => {
      await sql`insert into shard_totals values ('dev', 'aggregate', 'agg-1', 500), ('dev', 'aggregate', 'agg-2', 10), ('dev', 'aggregate', 'agg-3', 20),
        ('dev', 'projection', 'prj-1', 5), ('dev', 'projection', 'prj-2', 9), ('dev', 'projection', 'prj-3', 9)`.execute(
        platform.database.db,
      );
      platform.fleet.faults.switchOn({ node_id: 'dev-prj-1', fault: 'not_ready' });
      const job = start(['dev']);
      await job.run('place_dev');
      const [aggregate, projection] = await records('dev');
      expect([aggregate?.shard, projection?.shard]).toEqual(['agg-2', 'prj-2']);
    });

    it('names why no shard can take the tenant, and takes back what it had placed', async () => {
      for (const node_id of ['dev-run-1', 'dev-run-2'])
        platform.fleet.faults.switchOn({ node_id, fault: 'storage_full' });
      const job = start(['dev']);
      await expect(job.run('place_dev')).rejects.toMatchObject({
        code: 'no_shard',
        message: `No runner shard in dev can take ${tenant_id}: the storage of dev-run-1 is full; the storage of dev-run-2 is full.`,
      });
      await undoAll(job, 'place_dev', 2);
      expect(await records('dev')).toEqual([undefined, undefined, undefined]);
    });

    it('is undone in every environment when the last one fails', async () => {
      const job = start(['dev', 'prod']);
      for (const { name } of job.steps.slice(0, 5)) await job.run(name);
      await undoAll(job, 'place_prod', 2);
      for (const environment of ['dev', 'prod']) {
        expect(await records(environment)).toEqual([undefined, undefined, undefined]);
        expect(await serving(environment)).toEqual({});
      }
    });

    it('leaves a placement alone that it did not make', async () => {
      const foreign = {
        tenant_id,
        service: 'projection',
        shard: 'prj-2',
        state: 'active',
        epoch: 4,
        job_id: null,
        updated_at: new Date().toISOString(),
      } as const;
      await platform.store('dev').update(foreign, 0);
      const job = start(['dev']);
      await expect(job.run('place_dev')).rejects.toMatchObject({ code: 'placement_changed' });
      await undoAll(job, 'place_dev');
      expect(await records('dev')).toEqual([undefined, foreign, undefined]);
    });

    it.each([
      ['create', 'succeeded', { status: 'active', environments: ['prod'] }],
      ['create', 'cancelled_rolled_back', { status: 'degraded', environments: ['prod'] }],
      ['add', 'succeeded', { status: 'provisioning', environments: ['prod', 'dev'] }],
      ['add', 'failed_rolled_back', { status: 'provisioning', environments: ['prod'] }],
    ] as const)('settles %s, when %s', async (purpose, state, expected) => {
      await sql`insert into tenants (tenant_id, name, status, plan, environments) values (${tenant_id}, 'New', 'provisioning', 'gold', '{prod}')`.execute(
        platform.database.db,
      );
      const job = start(['dev'], purpose);
      await job.settle(state);
      await job.settle(state);
      expect(await status()).toEqual(expected);
    });
  });

  describe('archiving', () => {
    const shards = { aggregate: 'agg-1', projection: 'prj-2', runner: 'run-1' };
    beforeEach(() => platform.addTenant(tenant_id, shards, ['dev', 'prod']));

    async function start(): Promise<DrivenJob> {
      const { input } = planArchiveDraft(await readArchiveFacts(platform.dependencies, tenant_id, 'test'));
      return driveJob(platform.database.db, archiveTenantJob(platform.dependencies), {
        ...input,
        previous_status: 'active',
      });
    }

    it.each([1, 2])('takes the tenant off every shard, each step done %i times', async (times) => {
      const job = await start();
      await runAll(job, times);
      for (const environment of ['dev', 'prod']) {
        expect(await records(environment)).toEqual([undefined, undefined, undefined]);
        expect(await serving(environment)).toEqual({});
      }
    });

    it.each([
      ['drain', 17],
      ['remove', 18],
      ['verify', 18],
    ])(
      'is undone after %s, each undo done twice: every shard serves again, at epoch %i',
      async (last, epoch) => {
        const job = await start();
        for (const { name } of job.steps) {
          await job.run(name);
          if (name === last) break;
        }
        await undoAll(job, last, 2);
        for (const environment of ['dev', 'prod']) {
          for (const record of await records(environment))
            expect(record).toMatchObject({ state: 'active', epoch, job_id: null });
          expect(await serving(environment)).toEqual({
            [`${environment}-agg-1`]: 'active',
            [`${environment}-prj-2`]: 'active',
            [`${environment}-run-1`]: 'active',
          });
        }
      },
    );

    it('gives up when one of many drains does not converge, and resumes all', async () => {
      platform.fleet.faults.switchOn({ node_id: 'prod-prj-2', fault: 'drain_stalls', tenant_id });
      const job = await start();
      await expect(job.run('drain')).rejects.toMatchObject({
        code: 'drain_timeout',
        message: expect.stringContaining('prod-prj-2') as string,
      });
      await undoAll(job, 'drain');
      expect(Object.values(await serving('prod'))).toEqual(['active', 'active', 'active']);
    });

    it('stops at a placement that somebody else changed, and gives the others back', async () => {
      const job = await start();
      const key = placementKey('projection', tenant_id);
      const entry = await platform.store('prod').get(key);
      await platform.store('prod').update({ ...entry!.record, shard: 'prj-3', epoch: 40 }, entry!.revision);
      await expect(job.run('drain')).rejects.toMatchObject({ code: 'placement_changed' });
      await undoAll(job, 'drain');
      expect(await records('prod')).toMatchObject([
        { state: 'active', shard: 'agg-1' },
        { state: 'active', shard: 'prj-3', epoch: 40 },
        { state: 'active' },
      ]);
      expect(Object.values(await serving('dev'))).toEqual(['active', 'active', 'active']);
    });

    it('plans, starts, and holds the tenant meanwhile', async () => {
      await platform.caughtUp();
      const plan = await planArchive(platform.dependencies, callerWith(), tenant_id);
      expect(plan.blockers).toEqual([]);
      expect(plan.blast_radius.nodes).toHaveLength(20);
      const { job_id } = await startArchive(platform.dependencies, callerWith(), {
        tenant_id,
        plan_hash: plan.plan_hash,
        reason: 'left us',
      });
      expect(await status()).toMatchObject({ status: 'draining' });
      const again = startArchive(platform.dependencies, callerWith(), {
        tenant_id,
        plan_hash: plan.plan_hash,
        reason: 'left us',
      });
      await expect(again).rejects.toMatchObject({ code: 'job_conflict', details: { job_id } });
    });

    it('names what stands in the way, in whichever environment', async () => {
      platform.fleet.faults.switchOn({ node_id: 'prod-gw-2', fault: 'error_500' });
      await platform.caughtUp();
      const plan = await planArchive(platform.dependencies, callerWith(), tenant_id);
      expect(plan.blockers).toMatchObject([{ code: 'node_not_ready', subject: { id: 'prod-gw-2' } }]);
    });

    it.each([
      ['succeeded', 'archived'],
      ['failed_rolled_back', 'active'],
      ['stuck', 'degraded'],
    ] as const)('leaves the tenant, when %s, %s', async (state, expected) => {
      const job = await start();
      await sql`update tenants set status = 'draining' where tenant_id = ${tenant_id}`.execute(
        platform.database.db,
      );
      await job.settle(state);
      expect((await status())?.status).toBe(expected);
      if (state === 'succeeded') {
        await expect(planArchive(platform.dependencies, callerWith(), tenant_id)).rejects.toMatchObject({
          code: 'action_not_allowed',
        });
      }
    });
  });
});
