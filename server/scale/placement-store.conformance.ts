import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placementKey, type PlacementRecord } from '#contract/placement-record.ts';
import {
  PlacementConflictError,
  PlacementHistoryGoneError,
  PlacementStoreError,
  type PlacementEntry,
  type PlacementStore,
  type PlacementWatchEvent,
} from './placement-store.ts';

/** What a store adapter brings to its conformance tests. */
export type PlacementStoreHarness = {
  /** A handle on the same store each time it is called within a test. */
  open(): Promise<PlacementStore>;
  /** A handle whose store keeps at least the last `changes` changes. */
  openWithHistoryOf(changes: number): Promise<PlacementStore>;
  /** Makes the store of `openWithHistoryOf` drop all changes but the last `changes`, if it has not done so already. */
  dropOldChanges(changes: number): Promise<void>;
  /** Puts an empty store in the place of the one that handles were opened on; those are closed by then. */
  replace(): Promise<void>;
  /** Removes what the test left behind; all handles are closed by then. */
  dispose(): Promise<void>;
};

/** A valid record; `fields` override. */
export function placementRecord(fields: Partial<PlacementRecord> = {}): PlacementRecord {
  return {
    tenant_id: 'acme',
    service: 'aggregate',
    shard: 'agg-1',
    state: 'active',
    epoch: 1,
    job_id: null,
    updated_at: '2026-01-01T00:00:00.000Z',
    ...fields,
  };
}

/** Every adapter of the PlacementStore port must pass these tests; `createHarness` runs before each. */
export function describePlacementStore(
  name: string,
  createHarness: () => Promise<PlacementStoreHarness>,
): void {
  describe(`${name} as a placement store`, () => {
    let harness: PlacementStoreHarness;
    let opened: PlacementStore[];
    let watching: AbortController;

    const track = (store: PlacementStore): PlacementStore => {
      opened.push(store);
      return store;
    };
    const open = async (): Promise<PlacementStore> => track(await harness.open());

    beforeEach(async () => {
      harness = await createHarness();
      opened = [];
      watching = new AbortController();
    });
    afterEach(async () => {
      watching.abort();
      for (const store of opened) await store.close();
      await harness.dispose();
    });

    const key = placementKey('aggregate', 'acme');

    it('answers null for a placement that does not exist', async () => {
      const store = await open();
      expect(await store.get(key)).toBeNull();
      expect(await store.currentRevision()).toBe(0);
    });

    it('creates a placement only where none stands', async () => {
      const store = await open();
      const revision = await store.update(placementRecord(), 0);
      expect(await store.get(key)).toEqual({ record: placementRecord(), revision });
      await expect(store.update(placementRecord({ shard: 'agg-2' }), 0)).rejects.toMatchObject({
        name: 'PlacementConflictError',
        key,
        expected_revision: 0,
        actual_revision: revision,
      });
      expect((await store.get(key))?.record.shard).toBe('agg-1');
    });

    it('refuses an update that read an older revision, and changes nothing', async () => {
      const store = await open();
      const first = await store.update(placementRecord(), 0);
      const second = await store.update(placementRecord({ shard: 'agg-2', epoch: 2 }), first);
      expect(second).toBeGreaterThan(first);
      await expect(store.update(placementRecord({ shard: 'agg-3' }), first)).rejects.toThrow(
        PlacementConflictError,
      );
      expect(await store.get(key)).toEqual({
        record: placementRecord({ shard: 'agg-2', epoch: 2 }),
        revision: second,
      });
      expect(await store.currentRevision()).toBe(second);
    });

    it('refuses a record that breaks the schema', async () => {
      const store = await open();
      await expect(store.update(placementRecord({ epoch: -1 }), 0)).rejects.toThrow(/epoch/);
      expect(await store.currentRevision()).toBe(0);
    });

    it('counts revisions once for all keys of the store', async () => {
      const store = await open();
      const first = await store.update(placementRecord(), 0);
      const second = await store.update(placementRecord({ tenant_id: 'other' }), 0);
      const third = await store.update(placementRecord({ service: 'runner', shard: 'run-1' }), 0);
      expect(second).toBeGreaterThan(first);
      expect(third).toBeGreaterThan(second);
    });

    it('deletes by revision, after which the placement can be created again', async () => {
      const store = await open();
      const created = await store.update(placementRecord(), 0);
      await expect(store.delete(key, created + 1)).rejects.toThrow(PlacementConflictError);
      const deleted = await store.delete(key, created);
      expect(deleted).toBeGreaterThan(created);
      expect(await store.get(key)).toBeNull();
      await expect(store.update(placementRecord(), created)).rejects.toMatchObject({ actual_revision: 0 });
      expect(await store.update(placementRecord({ epoch: 2 }), 0)).toBeGreaterThan(deleted);
    });

    it('lists every placement with its revision, in pages', async () => {
      const store = await open();
      const records = Array.from({ length: 2_500 }, (_, index) =>
        placementRecord({ tenant_id: `tenant-${index}` }),
      );
      const last = await store.putMany(records);
      const listing = await store.list();
      const entries = await collect(listing.entries);
      expect(listing.revision).toBe(last);
      expect(entries).toHaveLength(2_500);
      expect(new Set(entries.map((entry) => entry.record.tenant_id)).size).toBe(2_500);
      expect(Math.max(...entries.map((entry) => entry.revision))).toBe(last);
    });

    it('seeds over what stood there', async () => {
      const store = await open();
      const first = await store.update(placementRecord(), 0);
      const last = await store.putMany([placementRecord({ shard: 'agg-3' })]);
      expect(last).toBeGreaterThan(first);
      expect(await store.get(key)).toEqual({ record: placementRecord({ shard: 'agg-3' }), revision: last });
    });

    it('keeps the history of a placement, deletes included, oldest first', async () => {
      const store = await open();
      const first = await store.update(placementRecord(), 0);
      const second = await store.update(placementRecord({ shard: 'agg-2' }), first);
      await store.update(placementRecord({ tenant_id: 'other' }), 0);
      const third = await store.delete(key, second);
      expect(await store.history(key)).toEqual([
        { revision: first, key, record: placementRecord() },
        { revision: second, key, record: placementRecord({ shard: 'agg-2' }) },
        { revision: third, key, record: null },
      ]);
    });

    it('always keeps the current record in the history', async () => {
      const store = track(await harness.openWithHistoryOf(5));
      const revision = await store.update(placementRecord(), 0);
      await store.putMany(
        Array.from({ length: 30 }, (_, index) => placementRecord({ tenant_id: `tenant-${index}` })),
      );
      expect(await store.history(key)).toEqual([{ revision, key, record: placementRecord() }]);
    });

    it('tells a watcher at once that there is nothing to catch up with', async () => {
      const store = await open();
      expect(await take(store.watch(0, watching.signal), 1)).toMatchObject([
        { kind: 'caught_up', revision: 0 },
      ]);
    });

    it('goes on telling an idle watcher that it has caught up, so that silence is noticed', async () => {
      const store = await open();
      const began = performance.now();
      expect(await take(store.watch(0, watching.signal), 2)).toMatchObject([
        { kind: 'caught_up', revision: 0 },
        { kind: 'caught_up', revision: 0 },
      ]);
      expect(performance.now() - began).toBeLessThan(2_000);
    });

    it('delivers changes of another handle in order, then says that it has caught up', async () => {
      const store = await open();
      const writer = await open();
      const watch = store.watch(0, watching.signal)[Symbol.asyncIterator]();
      expect((await watch.next()).value).toMatchObject({ kind: 'caught_up', revision: 0 });
      const first = await writer.update(placementRecord(), 0);
      expect(await nextChange(watch)).toEqual({
        kind: 'change',
        revision: first,
        key,
        record: placementRecord(),
      });
      const second = await writer.delete(key, first);
      expect(await nextChange(watch)).toEqual({ kind: 'change', revision: second, key, record: null });
      expect((await watch.next()).value).toMatchObject({ kind: 'caught_up', revision: second });
    });

    it('resumes a watch after a revision without repeating or losing a change', async () => {
      const store = await open();
      const first = await store.update(placementRecord(), 0);
      const second = await store.update(placementRecord({ tenant_id: 'other' }), 0);
      const third = await store.update(placementRecord({ tenant_id: 'third' }), 0);
      expect(await take(store.watch(first, watching.signal), 3)).toEqual([
        expect.objectContaining({ kind: 'change', revision: second }),
        expect.objectContaining({ kind: 'change', revision: third }),
        expect.objectContaining({ kind: 'caught_up', revision: third }),
      ]);
    });

    it('resumes a watch by the mark that came with the revision', async () => {
      const store = await open();
      await store.putMany([placementRecord(), placementRecord({ tenant_id: 'other' })]);
      const listing = await store.list();
      const third = await store.update(placementRecord({ tenant_id: 'third' }), 0);
      const [change, caughtUp] = await take(store.watch(listing.revision, watching.signal, listing.mark), 2);
      expect(change).toMatchObject({ kind: 'change', revision: third });
      if (caughtUp?.kind !== 'caught_up') throw new Error(`the watch said ${caughtUp?.kind}`);
      const fourth = await store.update(placementRecord({ tenant_id: 'fourth' }), 0);
      expect(await take(store.watch(third, watching.signal, caughtUp.mark), 1)).toMatchObject([
        { kind: 'change', revision: fourth },
      ]);
    });

    it('knows by the mark that the store was replaced, though the new one has grown past the revision', async () => {
      const before = await open();
      await before.putMany(tenants(3));
      const { revision, mark } = await before.list();
      await before.close();
      await harness.replace();
      const after = await open();
      await after.putMany(tenants(10));
      await expect(take(after.watch(revision, watching.signal, mark), 1)).rejects.toThrow(
        PlacementHistoryGoneError,
      );
    });

    it('makes a full picture of a listing and a watch from its revision, while others write', async () => {
      const store = await open();
      const writer = await open();
      await writer.putMany(
        Array.from({ length: 3_000 }, (_, index) => placementRecord({ tenant_id: `tenant-${index}` })),
      );
      const listing = await store.list();
      const picture = new Map<string, PlacementEntry>();
      const put = (entry: PlacementEntry): unknown => picture.set(entry.record.tenant_id, entry);
      let seen = 0;
      for await (const entry of listing.entries) {
        put(entry);
        seen += 1;
        if (seen === 1_500) {
          await writer.putMany([
            placementRecord({ tenant_id: 'tenant-0', shard: 'agg-2' }),
            placementRecord({ tenant_id: 'zz' }),
          ]);
          await writer.delete(
            placementKey('aggregate', 'tenant-1'),
            (await writer.get('aggregate.tenant-1'))?.revision ?? 0,
          );
        }
      }
      for await (const event of store.watch(listing.revision, watching.signal)) {
        if (event.kind === 'caught_up') break;
        if (event.record === null) picture.delete(event.key.slice(event.key.indexOf('.') + 1));
        else put({ record: event.record, revision: event.revision });
      }
      const truth = await collect((await store.list()).entries);
      expect(picture.size).toBe(3_000);
      expect([...picture.values()].sort(byTenant)).toEqual(truth.sort(byTenant));
    });

    it('says that the history is gone instead of leaving changes out', async () => {
      const store = track(await harness.openWithHistoryOf(10));
      const first = await store.update(placementRecord(), 0);
      const last = await store.putMany(
        Array.from({ length: 40 }, (_, index) => placementRecord({ tenant_id: `tenant-${index}` })),
      );
      await harness.dropOldChanges(10);
      await expect(take(store.watch(first, watching.signal), 1)).rejects.toThrow(PlacementHistoryGoneError);
      const [event] = await take(store.watch(last - 1, watching.signal), 1);
      expect(event).toMatchObject({ kind: 'change', revision: last });
    });

    it('refuses a watch from a revision that the store has not reached', async () => {
      const store = await open();
      const revision = await store.update(placementRecord(), 0);
      await expect(take(store.watch(revision + 5, watching.signal), 1)).rejects.toThrow(
        PlacementHistoryGoneError,
      );
    });

    it('ends a watch when its signal aborts', async () => {
      const store = await open();
      const watch = store.watch(0, watching.signal)[Symbol.asyncIterator]();
      await watch.next();
      const pending = watch.next();
      watching.abort();
      expect((await pending).done).toBe(true);
    });

    it('fails a watch, and every call, when the store is closed', async () => {
      const store = await open();
      const watch = store.watch(0, watching.signal)[Symbol.asyncIterator]();
      await watch.next();
      const pending = watch.next().catch((error: unknown) => error);
      await store.close();
      expect(await pending).toBeInstanceOf(PlacementStoreError);
      await expect(store.get(key)).rejects.toMatchObject({ code: 'closed' });
    });

    it('finds everything again after a restart', async () => {
      const before = await open();
      const first = await before.update(placementRecord(), 0);
      const second = await before.update(placementRecord({ tenant_id: 'other' }), 0);
      await before.close();
      const after = await open();
      expect(await after.get(key)).toEqual({ record: placementRecord(), revision: first });
      expect(await take(after.watch(first, watching.signal), 1)).toMatchObject([
        { kind: 'change', revision: second },
      ]);
      expect(await after.update(placementRecord({ epoch: 2 }), first)).toBeGreaterThan(second);
    });

    it('loses no update of two handles that write the same placement', async () => {
      const handles = [await open(), await open()];
      const increments = 25;
      await handles[0]?.update(placementRecord({ epoch: 0 }), 0);
      const increment = async (store: PlacementStore): Promise<void> => {
        for (;;) {
          const entry = await store.get(key);
          if (entry === null) throw new Error('the placement is gone');
          try {
            await store.update(placementRecord({ epoch: entry.record.epoch + 1 }), entry.revision);
            return;
          } catch (error) {
            if (!(error instanceof PlacementConflictError)) throw error;
          }
        }
      };
      await Promise.all(
        handles.map(async (store) => {
          for (let count = 0; count < increments; count += 1) await increment(store);
        }),
      );
      expect((await handles[0]?.get(key))?.record.epoch).toBe(2 * increments);
    });
  });
}

const tenants = (count: number): PlacementRecord[] =>
  Array.from({ length: count }, (_, index) => placementRecord({ tenant_id: `tenant-${index}` }));

const byTenant = (left: PlacementEntry, right: PlacementEntry): number =>
  left.record.tenant_id < right.record.tenant_id ? -1 : 1;

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function take(
  events: AsyncIterable<PlacementWatchEvent>,
  count: number,
): Promise<PlacementWatchEvent[]> {
  const taken: PlacementWatchEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

/** The next change; a store may announce that it has caught up between two of them. */
async function nextChange(watch: AsyncIterator<PlacementWatchEvent>): Promise<PlacementWatchEvent> {
  for (;;) {
    const next = await watch.next();
    if (next.done === true) throw new Error('the watch ended');
    if (next.value.kind === 'change') return next.value;
  }
}
