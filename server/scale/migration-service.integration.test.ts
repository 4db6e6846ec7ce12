import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { placementKey } from '#contract/placement-record.ts';
import type { FaultRequest } from '#fleet/faults.ts';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { holdTenant, planMigration, startMigration } from './migration-service.ts';

const caller = callerWith();

describe('planning and starting a migration', () => {
  let platform: TestPlatform;
  let tenant_id: string;
  let count = 0;

  beforeAll(async () => {
    platform = await startTestPlatform();
  });
  afterAll(() => platform.close());
  beforeEach(async () => {
    tenant_id = `planned-${(count += 1)}`;
    await platform.addTenant(tenant_id, { aggregate: 'agg-3', projection: 'prj-2' });
  });
  afterEach(() => platform.fleet.faults.clear());

  const request = (overrides: object = {}) => ({
    environment: 'dev',
    tenant_id,
    service: 'aggregate' as const,
    target_shard: 'agg-1',
    ...overrides,
  });
  const plan = (overrides: object = {}) => planMigration(platform.dependencies, caller, request(overrides));
  const start = (plan_hash: string, overrides: object = {}) =>
    startMigration(platform.dependencies, caller, { ...request(overrides), plan_hash, reason: 'make room' });
  const tenant = () =>
    platform.database.db
      .selectFrom('tenants')
      .select(['status', 'revision'])
      .where('tenant_id', '=', tenant_id)
      .executeTakeFirstOrThrow();

  it('has six steps, names what changes and who is touched, and nothing stands in the way', async () => {
    const made = await plan();
    expect(made.blockers).toEqual([]);
    expect(made.steps.map(({ title }) => title)).toEqual([
      'Check source, target and gateways',
      `Drain ${tenant_id} on agg-3`,
      `Place ${tenant_id} on agg-1 (epoch 17 → 18)`,
      'Reload agg-3, agg-1 and 2 gateways',
      'Wait until 5 of 5 nodes acknowledge',
      `Verify that agg-1 serves ${tenant_id} and agg-3 does not`,
    ]);
    expect(made.changes).toEqual([
      { path: 'shard', before: 'agg-3', after: 'agg-1' },
      { path: 'epoch', before: 17, after: 18 },
    ]);
    expect(made.blast_radius).toEqual({
      tenants: [{ tenant_id, plan: 'gold', contact_email: `ops@${tenant_id}.example` }],
      nodes: ['dev-agg-1', 'dev-agg-2', 'dev-agg-3', 'dev-gw-1', 'dev-gw-2'],
      services: ['aggregate'],
    });
    expect(made.checks.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^dev-agg-3 has \d+ units of .* in flight, at most 200 allowed$/),
    );
  });

  it('does not drift because figures move', async () => {
    const [first, second] = [await plan(), await plan()];
    expect(second.plan_hash).toBe(first.plan_hash);
  });

  it.each<[FaultRequest, string, string, string]>([
    [
      { node_id: 'dev-agg-3', fault: 'high_inflight', value: 1204 },
      'inflight_too_high',
      'dev-agg-3',
      'has 1,204 units of',
    ],
    [
      { node_id: 'dev-agg-3', fault: 'high_lag', value: 18_204 },
      'consumer_lag_too_high',
      'dev-agg-3',
      'dev-agg-3 lags 18,204 events, more than 5,000 allowed.',
    ],
    [
      { node_id: 'dev-agg-1', fault: 'storage_full' },
      'target_storage_full',
      'dev-agg-1',
      'is 100 % full, more than 90 % allowed.',
    ],
    [
      { node_id: 'dev-agg-3', fault: 'storage_unhealthy' },
      'storage_unhealthy',
      'dev-agg-3',
      'reports errors',
    ],
    [
      { node_id: 'dev-agg-2', fault: 'not_ready' },
      'node_not_ready',
      'dev-agg-2',
      'dependencies: a dependency is not reachable',
    ],
    [{ node_id: 'dev-gw-1', fault: 'hang' }, 'node_unreachable', 'dev-gw-1', 'does not answer'],
    [
      { node_id: 'dev-agg-1', fault: 'slow', value: 3_000 },
      'node_unreachable',
      'dev-agg-1',
      'does not answer',
    ],
    [{ node_id: 'dev-agg-2', fault: 'garbage' }, 'node_lying', 'dev-agg-2', 'against the node contract'],
    [{ node_id: 'dev-agg-2', fault: 'error_500' }, 'node_not_ready', 'dev-agg-2', 'with 500'],
    [
      { node_id: 'dev-agg-3', fault: 'wrong_tenant_state' },
      'tenant_not_served',
      'dev-agg-3',
      'is absent, although it is placed there',
    ],
  ])('is blocked by %j', async (fault, code, node_id, message) => {
    // Shards of a node that does not answer are those that it was last seen with.
    await sql`insert into node_index (environment, node_id, kind, state, shards, since) values ('dev', 'dev-agg-1', 'aggregate', 'ready', '{agg-1}', now())
      on conflict do nothing`.execute(platform.database.db);
    platform.fleet.faults.switchOn(fault);
    const { blockers } = await plan();
    expect(blockers).toContainEqual(
      expect.objectContaining({
        code,
        level: 'blocker',
        subject: { type: 'node', id: node_id },
        message: expect.stringContaining(message) as string,
      }),
    );
  });

  it('is blocked by a node that has not applied the placement as it stands', async () => {
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'never_acknowledges' });
    const entry = await platform.store().get(placementKey('aggregate', tenant_id));
    await platform.store().update({ ...entry!.record, epoch: 18 }, entry!.revision);
    for (const node of platform.dependencies.environments[0]!.nodes)
      await platform.dependencies.nodes.reload(node);
    expect((await plan()).blockers).toMatchObject([{ code: 'node_behind', subject: { id: 'dev-agg-2' } }]);
  });

  it('is blocked by a full shard, a status that does not allow it, and a placement that a job holds', async () => {
    const { db } = platform.database;
    await sql`insert into shard_totals values ('dev', 'aggregate', 'agg-2', 60000)`.execute(db);
    expect((await plan({ target_shard: 'agg-2' })).blockers).toMatchObject([
      {
        code: 'target_full',
        subject: { type: 'shard', id: 'agg-2' },
        figure: 60_000,
        threshold: 60_000,
        unit: 'tenants',
      },
    ]);
    await sql`update tenants set status = 'provisioning' where tenant_id = ${tenant_id}`.execute(db);
    const entry = await platform.store().get(placementKey('aggregate', tenant_id));
    await platform.store().update({ ...entry!.record, state: 'draining', job_id: 'other' }, entry!.revision);
    const codes = (await plan()).blockers.map(({ code }) => code);
    expect(codes).toContain('tenant_status');
    expect(codes).toContain('placement_not_active');
  });

  it.each([
    [{ environment: 'qa' }, 'unknown_environment'],
    [{ tenant_id: 'nobody' }, 'not_found'],
    [{ target_shard: 'agg-9' }, 'unknown_shard'],
    [{ target_shard: 'prj-1' }, 'unknown_shard'],
    [{ target_shard: 'agg-3' }, 'same_shard'],
    [{ service: 'runner', target_shard: 'run-1' }, 'not_placed'],
  ])('refuses %j with %s', async (overrides, code) => {
    await expect(plan(overrides)).rejects.toMatchObject({ code });
  });

  it('starts the plan that was read: the job holds the tenant from the same moment', async () => {
    const made = await plan();
    const { job_id } = await start(made.plan_hash);
    expect(await tenant()).toEqual({ status: 'migrating', revision: 2 });
    const job = await platform.database.db
      .selectFrom('jobs')
      .selectAll()
      .where('job_id', '=', job_id)
      .executeTakeFirstOrThrow();
    expect(job).toMatchObject({
      kind: 'migrate_tenant',
      state: 'queued',
      tenant_id,
      reason: 'make room',
      step_count: 6,
      plan_hash: made.plan_hash,
      input: { shard: 'agg-3', target_shard: 'agg-1', epoch: 17, previous_status: 'active' },
    });
    await expect(start(made.plan_hash)).rejects.toMatchObject({ code: 'job_conflict', details: { job_id } });
    expect((await plan({ service: 'projection', target_shard: 'prj-1' })).blockers).toContainEqual(
      expect.objectContaining({ code: 'job_running', subject: { type: 'job', id: job_id } }),
    );
  });

  it('lets one of many starts at the same moment through, and tells the others of the conflict', async () => {
    const { plan_hash } = await plan();
    const ends = await Promise.allSettled(Array.from({ length: 5 }, () => start(plan_hash)));
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = ends.flatMap((end) =>
      end.status === 'rejected' ? [(end.reason as { code: string }).code] : [],
    );
    expect(new Set(reasons)).toEqual(new Set(['job_conflict']));
  });

  it('refuses a plan that the world has left behind, and shows the new one', async () => {
    const made = await plan();
    const entry = await platform.store().get(placementKey('aggregate', tenant_id));
    await platform.store().update({ ...entry!.record, shard: 'agg-2', epoch: 18 }, entry!.revision);
    for (const node of platform.dependencies.environments[0]!.nodes)
      await platform.dependencies.nodes.reload(node);
    const drift = await start(made.plan_hash).then(
      () => null,
      (error: unknown) => error,
    );
    expect(drift).toMatchObject({
      code: 'plan_drifted',
      details: { plan: { changes: [{ before: 'agg-2' }, { before: 18 }] } },
    });
    const { details } = drift as { details: { plan: { plan_hash: string } } };
    await start(details.plan.plan_hash);
  });

  it('refuses a plan with blockers, one that was made for somebody else, and one that was never made', async () => {
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-1', fault: 'storage_full' });
    const made = await plan();
    await expect(start(made.plan_hash)).rejects.toMatchObject({ code: 'plan_blocked' });
    await expect(start('0'.repeat(64))).rejects.toMatchObject({ code: 'plan_expired' });
    const other = callerWith();
    const somebody = {
      ...other,
      principal: { ...other.principal!, user_id: '00000000-0000-7000-8000-000000000002' },
    };
    const asOther = startMigration(platform.dependencies, somebody, {
      ...request(),
      plan_hash: made.plan_hash,
      reason: 'make room',
    });
    await expect(asOther).rejects.toMatchObject({ code: 'plan_expired' });
    expect(await tenant()).toEqual({ status: 'active', revision: 1 });
  });

  it('writes nothing when the tenant is changed between the plan and its start', async () => {
    const { db } = platform.database;
    const { plan_hash } = await plan();
    await sql`update tenants set revision = 2 where tenant_id = ${tenant_id}`.execute(db);
    await expect(start(plan_hash)).rejects.toMatchObject({ code: 'plan_drifted' });
    const { rows } = await sql<{
      count: number;
    }>`select count(*)::integer from jobs where tenant_id = ${tenant_id}`.execute(db);
    expect(rows).toEqual([{ count: 0 }]);
  });

  it('does not take hold of a tenant that has moved on since it was planned', async () => {
    const hold = (planned: { revision: number; status: 'active' | 'suspended' }) =>
      platform.database.db
        .transaction()
        .execute((tx) => holdTenant(tx, { tenant_id, ...planned }, 'migrate'));
    await expect(hold({ revision: 7, status: 'active' })).rejects.toMatchObject({ code: 'plan_drifted' });
    await expect(hold({ revision: 1, status: 'suspended' })).rejects.toMatchObject({ code: 'plan_drifted' });
    expect(await tenant()).toEqual({ status: 'active', revision: 1 });
    await hold({ revision: 1, status: 'active' });
    expect(await tenant()).toEqual({ status: 'migrating', revision: 2 });
  });
});
