import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import { placementRecord } from '#server/scale/placement-store.conformance.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import { PlacementFollower } from './placement-follower.ts';
import { waitUntil } from './wait-until.ts';

describe('following the placements of an environment', () => {
  let folder: string;
  let store: PlacementStore;
  let follower: PlacementFollower;
  let errors: unknown[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'follower-'));
    store = openPlacementFileStore(join(folder, 'placement-dev.db'), { historyLimit: 10 });
    await store.update(placementRecord(), 0);
    errors = [];
    follower = new PlacementFollower({
      store,
      clock: Date.now,
      onDelivered: (mirror) => mirror.head,
      onError: (error) => errors.push(error),
    });
    await follower.loaded;
  });
  afterEach(async () => {
    await follower.close();
    await store.close();
    await rm(folder, { recursive: true });
  });

  const shardOf = (tenant_id: string): string | undefined =>
    follower.mirror?.cellAt('aggregate', tenant_id, follower.mirror.head)?.shard;

  it('takes in what is there, what changes, and what is deleted', async () => {
    expect(shardOf('acme')).toBe('agg-1');
    const revision = await store.update(placementRecord({ shard: 'agg-2' }), 1);
    expect(await follower.catchUp(5_000)).toBe(true);
    expect(shardOf('acme')).toBe('agg-2');
    await store.delete('aggregate.acme', revision);
    expect(await follower.catchUp(5_000)).toBe(true);
    expect(shardOf('acme')).toBeUndefined();
  });

  it('reads everything anew when it has missed changes, deletes among them', async () => {
    const first = follower.mirror;
    // One delete and a seed of more records than the store keeps changes, before the watch looks again.
    await Promise.all([
      store.delete('aggregate.acme', 1),
      store.putMany(
        Array.from({ length: 50 }, (_, index) => placementRecord({ tenant_id: `tenant-${index}` })),
      ),
    ]);
    expect(await follower.catchUp(5_000)).toBe(true);
    expect(follower.mirror).not.toBe(first);
    expect(shardOf('acme')).toBeUndefined();
    expect(shardOf('tenant-49')).toBe('agg-1');
    expect(errors).toEqual([]);
  });

  it('reports a store that fails, and does not claim to be up to date', async () => {
    await store.close();
    await waitUntil('the failure is reported', () => errors.length > 0);
    expect(errors[0]).toMatchObject({ code: 'closed' });
    await expect(follower.catchUp(10)).rejects.toMatchObject({ code: 'closed' });
  });
});
