import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { registerEnvironmentMetrics } from './environment-metrics.ts';

let database: TestDatabase;
let handle: DatabaseHandle;

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase(database.url);
});

afterAll(async () => {
  await handle.close();
  await database.drop();
});

beforeEach(async () => {
  await database.pool.query('truncate service_index, task_index, placement_index, shard_totals');
});

/** The series of a replica by `name label=value …`, labels in the order of their names. */
async function seriesOf({ leads }: { leads: boolean }): Promise<Record<string, number>> {
  const registry = new Registry();
  registerEnvironmentMetrics(registry, handle.db, () => leads);
  const metrics = await registry.getMetricsAsJSON();
  return Object.fromEntries(
    metrics.flatMap(({ name, values }) =>
      values.map(({ labels, value }) => {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}=${text}`);
        return [[name, ...pairs.toSorted()].join(' '), value];
      }),
    ),
  );
}

const addService = (
  name: string,
  kind: string | null,
  desired: number | null,
  running: number,
  update: object,
) =>
  database.pool.query(
    `insert into service_index (environment, service_id, name, kind, mode, state, image, replicas_desired, replicas_running, replicas_current,
        task_spec_digest, spec_digest, update, since)
      values ('prod', $1, $1, $2, $3, 'healthy', 'image:1', $4, $5, $5, 'a', 'b', $6, now())`,
    [name, kind, desired === null ? 'global' : 'replicated', desired, running, update],
  );

const addTasks = (count: number, hostname: string, desired_state: string, state: string) =>
  database.pool.query(
    `insert into task_index (environment, task_id, service_id, service_name, kind, hostname, state, desired_state, wanted, current, image, since, created_at)
      select 'prod', $2 || $4 || $3 || n, 'prod-gateway', 'prod-gateway', 'gateway', $2, $4, $3, true, true, 'image:1', now(), now() from generate_series(1, $1::int) n`,
    [count, hostname, desired_state, state],
  );

const NEVER = { state: 'none', message: null, started_at: null, completed_at: null };

test('says how many tasks services want and run, and when they were last rolled out', async () => {
  const started_at = '2026-01-01T00:00:00.000Z';
  const completed_at = '2026-01-01T00:01:00.000Z';
  await addService('prod-gateway', 'gateway', 3, 2, {
    state: 'completed',
    message: null,
    started_at,
    completed_at,
  });
  await addService('prod-runner', 'runner', 2, 2, {
    state: 'rollback_completed',
    message: 'x',
    started_at,
    completed_at,
  });
  await addService('prod-aggregate', 'aggregate', 1, 1, {
    state: 'updating',
    message: null,
    started_at,
    completed_at: null,
  });
  await addService('alloy', null, null, 3, NEVER);
  const series = await seriesOf({ leads: true });
  const at = (service: string, phase: string) =>
    series[`control_deployment_last_timestamp_seconds environment=prod phase=${phase} service=${service}`];
  expect(series).toMatchObject({
    'swarm_service_replicas_desired environment=prod service=gateway': 3,
    'swarm_service_replicas_running environment=prod service=gateway': 2,
    'swarm_service_replicas_running environment=prod service=alloy': 3,
  });
  expect(series).not.toHaveProperty('swarm_service_replicas_desired environment=prod service=alloy');
  expect([at('gateway', 'started'), at('gateway', 'finished'), at('gateway', 'failed')]).toEqual([
    Date.parse(started_at) / 1_000,
    Date.parse(completed_at) / 1_000,
    undefined,
  ]);
  expect([at('runner', 'finished'), at('runner', 'failed')]).toEqual([
    undefined,
    Date.parse(completed_at) / 1_000,
  ]);
  expect([at('aggregate', 'started'), at('aggregate', 'finished')]).toEqual([
    Date.parse(started_at) / 1_000,
    undefined,
  ]);
  expect(Object.keys(series).filter((name) => name.includes('deployment') && name.includes('alloy'))).toEqual(
    [],
  );
});

test('says which tasks are not as they should be, and where tenants are', async () => {
  await addTasks(2, 'host-1', 'running', 'running');
  await addTasks(1, 'host-2', 'running', 'failed');
  await database.pool.query(
    `insert into placement_index (tenant_id, environment, service, shard, state, epoch, revision, updated_at)
      select 'tenant-' || n, 'prod', 'aggregate', 'agg-' || n % 2, 'active', 1, n, now() from generate_series(1, 5) n`,
  );
  const task = (node: string, state: string) =>
    `swarm_tasks desired_state=running environment=prod node=${node} service=gateway state=${state}`;
  expect(await seriesOf({ leads: true })).toMatchObject({
    [task('host-1', 'running')]: 2,
    [task('host-2', 'failed')]: 1,
    'control_placed_tenants environment=prod service=aggregate shard=agg-0': 2,
    'control_placed_tenants environment=prod service=aggregate shard=agg-1': 3,
  });
});

test('keeps its series bounded with thousands of hosts, the troubled ones first, and the sum exact', async () => {
  await database.pool.query(
    `insert into task_index (environment, task_id, service_id, service_name, kind, hostname, state, desired_state, wanted, current, image, since, created_at)
      select 'prod', 't' || n, 's', 's', 'gateway', 'host-' || n, case when n = 4999 then 'failed' else 'running' end, 'running', true, true, 'image:1', now(), now()
        from generate_series(1, 5000) n`,
  );
  const tasks = Object.entries(await seriesOf({ leads: true })).filter(([name]) =>
    name.startsWith('swarm_tasks'),
  );
  expect(tasks.length).toBeLessThanOrEqual(1_010);
  expect(tasks.reduce((sum, [, count]) => sum + count, 0)).toBe(5_000);
  expect(tasks.some(([name]) => name.includes('node=host-4999') && name.includes('state=failed'))).toBe(true);
});

test('is said by the leader alone', async () => {
  await addService('prod-gateway', 'gateway', 3, 3, NEVER);
  expect(await seriesOf({ leads: false })).toEqual({});
});
