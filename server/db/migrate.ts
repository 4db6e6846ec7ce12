/**
 * Brings a database to this version's schema: the numbered SQL files in `migrations/`, then the schema of DBOS.
 * Replicas that start together wait for each other on an advisory lock. A migration is never edited once it has landed:
 * its checksum is kept and compared.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { DBOS } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import manifest from '../../package.json' with { type: 'json' };

const MIGRATIONS_URL = new URL('./migrations/', import.meta.url);
/** Any constant, the same in every replica. */
const MIGRATION_LOCK = 7_070_001;

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(MIGRATIONS_URL)).filter((name) => /^\d{4}_.+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, MIGRATIONS_URL), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/**
 * Asks again and again instead of waiting in one statement: DBOS builds indexes concurrently, which waits until every older statement of
 * other connections is over, and so for a replica that waits here for the lock, for ever.
 */
async function holdMigrationLock(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [
      MIGRATION_LOCK,
    ]);
    if (rows[0]?.held) return;
    await pause(100);
  }
}

/** Applies what is missing; a database that is up to date costs two queries. Throws when a landed migration was edited. */
export async function migrateDatabase(databaseUrl: string): Promise<void> {
  const migrations = await readMigrations();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await holdMigrationLock(client);
    await client.query(
      'create table if not exists schema_migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now())',
    );
    const { rows } = await client.query<{ name: string; checksum: string }>(
      'select name, checksum from schema_migrations',
    );
    const applied = new Map(rows.map((row) => [row.name, row.checksum]));
    for (const migration of migrations) {
      const checksum = applied.get(migration.name);
      if (checksum === migration.checksum) continue;
      if (checksum !== undefined) {
        throw new Error(
          `Migration ${migration.name} was changed after it was applied to this database; write a new migration instead.`,
        );
      }
      await client.query('begin');
      await client.query(migration.sql);
      await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [
        migration.name,
        migration.checksum,
      ]);
      await client.query('commit');
    }
    const version = manifest.dependencies['@dbos-inc/dbos-sdk'];
    if (!applied.has(`dbos ${version}`)) {
      await DBOS.migrate(databaseUrl);
      await client.query(
        'insert into schema_migrations (name, checksum) values ($1, $2) on conflict do nothing',
        [`dbos ${version}`, version],
      );
    }
  } finally {
    await client.end();
  }
}
