/** A watcher that keeps the index in PostgreSQL equal to a bucket on a real nats-server, over a line that can be broken. */
import { randomBytes } from 'node:crypto';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { SERVICE_KINDS, placementKey, type PlacementRecord } from '#contract/placement-record.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { openNatsLink } from '#server/adapters/nats/nats-link.ts';
import { openNatsPlacementStore } from '#server/adapters/nats/nats-placement-store.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase } from '#server/db/test-database.ts';
import { openLeaderConnection } from '#server/scale/leader-connection.ts';
import { placementRecord } from '#server/scale/placement-store.conformance.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import { startPlacementWatcher, type PlacementWatcher } from '#server/scale/placement-watcher.ts';
import { startTestNats, type TestNats } from './test-nats.ts';
import { startTestTcpProxy, type TestTcpProxy } from './test-tcp-proxy.ts';

export interface NatsScene {
  server: TestNats;
  /** The line that the watcher's store goes over. */
  line: TestTcpProxy;
  /** Another client, on a line of its own. */
  writer: PlacementStore;
  /** The name of the bucket's stream. */
  stream: string;
  /** JetStream's administration; a new connection after a restart. */
  administration(): Promise<{ manager: JetStreamManager; close: () => Promise<void> }>;
  database: DatabaseHandle;
  watcher: PlacementWatcher;
  /** Why the index was filled anew, each time. */
  rebuilds: string[];
  /** Waits until watcher and index say the same as the bucket; answers how long that took, in milliseconds. */
  untilEqual(limit_ms?: number): Promise<number>;
  stopWatching: () => Promise<void>;
  dispose: () => Promise<void>;
}

const SAME = `select coalesce(jsonb_object_agg(service || '.' || tenant_id, jsonb_build_array(revision, shard, state, epoch)), '{}') as rows
  from placement_index where environment = 'dev'`;

export async function startNatsScene(options: { max_bytes?: number } = {}): Promise<NatsScene> {
  const testDatabase = await createTestDatabase();
  const database = openDatabase(testDatabase.url, { max: 4 });
  const server = await startTestNats();
  const line = await startTestTcpProxy(server.port);
  const bucket = `TEST_${randomBytes(4).toString('hex')}`;
  const open = (url: string) =>
    openNatsPlacementStore(openNatsLink({ servers: [url], name: 'test' }), {
      bucket,
      replicas: 1,
      history: 5,
      max_bytes: options.max_bytes ?? -1,
      create: true,
    });
  const writer = open(server.url);
  await writer.currentRevision();
  const watched = open(`nats://127.0.0.1:${line.port}`);
  const index = await openLeaderConnection(testDatabase.url);
  const stopping = new AbortController();
  const rebuilds: string[] = [];
  const watcher = startPlacementWatcher({
    settings: { environment: 'dev', store: watched },
    index,
    signal: stopping.signal,
    log: {
      info: (fields: object) => void ('why' in fields && rebuilds.push(String(fields.why))),
      warn: () => undefined,
    },
  });

  async function isEqual(): Promise<boolean> {
    const { state, revision } = watcher.position();
    const listing = await writer.list();
    if (state !== 'live' || revision !== listing.revision) return false;
    const stored: Record<string, unknown> = {};
    for await (const { record, revision: at } of listing.entries) {
      const { service, tenant_id, shard, state: placed, epoch } = record;
      stored[placementKey(service, tenant_id)] = [at, shard, placed, epoch];
    }
    const { rows } = await database.pool.query<{ rows: Record<string, unknown> }>(SAME);
    const indexed = rows[0]?.rows ?? {};
    return (
      Object.keys(indexed).length === Object.keys(stored).length &&
      Object.entries(stored).every(([key, value]) => JSON.stringify(indexed[key]) === JSON.stringify(value))
    );
  }

  const stopWatching = async () => {
    stopping.abort();
    await watcher.ended;
  };
  return {
    server,
    line,
    writer,
    stream: `KV_${bucket}`,
    database,
    watcher,
    rebuilds,
    administration: async () => {
      const connection = await connect({ servers: server.url });
      return { manager: await jetstreamManager(connection), close: () => connection.close() };
    },
    untilEqual: async (limit_ms = 20_000) => {
      const began = performance.now();
      await waitUntil('the index equals the bucket', () => isEqual().catch(() => false), limit_ms);
      return performance.now() - began;
    },
    stopWatching,
    dispose: async () => {
      await stopWatching();
      await index.close();
      await Promise.all([watched.close(), writer.close()]);
      await line.close();
      await server.dispose();
      await database.close();
      await testDatabase.drop();
    },
  };
}

/** Placements of that many tenants on one shard. */
export const tenants = (count: number, shard = 'agg-1'): PlacementRecord[] =>
  Array.from({ length: count }, (_value, at) => placementRecord({ tenant_id: `t-${at}`, shard }));

/** Creates, changes and deletes placements of a few tenants, in an order that chance decides. */
export async function writeAtRandom(store: PlacementStore, writes: number): Promise<void> {
  const any = (range: number) => Math.floor(Math.random() * range);
  for (let count = 0; count < writes; count += 1) {
    const service = SERVICE_KINDS[any(3)] ?? 'runner';
    const key = placementKey(service, `tenant-${any(40)}`);
    const found = await store.get(key);
    if (found && any(4) === 0) await store.delete(key, found.revision);
    else {
      const tenant_id = key.slice(key.indexOf('.') + 1);
      await store.update(
        placementRecord({ service, tenant_id, shard: `s-${any(3)}`, epoch: count }),
        found?.revision ?? 0,
      );
    }
  }
}

/**
 * Faults by name. Each breaks something while the watcher runs, writes meanwhile, and mends it; then the index has to become equal to
 * the bucket by itself.
 */
export const NATS_FAULTS: Record<string, (scene: NatsScene) => Promise<void>> = {
  'a restart of the server': async ({ server, writer }) => {
    await writeAtRandom(writer, 20);
    await server.stop();
    await server.start();
    await writeAtRandom(writer, 20);
  },
  'a crash of the server': async ({ server, writer }) => {
    await writeAtRandom(writer, 20);
    await server.kill();
    await server.start();
    await writeAtRandom(writer, 20);
  },
  'a dropped connection': async ({ line, writer }) => {
    line.cut();
    await writeAtRandom(writer, 100);
    line.mend();
  },
  'a line that died without a word': async ({ line, writer, watcher }) => {
    line.stall();
    await writeAtRandom(writer, 100);
    await waitUntil('the watcher is down', () => watcher.position().state === 'down', 15_000);
    line.mend();
  },
  'the loss of its consumer on the server': async (scene) => {
    const { manager, close } = await scene.administration();
    for await (const { name } of manager.consumers.list(scene.stream)) {
      await manager.consumers.delete(scene.stream, name);
    }
    await writeAtRandom(scene.writer, 50);
    await close();
  },
  'a purge of the stream': async (scene) => {
    const { manager, close } = await scene.administration();
    await manager.streams.purge(scene.stream);
    await close();
  },
  'a purge of one key, which leaves no marker': async (scene) => {
    const { manager, close } = await scene.administration();
    const bucket = scene.stream.slice('KV_'.length);
    await scene.writer.putMany(tenants(3));
    await scene.untilEqual();
    await manager.streams.purge(scene.stream, { filter: `$KV.${bucket}.aggregate.t-1` });
    await close();
  },
  'another stream in its place, which has grown past it': async (scene) => {
    const { manager, close } = await scene.administration();
    const { config, state } = await manager.streams.info(scene.stream);
    await manager.streams.delete(scene.stream);
    await manager.streams.add(config);
    await scene.writer.putMany(tenants(state.last_seq + 500, 'agg-9'));
    await close();
  },
  'an index that could not be written while thousands of changes came': async (scene) => {
    const client = await scene.database.pool.connect();
    await client.query('begin; lock table placement_index in exclusive mode');
    await scene.writer.putMany(tenants(20_000, 'agg-5'));
    await client.query('commit');
    client.release();
  },
};
