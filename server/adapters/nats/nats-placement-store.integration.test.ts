import { randomBytes } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe } from 'vitest';
import { describePlacementStore } from '#server/scale/placement-store.conformance.ts';
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
