import { findNatsServer } from './nats-server.mjs';
import { natsMissingVariable, natsServerVariable } from './test-nats.ts';
import { startTestPostgres } from './test-postgres.ts';

/** Gives the integration tests their PostgreSQL and finds the servers that some of them start; vitest calls what it returns at the end. */
export default async function setUp(): Promise<() => Promise<void>> {
  const nats = findNatsServer();
  if ('path' in nats) process.env[natsServerVariable] = nats.path;
  else process.env[natsMissingVariable] = nats.reason;
  const server = await startTestPostgres();
  return server.stop;
}
