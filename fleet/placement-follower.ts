import { setTimeout as pause } from 'node:timers/promises';
import { parsePlacementKey } from '#contract/placement-record.ts';
import {
  PlacementHistoryGoneError,
  type PlacementMark,
  type PlacementStore,
} from '#server/scale/placement-store.ts';
import { PlacementMirror } from './placement-mirror.ts';

// A node that never applies anything would make the change log grow for ever. A fresh mirror ends that: the node keeps
// its old picture, which no longer grows.
const MAX_KEPT_CHANGES = 500_000;
const DELIVERY_SIZE = 1_000;
const RETRY_MS = 500;

export type PlacementFollowerOptions = {
  store: PlacementStore;
  clock: () => number;
  /** Called after each delivery; answers the oldest revision that some node still serves from this mirror. */
  onDelivered: (mirror: PlacementMirror) => number;
  /** A failure of the store; following goes on after a pause. */
  onError: (error: unknown) => void;
};

/** Keeps the mirror of one environment's placements: full read, then watch; a full read again when changes were missed. */
export class PlacementFollower {
  /** Null until the first full read is done; replaced by a new one when changes were missed. */
  mirror: PlacementMirror | null = null;
  /** Resolves after the first full read. */
  readonly loaded: Promise<void>;
  readonly #options: PlacementFollowerOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #waiting: { revision: number; resolve: () => void }[] = [];

  constructor(options: PlacementFollowerOptions) {
    this.#options = options;
    const loaded = Promise.withResolvers<void>();
    this.loaded = loaded.promise;
    this.#running = this.#run(loaded.resolve);
  }

  /** Waits until the mirror holds what the store holds now. Answers false when that takes longer than `timeoutMs`. */
  async catchUp(timeoutMs: number): Promise<boolean> {
    const revision = await this.#options.store.currentRevision();
    if (this.mirror !== null && this.mirror.head >= revision) return true;
    const reached = new Promise<true>((resolve) => {
      this.#waiting.push({ revision, resolve: () => resolve(true) });
    });
    const timer = new AbortController();
    const timeout = pause(timeoutMs, false as const, { signal: timer.signal }).catch(() => false as const);
    const inTime = await Promise.race([reached, timeout]);
    timer.abort();
    return inTime;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(onLoaded: () => void): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const { mirror, mark } = await this.#readAll();
        this.mirror = mirror;
        this.#delivered(mirror);
        onLoaded();
        await this.#follow(mirror, mark, signal);
      } catch (error) {
        if (error instanceof PlacementHistoryGoneError) continue;
        if (signal.aborted) return;
        this.#options.onError(error);
        await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #readAll(): Promise<{ mirror: PlacementMirror; mark: PlacementMark }> {
    const { revision, mark, entries } = await this.#options.store.list();
    const mirror = new PlacementMirror(revision);
    for await (const { record } of entries) mirror.load(record.service, record.tenant_id, record);
    return { mirror, mark };
  }

  async #follow(mirror: PlacementMirror, mark: PlacementMark, signal: AbortSignal): Promise<void> {
    for await (const event of this.#options.store.watch(mirror.head, signal, mark)) {
      if (event.kind === 'change') {
        const { service, tenant_id } = parsePlacementKey(event.key);
        mirror.apply(event.revision, this.#options.clock(), service, tenant_id, event.record);
      } else {
        mirror.head = event.revision;
      }
      // Under steady writes the store may never say that it has caught up.
      if (event.kind === 'caught_up' || mirror.keptChanges % DELIVERY_SIZE === 0) this.#delivered(mirror);
      if (mirror.keptChanges > MAX_KEPT_CHANGES) return;
    }
  }

  #delivered(mirror: PlacementMirror): void {
    mirror.forget(this.#options.onDelivered(mirror));
    const reached = this.#waiting.filter(({ revision }) => revision <= mirror.head);
    this.#waiting = this.#waiting.filter(({ revision }) => revision > mirror.head);
    for (const { resolve } of reached) resolve();
  }
}
