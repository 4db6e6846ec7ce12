/**
 * Keeps the index of one environment's placements equal to their store.
 *
 * `live`: the index has everything that the store had when it was last heard of. `rebuilding`: it is filled anew from a full read, or
 * is catching up. `down`: the store or the index cannot be used; the watcher tries again, ever more slowly.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { IndexConnection } from './leader-connection.ts';
import {
  applyChanges,
  applyListed,
  beginRebuild,
  endRebuild,
  readPosition,
  writeDown,
  writePosition,
  type WatchPosition,
} from './placement-index-store.ts';
import {
  PlacementHistoryGoneError,
  PlacementStoreError,
  type PlacementChange,
  type PlacementEntry,
  type PlacementMark,
} from './placement-store.ts';
import type { EnvironmentSettings } from './scale-settings.ts';
import { STALE_AFTER_S } from './watch-rules.ts';

export interface WatchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface PlacementWatcher {
  environment: string;
  /** As of now: a watcher that has not heard of its store for a while is down. */
  position(): WatchPosition;
  /** Resolves when the watcher has stopped. */
  ended: Promise<void>;
}

interface WatcherOptions {
  settings: Pick<EnvironmentSettings, 'environment' | 'store'>;
  index: IndexConnection;
  /** Stops the watcher. */
  signal: AbortSignal;
  log: WatchLog;
}

/** Where a watch begins: a revision that the index is at, and what the store looked like then. */
interface From {
  revision: number;
  mark: PlacementMark;
}

const CHANGE_BATCH = 1_000;
const LIST_BATCH = 5_000;
/** Caught-up events come about once a second; a little less, so that none is left out because it came a moment early. */
const OBSERVE_EVERY_MS = 900;
const SILENCE_LIMIT_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5_000;

export function startPlacementWatcher({ settings, index, signal, log }: WatcherOptions): PlacementWatcher {
  const { environment, store } = settings;
  let position: WatchPosition = { revision: 0, state: 'rebuilding', detail: 'starts' };
  let observedAt = performance.now();
  let retryMs = FIRST_RETRY_MS;

  async function rebuild(why: string): Promise<From> {
    log.info({ environment, why }, 'the placement index is filled anew');
    position = { revision: 0, state: 'rebuilding', detail: `fills the index anew: ${why}` };
    const remember = await beginRebuild(index, environment, `fills the index anew: ${why}`);
    const { revision, mark, entries } = await store.list();
    let taken = 0;
    let writing: Promise<void> = Promise.resolve();
    const write = async (batch: PlacementEntry[]) => {
      await writing;
      signal.throwIfAborted();
      taken += batch.length;
      const detail = `fills the index anew: ${why}; ${taken} placements so far`;
      position = { revision: 0, state: 'rebuilding', detail };
      observedAt = performance.now();
      // The next part is read while this one is written; its failure is met by the next write.
      writing = applyListed(index, environment, batch, { detail, remember });
      writing.catch(() => undefined);
    };
    let batch: PlacementEntry[] = [];
    for await (const entry of entries) {
      batch.push(entry);
      if (batch.length < LIST_BATCH) continue;
      await write(batch);
      batch = [];
    }
    if (batch.length > 0) await write(batch);
    await writing;
    await endRebuild(index, environment, { revision, mark, remembered: remember });
    return { revision, mark };
  }

  /** Where to watch from: the position that the index is at, after it was filled anew if it must be. */
  async function resume(): Promise<From> {
    const [known, current] = await Promise.all([readPosition(index, environment), store.currentRevision()]);
    if (known === null || known.revision === 0) return rebuild('it was not whole');
    if (current < known.revision) {
      return rebuild(
        `the store is at revision ${current}, before the index at ${known.revision}: it was replaced`,
      );
    }
    return known;
  }

  async function takeIn(
    changes: readonly PlacementChange[],
    revision: number,
    state: 'live' | 'rebuilding',
    mark?: PlacementMark,
  ): Promise<void> {
    const next: WatchPosition = { revision, state, detail: state === 'live' ? null : 'catches up', mark };
    if (changes.length > 0) await applyChanges(index, environment, changes, next);
    else await writePosition(index.query, environment, next);
    if (state === 'live' && position.state !== 'live') {
      log.info({ environment, revision }, 'the placement index is live');
    }
    position = next;
    observedAt = performance.now();
  }

  /** Follows the store from a revision until it fails or `signal` aborts. */
  async function follow({ revision, mark }: From): Promise<void> {
    const silence = new AbortController();
    const overdue = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
    let pending: PlacementChange[] = [];
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      for await (const event of store.watch(revision, either, mark)) {
        overdue.refresh();
        if (event.kind === 'change') {
          pending.push(event);
          if (pending.length < CHANGE_BATCH) continue;
          await takeIn(pending, event.revision, 'rebuilding');
        } else {
          retryMs = FIRST_RETRY_MS;
          const due = performance.now() - observedAt >= OBSERVE_EVERY_MS;
          if (pending.length === 0 && position.state === 'live' && !due) continue;
          await takeIn(pending, event.revision, 'live', event.mark);
        }
        pending = [];
      }
    } finally {
      clearTimeout(overdue);
    }
    if (signal.aborted) return;
    const said = silence.signal.aborted ? `said nothing for ${SILENCE_LIMIT_MS / 1000} s` : 'ended the watch';
    throw new PlacementStoreError('unavailable', `the store ${said}`);
  }

  async function comeDown(cause: unknown): Promise<void> {
    const message = cause instanceof Error ? cause.message : String(cause);
    const subject =
      cause instanceof PlacementStoreError ? 'placement store' : 'watch over the placement store';
    const detail = `The ${subject} of ${environment} fails: ${message}.`;
    if (position.state !== 'down') log.warn({ environment, error: message }, 'the placement watcher is down');
    position = { ...position, state: 'down', detail };
    // The index itself may be what is out of reach; its readers see by the age of the last observation.
    await writeDown(index, environment, detail).catch(() => undefined);
    await pause(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  }

  async function run(): Promise<void> {
    let gone: string | null = null;
    while (!signal.aborted) {
      try {
        const from = gone === null ? await resume() : await rebuild(gone);
        gone = null;
        await follow(from);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof PlacementHistoryGoneError) gone = error.message;
        else await comeDown(error);
      }
    }
  }

  return {
    environment,
    position: () =>
      position.state === 'live' && performance.now() - observedAt > STALE_AFTER_S * 1_000
        ? { ...position, state: 'down', detail: `The placement store of ${environment} is silent.` }
        : position,
    ended: run(),
  };
}
