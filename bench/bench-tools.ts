import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
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
    grants: [{ role_id: 'owner', permissions: ['*'], tenant_id: null, environment: null, expires_at: null }],
    impersonation: null,
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

export interface Load {
  per_second: number;
  p50_ms: number;
  p95_ms: number;
}

/** Runs `once` on `connections` loops at the same time for a while and answers its rate and times; the first second is not counted. */
export async function load(
  connections: number,
  seconds: number,
  once: (connection: number) => Promise<void>,
): Promise<Load> {
  const times: number[] = [];
  const from = performance.now() + 1000;
  const until = from + seconds * 1000;
  const loop = async (connection: number) => {
    for (;;) {
      const began = performance.now();
      if (began > until) return;
      await once(connection);
      if (began >= from) times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_value, connection) => loop(connection)));
  return { per_second: times.length / seconds, p50_ms: quantile(times, 0.5), p95_ms: quantile(times, 0.95) };
}

/** An HTTP client on kept connections; fails on an unexpected status. */
export function httpClient(origin: string, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(origin);
  return (method: string, path: string, headers: Record<string, string>, body?: string, expected = 200) =>
    new Promise<void>((resolve, reject) => {
      const call = request(
        {
          agent,
          hostname,
          port,
          method,
          path,
          headers: {
            ...headers,
            ...(body !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(body),
            }),
          },
        },
        (answer) => {
          let text = '';
          answer.on(
            'data',
            (chunk: Buffer) => (text = answer.statusCode === expected ? '' : text + chunk.toString()),
          );
          answer.on('end', () =>
            answer.statusCode === expected
              ? resolve()
              : reject(new Error(`${method} ${path} answered ${answer.statusCode}: ${text}`)),
          );
        },
      );
      call.on('error', reject);
      call.end(body);
    });
}
