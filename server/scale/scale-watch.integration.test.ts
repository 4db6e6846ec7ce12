import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { waitUntil } from '#fleet/wait-until.ts';
import { startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { placementRecord } from './placement-store.conformance.ts';
import { startScaleWatch, type ScaleWatch } from './scale-watch.ts';

const quiet = { info: () => undefined, warn: () => undefined };

describe('the watch over the platform', () => {
  let platform: TestPlatform;
  const running: ScaleWatch[] = [];
  beforeAll(async () => {
    platform = await startTestPlatform({ environments: ['dev', 'prod'], node_deadline_ms: 1_000 });
    await platform.store('dev').putMany([placementRecord()]);
  });
  afterEach(async () => {
    platform.fleet.faults.clear();
    await Promise.all(running.splice(0).map((watch) => watch.stop()));
  });
  afterAll(() => platform.close());

  function start(registry = new Registry()): ScaleWatch {
    const { url } = platform.database;
    const watch = startScaleWatch(platform.dependencies, { databaseUrl: url, log: quiet, registry });
    running.push(watch);
    return watch;
  }

  async function shardOf(tenant_id: string): Promise<string | undefined> {
    const { rows } = await platform.database.pool.query<{ shard: string }>(
      "select shard from placement_index where tenant_id = $1 and environment = 'dev'",
      [tenant_id],
    );
    return rows[0]?.shard;
  }

  const node = async (node_id: string) => {
    const rows = platform.database.db.selectFrom('node_index').selectAll().where('node_id', '=', node_id);
    return rows.executeTakeFirst();
  };

  it('settles when every placement and node is shown', async () => {
    const watch = start();
    await watch.settled();
    expect(await shardOf('acme')).toBe('agg-1');
    expect(watch.ready()).toEqual({ ok: true, detail: 'watches every environment' });
    expect(await node('prod-gw-1')).toMatchObject({ state: 'ready', problem: null });
  });

  it('is handed over when the leader stops, and only one leads at a time', async () => {
    const registries = [new Registry(), new Registry()];
    const leads = async (index: number) =>
      /^control_leader (\d)$/m.exec((await registries[index]?.metrics()) ?? '')?.[1];
    const first = start(registries[0]);
    await first.settled();
    const second = start(registries[1]);
    await second.settled();
    expect([await leads(0), await leads(1)]).toEqual(['1', '0']);
    expect(second.ready()).toEqual({ ok: true, detail: 'follows another replica' });
    await first.stop();
    await platform.store('dev').putMany([placementRecord({ tenant_id: 'handed-over' })]);
    await waitUntil('the second leads', () => second.ready().detail === 'watches every environment');
    await second.settled();
    expect(await shardOf('handed-over')).toBe('agg-1');
    expect([await leads(0), await leads(1)]).toEqual(['0', '1']);
  });

  it('goes on after the connection of its lock was cut', async () => {
    const watch = start();
    await watch.settled();
    await platform.database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'cloudlysis-control scale watch'",
    );
    await waitUntil('the leader notices', () => watch.ready().detail !== 'watches every environment');
    expect(watch.ready().ok).toBe(true);
    await platform.store('dev').putMany([placementRecord({ tenant_id: 'after-the-cut' })]);
    await watch.settled();
    expect(await shardOf('after-the-cut')).toBe('agg-1');
  });

  it.each([
    ['hang', 'unreachable'],
    ['garbage', 'lying'],
    ['error_500', 'not_ready'],
    ['not_ready', 'not_ready'],
  ] as const)('shows a node with the fault %s as %s, with what it last said', async (fault, state) => {
    const watch = start();
    await watch.settled();
    const before = await waitUntil('dev-agg-2 is ready', async () => {
      const row = await node('dev-agg-2');
      return row?.state === 'ready' && row;
    });
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault });
    const after = await waitUntil(`dev-agg-2 is ${state}`, async () => {
      const row = await node('dev-agg-2');
      return row?.state === state && row;
    });
    expect(after.problem).toContain('dev-agg-2');
    expect(after.shards).toEqual(['agg-2']);
    expect(after.version).toBe(before.version);
    expect(Date.parse(after.since)).toBeGreaterThan(Date.parse(before.since));
    if (fault === 'not_ready') return;
    const seenAt = after.observed_at;
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await node('dev-agg-2')).toMatchObject({ state, since: after.since, observed_at: seenAt });
  });

  it('reports revision, lag, ages and nodes', async () => {
    const registry = new Registry();
    await start(registry).settled();
    const text = await registry.metrics();
    const revision = await platform.store('dev').currentRevision();
    expect(text).toContain(`control_placement_watcher_revision{environment="dev"} ${revision}`);
    expect(text).toContain('control_placement_watcher_lag_revisions{environment="dev"} 0');
    expect(text).toMatch(/control_placement_observation_age_seconds\{environment="prod"\} \d/);
    expect(text).toMatch(/control_node_observation_age_seconds\{environment="prod"\} \d/);
    expect(text).toContain('control_nodes{environment="prod",state="ready"} 10');
  });

  it('forgets nodes that are not configured any more', async () => {
    await platform.database.pool.query(
      "insert into node_index (environment, node_id, kind, state, since) values ('dev', 'dev-old-1', 'runner', 'ready', now()), ('gone', 'gone-1', 'runner', 'ready', now())",
    );
    await start().settled();
    expect(await node('dev-old-1')).toBeUndefined();
    expect(await node('gone-1')).toBeUndefined();
  });
});
