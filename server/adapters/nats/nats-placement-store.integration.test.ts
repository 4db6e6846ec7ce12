import { randomBytes } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describePlacementStore, placementRecord } from '#server/scale/placement-store.conformance.ts';
import { PlacementHistoryGoneError } from '#server/scale/placement-store.ts';
import { natsIsMissing, startTestNats, type TestNats } from '#tools/test-nats.ts';
import { openNatsLink } from './nats-link.ts';
import { openNatsPlacementStore } from './nats-placement-store.ts';

describe.skipIf(natsIsMissing())('on a real nats-server', () => {
  let server: TestNats;
  let admin: NatsConnection;

  beforeAll(async () => {
    server = await startTestNats();
    admin = await connect({ servers: server.url });
  });
  afterAll(async () => {
    await admin.close();
    await server.dispose();
  });

  const openStore = (bucket: string, history = 10) =>
    openNatsPlacementStore(openNatsLink({ servers: [server.url], name: 'test' }), {
      bucket,
      replicas: 1,
      history,
      max_bytes: -1,
      create: true,
    });

  it('notices a key that was purged while nobody watched, though another one was made', async () => {
    const bucket = `TEST_${randomBytes(6).toString('hex')}`;
    const manager = await jetstreamManager(admin);
    const store = openStore(bucket);
    await store.putMany(['a', 'b', 'c'].map((tenant_id) => placementRecord({ tenant_id })));
    const { revision, mark } = await store.list();
    await manager.streams.purge(`KV_${bucket}`, { filter: `$KV.${bucket}.aggregate.a` });
    await store.update(placementRecord({ tenant_id: 'd' }), 0);
    const watch = store.watch(revision, new AbortController().signal, mark);
    await expect(
      (async () => {
        for await (const { kind } of watch) if (kind === 'caught_up') continue;
      })(),
    ).rejects.toThrow(PlacementHistoryGoneError);
    await store.close();
  });

  it('does not take keys for purged that were written anew', async () => {
    const bucket = `TEST_${randomBytes(6).toString('hex')}`;
    const store = openStore(bucket);
    const records = ['a', 'b', 'c'].map((tenant_id) => placementRecord({ tenant_id }));
    await store.putMany(records);
    const { revision, mark } = await store.list();
    const last = await store.putMany([...records, placementRecord({ tenant_id: 'd' })]);
    const watch = store.watch(revision, new AbortController().signal, mark);
    let confirmed = 0;
    for await (const event of watch) {
      if (event.kind === 'caught_up' && event.revision === last) confirmed += 1;
      if (confirmed === 3) break;
    }
    expect(confirmed).toBe(3);
    await store.close();
  });

  describePlacementStore('a NATS bucket', async () => {
    const bucket = `TEST_${randomBytes(6).toString('hex')}`;
    const manager = await jetstreamManager(admin);
    return {
      open: async () => openStore(bucket),
      openWithHistoryOf: async () => openStore(bucket),
      dropOldChanges: async (changes) => {
        await manager.streams.purge(`KV_${bucket}`, { keep: changes });
      },
      replace: async () => {
        await manager.streams.delete(`KV_${bucket}`);
      },
      dispose: async () => {
        await manager.streams.delete(`KV_${bucket}`);
      },
    };
  });
});
