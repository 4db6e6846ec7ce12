import type { PlacementRecord } from '#contract/placement-record.ts';

/**
 * Port: the record of placements of one environment (NATS KV in production, a file in development).
 *
 * Revision: one integer per environment, rising with every write (a stream sequence). An entry carries the revision of its
 * last write; a compare-and-set names the revision it read, 0 for "must not exist".
 * All methods but `watch` reject with PlacementStoreError when the store cannot answer.
 */

export type PlacementEntry = { record: PlacementRecord; revision: number };

/** One write; `record` is null for a delete. */
export type PlacementChange = { revision: number; key: string; record: PlacementRecord | null };

/**
 * What a store looked like at a revision, beside the number: kept by who wants to resume a watch later. It tells a store that was purged,
 * replaced or restored meanwhile from the one that was left, also when it has grown past the revision. Opaque; '' says nothing.
 */
export type PlacementMark = string;

export type PlacementListing = {
  revision: number;
  mark: PlacementMark;
  entries: AsyncIterable<PlacementEntry>;
};

/**
 * What a watcher sees. Changes come in rising revision order; a change that a later one of the same key has replaced may be left out.
 * `caught_up` says that everything up to `revision` was delivered; it comes first of all when there is nothing to deliver,
 * after each burst, and at least once a second, so that silence of the store is seen as such.
 */
export type PlacementWatchEvent =
  | ({ kind: 'change' } & PlacementChange)
  | { kind: 'caught_up'; revision: number; mark: PlacementMark };

/** What is known of a store by now, for operators. */
export type PlacementStoreDescription = {
  kind: 'file' | 'nats';
  /** Where it is, without credentials. */
  address: string;
  /** Of the server; null when there is none, or it has not answered yet. */
  version: string | null;
  /** What is unsafe about how it is set up, in sentences. */
  warnings: string[];
};

export type PlacementStore = {
  describe(): PlacementStoreDescription;
  /** The entry of a key, or null when it does not exist (any more). */
  get(key: string): Promise<PlacementEntry | null>;
  /**
   * All entries, streamed. `revision` was the current one before the first entry was read: what was written since may or may not
   * be in `entries`, so a full picture is the listing plus `watch(revision)`.
   */
  list(): Promise<PlacementListing>;
  /** Compare-and-set; answers the new revision. Rejects with PlacementConflictError when the entry is at another revision. */
  update(record: PlacementRecord, expectedRevision: number): Promise<number>;
  /** Compare-and-delete; answers the revision of the delete. Rejects with PlacementConflictError. */
  delete(key: string, expectedRevision: number): Promise<number>;
  /** The kept changes of a key, oldest first; bounded, but the current record is always among them. */
  history(key: string): Promise<PlacementChange[]>;
  /**
   * Every change after `fromRevision`, for ever; ends when `signal` aborts. Throws PlacementHistoryGoneError when the store no longer
   * has the changes in between, or does not fit `mark`: the watcher then reads the list anew. Throws PlacementStoreError when the
   * store fails or closes.
   */
  watch(fromRevision: number, signal: AbortSignal, mark?: PlacementMark): AsyncIterable<PlacementWatchEvent>;
  /** Bulk seed: writes every record whatever stood there; not atomic as a whole. Answers the last revision. */
  putMany(records: Iterable<PlacementRecord>): Promise<number>;
  currentRevision(): Promise<number>;
  /** Ends all watches and frees the store. */
  close(): Promise<void>;
};

/** The entry is at `actual_revision` (0: it does not exist), not at the expected one. */
export class PlacementConflictError extends Error {
  readonly key: string;
  readonly expected_revision: number;
  readonly actual_revision: number;
  constructor(key: string, expected_revision: number, actual_revision: number) {
    super(`placement ${key} is at revision ${actual_revision}, not ${expected_revision}`);
    this.name = 'PlacementConflictError';
    this.key = key;
    this.expected_revision = expected_revision;
    this.actual_revision = actual_revision;
  }
}

/** The changes after `from_revision` are not kept any more (or the store was replaced): rebuild from a full read. */
export class PlacementHistoryGoneError extends Error {
  readonly from_revision: number;
  readonly oldest_revision: number;
  constructor(from_revision: number, oldest_revision: number) {
    super(
      `placement changes after revision ${from_revision} are gone; watching is possible from ${oldest_revision}`,
    );
    this.name = 'PlacementHistoryGoneError';
    this.from_revision = from_revision;
    this.oldest_revision = oldest_revision;
  }
}

export type PlacementStoreErrorCode = 'unavailable' | 'not_writable' | 'full' | 'corrupt' | 'closed';

/** The store cannot do what was asked; the message says which store and what to do about it. */
export class PlacementStoreError extends Error {
  readonly code: PlacementStoreErrorCode;
  constructor(code: PlacementStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PlacementStoreError';
    this.code = code;
  }
}
