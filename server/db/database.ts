/**
 * The connection pool and the typed query builder. Rows keep the wire's form: timestamps are RFC 3339 strings in UTC and
 * bigints are numbers (all of ours stay below 2^53), so that a row crosses no mapping layer.
 */
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import type { DB } from './generated/row-types.ts';

pg.types.setTypeParser(
  pg.types.builtins.TIMESTAMPTZ,
  (text) => `${text.slice(0, 10)}T${text.slice(11).replace(/\+00$/, 'Z')}`,
);
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export type Database = Kysely<DB>;
export type Tx = Transaction<DB>;

export interface DatabaseHandle {
  db: Database;
  pool: pg.Pool;
  url: string;
  close(): Promise<void>;
}

/** Opens a pool of at most `max` connections; connections are made on first use. */
export function openDatabase(url: string, { max = 20 }: { max?: number } = {}): DatabaseHandle {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    options: '-c timezone=UTC',
    application_name: 'cloudlysis-control',
    idleTimeoutMillis: 30_000,
  });
  // A connection that dies while idle is replaced by the pool; without a listener its error would end the process.
  pool.on('error', () => undefined);
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, url, close: () => db.destroy() };
}

/** PostgreSQL's error code and the constraint it names, if `error` is one of PostgreSQL's. */
export function constraintOf(error: unknown): { code: string; constraint: string | null } | null {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return null;
  return { code: error.code, constraint: error.constraint ?? null };
}
export const UNIQUE_VIOLATION = '23505';
