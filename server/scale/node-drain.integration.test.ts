import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultRequest } from '#fleet/faults.ts';
import { Cancelled, driveJob, type DrivenJob } from '#tools/test-job-driver.ts';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { planMigration } from './migration-service.ts';
import { askNodes } from './migration-facts.ts';
import { nodeDrainJobs } from './node-drain-job.ts';
import { planNodeDrain, startNodeDrain } from './node-drain-service.ts';
import { leastLoadedShard } from './shard-choice-rules.ts';

const caller = callerWith();
const STEPS = { drain: ['check', 'drain', 'verify'], resume: ['check', 'resume', 'verify'] };
type Action = keyof typeof STEPS;

describe('draining and resuming a node', () => {
  let platform: TestPlatform;

  beforeAll(async () => {
    platform = await startTestPlatform({
      thresholds: { node_drain_timeout_s: 2, ack_timeout_s: 2 },
      node_deadline_ms: 500,
    });
    for (const tenant_id of ['alpha', 'beta']) {
      await platform.addTenant(tenant_id, { aggregate: 'agg-2', projection: 'prj-1', runner: 'run-1' });
      await sql`insert into placement_index (tenant_id, environment, service, shard, state, epoch, revision, updated_at)
        values (${tenant_id}, 'dev', 'aggregate', 'agg-2', 'active', 17, 1, now())`.execute(
        platform.database.db,
      );
    }
  });
  afterAll(() => platform.close());
  afterEach(async () => {
    platform.fleet.faults.clear();
    for (const node of nodes()) await platform.dependencies.nodes.resumeNode(node);
    await sql`update jobs set state = 'failed_rolled_back', finished_at = now() where finished_at is null`.execute(
      platform.database.db,
    );
  });

  const nodes = () => platform.dependencies.environments[0]!.nodes;
  const status = (node_id: string) =>
    platform.dependencies.nodes.status(nodes().find((node) => node.node_id === node_id)!);
  const plan = (action: Action, node_id = 'dev-agg-2') =>
    planNodeDrain(platform.dependencies, caller, { environment: 'dev', node_id, action });

  async function start(action: Action, node_id = 'dev-agg-2'): Promise<DrivenJob> {
    const { plan_hash, blockers } = await plan(action, node_id);
    expect(blockers).toEqual([]);
    const request = { environment: 'dev', node_id, action, plan_hash, reason: 'new kernel' };
    const { job_id } = await startNodeDrain(platform.dependencies, caller, request);
    const { input } = await platform.database.db
      .selectFrom('jobs')
      .select('input')
      .where('job_id', '=', job_id)
      .executeTakeFirstOrThrow();
    const definition = nodeDrainJobs(platform.dependencies).find(({ kind }) => kind === `${action}_node`);
    return driveJob(platform.database.db, definition!, input as Record<string, unknown>, job_id);
  }
  async function done(action: Action, node_id = 'dev-agg-2'): Promise<DrivenJob> {
    const job = await start(action, node_id);
    for (const step of STEPS[action]) await job.run(step);
    await sql`update jobs set state = 'succeeded', finished_at = now() where job_id = ${job.job_id}::uuid`.execute(
      platform.database.db,
    );
    return job;
  }

  it('names the tenants that nobody else serves, and wants that acknowledged', async () => {
    const made = await plan('drain');
    expect(made.blockers).toEqual([]);
    expect(made.warnings).toMatchObject([
      {
        code: 'shard_unserved',
        subject: { type: 'shard', id: 'agg-2' },
        figure: 2,
        message:
          '2 tenants on agg-2 are served by nobody while dev-agg-2 is drained; move them to other shards first.',
      },
    ]);
    expect(made.blast_radius).toEqual({
      tenants: [
        { tenant_id: 'alpha', plan: 'gold', contact_email: 'ops@alpha.example' },
        { tenant_id: 'beta', plan: 'gold', contact_email: 'ops@beta.example' },
      ],
      tenants_not_listed: 0,
      nodes: ['dev-agg-2'],
      services: ['aggregate'],
    });
    expect((await plan('drain')).plan_hash).toBe(made.plan_hash);
  });

  it.each([
    ['dev-agg-2', 'its tenants finish their commands and take no new ones'],
    ['dev-prj-1', 'its consumers pull no new events and catch up'],
    ['dev-run-1', 'its workers take no new work and finish theirs'],
    ['dev-gw-1', 'it takes no new connections and answers those it has'],
  ])('drains %s until nothing is left, and resumes it', async (node_id, what) => {
    expect((await plan('drain', node_id)).steps[1]?.title).toBe(`Drain ${node_id}: ${what}`);
    const drain = await done('drain', node_id);
    expect(await status(node_id)).toMatchObject({ draining: true, inflight: 0, consumer_lag: 0 });
    expect(drain.progress.get('drain')?.at(-1)).toMatchObject({
      node_id,
      inflight: 0,
      consumer_lag: 0,
      eta_s: 0,
      problem: null,
    });
    expect((await plan('drain', node_id)).blockers.map(({ code }) => code)).toEqual(['already_draining']);
    await done('resume', node_id);
    expect(await status(node_id)).toMatchObject({ draining: false });
    expect((await plan('resume', node_id)).blockers.map(({ code }) => code)).toEqual(['not_draining']);
  });

  it('expects a drain to take as long as earlier ones did', async () => {
    await done('drain', 'dev-agg-1');
    const { rows } = await sql<{ job_id: string }>`select job_id from jobs where kind = 'drain_node'
      and state = 'succeeded' and target_id = 'dev-agg-1'`.execute(platform.database.db);
    await sql`update job_steps set state = 'succeeded', output = '{"units": 100, "seconds": 10}'
      where job_id = ${rows[0]!.job_id}::uuid and name = 'drain'`.execute(platform.database.db);
    const { inflight, consumer_lag } = await status('dev-agg-2');
    const eta = (await plan('drain')).steps[1]?.eta_s ?? 0;
    expect(Math.abs(eta - (inflight + consumer_lag) / 10)).toBeLessThan(2);
  });

  it('gives up a drain that does not converge, names what is left, and resumes', async () => {
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'drain_stalls' });
    const job = await start('drain');
    await job.run('check');
    await expect(job.run('drain')).rejects.toMatchObject({
      code: 'drain_timeout',
      message: expect.stringMatching(
        /^Not drained within 2 s: dev-agg-2 has \d+ units in flight and 0 events of lag\.$/,
      ) as string,
    });
    await job.undo('drain');
    await job.undo('drain');
    expect(await status('dev-agg-2')).toMatchObject({ draining: false });
  });

  it('stops when it is cancelled, and resumes', async () => {
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'drain_stalls' });
    const job = await start('drain');
    job.cancelAt('drain');
    await expect(job.run('drain')).rejects.toThrow(Cancelled);
    await job.undo('drain');
    expect(await status('dev-agg-2')).toMatchObject({ draining: false });
  });

  it('names a node that hangs while it drains, and does not call itself undone before it answers', async () => {
    const job = await start('drain');
    await job.run('check');
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'drain_stalls' });
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'hang' });
    await expect(job.run('drain')).rejects.toMatchObject({
      code: 'drain_timeout',
      message: expect.stringContaining('dev-agg-2 does not answer /admin/drain') as string,
    });
    await expect(job.undo('drain')).rejects.toMatchObject({ code: 'not_resumed' });
    platform.fleet.faults.clear();
    await job.undo('drain');
    expect(await status('dev-agg-2')).toMatchObject({ draining: false });
  });

  it('drains again a node that restarts meanwhile', async () => {
    const job = await start('drain');
    await job.run('check');
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'restart', value: 300 });
    await job.run('drain');
    await job.run('verify');
    expect(await status('dev-agg-2')).toMatchObject({ draining: true, inflight: 0 });
  });

  it('notices a node that took work again before the job ended', async () => {
    const job = await start('drain');
    await job.run('check');
    await job.run('drain');
    await platform.dependencies.nodes.resumeNode(nodes().find(({ node_id }) => node_id === 'dev-agg-2')!);
    await expect(job.run('verify')).rejects.toMatchObject({
      code: 'not_verified',
      message: 'The drain does not hold: dev-agg-2 takes new work again.',
    });
  });

  it('does not resume a node that refuses, and a resume that leaves it not ready is taken back', async () => {
    await done('drain');
    const job = await start('resume');
    await job.run('check');
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'refuses_resume' });
    await expect(job.run('resume')).rejects.toMatchObject({ code: 'not_resumed' });
    platform.fleet.faults.clear();
    await job.run('resume');
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'not_ready' });
    await expect(job.run('verify')).rejects.toMatchObject({
      code: 'not_verified',
      message: expect.stringContaining('dependencies: a dependency is not reachable') as string,
    });
    await job.undo('resume');
    expect(await status('dev-agg-2')).toMatchObject({ draining: true });
  });

  it.each<[FaultRequest, string, 'warning' | 'blocker']>([
    [{ node_id: 'dev-agg-2', fault: 'hang' }, 'node_unreachable', 'blocker'],
    [{ node_id: 'dev-agg-2', fault: 'garbage' }, 'node_lying', 'blocker'],
    [{ node_id: 'dev-agg-2', fault: 'storage_unhealthy' }, 'storage_unhealthy', 'blocker'],
    [{ node_id: 'dev-agg-2', fault: 'not_ready' }, 'node_not_ready', 'warning'],
  ])('finds %o', async (fault, code, level) => {
    platform.fleet.faults.switchOn(fault);
    expect((await plan('drain')).checks).toContainEqual(expect.objectContaining({ code, level }));
  });

  it('warns of the last gateway', async () => {
    await done('drain', 'dev-gw-1');
    expect((await plan('drain', 'dev-gw-2')).warnings).toMatchObject([
      {
        code: 'gateways_left',
        message: 'No other gateway takes connections: nobody reaches the platform while dev-gw-2 is drained.',
      },
    ]);
  });

  it('lets one job at a time have the node', async () => {
    const { plan_hash } = await plan('drain');
    const request = {
      environment: 'dev',
      node_id: 'dev-agg-2',
      action: 'drain' as const,
      plan_hash,
      reason: 'x',
    };
    const ends = await Promise.allSettled(
      [1, 2, 3].map(() => startNodeDrain(platform.dependencies, caller, request)),
    );
    expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
    const refused = ends.flatMap((end) =>
      end.status === 'rejected' ? [(end.reason as { code: string }).code] : [],
    );
    expect(refused).toEqual(['job_conflict', 'job_conflict']);
    await expect(startNodeDrain(platform.dependencies, caller, request)).rejects.toMatchObject({
      code: 'job_conflict',
    });
  });

  it('knows no node of another name', async () => {
    await expect(plan('drain', 'dev-agg-9')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('keeps new placements and migrations off a drained node, and lets its tenants be moved away', async () => {
    await done('drain', 'dev-agg-2');
    const asked = await askNodes(
      platform.dependencies,
      nodes().filter(({ kind }) => kind === 'aggregate'),
      null,
      'test',
    );
    const { thresholds } = platform.dependencies.environments[0]!;
    const counts = new Map([
      ['agg-1', 5],
      ['agg-2', 0],
      ['agg-3', 9],
    ]);
    expect(leastLoadedShard(asked, counts, thresholds).shard).toBe('agg-1');

    await platform.addTenant('gamma', { aggregate: 'agg-3' });
    const move = { environment: 'dev', service: 'aggregate' as const };
    const onto = await planMigration(platform.dependencies, caller, {
      ...move,
      tenant_id: 'gamma',
      target_shard: 'agg-2',
    });
    expect(onto.blockers.map(({ code }) => code)).toEqual(['node_draining']);
    const away = await planMigration(platform.dependencies, caller, {
      ...move,
      tenant_id: 'alpha',
      target_shard: 'agg-1',
    });
    expect(away.blockers).toEqual([]);
    expect(away.warnings.map(({ code }) => code)).toEqual(['node_draining']);
  });

  it('is not begun while a tenant is being moved to the node', async () => {
    await sql`insert into jobs (kind, title, state, permission, environment, tenant_id, target_type, target_id, principal_id, created_by, step_count,
        request_id, input) values ('migrate_tenant', 'Migrate delta', 'running', 'scale.migrate', 'dev', 'delta', 'tenant', 'delta', 'x', 'x', 6, 'x',
        '{"target_nodes": ["dev-agg-2"]}')`.execute(platform.database.db);
    expect((await plan('drain')).blockers).toMatchObject([
      { code: 'job_running', message: 'Another job needs dev-agg-2: Migrate delta.' },
    ]);
  });
});
