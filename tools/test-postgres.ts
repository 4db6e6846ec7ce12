import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, constants, mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import pg from 'pg';

import { startEmbeddedPostgres } from '#server/adapters/embedded-postgres/embedded-postgres.ts';
import { migrateDatabase } from '#server/db/migrate.ts';
import { templateDatabase, testFolderVariable, testServerVariable } from '#server/db/test-database.ts';

export type TestPostgres = {
  /** The server's own database, from which others are created. */
  url: string;
  stop: () => Promise<void>;
};

/**
 * Starts a throwaway PostgreSQL with a migrated template database, and points `createTestDatabase` at it.
 * It ends with this process, however this process ends.
 */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = await mkdtemp(join(await findFastFolder(), 'control-test-'));
  // PostgreSQL may run under another account, which has to pass through; its data stays 0700.
  await chmod(folder, 0o711);
  const guard = spawn(
    process.execPath,
    [fileURLToPath(new URL('test-postgres-guard.mjs', import.meta.url)), folder],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'inherit'],
    },
  );
  const stop = async () => {
    if (guard.exitCode !== null) return;
    guard.stdin.end();
    await once(guard, 'exit');
  };
  try {
    const { url } = await startEmbeddedPostgres({
      dataDir: join(folder, 'postgres'),
      settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
    });
    await createTemplate(url);
    process.env[testServerVariable] = url;
    process.env[testFolderVariable] = folder;
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Memory where the machine has enough of it: cloning a database makes hundreds of files, slow on many disks. */
async function findFastFolder(): Promise<string> {
  const memory = '/dev/shm';
  const usable = await access(memory, constants.W_OK)
    .then(() => statfs(memory))
    .catch(() => undefined);
  return usable && usable.bavail * usable.bsize > 2 * 1024 ** 3 ? memory : tmpdir();
}

async function createTemplate(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`create database ${templateDatabase}`);
    const templateUrl = new URL(url);
    templateUrl.pathname = templateDatabase;
    await migrateDatabase(templateUrl.href);
    await client.query(`alter database ${templateDatabase} with is_template true allow_connections false`);
  } finally {
    await client.end();
  }
}
