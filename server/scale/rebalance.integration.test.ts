import { sql } from 'kysely';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Job, JobState } from '#contract/jobs.ts';
import { startJobExecutor, type JobExecutor } from '#server/jobs/job-executor.ts';
import { cancelJob } from '#server/jobs/job-service.ts';
import { findJob, listJobRows } from '#server/jobs/job-store.ts';
import { driveJob } from '#tools/test-job-driver.ts';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { rebalanceJob } from './rebalance-job.ts';
import { planRebalancing, startRebalancing } from './rebalance-service.ts';
import { scaleJobs } from './scale-jobs.ts';
import { startScaleWatch, type ScaleWatch } from './scale-watch.ts';

const caller = callerWith();
const silent = { info: () => undefined, warn: () => undefined };

describe('a rebalance', () => {
  let platform: TestPlatform;
  let executor: JobExecutor;
  let watch: ScaleWatch;
  let count = 0;
  let tenants: string[] = [];

  beforeAll(async () => {
    platform = await startTestPlatform({
      thresholds: { drain_timeout_s: 2, ack_timeout_s: 5, max_moves_per_node: 1, max_failed_moves: 2 },
    });
    const { database, dependencies } = platform;
    watch = startScaleWatch(dependencies, {
      databaseUrl: database.url,
      log: silent,
      registry: new Registry(),
    });
    executor = await startJobExecutor({ database, definitions: scaleJobs(dependencies), log: silent });
  });
  afterAll(async () => {
    await executor.stop();
    await watch.stop();
    await platform.close();
  });
  afterEach(() => platform.fleet.faults.clear());

  /** So many tenants on each aggregate shard, and no others. */
  async function place(counts: Record<string, number>): Promise<void> {
    for (const tenant_id of tenants) {
      const entry = await platform.store().get(`aggregate.${tenant_id}`);
      if (entry) await platform.store().delete(`aggregate.${tenant_id}`, entry.revision);
    }
    tenants = [];
    for (const [shard, number] of Object.entries(counts)) {
      for (let index = 0; index < number; index += 1) {
        const tenant_id = `even-${(count += 1)}`;
        await platform.addTenant(tenant_id, { aggregate: shard });
        tenants.push(tenant_id);
      }
    }
    await watch.settled();
  }
  const request = (overrides: object = {}) => ({
    environment: 'dev',
    service: 'aggregate' as const,
    max_moves: 100,
    improvement_threshold: 0.05,
    ...overrides,
  });
  const plan = (overrides: object = {}) => planRebalancing(platform.dependencies, caller, request(overrides));
  async function start(overrides: object = {}): Promise<string> {
    const { plan_hash, blockers } = await plan(overrides);
    expect(blockers).toEqual([]);
    const asked = { ...request(overrides), plan_hash, reason: 'agg-3 is crowded' };
    return (await startRebalancing(platform.dependencies, caller, asked)).job_id;
  }
  const find = async (job_id: string): Promise<Job> =>
    (await findJob(platform.database.db, job_id, { all: true }))!;
  async function until(job_id: string, ...states: JobState[]): Promise<Job> {
    await expect
      .poll(async () => (await find(job_id)).state, { timeout: 25_000, interval: 50 })
      .toSatisfy((state: JobState) => states.includes(state));
    return find(job_id);
  }
  const children = async (parent_job_id: string) =>
    (await listJobRows(platform.database.db, { parent_job_id, limit: 200 }, { all: true })).items;
  const shards = async () => {
    const { rows } = await sql<{ shard: string; count: number }>`select shard, count(*) as count
      from placement_index where service = 'aggregate' group by shard order by shard`.execute(
      platform.database.db,
    );
    return Object.fromEntries(rows.map((row) => [row.shard, row.count]));
  };

  it('shows each move, what the shards carry before and after, and who is touched', async () => {
    await place({ 'agg-1': 1, 'agg-2': 2, 'agg-3': 6 });
    const made = await plan();
    expect(made).toMatchObject({
      kind: 'rebalance_shards',
      title: 'Rebalance the aggregate shards of dev by 3 moves',
      target: { type: 'environment', id: 'dev' },
      blockers: [],
      warnings: [],
      input: { moves: 3, max_moves_per_node: 1, max_failed_moves: 2 },
    });
    expect(made.changes).toEqual([
      { path: 'agg-1 tenants', before: 1, after: 3 },
      { path: 'agg-2 tenants', before: 2, after: 3 },
      { path: 'agg-3 tenants', before: 6, after: 3 },
      ...[1, 2, 3].map(() => ({
        path: expect.stringMatching(/^even-\d+$/) as string,
        before: 'agg-3',
        after: expect.stringMatching(/^agg-[12]$/) as string,
      })),
    ]);
    expect(made.blast_radius.tenants).toHaveLength(3);
    expect(made.checks).toContainEqual(
      expect.objectContaining({
        code: 'nothing_to_improve',
        level: 'ok',
        message: 'the shard furthest from the average fill goes from 100 % off it to 0 %',
      }),
    );
    expect((await plan()).plan_hash).toBe(made.plan_hash);
    expect((await plan({ max_moves: 2 })).plan_hash).not.toBe(made.plan_hash);
  });

  it('is refused when a placement has changed since it was read', async () => {
    await place({ 'agg-1': 0, 'agg-3': 4 });
    const { plan_hash } = await plan();
    const entry = await platform.store().get(`aggregate.${tenants[0]}`);
    await platform.store().update({ ...entry!.record, shard: 'agg-1', epoch: 18 }, entry!.revision);
    await watch.settled();
    await expect(
      startRebalancing(platform.dependencies, caller, { ...request(), plan_hash, reason: 'x' }),
    ).rejects.toMatchObject({ code: 'plan_drifted' });
  });

  it('says why it is not worth it, or what stands in the way', async () => {
    await place({ 'agg-1': 2, 'agg-2': 2, 'agg-3': 2 });
    expect((await plan()).blockers).toMatchObject([
      { code: 'nothing_to_improve', message: 'Every shard is at the average already.' },
    ]);
    await place({ 'agg-3': 6 });
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-1', fault: 'not_ready' });
    platform.fleet.faults.switchOn({ node_id: 'dev-gw-2', fault: 'hang' });
    const made = await plan();
    expect(made.blockers.map(({ subject: { id }, code }) => `${code} ${id}`)).toEqual([
      'node_unreachable dev-gw-2',
      'node_not_ready dev-agg-1',
    ]);
    expect(made.warnings.map(({ subject: { id }, code }) => `${code} ${id}`)).toEqual([
      'shard_takes_nothing agg-1',
    ]);
  });

  it('moves nothing to a node that drains, but relieves it', async () => {
    await place({ 'agg-1': 1, 'agg-2': 1, 'agg-3': 7 });
    const drained = platform.dependencies.environments[0]!.nodes.filter(({ node_id }) =>
      ['dev-agg-1', 'dev-agg-3'].includes(node_id),
    );
    for (const node of drained) await platform.dependencies.nodes.drainNode(node);
    const made = await plan();
    for (const node of drained) await platform.dependencies.nodes.resumeNode(node);
    expect(made.blockers).toEqual([]);
    expect(made.changes.slice(0, 2)).toEqual([
      { path: 'agg-2 tenants', before: 1, after: 4 },
      { path: 'agg-3 tenants', before: 7, after: 4 },
    ]);
  });

  it('migrates its tenants by jobs of their own, no more at a time on a node than are allowed', async () => {
    await place({ 'agg-1': 1, 'agg-2': 2, 'agg-3': 6 });
    const job_id = await start();
    const job = await until(job_id, 'succeeded', 'failed_kept', 'stuck');
    expect(job).toMatchObject({ state: 'succeeded', result: { move: { failed: [] } } });
    expect(await shards()).toEqual({ 'agg-1': 3, 'agg-2': 3, 'agg-3': 3 });

    const moves = await children(job_id);
    expect(moves).toHaveLength(3);
    for (const move of moves) {
      expect(move).toMatchObject({
        kind: 'migrate_tenant',
        state: 'succeeded',
        parent_job_id: job_id,
        created_by: 'someone@test.example',
        reason: 'agg-3 is crowded',
      });
    }
    // Each of them takes from agg-3, so none overlaps.
    const { rows } = await sql<{ overlaps: number }>`select count(*) as overlaps from jobs a join jobs b
      on a.parent_job_id = b.parent_job_id and a.job_id < b.job_id and b.created_at < a.finished_at
      where a.parent_job_id = ${job_id}::uuid`.execute(platform.database.db);
    expect(rows).toEqual([{ overlaps: 0 }]);
    const events = await platform.database.db
      .selectFrom('audit_events')
      .select(['actor_type', 'on_behalf_of', 'action', 'reason', 'changes'])
      .where('job_id', '=', moves[0]!.job_id)
      .where('action', '=', 'scale.migrations.start')
      .execute();
    expect(events).toEqual([
      {
        actor_type: 'system',
        on_behalf_of: 'someone@test.example',
        action: 'scale.migrations.start',
        reason: 'agg-3 is crowded',
        changes: [{ path: 'status', before: 'active', after: 'migrating' }],
      },
    ]);
  });

  it('goes on over a move that fails and is undone, and reports it', async () => {
    await place({ 'agg-1': 1, 'agg-2': 1, 'agg-3': 4 });
    const [, , , victim] = (await plan()).changes;
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'drain_stalls', tenant_id: victim!.path });
    const job = await until(await start(), 'succeeded', 'failed_rolled_back', 'stuck');
    expect(job).toMatchObject({
      state: 'succeeded',
      result: {
        move: {
          moved: [expect.anything()],
          failed: [
            { tenant_id: victim!.path, problem: expect.stringContaining('was not drained') as string },
          ],
        },
      },
    });
    expect(Object.values(await shards()).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  });

  it('stops at its limit of failures, and what has moved stays', async () => {
    await place({ 'agg-1': 0, 'agg-2': 0, 'agg-3': 6 });
    const victims = (await plan()).changes.slice(4, 6);
    for (const { path } of victims)
      platform.fleet.faults.switchOn({ node_id: 'dev-agg-3', fault: 'drain_stalls', tenant_id: path });
    const job_id = await start();
    const job = await until(job_id, 'succeeded', 'failed_kept', 'stuck');
    expect(job).toMatchObject({
      state: 'failed_kept',
      error: {
        code: 'too_many_failures',
        message: expect.stringContaining(
          '2 of 4 moves failed, so no more are begun; 1 were made and stay.',
        ) as string,
      },
    });
    expect((await children(job_id)).map(({ state }) => state).toSorted()).toEqual([
      'failed_rolled_back',
      'failed_rolled_back',
      'succeeded',
    ]);
  });

  it('begins no more when it is cancelled, and lets the move in flight come to its end', async () => {
    await place({ 'agg-1': 0, 'agg-2': 0, 'agg-3': 6 });
    platform.fleet.faults.switchOn({ node_id: 'dev-gw-1', fault: 'slow', value: 300 });
    const job_id = await start();
    await expect.poll(async () => (await children(job_id)).length, { timeout: 10_000 }).toBe(1);
    await cancelJob(platform.database.db, caller, job_id, 'not now');
    const job = await until(job_id, 'cancelled_kept', 'succeeded', 'stuck');
    expect(job.state).toBe('cancelled_kept');
    expect((await children(job_id)).map(({ state }) => state)).toEqual(['succeeded']);
    await watch.settled();
    expect(Object.values(await shards()).toSorted((a, b) => a - b)).toEqual([1, 5]);
  });

  it('has one rebalance an environment at a time', async () => {
    await place({ 'agg-1': 0, 'agg-2': 0, 'agg-3': 6 });
    const { plan_hash } = await plan();
    const asked = { ...request(), plan_hash, reason: 'x' };
    const { job_id } = await startRebalancing(platform.dependencies, caller, asked);
    await expect(startRebalancing(platform.dependencies, caller, asked)).rejects.toMatchObject({
      code: 'job_conflict',
    });
    expect((await plan({ service: 'projection' })).blockers).toContainEqual(
      expect.objectContaining({ code: 'job_running', subject: { type: 'job', id: job_id } }),
    );
    await until(job_id, 'succeeded');
  });

  it('begins no move twice when its step is repeated', async () => {
    await place({ 'agg-1': 0, 'agg-2': 0, 'agg-3': 3 });
    const job_id = await start();
    await until(job_id, 'succeeded');
    const { input } = await find(job_id);
    const job = driveJob(
      platform.database.db,
      rebalanceJob(platform.dependencies),
      input as Record<string, unknown>,
      job_id,
    );
    expect(await job.run('move')).toMatchObject({ failed: [] });
    await job.run('verify');
    await job.undo('move');
    expect(await children(job_id)).toHaveLength(2);
  });

  it('counts a tenant that somebody else moved meanwhile as a move that failed', async () => {
    await place({ 'agg-1': 0, 'agg-2': 0, 'agg-3': 3 });
    const job_id = await start();
    await until(job_id, 'succeeded');
    const { input } = await find(job_id);
    const parent = await sql<{
      job_id: string;
    }>`insert into jobs (kind, title, state, permission, environment, target_type, target_id, principal_id,
        created_by, request_id) values ('rebalance_shards', 'again', 'running', 'x', 'dev', 'environment', 'dev', 'x', 'x', 'x') returning job_id`.execute(
      platform.database.db,
    );
    const again = driveJob(
      platform.database.db,
      rebalanceJob(platform.dependencies),
      input as Record<string, unknown>,
      parent.rows[0]!.job_id,
    );
    await expect(again.run('move')).rejects.toMatchObject({ code: 'too_many_failures' });
    expect(await children(parent.rows[0]!.job_id)).toEqual([]);
  });
});
