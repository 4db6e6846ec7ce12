import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlacementStoreError } from '#server/scale/placement-store.ts';
import { placementRecord } from '#server/scale/placement-store.conformance.ts';
import { natsIsMissing } from '#tools/test-nats.ts';
import {
  NATS_FAULTS,
  startNatsScene,
  tenants,
  writeAtRandom,
  type NatsScene,
} from '#tools/test-nats-scene.ts';

describe.skipIf(natsIsMissing())('the index of a NATS bucket', { timeout: 60_000 }, () => {
  let scene: NatsScene;
  beforeAll(async () => {
    scene = await startNatsScene();
    await scene.writer.putMany(tenants(500));
    await scene.untilEqual();
  });
  afterAll(() => scene.dispose());

  it('equals the bucket whatever is written', async () => {
    await writeAtRandom(scene.writer, 300);
    await scene.untilEqual();
    expect(scene.rebuilds).toHaveLength(1);
  });

  it.each(Object.entries(NATS_FAULTS))('equals the bucket after %s', async (_name, strike) => {
    await strike(scene);
    await scene.untilEqual(40_000);
    await writeAtRandom(scene.writer, 20);
    await scene.untilEqual();
    expect(scene.watcher.position()).toMatchObject({ state: 'live', detail: null });
  });

  it('says which server does not answer, and what is out of date', async () => {
    await scene.server.stop();
    await expect
      .poll(() => scene.watcher.position(), { timeout: 20_000 })
      .toMatchObject({ state: 'down', detail: expect.stringMatching(/NATS at nats:\/\/127\.0\.0\.1:\d+/) });
    await expect(scene.writer.get('aggregate.acme')).rejects.toMatchObject({
      name: 'PlacementStoreError',
      code: 'unavailable',
      message: expect.stringContaining(scene.server.url),
    });
    await scene.server.start();
    await scene.untilEqual(40_000);
  });

  it('leaves no consumer behind when the watch is stopped', async () => {
    const { manager, close } = await scene.administration();
    const consumers = async () => (await manager.streams.info(scene.stream)).state.consumer_count;
    expect(await consumers()).toBeGreaterThan(0);
    await scene.stopWatching();
    // One that was lost with its connection goes by the server's own clock.
    await expect.poll(consumers, { timeout: 45_000, interval: 500 }).toBe(0);
    await close();
  });
});

describe.skipIf(natsIsMissing())('a NATS bucket that is full', () => {
  it('refuses writes by name, keeps what it has, and takes writes again when it was made larger', async () => {
    const scene = await startNatsScene({ max_bytes: 100_000 });
    try {
      const failure = await scene.writer.putMany(tenants(2_000)).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PlacementStoreError);
      expect(failure).toMatchObject({
        code: 'full',
        message: expect.stringContaining(scene.stream.slice(3)),
      });
      await scene.untilEqual();
      const { manager, close } = await scene.administration();
      await manager.streams.update(scene.stream, { max_bytes: 10_000_000 });
      await close();
      await scene.writer.update(placementRecord({ tenant_id: 'one-more' }), 0);
      await scene.untilEqual();
    } finally {
      await scene.dispose();
    }
  });
});
