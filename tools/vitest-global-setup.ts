import { startTestPostgres } from './test-postgres.ts';

/** Gives the integration tests their PostgreSQL; vitest calls what it returns when the run ends. */
export default async function setUp(): Promise<() => Promise<void>> {
  const server = await startTestPostgres();
  return server.stop;
}
