/**
 * Notices that messages were purged or deleted by hand. Nobody is told of that, but the number of keys falls, which it never does
 * otherwise: a delete of ours leaves a marker.
 *
 * Base: a moment at which the number was known. Made: keys that were written for the first time since. A write that expected revision 0
 * has made its key for sure; one that expected nothing may have.
 */
import { PlacementHistoryGoneError } from '#server/scale/placement-store.ts';
import type { NatsBucket, StreamMoment } from './nats-bucket.ts';

type Base = Pick<StreamMoment, 'created' | 'keys' | 'last'>;

/** Written without any expectation in one interval; for more than this, reading everything anew is quicker than looking each up. */
const MOST_LOOKED_UP = 1_000;

export class NatsKeyCensus {
  readonly #bucket: NatsBucket;
  #base: Base;
  #made = new Map<string, { revision: number; sure: boolean }>();

  constructor(bucket: NatsBucket, base: Base) {
    this.#bucket = bucket;
    this.#base = base;
  }

  get created(): string {
    return this.#base.created;
  }

  /** Keys that there are at least. */
  get keys(): number {
    let sure = 0;
    for (const made of this.#made.values()) if (made.sure) sure += 1;
    return this.#base.keys + sure;
  }

  /** Whether writes are counted that may or may not have made their keys. */
  get isUnsure(): boolean {
    for (const { sure } of this.#made.values()) if (!sure) return true;
    return false;
  }

  /** Counts a delivered write; `expected` is the revision that its writer expected of the key, '' for none. */
  count(key: string, revision: number, expected: string): void {
    if (revision <= this.#base.last || this.#made.has(key)) return;
    if (expected === '' || expected === '0') this.#made.set(key, { revision, sure: expected === '0' });
  }

  /** Compares with what the leader says, when everything up to there was delivered. Throws PlacementHistoryGoneError when keys are missing. */
  async compare(now: StreamMoment): Promise<void> {
    const made = [...this.#made].filter(([, { revision }]) => revision <= now.last);
    const unsure = made.filter(([, { sure }]) => !sure);
    let expected = this.#base.keys + made.length;
    if (now.keys < expected && unsure.length <= MOST_LOOKED_UP) {
      const old = await Promise.all(unsure.map(([key, { revision }]) => this.#isOld(key, revision)));
      expected -= old.filter(Boolean).length;
    }
    if (now.keys < expected) throw new PlacementHistoryGoneError(this.#base.last, now.first);
    this.#base = now;
    for (const [key] of made) this.#made.delete(key);
  }

  /** Whether a key has a message from before the first write that was delivered. */
  async #isOld(key: string, revision: number): Promise<boolean> {
    const first = await this.#bucket.nextOf(key, 1);
    return first !== null && first.seq < revision;
  }
}
