import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { placementKey } from '#contract/placement-record.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { driveJob, type DrivenJob } from '#tools/test-job-driver.ts';
import { startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { migrateTenantJob } from './migrate-tenant-job.ts';
import { readMigrationFacts } from './migration-facts.ts';
import { planMigrationDraft } from './placement-rules.ts';
import { startScaleWatch, type ScaleWatch } from './scale-watch.ts';

const quiet = { info: () => undefined, warn: () => undefined };

describe('moves where an orchestrator runs the nodes', { timeout: 60_000 }, () => {
  let platform: TestPlatform;
  let watch: ScaleWatch;
  let count = 0;
  beforeAll(async () => {
    platform = await startTestPlatform({ orchestrated: true, thresholds: { ack_timeout_s: 3 } });
    watch = startScaleWatch(platform.dependencies, {
      databaseUrl: platform.database.url,
      log: quiet,
      registry: new Registry(),
    });
    await watch.settled();
  });
  afterEach(() => platform.fleet.faults.clear());
  afterAll(async () => {
    await watch.stop();
    await platform.close();
  });

  const settings = () => platform.dependencies.environments[0]!;
  async function begin(): Promise<DrivenJob & { tenant_id: string }> {
    const tenant_id = `mover-${(count += 1)}`;
    await platform.addTenant(tenant_id, { aggregate: 'agg-3' });
    await watch.settled();
    const request = { environment: 'dev', tenant_id, service: 'aggregate' as const, target_shard: 'agg-1' };
    const { input } = planMigrationDraft(await readMigrationFacts(platform.dependencies, request, 'test'));
    const job = driveJob(platform.database.db, migrateTenantJob(platform.dependencies), {
      ...input,
      previous_status: 'active',
    });
    return { ...job, tenant_id };
  }
  const record = async (tenant_id: string) =>
    (await platform.store().get(placementKey('aggregate', tenant_id)))?.record;
  async function scale(service_id: string, replicas: number): Promise<void> {
    const service = await settings().orchestrator!.service(service_id);
    await settings().orchestrator!.updateService(service_id, service!.version, { replicas });
  }

  it('wait for a node that was started meanwhile', async () => {
    const job = await begin();
    for (const step of ['check', 'drain', 'place', 'reload']) await job.run(step);
    await scale('dev-gateway', 3);
    await waitUntil('the third gateway is expected', () =>
      settings().nodes.some(({ node_id }) => node_id.includes('3') && node_id.includes('g')),
    );
    await job.run('acknowledge');
    const looked = job.progress.get('acknowledge')?.at(-1) as {
      nodes: { node_id: string; acknowledged: boolean }[];
    };
    expect(looked.nodes.map(({ node_id }) => node_id)).toContain('dev-gw-3');
    expect(looked.nodes.every(({ acknowledged }) => acknowledged)).toBe(true);
    await job.run('verify');
    await scale('dev-gateway', 2);
    await waitUntil('the third gateway is not expected any more', () =>
      settings().nodes.every(({ node_id }) => node_id !== 'dev-gw-3'),
    );
  });

  it('do not count as acknowledged while a task that restarts has not acknowledged, and do when it has', async () => {
    const job = await begin();
    for (const step of ['check', 'drain', 'place', 'reload']) await job.run(step);
    platform.fleet.faults.switchOn({ node_id: 'dev-gw-2', fault: 'task_fails' });
    await waitUntil('it is away', () =>
      settings().nodes.some(({ node_id, url }) => node_id === 'dev-gw-2' && url === null),
    );
    await expect(job.run('acknowledge')).rejects.toMatchObject({
      code: 'not_acknowledged',
      message: expect.stringMatching(/dev-gw-2|dev-gateway/) as string,
    });
    platform.fleet.faults.clear();
    await waitUntil('it is back', () =>
      settings().nodes.some(({ node_id, url }) => node_id === 'dev-gw-2' && url !== null),
    );
    await job.run('acknowledge');
    await job.run('verify');
    expect(await record(job.tenant_id)).toMatchObject({ shard: 'agg-1', state: 'active' });
  });

  it('are taken back, not called done, when nobody can say whether there are other nodes', async () => {
    const job = await begin();
    for (const step of ['check', 'drain', 'place', 'reload']) await job.run(step);
    // So that the nodes that are known have all acknowledged.
    await platform.caughtUp();
    platform.fleet.faults.switchOn({ environment: 'dev', fault: 'orchestrator_unreachable' });
    await expect(job.run('acknowledge')).rejects.toMatchObject({
      code: 'not_acknowledged',
      message: expect.stringContaining('nobody knows whether there are other nodes') as string,
    });
    for (const step of ['reload', 'place', 'drain']) await job.undo(step);
    expect(await record(job.tenant_id)).toMatchObject({ shard: 'agg-3', state: 'active', job_id: null });
  });
});
