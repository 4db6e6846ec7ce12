import { randomBytes } from 'node:crypto';

import pg from 'pg';

/** Where the test run's set-up leaves the address of its throwaway server. */
export const testServerVariable = 'CONTROL_TEST_POSTGRES_URL';

/** Where the set-up leaves the run's temporary folder, which is removed with every PostgreSQL in it. */
export const testFolderVariable = 'CONTROL_TEST_FOLDER';

/** The migrated, empty database that every test database is cloned from. */
export const templateDatabase = 'control_template';

export type TestDatabase = {
  url: string;
  pool: pg.Pool;
  drop: () => Promise<void>;
};

/** A migrated database of its own for one test file; `drop` ends its connections and removes it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = fromSetUp(testServerVariable);
  const name = `test_${randomBytes(6).toString('hex')}`;
  await runOnServer(serverUrl, `create database ${name} template ${templateDatabase}`);

  const url = new URL(serverUrl);
  url.pathname = name;
  const pool = new pg.Pool({ connectionString: url.href, max: 10 });
  // Connections that drop() or a test cuts off must not fail the run.
  pool.on('error', () => undefined);
  const drop = async () => {
    await pool.end();
    await runOnServer(serverUrl, `drop database if exists ${name} with (force)`);
  };
  return { url: url.href, pool, drop };
}

/** The test run's temporary folder: data directories below it are stopped and removed, however the run ends. */
export function testFolder(): string {
  return fromSetUp(testFolderVariable);
}

function fromSetUp(variable: string): string {
  const value = process.env[variable];
  if (!value)
    throw new Error(`${variable} is missing: only *.integration.test.ts files have PostgreSQL set up.`);
  return value;
}

async function runOnServer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
