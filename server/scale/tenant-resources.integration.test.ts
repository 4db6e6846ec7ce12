import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '#contract/audit.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { openNatsLink, type NatsLink } from '#server/adapters/nats/nats-link.ts';
import { createNatsTenantResources } from '#server/adapters/nats/nats-tenant-resources.ts';
import { driveJob, type DrivenJob } from '#tools/test-job-driver.ts';
import type { JobDefinition } from '#server/jobs/job-definition.ts';
import { natsIsMissing, startTestNats, type TestNats } from '#tools/test-nats.ts';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { readArchiveFacts } from './archive-facts.ts';
import { planArchiveDraft } from './archive-rules.ts';
import { planArchive, startArchive } from './archive-service.ts';
import { archiveTenantJob } from './archive-tenant-job.ts';
import { provisionRun, provisionTenantJob } from './provision-tenant-job.ts';
import { planRestore, startRestore } from './restore-service.ts';
import { restoreTenantJob } from './restore-tenant-job.ts';
import { startResourceSweeper } from './retired-resource-sweeper.ts';
import { lockDue, readKeptResources } from './retired-resource-store.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import type { TenantResourceDeclaration } from './tenant-resource-rules.ts';

const limits = { replicas: 1, max_bytes: -1, max_age_s: 0 };
const declaration: TenantResourceDeclaration = {
  resources: [
    {
      kind: 'stream',
      name: '{tenant_id}-events',
      subjects: ['tenant.{tenant_id}.events.>'],
      ...limits,
    },
    { kind: 'bucket', name: '{tenant_id}-state', history: 2, ...limits },
  ],
  retention_days: 7,
};

describe.skipIf(natsIsMissing())('streams and buckets over the life of a tenant', () => {
  let platform: TestPlatform;
  let server: TestNats;
  let client: NatsConnection;
  let link: NatsLink;
  let dependencies: ScaleDependencies;
  let tenant_id: string;
  let count = 0;

  beforeAll(async () => {
    [platform, server] = await Promise.all([
      startTestPlatform({ thresholds: { drain_timeout_s: 4, ack_timeout_s: 4 } }),
      startTestNats(),
    ]);
    client = await connect({ servers: server.url });
    link = openNatsLink({ servers: [server.url], name: 'test' });
    const tenant_resources = { store: createNatsTenantResources(link), declaration };
    dependencies = {
      ...platform.dependencies,
      environments: platform.dependencies.environments.map((settings) => ({ ...settings, tenant_resources })),
    };
  });
  afterAll(async () => {
    await link.close();
    await client.close();
    await server.dispose();
    await platform.close();
  });
  beforeEach(() => {
    tenant_id = `resources-${(count += 1)}`;
  });

  async function subjects(name: string): Promise<string[] | 'absent'> {
    const manager = await jetstreamManager(client);
    return manager.streams.info(name).then(
      ({ config }) => config.subjects,
      () => 'absent' as const,
    );
  }
  const standing = async () => ({
    events: await subjects(`${tenant_id}-events`),
    state: await subjects(`KV_${tenant_id}-state`),
  });
  const inUse = () => ({
    events: [`tenant.${tenant_id}.events.>`],
    state: [`$KV.${tenant_id}-state.>`],
  });
  const absent = { events: 'absent', state: 'absent' };
  const publish = () => jetstream(client).publish(`tenant.${tenant_id}.events.made`, 'x');

  function provisioning(): DrivenJob {
    const run = provisionRun(dependencies, { tenant_id, environments: ['dev'], purpose: 'create' });
    return driveJob(platform.database.db, provisionTenantJob(dependencies), run.input);
  }
  async function archiving(): Promise<DrivenJob> {
    await platform.caughtUp();
    const facts = await readArchiveFacts(dependencies, tenant_id, 'test');
    const { input } = planArchiveDraft(facts);
    return driveJob(platform.database.db, archiveTenantJob(dependencies), {
      ...input,
      previous_status: 'active',
    });
  }
  async function runAll(job: DrivenJob, times = 1): Promise<void> {
    for (const { name } of job.steps) for (let time = 0; time < times; time += 1) await job.run(name);
  }
  const makeDue = () =>
    platform.database.pool.query(
      `update retired_resources set delete_after = now() - interval '1 minute' where tenant_id = $1`,
      [tenant_id],
    );
  const events = async (): Promise<Pick<AuditEvent, 'action' | 'target_id' | 'actor_label'>[]> =>
    (
      await platform.database.pool.query<AuditEvent>(
        `select action, target_id, actor_label from audit_events where tenant_id = $1 and action like 'scale.tenant_resources.%' order by target_id`,
        [tenant_id],
      )
    ).rows;
  async function archived(): Promise<void> {
    await platform.addTenant(tenant_id);
    const made = provisioning();
    await made.run('resources_dev');
    const job = await archiving();
    await runAll(job, 2);
    await job.settle('succeeded');
  }

  it.each([1, 2])('are made by provisioning, each step done %i times', async (times) => {
    await runAll(provisioning(), times);
    expect(await standing()).toEqual(inUse());
  });

  it('are no part of a plan where none are declared', () => {
    const { steps } = provisionRun(platform.dependencies, {
      tenant_id,
      environments: ['dev'],
      purpose: 'create',
    });
    expect(steps.map(({ name }) => name)).not.toContain('resources_dev');
  });

  it('are deleted again when provisioning is undone, but only those that it has made', async () => {
    const earlier = provisioning();
    await earlier.run('resources_dev');
    await earlier.undo('resources_dev');
    await earlier.undo('resources_dev');
    expect(await standing()).toEqual(absent);

    await provisioning().run('resources_dev');
    const later = provisioning();
    await later.run('resources_dev');
    await later.undo('resources_dev');
    expect(await standing()).toEqual(inUse());
  });

  it('stop provisioning by name when something else has taken theirs', async () => {
    const manager = await jetstreamManager(client);
    await manager.streams.add({ name: `${tenant_id}-events`, subjects: [`foreign.${tenant_id}`] });
    await expect(provisioning().run('resources_dev')).rejects.toMatchObject({
      name: 'StepFailure',
      code: 'resource_taken',
      message: expect.stringContaining(`stream ${tenant_id}-events already that is not ${tenant_id}'s`),
    });
  });

  it('are named in the plan of an archiving, with how long they are kept', async () => {
    await platform.addTenant(tenant_id);
    const { changes, steps } = planArchiveDraft(await readArchiveFacts(dependencies, tenant_id, 'test'));
    expect(steps.at(-1)?.title).toBe(`Make 1 stream and 1 bucket of ${tenant_id} read-only`);
    expect(changes).toContainEqual({
      path: `dev.stream ${tenant_id}-events`,
      before: 'in use',
      after: 'read-only, deleted after 7 days',
    });
  });

  it('take writes again when the archiving is undone', async () => {
    await platform.addTenant(tenant_id);
    await provisioning().run('resources_dev');
    const job = await archiving();
    await runAll(job);
    await expect(publish()).rejects.toThrow(/not enabled|no responders/);
    for (const { name } of job.steps.toReversed()) {
      await job.undo(name);
      await job.undo(name);
    }
    await job.settle('failed_rolled_back');
    await publish();
    expect(await standing()).toEqual(inUse());
    expect(await readKeptResources(platform.database.db, tenant_id)).toEqual([]);
  });

  it('are read-only after archiving, shown with their time, and deleted when it is over, with an audit event each', async () => {
    await archived();
    await expect(publish()).rejects.toThrow(/not enabled|no responders/);
    const kept = await readKeptResources(platform.database.db, tenant_id);
    expect(kept).toMatchObject([
      { environment: 'dev', kind: 'bucket', name: `${tenant_id}-state` },
      { environment: 'dev', kind: 'stream', name: `${tenant_id}-events` },
    ]);
    const days = (Date.parse(kept[0]!.delete_after) - Date.parse(kept[0]!.retired_at)) / 86_400_000;
    expect(days).toBeCloseTo(7, 5);

    const log = { info: () => undefined, warn: () => undefined };
    const sweepers = [1, 2].map(() => startResourceSweeper(dependencies, { log, every_ms: 20 }));
    try {
      await makeDue();
      await waitUntil('both are gone', async () => (await events()).length === 2);
    } finally {
      await Promise.all(sweepers.map((sweeper) => sweeper.stop()));
    }
    expect(await standing()).toEqual(absent);
    expect(await events()).toEqual([
      {
        action: 'scale.tenant_resources.deleted',
        target_id: `${tenant_id}-events`,
        actor_label: 'retention',
      },
      { action: 'scale.tenant_resources.deleted', target_id: `${tenant_id}-state`, actor_label: 'retention' },
    ]);
    expect(await readKeptResources(platform.database.db, tenant_id)).toEqual([]);
  });

  describe('of a tenant that is restored', () => {
    /** Archived by a job that is on record, as the restore wants it. */
    async function archivedByJob(): Promise<void> {
      await platform.addTenant(tenant_id);
      await provisioning().run('resources_dev');
      await platform.caughtUp();
      const { plan_hash } = await planArchive(dependencies, callerWith(), tenant_id);
      const { job_id } = await startArchive(dependencies, callerWith(), {
        tenant_id,
        plan_hash,
        reason: 'left',
      });
      const job = await started(archiveTenantJob(dependencies), job_id);
      await runAll(job);
      await end(job);
    }
    async function end(job: DrivenJob): Promise<void> {
      await job.settle('succeeded');
      await platform.database.pool.query(`update jobs set state = 'succeeded' where job_id = $1`, [
        job.job_id,
      ]);
    }
    async function started(definition: JobDefinition, job_id: string): Promise<DrivenJob> {
      const { rows } = await platform.database.pool.query<{ input: Record<string, unknown> }>(
        `select input from jobs where job_id = $1`,
        [job_id],
      );
      return driveJob(platform.database.db, definition, rows[0]!.input, job_id);
    }
    async function restoring(): Promise<DrivenJob> {
      await platform.caughtUp();
      const { plan_hash } = await planRestore(dependencies, callerWith(), tenant_id);
      const { job_id } = await startRestore(dependencies, callerWith(), {
        tenant_id,
        plan_hash,
        reason: 'back',
      });
      return started(restoreTenantJob(dependencies), job_id);
    }
    const sweepUntil = async (what: string, met: () => Promise<boolean>) => {
      const log = { info: () => undefined, warn: () => undefined };
      const sweeper = startResourceSweeper(dependencies, { log, every_ms: 20 });
      try {
        await waitUntil(what, met);
      } finally {
        await sweeper.stop();
      }
    };

    it.each([1, 2])('take writes again with what they hold, each step done %i times', async (times) => {
      await archivedByJob();
      const job = await restoring();
      await runAll(job, times);
      await end(job);
      expect(await standing()).toEqual(inUse());
      await publish();
      expect(await readKeptResources(platform.database.db, tenant_id)).toEqual([]);
    });

    it('are not deleted any more once a restore has begun, and are when it is undone and their time is over', async () => {
      await archivedByJob();
      const job = await restoring();
      await makeDue();
      const due = () => platform.database.db.transaction().execute((tx) => lockDue(tx, []));
      expect(await due()).toBeNull();
      await runAll(job);
      for (const { name } of job.steps.toReversed()) {
        await job.undo(name);
        await job.undo(name);
      }
      expect(await standing()).not.toEqual(absent);
      await expect(publish()).rejects.toThrow(/not enabled|no responders/);
      await job.settle('failed_rolled_back');
      expect(await readKeptResources(platform.database.db, tenant_id)).toHaveLength(2);
      await sweepUntil('both are gone', async () => (await events()).length === 2);
      expect(await standing()).toEqual(absent);
    });

    it('get a new clock when the tenant is archived again', async () => {
      await archivedByJob();
      const job = await restoring();
      await runAll(job);
      await end(job);
      const again = await archiving();
      await runAll(again);
      await again.settle('succeeded');
      await again.settle('succeeded');
      expect(await readKeptResources(platform.database.db, tenant_id)).toHaveLength(2);
    });

    it('block the plan when their time is over, and are missed by name when somebody has deleted them', async () => {
      await archivedByJob();
      const manager = await jetstreamManager(client);
      await manager.streams.delete(`KV_${tenant_id}-state`);
      expect((await planRestore(dependencies, callerWith(), tenant_id)).warnings).toContainEqual(
        expect.objectContaining({
          code: 'resource_absent',
          message: `The bucket ${tenant_id}-state in dev is not there; ${tenant_id} comes back without it.`,
        }),
      );
      await makeDue();
      const codes = async () =>
        (await planRestore(dependencies, callerWith(), tenant_id)).blockers.map(({ code }) => code);
      expect(await codes()).toEqual(['retention_over']);
      await sweepUntil('both are settled', async () => (await events()).length === 2);
      expect(await codes()).toEqual(['resource_deleted']);
    });

    it('undo the restore when one of them goes in the middle of it', async () => {
      await archivedByJob();
      const job = await restoring();
      await (await jetstreamManager(client)).streams.delete(`${tenant_id}-events`);
      await job.run('check');
      await expect(job.run('revive')).rejects.toMatchObject({ code: 'resource_gone' });
      await job.undo('revive');
      expect(await standing()).toEqual({ events: 'absent', state: [`_retired.KV_${tenant_id}-state`] });
    });
  });

  it('outlive a sweep when somebody has brought them back by hand', async () => {
    await archived();
    await createNatsTenantResources(link).revive({ kind: 'stream', name: `${tenant_id}-events` }, tenant_id);
    const log = { info: () => undefined, warn: () => undefined };
    const sweeper = startResourceSweeper(dependencies, { log, every_ms: 20 });
    try {
      await makeDue();
      await waitUntil('the sweep is through', async () => (await events()).length === 2);
    } finally {
      await sweeper.stop();
    }
    expect(await standing()).toEqual({ ...inUse(), state: 'absent' });
    expect((await events())[0]).toMatchObject({ action: 'scale.tenant_resources.kept' });
  });
});
