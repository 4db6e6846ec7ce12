/**
 * Reads the bucket of placements as a whole and follows it.
 *
 * A consumer delivers the messages; whether they are all there is judged by the stream's leader, which is asked again and again. So a
 * consumer that was lost, a replica that lags and a server that hangs are noticed though nothing is delivered.
 *
 * Mark: what is remembered of a stream beside the revision, to tell on resuming whether it is still the same one: when it was
 * created, how many keys it had, and the last message seen. A stream that was deleted, purged, or restored from a backup and grown since
 * differs in one of them.
 */
import { setImmediate as yieldToEventLoop, setTimeout as pause } from 'node:timers/promises';
import {
  AckPolicy,
  DeliverPolicy,
  ReplayPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream';
import { nanos, nuid } from '@nats-io/transport-node';
import {
  PlacementHistoryGoneError,
  PlacementStoreError,
  type PlacementEntry,
  type PlacementListing,
  type PlacementWatchEvent,
} from '#server/scale/placement-store.ts';
import { NatsKeyCensus } from './nats-key-census.ts';
import { operationOf, type NatsBucket, type StreamMoment } from './nats-bucket.ts';

interface Answer {
  /** Where the watch was when it asked: the leader's answer cannot lie before. */
  before: number;
  moment: StreamMoment;
}

interface Mark {
  created: string;
  keys: number;
  last: { revision: number; key: string; time_ms: number } | null;
}

/** How often the leader is asked; with its answer an idle watch says that it has caught up. */
const ASK_EVERY_MS = 700;
const ASK_AT_MOST_EVERY_MS = 50;
/** Nothing was delivered for so long though there is something: the consumer is lost. */
const STALL_LIMIT_MS = 4_000;
/** A consumer that nobody reads is removed by the server after this time, also when this process was killed. */
const FORGOTTEN_AFTER_MS = 30_000;
/** How long the server holds a request for messages. Far below the time after which it takes the consumer for forgotten. */
const ASK_FOR_MESSAGES_MS = 5_000;
const BATCH = 1_000;
/** The header by which a writer names the revision that it has read. The server keeps it with the message. */
const EXPECTED_REVISION = 'Nats-Expected-Last-Subject-Sequence';

export async function listBucket(bucket: NatsBucket): Promise<PlacementListing> {
  const moment = await bucket.moment();
  const newest = moment.last === 0 ? null : await bucket.messageAt(moment.last);
  const mark: Mark = {
    created: moment.created,
    keys: moment.keys,
    last: newest && {
      revision: newest.seq,
      key: bucket.keyOf(newest.subject),
      time_ms: newest.time.getTime(),
    },
  };
  return { revision: moment.last, mark: JSON.stringify(mark), entries: listEntries(bucket, moment) };
}

async function* listEntries(
  bucket: NatsBucket,
  { keys, last }: StreamMoment,
): AsyncGenerator<PlacementEntry> {
  if (keys === 0) return;
  const { consumer, name } = await openConsumer(bucket, {
    deliver_policy: DeliverPolicy.LastPerSubject,
    filter_subject: bucket.subjectOf('>'),
  });
  let reached = 0;
  let complete = false;
  try {
    const { num_pending } = await consumer.info(true);
    const messages = await consume(consumer);
    const overdue = setTimeout(() => messages.stop(), STALL_LIMIT_MS);
    complete = num_pending === 0;
    if (!complete) {
      for await (const message of messages) {
        overdue.refresh();
        const { revision, record } = bucket.changeOf(contentOf(message));
        reached = revision;
        if (record !== null) yield { record, revision };
        complete = message.info.pending === 0;
        if (complete) break;
      }
    }
    clearTimeout(overdue);
    messages.stop();
  } finally {
    await bucket.releaseConsumer(name);
  }
  // A consumer reads from one replica; only the leader knows what there is.
  if (!complete || (reached < last && (await bucket.messageAt(last)) !== null)) {
    throw new PlacementStoreError('unavailable', `${bucket.what} did not deliver all of its keys; repeat`);
  }
}

/** Follows the bucket after a revision; `mark` came with that revision, '' when nothing is known of it. */
export async function* watchBucket(
  bucket: NatsBucket,
  from: number,
  signal: AbortSignal,
  mark: string,
): AsyncGenerator<PlacementWatchEvent> {
  const start = await bucket.moment();
  const known = await recognise(bucket, start, from, mark);
  const census = new NatsKeyCensus(bucket, known === null ? start : { ...known, last: from });
  const { consumer, name } = await openConsumer(bucket, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from + 1,
  });
  const messages = await consume(consumer);
  const stop = () => messages.stop();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();

  let position = from;
  let last = known?.last ?? null;
  let deliveries = 0;
  let progressAt = performance.now();
  /** What the leader said last, until everything up to there is delivered. */
  let awaited: StreamMoment | null = null;
  const caughtUp = (): PlacementWatchEvent => {
    const { created, keys } = census;
    return {
      kind: 'caught_up',
      revision: position,
      mark: JSON.stringify({ created, keys, last } satisfies Mark),
    };
  };

  let askedAt = 0;
  const ask = async (pause_ms: number): Promise<Answer> => {
    if (pause_ms > 0) await pause(pause_ms, undefined, { ref: false });
    askedAt = performance.now();
    const before = position;
    return { before, moment: await bucket.moment() };
  };

  const compareIfDelivered = async (): Promise<boolean> => {
    if (awaited === null || position < awaited.last) return false;
    await census.compare(awaited);
    awaited = null;
    return true;
  };

  /** Whether the leader's answer says that everything was delivered. */
  const isCaughtUp = async ({ before, moment }: Answer): Promise<boolean> => {
    if (moment.created !== census.created || moment.last < before) {
      throw new PlacementHistoryGoneError(before, moment.first);
    }
    awaited = moment;
    if (await compareIfDelivered()) return true;
    if (performance.now() - progressAt < ASK_EVERY_MS / 2) return false;
    const { num_pending, delivered } = await consumer.info();
    const idle = num_pending === 0 && delivered.consumer_seq === deliveries;
    // Only deleted messages are left: the consumer skips them.
    if (idle && (await bucket.messageAt(moment.last)) === null) {
      position = moment.last;
      return compareIfDelivered();
    }
    if (performance.now() - progressAt < STALL_LIMIT_MS) return false;
    throw new PlacementStoreError('unavailable', `${bucket.what} stopped delivering its changes`);
  };

  try {
    const incoming = messages[Symbol.asyncIterator]();
    let next = incoming.next();
    let asked = ask(0);
    let isLast = false;
    while (!signal.aborted) {
      next.catch(() => undefined);
      asked.catch(() => undefined);
      // After the last message that there is; more may have come meanwhile, which are ready at once.
      const happened = await Promise.race(isLast ? [next, asked, yieldToEventLoop(null)] : [next, asked]);
      if (happened === null) {
        isLast = false;
        yield caughtUp();
        if (census.isUnsure && performance.now() - askedAt > ASK_AT_MOST_EVERY_MS) asked = ask(0);
        continue;
      }
      if ('moment' in happened) {
        if (await isCaughtUp(happened)) yield caughtUp();
        asked = ask(ASK_EVERY_MS);
        continue;
      }
      if (happened.done) break;
      const message: JsMsg = happened.value;
      next = incoming.next();
      deliveries += 1;
      if (message.info.deliverySequence !== deliveries) {
        throw new PlacementStoreError('unavailable', `${bucket.what}: changes were lost on the way`);
      }
      const change = bucket.changeOf(contentOf(message));
      position = change.revision;
      progressAt = performance.now();
      const time_ms = Number(message.timestampNanos / 1_000_000n);
      last = { revision: position, key: change.key, time_ms };
      census.count(change.key, position, message.headers?.get(EXPECTED_REVISION) ?? '');
      yield { kind: 'change', ...change };
      await compareIfDelivered();
      isLast = message.info.pending === 0;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    messages.stop();
    await bucket.releaseConsumer(name);
  }
  if (!signal.aborted) throw new PlacementStoreError('unavailable', `${bucket.what} ended the watch`);
}

/** Throws PlacementHistoryGoneError unless the stream holds all that happened after `from`; answers the mark to go on with. */
async function recognise(
  bucket: NatsBucket,
  moment: StreamMoment,
  from: number,
  mark: string,
): Promise<Mark | null> {
  const gone = new PlacementHistoryGoneError(from, moment.first);
  // All that was there at `from` is gone: overwritten or purged, which cannot be told apart.
  if (from > moment.last || (from > 0 && moment.first > from + 1)) throw gone;
  if (mark === '') return null;
  const known = JSON.parse(mark) as Mark;
  if (known.created !== moment.created || moment.keys < known.keys) throw gone;
  if (known.last === null) return known;
  const { revision, key, time_ms } = known.last;
  const same = await bucket.messageAt(revision);
  if (same !== null) {
    if (same.time.getTime() !== time_ms || bucket.keyOf(same.subject) !== key) throw gone;
    return known;
  }
  const later = await bucket.newestOf(key);
  if (later === null || later.seq < revision) throw gone;
  return known;
}

async function openConsumer(
  bucket: NatsBucket,
  start: Pick<ConsumerConfig, 'deliver_policy' | 'opt_start_seq' | 'filter_subject'>,
): Promise<{ consumer: Consumer; name: string }> {
  const name = `control-${nuid.next()}`;
  const consumer = await bucket.addConsumer({
    name,
    ack_policy: AckPolicy.None,
    replay_policy: ReplayPolicy.Instant,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(FORGOTTEN_AFTER_MS),
    ...start,
  });
  return { consumer, name };
}

const consume = (consumer: Consumer): Promise<ConsumerMessages> =>
  consumer.consume({
    max_messages: BATCH,
    expires: ASK_FOR_MESSAGES_MS,
    idle_heartbeat: ASK_FOR_MESSAGES_MS / 5,
    abort_on_missing_resource: true,
  });

const contentOf = ({ subject, seq, data, headers }: JsMsg) => ({
  subject,
  seq,
  data,
  operation: operationOf(headers),
});
