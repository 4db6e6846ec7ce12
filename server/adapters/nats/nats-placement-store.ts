/** Placement store on a key-value bucket of NATS JetStream. A revision is the sequence of the bucket's stream. */
import { headers } from '@nats-io/transport-node';
import type { JetStreamPublishOptions } from '@nats-io/jetstream';
import { encodePlacementRecord, parsePlacementKey, placementKey } from '#contract/placement-record.ts';
import {
  PlacementConflictError,
  PlacementStoreError,
  type PlacementChange,
  type PlacementEntry,
  type PlacementListing,
  type PlacementStore,
  type PlacementStoreDescription,
  type PlacementWatchEvent,
} from '#server/scale/placement-store.ts';
import { NatsBucket, type BucketSettings } from './nats-bucket.ts';
import { jetStreamCode, JETSTREAM, placementNatsError } from './nats-error.ts';
import type { NatsLink } from './nats-link.ts';
import { runPreflight, type PreflightOptions } from './nats-preflight.ts';
import { listBucket, watchBucket } from './nats-placement-watch.ts';

/** A bucket that is made when it is missing and looked after, or one that must be there. */
export type NatsPlacementOptions =
  | ({ create: true; preflight?: PreflightSettings } & BucketSettings)
  | { create: false; bucket: string };

export type PreflightSettings = Pick<PreflightOptions, 'production' | 'monitoring_urls' | 'onChange'>;

/** Writes on their way at once in a bulk seed. */
const PUT_WINDOW = 2_000;

/** The store of one environment; closing it closes the link too. Opens at once: what fails, fails at the first call. */
export function openNatsPlacementStore(link: NatsLink, options: NatsPlacementOptions): PlacementStore {
  const bucket = new NatsBucket(link, options.bucket, options.create ? options : null);
  const closing = new AbortController();
  let description: PlacementStoreDescription = {
    kind: 'nats',
    address: link.address,
    version: null,
    warnings: [],
  };
  const looking =
    options.create && options.preflight
      ? runPreflight({
          ...options.preflight,
          bucket,
          link,
          wanted: options,
          signal: closing.signal,
          onChange: (found) => {
            description = found;
            options.preflight?.onChange(found);
          },
        })
      : undefined;

  /** Runs what talks to NATS, and says in the port's words what failed. */
  async function run<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (closing.signal.aborted) throw closed();
      return await work();
    } catch (error) {
      throw closing.signal.aborted ? closed() : placementNatsError(error, bucket.what);
    }
  }
  const closed = () => new PlacementStoreError('closed', `the ${bucket.what} was closed`);

  /** The entry of a key with the revision of its last message, which a deleted key has too. */
  async function read(key: string): Promise<{ entry: PlacementEntry | null; last: number }> {
    const message = await bucket.newestOf(key);
    if (message === null) return { entry: null, last: 0 };
    const { revision, record } = bucket.changeOfStored(message);
    return { entry: record && { record, revision }, last: revision };
  }

  async function publish(key: string, data: string, options: Partial<JetStreamPublishOptions>) {
    const { client } = await bucket.open();
    const { seq } = await client.publish(bucket.subjectOf(key), data, options);
    return seq;
  }

  /** Writes when the entry is at this revision. A deleted key's marker has a revision of its own, which callers count as 0. */
  async function compareAndSet(
    key: string,
    expected: number,
    data: string,
    options: Partial<JetStreamPublishOptions> = {},
  ): Promise<number> {
    let lastSubjectSequence = expected;
    for (;;) {
      try {
        return await publish(key, data, {
          ...options,
          expect: { streamName: bucket.stream, lastSubjectSequence },
        });
      } catch (error) {
        if (jetStreamCode(error) !== JETSTREAM.stream_wrong_last_sequence) throw error;
        const { entry, last } = await read(key);
        const actual = entry?.revision ?? 0;
        if (actual !== expected || last === lastSubjectSequence) {
          throw new PlacementConflictError(key, expected, actual);
        }
        lastSubjectSequence = last;
      }
    }
  }

  async function* eventsOf(
    from: number,
    signal: AbortSignal,
    mark: string,
  ): AsyncGenerator<PlacementWatchEvent> {
    try {
      if (closing.signal.aborted) throw closed();
      const either = AbortSignal.any([signal, closing.signal]);
      yield* watchBucket(bucket, from, either, mark);
      if (closing.signal.aborted && !signal.aborted) throw closed();
    } catch (error) {
      if (signal.aborted) return;
      throw closing.signal.aborted ? closed() : placementNatsError(error, bucket.what);
    }
  }

  async function* guarded(entries: AsyncIterable<PlacementEntry>): AsyncGenerator<PlacementEntry> {
    try {
      yield* entries;
    } catch (error) {
      throw closing.signal.aborted ? closed() : placementNatsError(error, bucket.what);
    }
  }

  return {
    describe: () => description,
    get: (key) => run(async () => (await read(key)).entry),
    list: () =>
      run(async (): Promise<PlacementListing> => {
        const listing = await listBucket(bucket);
        return { ...listing, entries: guarded(listing.entries) };
      }),
    update: (record, expectedRevision) =>
      run(async () => {
        const data = encodePlacementRecord(record);
        return compareAndSet(placementKey(record.service, record.tenant_id), expectedRevision, data);
      }),
    delete: (key, expectedRevision) =>
      run(async () => {
        parsePlacementKey(key);
        if (expectedRevision === 0) {
          const { entry } = await read(key);
          if (entry !== null) throw new PlacementConflictError(key, 0, entry.revision);
          return (await bucket.moment()).last;
        }
        const marker = headers();
        marker.set('KV-Operation', 'DEL');
        return compareAndSet(key, expectedRevision, '', { headers: marker });
      }),
    history: (key) =>
      run(async () => {
        const changes: PlacementChange[] = [];
        for (let seq = 1; ;) {
          const message = await bucket.nextOf(key, seq);
          if (message === null) return changes;
          changes.push(bucket.changeOfStored(message));
          seq = message.seq + 1;
        }
      }),
    watch: (fromRevision, signal, mark = '') => eventsOf(fromRevision, signal, mark),
    putMany: (records) =>
      run(async () => {
        let last = (await bucket.moment()).last;
        for (const batch of batches(records, PUT_WINDOW)) {
          const writes = batch.map((record) =>
            publish(placementKey(record.service, record.tenant_id), encodePlacementRecord(record), {}),
          );
          for (const { status, ...result } of await Promise.allSettled(writes)) {
            if (status === 'rejected') throw (result as PromiseRejectedResult).reason;
            last = Math.max(last, (result as PromiseFulfilledResult<number>).value);
          }
        }
        return last;
      }),
    currentRevision: () => run(async () => (await bucket.moment()).last),
    close: async () => {
      if (closing.signal.aborted) return;
      closing.abort();
      await bucket.releaseAll();
      await link.close();
      await looking;
    },
  };
}

function* batches<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length === size) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
