import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '#server/adapters/embedded-postgres/embedded-postgres.ts';
import { migrateDatabase } from '#server/db/migrate.ts';
import type { CallContext } from '#server/http/call-context.ts';

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
export const median = (values: readonly number[]) => quantile(values, 0.5);

/** A Markdown table on standard output. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

const user_id = '019ab000-0000-7000-8000-000000000001';
/** A call by somebody who may do everything. */
export const benchContext: CallContext = {
  principal: {
    type: 'user',
    principal_id: user_id,
    user_id,
    label: 'bench@example.com',
    session: null,
    token: null,
    grants: [{ role_id: 'owner', permissions: ['*'], tenant_id: null, environment: null }],
  },
  request_id: 'bench',
  trace_id: null,
  ip: '127.0.0.1',
  user_agent: 'bench',
  idempotency: null,
};

/** A migrated database that waits for the disk, as in production. */
export async function openBenchDatabase(): Promise<{ url: string; stop: () => Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'control-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir: path.join(folder, 'postgres') });
  await migrateDatabase(postgres.url);
  return {
    url: postgres.url,
    stop: async () => {
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
