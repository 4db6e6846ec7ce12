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

/** Statements of one server are few; beyond this many something builds them out of data, and they are not prepared. */
const MOST_STATEMENTS = 2_000;
const statementNames = new Map<string, string>();

/** The name under which every connection prepares this text. */
function statementName(text: string): string | null {
  const known = statementNames.get(text);
  if (known !== undefined) return known;
  if (statementNames.size >= MOST_STATEMENTS || !/^\s*(select|insert|update|delete|with)\b/i.test(text))
    return null;
  const name = `s${statementNames.size}`;
  statementNames.set(text, name);
  return name;
}

/**
 * Prepares every statement once a connection: parsing and planning anew costs as much as most of ours take. A prepared statement
 * breaks when its columns change under it, so no statement selects `*`.
 */
class PreparingClient extends pg.Client {
  override query(...args: unknown[]): never {
    const [text, values, ...rest] = args;
    const name = typeof text === 'string' && Array.isArray(values) ? statementName(text) : null;
    const call = super.query.bind(this) as (...args: unknown[]) => never;
    return name === null ? call(...args) : call({ name, text, values }, ...rest);
  }
}

/**
 * Opens a pool of at most `max` connections; connections are made on first use. With `waitForDisk` false a commit returns before it
 * is on disk (`synchronous_commit = off`): only for what is written again after a crash.
 */
export function openDatabase(
  url: string,
  { max = 20, waitForDisk = true }: { max?: number; waitForDisk?: boolean } = {},
): DatabaseHandle {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    options: `-c timezone=UTC${waitForDisk ? '' : ' -c synchronous_commit=off'}`,
    application_name: 'cloudlysis-control',
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: 5_000,
    Client: PreparingClient,
  });
  // A connection that dies is replaced by the pool, and what was asked of it fails; without listeners its error would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const db = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  return { db, pool, url, close: () => db.destroy() };
}

/** PostgreSQL's error code and the constraint it names, if `error` is one of PostgreSQL's. */
export function constraintOf(error: unknown): { code: string; constraint: string | null } | null {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return null;
  return { code: error.code, constraint: error.constraint ?? null };
}
export const UNIQUE_VIOLATION = '23505';

/** Classes and codes of PostgreSQL that mean: not now. Connection trouble, starting or stopping, no connection, disk or memory left. */
const AWAY_CODES = /^(08|53|57P)|^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
/** What the client says without a code. */
const AWAY_WORDS =
  /Connection terminated|connection timeout|timeout expired|timeout exceeded when trying to connect|is not queryable/i;

/** Whether PostgreSQL, not the statement, is why this failed: the same may work in a moment. It may even have worked, when the answer was lost. */
export function isDatabaseAway(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return (typeof code === 'string' && AWAY_CODES.test(code)) || AWAY_WORDS.test(String(error));
}
