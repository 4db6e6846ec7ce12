/**
 * The connection that holds the lock of the one replica that watches. The leader writes its indexes on this very connection, in turn:
 * who loses it loses the lock and the ability to write in the same moment, so two leaders can never write against each other.
 */
import pg from 'pg';

export type IndexQuery = <R extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<R[]>;

export interface IndexConnection {
  /** One statement, after those that were asked for earlier. */
  query: IndexQuery;
  /** Statements that happen together or not at all; none of others in between. */
  transaction<T>(work: (query: IndexQuery) => Promise<T>): Promise<T>;
}

export interface LeaderConnection extends IndexConnection {
  /** Takes the lock of the leader, or answers false when another connection holds it. */
  tryLead(): Promise<boolean>;
  /** Aborts when the connection is gone. */
  lost: AbortSignal;
  close(): Promise<void>;
}

const LEADER_LOCK = 7_070_003;
/** A statement that takes longer means that the server is out of reach, whatever the socket believes. */
const STATEMENT_LIMIT_MS = 60_000;

/** Connects; rejects when the database cannot be reached. */
export async function openLeaderConnection(databaseUrl: string): Promise<LeaderConnection> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'cloudlysis-control scale watch',
    // An index that loses its last moments in a crash of the server is behind, not wrong: position and rows are lost together.
    options: '-c timezone=UTC -c synchronous_commit=off',
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    query_timeout: STATEMENT_LIMIT_MS,
  });
  const gone = new AbortController();
  client.on('error', () => gone.abort());
  client.on('end', () => gone.abort());
  await client.connect();

  let last: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(() => {
      if (gone.signal.aborted) throw new Error('The connection of the leader is gone.');
      return work();
    });
    last = mine.catch(() => undefined);
    return mine;
  }
  // Prepared by name: the same few statements, again and again.
  const names = new Map<string, string>();
  const ask: IndexQuery = async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) => {
    const name = names.get(text) ?? `index_${names.size}`;
    names.set(text, name);
    return (await client.query<R>({ name, text, values })).rows;
  };
  const query: IndexQuery = (text, values) => inTurn(() => ask(text, values));

  return {
    query,
    transaction: (work) =>
      inTurn(async () => {
        await ask('begin');
        try {
          const value = await work(ask);
          await ask('commit');
          return value;
        } catch (error) {
          await ask('rollback').catch(() => gone.abort());
          throw error;
        }
      }),
    tryLead: async () => {
      const [row] = await query<{ leads: boolean }>('select pg_try_advisory_lock($1) as leads', [
        LEADER_LOCK,
      ]);
      return row?.leads ?? false;
    },
    lost: gone.signal,
    close: async () => {
      // What is under way is cut off: its transaction is rolled back, as in a crash.
      await client.end().catch(() => undefined);
    },
  };
}
