/**
 * Writes what the migrations result in: `server/db/generated/row-types.ts` for the compiler and
 * `server/db/generated/schema.sql` for readers and reviewers. `--check` compares instead of writing.
 */
import { createTestDatabase } from '#server/db/test-database.ts';

import { describeRowTypes } from './describe-row-types.ts';
import { describeSchema } from './describe-schema.ts';
import { updateGenerated } from './generated-files.ts';
import { startTestPostgres } from './test-postgres.ts';

const server = await startTestPostgres();
try {
  const { pool } = await createTestDatabase();
  try {
    const files = {
      'server/db/generated/row-types.ts': await describeRowTypes(pool),
      'server/db/generated/schema.sql': await describeSchema(pool),
    };
    const upToDate = await updateGenerated(files, { check: process.argv.includes('--check') });
    if (!upToDate) process.exitCode = 1;
  } finally {
    await pool.end();
  }
} finally {
  await server.stop();
}
