/** What the Admin API adds to the bare database, on the real server with 1,000 and with 100,000 tenants. */
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import {
  freePort,
  signIn,
  startControl,
  temporaryFolder,
  type ControlProcess,
} from '../e2e/control-process.ts';
import { httpClient, load, openBenchDatabase, printTable, type Load } from './bench-tools.ts';

const SECONDS = 8;
const LIST = '/admin/v1/tenants?status=active&status=degraded&sort=-updated_at&limit=50';
const BARE_LIST = `select tenant_id, name, status, plan, environments, contact->>'email' as contact_email, created_at, updated_at
  from tenants where status = any($1::text[]) order by updated_at desc, tenant_id desc limit 51`;

interface Bed {
  control: ControlProcess;
  databaseUrl: string;
  stop(): Promise<void>;
}

async function openBed(tenants: number): Promise<Bed> {
  const [{ folder, remove }, postgres, port] = [
    await temporaryFolder(),
    await openBenchDatabase(),
    await freePort(),
  ];
  const control = await startControl({
    args: ['--tenants', String(tenants)],
    dataDir: folder,
    port,
    env: { CONTROL_DATABASE_URL: postgres.url },
  });
  process.stderr.write(control.output());
  return {
    control,
    databaseUrl: postgres.url,
    stop: async () => {
      await control.stop();
      await postgres.stop();
      await remove();
    },
  };
}

async function list(bed: Bed, connections: number): Promise<{ http: Load; bare: Load }> {
  const { cookie } = await signIn(bed.control.url);
  const call = httpClient(bed.control.url, connections);
  const pool = new pg.Pool({ connectionString: bed.databaseUrl, max: connections });
  // In turns, so that both see the same machine.
  const bare = await load(
    connections,
    SECONDS,
    async () => void (await pool.query(BARE_LIST, [['active', 'degraded']])),
  );
  const http = await load(connections, SECONDS, () => call('GET', LIST, { cookie }));
  await pool.end();
  return { http, bare };
}

async function change(bed: Bed, connections: number): Promise<{ http: Load; bare: Load }> {
  const owner = await signIn(bed.control.url);
  const { items } = (
    await owner.call<{ items: { tenant_id: string }[] }>(
      'GET',
      `/tenants?status=active&limit=${connections * 2}`,
    )
  ).body;
  const revisions = new Map<string, number>();
  for (const { tenant_id } of items)
    revisions.set(
      tenant_id,
      (await owner.call<{ revision: number }>('GET', `/tenants/${tenant_id}`)).body.revision,
    );
  const tenantOf = (connection: number, side: number) => items[connection * 2 + side]?.tenant_id ?? '';
  let counter = 0;

  const port = await freePort();
  const bareServer = await startControl({
    program: 'bench/bare-server.ts',
    dataDir: bed.control.dataDir,
    port,
    env: { BENCH_DATABASE_URL: bed.databaseUrl },
  });
  const bareCall = httpClient(bareServer.url, connections);
  const bare = await load(connections, SECONDS, (connection) =>
    bareCall(
      'PATCH',
      `/tenants/${tenantOf(connection, 0)}`,
      {},
      JSON.stringify({ name: `Name ${++counter}` }),
    ),
  );
  await bareServer.stop();

  const call = httpClient(bed.control.url, connections);
  const http = await load(connections, SECONDS, async (connection) => {
    const tenant_id = tenantOf(connection, 1);
    const revision = revisions.get(tenant_id) ?? 0;
    const headers = {
      cookie: owner.cookie,
      'x-csrf-token': owner.csrf_token,
      'if-match': `"${revision}"`,
      'idempotency-key': `bench-${++counter}`,
    };
    await call(
      'PATCH',
      `/admin/v1/tenants/${tenant_id}`,
      headers,
      JSON.stringify({ name: `Name ${counter}` }),
    );
    revisions.set(tenant_id, revision + 1);
  });
  return { http, bare };
}

const ms = (value: number) => `${value.toFixed(2)} ms`;
const rate = (value: number) => `${Math.round(value).toLocaleString('en')}/s`;
const rows: string[][] = [];
const row = (what: string, { http, bare }: { http: Load; bare: Load }, share: string) => {
  rows.push([
    what,
    `${ms(http.p95_ms)} / ${ms(bare.p95_ms)}`,
    `${(http.p95_ms / (2 * bare.p95_ms + 2)).toFixed(2)} (≤ 1)`,
    `${rate(http.per_second)} / ${rate(bare.per_second)}`,
    `${((100 * http.per_second) / bare.per_second).toFixed(0)} %${share}`,
  ]);
};

const p95: Record<string, number> = {};
let rss = '';
for (const tenants of [1_000, 100_000]) {
  const bed = await openBed(tenants);
  for (const connections of [1, 16]) {
    const measured = await list(bed, connections);
    p95[`${tenants} ${connections}`] = measured.http.p95_ms;
    row(
      `list 50 of ${tenants.toLocaleString('en')}, ${connections} connections`,
      measured,
      connections === 16 ? ' (≥ 40 %)' : '',
    );
  }
  const status = await readFile(`/proc/${bed.control.pid}/status`, 'utf8').catch(() => '');
  rss = `${Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024)} MB`;
  if (tenants === 100_000) row('change a tenant, 16 connections', await change(bed, 16), ' (≥ 45 %)');
  await bed.stop();
}
printTable(
  ['what', 'p95 HTTP / bare', 'p95 ÷ (2 × bare + 2 ms)', 'rate HTTP / bare', 'share of bare rate'],
  rows,
);
process.stdout.write('\n');
printTable(
  ['figure', 'measured', 'goal'],
  [
    [
      'list p95, 100,000 ÷ 1,000 tenants, 1 connection',
      ((p95['100000 1'] ?? 0) / (p95['1000 1'] ?? 1)).toFixed(2),
      '≤ 1.5',
    ],
    [
      'list p95, 100,000 ÷ 1,000 tenants, 16 connections',
      ((p95['100000 16'] ?? 0) / (p95['1000 16'] ?? 1)).toFixed(2),
      '≤ 1.5',
    ],
    ['server RSS with 100,000 tenants after the list', rss, '≤ 200 MB'],
  ],
);
