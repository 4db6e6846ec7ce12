import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import {
  decodePlacementRecord,
  encodePlacementRecord,
  parsePlacementKey,
  placementKey,
} from '#contract/placement-record.ts';
import {
  PlacementConflictError,
  PlacementHistoryGoneError,
  PlacementStoreError,
  type PlacementChange,
  type PlacementEntry,
  type PlacementMark,
  type PlacementStore,
  type PlacementWatchEvent,
} from '#server/scale/placement-store.ts';
import { corruptPlacementFile, placementFileError } from './sqlite-error.ts';

/**
 * Placement store in one SQLite file (WAL), for development: several processes may open it at once.
 *
 * `placements` holds what is; `changes` the last writes, one row a revision without gaps; `head` the newest revision and
 * `history_floor`, the newest revision whose change was dropped: a watch can resume from there and later.
 */

// "CPLC": marks the file as ours, so that a foreign database given by mistake is refused instead of altered.
const APPLICATION_ID = 0x43504c43;
const FORMAT_VERSION = 1;
const SCHEMA = `
  CREATE TABLE placements (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE changes (revision INTEGER PRIMARY KEY, key TEXT NOT NULL, record TEXT);
  CREATE INDEX changes_by_key ON changes (key, revision);
  CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, history_floor INTEGER NOT NULL);
  INSERT INTO head VALUES (1, 0, 0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT_VERSION};
`;

// Also for files of before it was kept: which file this is, whatever it holds.
const IDENTITY = `
  CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
  INSERT INTO identity SELECT hex(randomblob(16)) WHERE NOT EXISTS (SELECT 1 FROM identity);
`;

const LIST_PAGE = 1_000;
const WATCH_PAGE = 500;
const PUT_BATCH = 2_000;
const HEARTBEAT_MS = 1_000;
const BUSY_TIMEOUT_MS = 5_000;

export type PlacementFileStoreOptions = {
  /** Changes kept for `history` and for resuming a watch. */
  historyLimit?: number;
  /** How often a watch looks for writes of other processes; own writes wake it at once. */
  pollIntervalMs?: number;
};

type Head = { revision: number; history_floor: number };
type PlacementRow = { key: string; revision: number; record: string };
type ChangeRow = { key: string; revision: number; record: string | null };

/** Opens (and creates) the placement file of one environment. Throws PlacementStoreError when it cannot be used. */
export function openPlacementFileStore(
  path: string,
  options: PlacementFileStoreOptions = {},
): PlacementStore {
  const historyLimit = options.historyLimit ?? 50_000;
  const pollIntervalMs = options.pollIntervalMs ?? 25;
  const database = openDatabase(path);
  const { id: identity } = database.prepare('SELECT id FROM identity').get() as { id: string };
  const sql = {
    head: database.prepare('SELECT revision, history_floor FROM head'),
    setHead: database.prepare('UPDATE head SET revision = ?, history_floor = max(history_floor, ?)'),
    get: database.prepare('SELECT key, revision, record FROM placements WHERE key = ?'),
    page: database.prepare(
      `SELECT key, revision, record FROM placements WHERE key > ? ORDER BY key LIMIT ${LIST_PAGE}`,
    ),
    put: database.prepare(
      'INSERT INTO placements VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, record = excluded.record',
    ),
    remove: database.prepare('DELETE FROM placements WHERE key = ?'),
    log: database.prepare('INSERT INTO changes (revision, key, record) VALUES (?, ?, ?)'),
    trim: database.prepare('DELETE FROM changes WHERE revision <= ?'),
    change: database.prepare('SELECT key, revision, record FROM changes WHERE revision = ?'),
    history: database.prepare('SELECT key, revision, record FROM changes WHERE key = ? ORDER BY revision'),
    changes: database.prepare(
      `SELECT key, revision, record FROM changes WHERE revision > ? ORDER BY revision LIMIT ${WATCH_PAGE}`,
    ),
  };
  const sleepers = new Set<() => void>();
  let closed = false;

  function run<T>(operation: () => T): T {
    if (closed) throw new PlacementStoreError('closed', `placement file ${path} is closed`);
    try {
      return operation();
    } catch (error) {
      throw placementFileError(path, error);
    }
  }

  // IMMEDIATE takes the write lock before the compare, so no other process can write between compare and set.
  function write<T>(operation: () => T): T {
    const result = run(() => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const value = operation();
        database.exec('COMMIT');
        return value;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
    wakeSleepers();
    return result;
  }

  function wakeSleepers(): void {
    for (const wake of sleepers) wake();
  }

  const readHead = (): Head => run(() => sql.head.get() as Head);

  function readEntry(key: string): PlacementEntry | null {
    const row = run(() => sql.get.get(key) as PlacementRow | undefined);
    return row === undefined ? null : decodeEntry(row);
  }

  function decodeEntry(row: PlacementRow): PlacementEntry {
    try {
      const record = decodePlacementRecord(row.record);
      if (placementKey(record.service, record.tenant_id) === row.key)
        return { record, revision: row.revision };
    } catch (cause) {
      throw corruptPlacementFile(path, `holds a broken record under ${row.key} (${String(cause)})`, {
        cause,
      });
    }
    throw corruptPlacementFile(path, `holds the record of another key under ${row.key}`);
  }

  function decodeChange(row: ChangeRow): PlacementChange {
    const { key, revision, record } = row;
    return { revision, key, record: record === null ? null : decodeEntry({ key, revision, record }).record };
  }

  /** File and change that led to a revision, hashed: another file has another one there. '' where no change is known. */
  function markAt(revision: number): PlacementMark {
    const row = run(() => sql.change.get(revision) as ChangeRow | undefined);
    if (row === undefined) return '';
    const text = JSON.stringify([identity, row.revision, row.key, row.record]);
    return `${revision} ${createHash('sha256').update(text).digest('base64url')}`;
  }

  function compare(key: string, expectedRevision: number): void {
    const row = sql.get.get(key) as PlacementRow | undefined;
    const actual = row?.revision ?? 0;
    if (actual !== expectedRevision) throw new PlacementConflictError(key, expectedRevision, actual);
  }

  function append(writes: Iterable<{ key: string; record: string | null }>): number {
    let { revision } = sql.head.get() as Head;
    for (const { key, record } of writes) {
      revision += 1;
      if (record === null) sql.remove.run(key);
      else sql.put.run(key, revision, record);
      sql.log.run(revision, key, record);
    }
    const floor = revision - historyLimit;
    if (floor > 0) sql.trim.run(floor);
    sql.setHead.run(revision, floor);
    return revision;
  }

  function sleep(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, pollIntervalMs);
      signal.addEventListener('abort', wake);
      sleepers.add(wake);
      if (signal.aborted || closed) wake();
    });
  }

  async function* listEntries(): AsyncGenerator<PlacementEntry> {
    let after = '';
    for (;;) {
      const rows = run(() => sql.page.all(after) as PlacementRow[]);
      for (const row of rows) yield decodeEntry(row);
      const last = rows.at(-1);
      if (last === undefined || rows.length < LIST_PAGE) return;
      after = last.key;
      await yieldToEventLoop();
    }
  }

  async function* watchChanges(
    fromRevision: number,
    signal: AbortSignal,
    mark: PlacementMark,
  ): AsyncGenerator<PlacementWatchEvent> {
    let position = fromRevision;
    if (mark !== '' && mark !== markAt(Number.parseInt(mark, 10))) {
      throw new PlacementHistoryGoneError(fromRevision, readHead().history_floor);
    }
    let announcedAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const head = readHead();
      // A position ahead of the head was read from another file: this one was replaced.
      if (position < head.history_floor || position > head.revision) {
        throw new PlacementHistoryGoneError(position, head.history_floor);
      }
      if (position < head.revision) {
        const before = position;
        for (const row of run(() => sql.changes.all(position) as ChangeRow[])) {
          if (row.revision !== position + 1) break;
          position = row.revision;
          yield { kind: 'change', ...decodeChange(row) };
          if (signal.aborted) return;
        }
        // Nothing followed: a writer has trimmed the history since the head was read, or the file has a hole.
        if (position === before && readHead().history_floor <= position) {
          throw corruptPlacementFile(path, `lacks the change after revision ${position}`);
        }
        announcedAt = Number.NEGATIVE_INFINITY;
        await yieldToEventLoop();
        continue;
      }
      if (performance.now() - announcedAt >= HEARTBEAT_MS) {
        announcedAt = performance.now();
        yield { kind: 'caught_up', revision: position, mark: markAt(position) };
      }
      await sleep(signal);
    }
  }

  return {
    describe: () => ({ kind: 'file', address: path, version: null, warnings: [] }),
    get: async (key) => readEntry(key),
    list: async () => {
      const { revision } = readHead();
      return { revision, mark: markAt(revision), entries: listEntries() };
    },
    update: async (record, expectedRevision) => {
      const key = placementKey(record.service, record.tenant_id);
      const text = encodePlacementRecord(record);
      return write(() => {
        compare(key, expectedRevision);
        return append([{ key, record: text }]);
      });
    },
    delete: async (key, expectedRevision) => {
      parsePlacementKey(key);
      return write(() => {
        compare(key, expectedRevision);
        // Nothing stands there and nothing was expected: no write, so no revision of its own.
        return expectedRevision === 0 ? (sql.head.get() as Head).revision : append([{ key, record: null }]);
      });
    },
    history: async (key) => {
      const changes = run(() => sql.history.all(key) as ChangeRow[]).map(decodeChange);
      if (changes.length > 0) return changes;
      const entry = readEntry(key);
      return entry === null ? [] : [{ revision: entry.revision, key, record: entry.record }];
    },
    watch: (fromRevision, signal, mark = '') => watchChanges(fromRevision, signal, mark),
    putMany: async (records) => {
      let revision = readHead().revision;
      for (const batch of batches(records, PUT_BATCH)) {
        const writes = batch.map((record) => ({
          key: placementKey(record.service, record.tenant_id),
          record: encodePlacementRecord(record),
        }));
        revision = write(() => append(writes));
        await yieldToEventLoop();
      }
      return revision;
    },
    currentRevision: async () => readHead().revision,
    close: async () => {
      if (closed) return;
      closed = true;
      wakeSleepers();
      database.close();
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new PlacementStoreError(
      'not_writable',
      `cannot create the folder ${dirname(path)} for placement file ${path}`,
      { cause },
    );
  }
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216;',
    );
    prepareSchema(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw placementFileError(path, error);
  }
}

function prepareSchema(database: DatabaseSync, path: string): void {
  database.exec('BEGIN IMMEDIATE');
  const { application_id } = database.prepare('PRAGMA application_id').get() as { application_id: number };
  const { user_version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as {
    tables: number;
  };
  if (tables === 0) database.exec(SCHEMA);
  else if (application_id !== APPLICATION_ID)
    throw corruptPlacementFile(path, 'is a database of something else');
  else if (user_version !== FORMAT_VERSION) {
    throw corruptPlacementFile(
      path,
      `has format ${user_version}, this version reads format ${FORMAT_VERSION}`,
    );
  }
  database.exec(IDENTITY);
  database.exec('COMMIT');
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
