import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SERVICE_KINDS, placementKey, type PlacementRecord } from '#contract/placement-record.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { openLeaderConnection, type LeaderConnection } from './leader-connection.ts';
import { placementRecord } from './placement-store.conformance.ts';
import { PlacementStoreError, type PlacementStore } from './placement-store.ts';
import { startPlacementWatcher, type PlacementWatcher } from './placement-watcher.ts';

describe('the placement watcher', () => {
  let testDatabase: TestDatabase;
  let database: DatabaseHandle;
  let folder: string;
  let path: string;
  let store: PlacementStore;
  let index: LeaderConnection;
  let stopping: AbortController;
  let watcher: PlacementWatcher;
  /** Why the index was filled anew, each time. */
  let rebuilds: string[];

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    database = openDatabase(testDatabase.url);
  });
  afterAll(async () => {
    await database.close();
    await testDatabase.drop();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'watcher-'));
    path = join(folder, 'placement-dev.db');
    store = openPlacementFileStore(path);
    rebuilds = [];
  });
  afterEach(async () => {
    await stop();
    await store.close();
    await database.pool.query('truncate placement_index, shard_totals, placement_watch');
    await rm(folder, { recursive: true });
  });

  async function start(watched: PlacementStore = store): Promise<void> {
    index = await openLeaderConnection(testDatabase.url);
    stopping = new AbortController();
    const log = {
      info: (fields: object) => void ('why' in fields && rebuilds.push(String(fields.why))),
      warn: () => undefined,
    };
    const settings = { environment: 'dev', store: watched };
    watcher = startPlacementWatcher({ settings, index, signal: stopping.signal, log });
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await watcher.ended;
    await index.close();
  }

  async function caughtUp(limit_ms?: number): Promise<void> {
    const revision = await store.currentRevision();
    const isThere = () => watcher.position().state === 'live' && watcher.position().revision === revision;
    await waitUntil('the index is live', isThere, limit_ms);
  }

  type Row = PlacementRecord & { revision: number };
  const byKey = (a: Row, b: Row) =>
    placementKey(a.service, a.tenant_id) < placementKey(b.service, b.tenant_id) ? -1 : 1;

  async function expectSame(): Promise<void> {
    const stored: Row[] = [];
    for await (const { record, revision } of (await store.list()).entries) {
      stored.push({ ...record, revision });
    }
    const { rows } = await database.pool.query<Row>(
      "select tenant_id, service, shard, state, epoch, job_id, updated_at, revision from placement_index where environment = 'dev'",
    );
    const indexed = rows.map((row) => ({ ...row, updated_at: new Date(row.updated_at).toISOString() }));
    expect(indexed.toSorted(byKey)).toEqual(stored.toSorted(byKey));
    const totals = await database.pool.query<{ shard: string; tenant_count: number }>(
      'select shard, tenant_count from shard_totals where tenant_count <> 0',
    );
    const counted = Object.groupBy(stored, ({ shard }) => shard);
    expect(Object.fromEntries(totals.rows.map((row) => [row.shard, row.tenant_count]))).toEqual(
      Object.fromEntries(Object.entries(counted).map(([shard, rows]) => [shard, rows?.length])),
    );
  }

  async function writeAtRandom(writes: number): Promise<void> {
    for (let count = 0; count < writes; count += 1) {
      const any = (range: number) => Math.floor(Math.random() * range);
      const service = SERVICE_KINDS[any(3)] ?? 'runner';
      const tenant_id = `tenant-${any(40)}`;
      const found = await store.get(placementKey(service, tenant_id));
      if (found && any(4) === 0) await store.delete(placementKey(service, tenant_id), found.revision);
      else {
        const record = placementRecord({ service, tenant_id, shard: `${service}-${any(3)}`, epoch: count });
        await store.update({ ...record, job_id: any(2) ? `job-${count}` : null }, found?.revision ?? 0);
      }
      if (any(20) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  const tenants = (count: number, fields: Partial<PlacementRecord> = {}) =>
    Array.from({ length: count }, (_value, at) => placementRecord({ tenant_id: `t-${at}`, ...fields }));

  it('makes the index equal to the store, whatever is written while it watches', async () => {
    await writeAtRandom(200);
    await start();
    await writeAtRandom(600);
    await store.putMany(tenants(2_500));
    await caughtUp();
    await expectSame();
  });

  it('resumes where it stopped, without reading everything', async () => {
    await store.putMany(tenants(50));
    await start();
    await caughtUp();
    await stop();
    expect(rebuilds).toHaveLength(1);
    await writeAtRandom(300);
    await start();
    await caughtUp();
    await expectSame();
    expect(rebuilds).toHaveLength(1);
  });

  it('fills the index anew when the history in between is gone', async () => {
    await store.putMany(tenants(50));
    await start();
    await caughtUp();
    await stop();
    await store.close();
    store = openPlacementFileStore(path, { historyLimit: 20 });
    await store.delete('aggregate.t-7', (await store.get('aggregate.t-7'))?.revision ?? 0);
    await store.putMany(tenants(40, { service: 'runner', shard: 'run-1' }));
    await start();
    await caughtUp();
    await expectSame();
    expect(rebuilds.at(-1)).toContain('gone');
  });

  it('fills the index anew when the store was replaced by an older one', async () => {
    await store.putMany(tenants(30));
    await store.close();
    await copyFile(path, join(folder, 'older.db'));
    store = openPlacementFileStore(path);
    await store.putMany(tenants(60, { shard: 'agg-2' }));
    await start();
    await caughtUp();
    await stop();
    await store.close();
    store = openPlacementFileStore(join(folder, 'older.db'));
    await start();
    await caughtUp();
    await expectSame();
    expect(rebuilds.at(-1)).toContain('it was replaced');
  });

  it('begins anew when it was stopped while it filled the index', async () => {
    await store.putMany(tenants(20));
    await start();
    await caughtUp();
    await stop();
    await database.pool.query("update placement_watch set revision = 0, state = 'rebuilding'");
    await database.pool.query("update placement_index set shard = 'wrong' where tenant_id = 't-3'");
    await start();
    await caughtUp();
    await expectSame();
  });

  it('says that the store fails, keeps the time of the last observation, and goes on when it works again', async () => {
    await store.putMany(tenants(5));
    let broken = false;
    const moody: PlacementStore = {
      ...store,
      currentRevision: () =>
        broken
          ? Promise.reject(new PlacementStoreError('unavailable', 'no answer'))
          : store.currentRevision(),
      watch: async function* (from, signal) {
        for await (const event of store.watch(from, signal)) {
          if (broken) throw new PlacementStoreError('unavailable', 'the line is cut');
          yield event;
        }
      },
    };
    await start(moody);
    await caughtUp();
    broken = true;
    const row = await waitUntil('the watcher is down', async () => {
      const { rows } = await database.pool.query<{ state: string; detail: string; observed_at: string }>(
        'select state, detail, observed_at from placement_watch',
      );
      return rows[0]?.state === 'down' && rows[0];
    });
    expect(row.detail).toMatch(/^The placement store of dev fails: (the line is cut|no answer)\.$/);
    expect(row.observed_at).not.toBeNull();
    broken = false;
    await store.putMany(tenants(9));
    await caughtUp();
    await expectSame();
  });

  it('takes a long listing in, and removes what it does not name', async () => {
    await store.putMany(tenants(12_000));
    await start();
    await caughtUp();
    await stop();
    await store.close();
    store = openPlacementFileStore(join(folder, 'another.db'));
    await store.putMany(tenants(11_000, { shard: 'agg-2' }));
    await start();
    await caughtUp();
    await expectSame();
  });
});
