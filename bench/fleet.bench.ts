/** What the lists of an orchestrator's hosts and tasks cost over HTTP, next to the bare SQL, with 1,000 hosts and 5,000 tasks. */
import pg from 'pg';
import { freePort, signIn, startControl, temporaryFolder } from '../e2e/control-process.ts';
import { httpClient, load, openBenchDatabase, printTable, type Load } from './bench-tools.ts';

const SECONDS = 6;
const HOSTS = 1_000;
const TASKS = 5_000;

/** As a watcher would have written them; the one that runs writes only what changes. */
const FILL = [
  `insert into host_index (environment, host_id, hostname, role, leader, state, availability, address, region, engine_version, cpus, memory_bytes, tasks_running, since)
    select 'dev', 'bench-' || n, 'bench-' || lpad(n::text, 5, '0'), 'worker', false, (array['ready','ready','ready','down'])[n % 4 + 1], 'active', '10.0.0.1',
      (array['eu-1','us-1','ap-1'])[n % 3 + 1], '28.5.2', 8, 34359738368, n % 9, now() from generate_series(1, ${HOSTS}) n`,
  `insert into task_index (environment, task_id, service_id, service_name, kind, slot, host_id, hostname, node_id, state, desired_state, wanted, current, image, since, created_at)
    select 'dev', 'bench-' || n, 'bench-' || n % 40, 'bench-' || lpad((n % 40)::text, 2, '0'), 'aggregate', n, 'bench-' || n % ${HOSTS} + 1, 'bench-' || lpad((n % ${HOSTS} + 1)::text, 5, '0'),
      'bench-node-' || n, case when n % 5 = 0 then 'shutdown' else 'running' end, case when n % 5 = 0 then 'shutdown' else 'running' end, n % 5 > 0, true,
      'cloudlysis/aggregate:1.14.0', now() - make_interval(secs => n), now() from generate_series(1, ${TASKS}) n`,
  'analyze host_index',
  'analyze task_index',
];
const LISTS: [what: string, path: string, bare: string][] = [
  [
    `hosts, first 50 of ${HOSTS.toLocaleString('en')}`,
    '/admin/v1/scale/hosts?environment=dev&limit=50',
    "select environment, host_id, hostname, role, leader, state, availability, address, region, labels, engine_version, cpus, memory_bytes, tasks_running, problem, since from host_index where environment = any($1::text[]) order by hostname, (environment || '/' || host_id) limit 51",
  ],
  [
    'hosts that are down, by tasks',
    '/admin/v1/scale/hosts?environment=dev&state=down&sort=-tasks_running&limit=50',
    "select environment, host_id, hostname, state, tasks_running, problem, since from host_index where environment = any($1::text[]) and state = 'down' order by tasks_running desc, (environment || '/' || host_id) desc limit 51",
  ],
  [
    `tasks, first 50 of ${TASKS.toLocaleString('en')}`,
    '/admin/v1/scale/tasks?environment=dev&limit=50',
    "select environment, task_id, service_id, service_name, kind, slot, host_id, hostname, node_id, state, desired_state, image, digest, current, message, error, since, created_at from task_index where environment = any($1::text[]) order by service_name, (environment || '/' || task_id) limit 51",
  ],
  [
    'tasks that are wanted, newest first',
    '/admin/v1/scale/tasks?environment=dev&wanted=true&sort=-since&limit=50',
    "select environment, task_id, service_id, service_name, kind, slot, host_id, hostname, node_id, state, desired_state, image, digest, current, message, error, since, created_at from task_index where environment = any($1::text[]) and wanted order by since desc, (environment || '/' || task_id) desc limit 51",
  ],
  [
    'tasks, searched',
    '/admin/v1/scale/tasks?environment=dev&q=node-49&limit=50',
    "select environment, task_id, service_id, service_name, state, since from task_index where environment = any($1::text[]) and strpos(lower(task_id || ' ' || service_name || ' ' || coalesce(node_id, '') || ' ' || coalesce(hostname, '')), 'node-49') > 0 order by service_name, (environment || '/' || task_id) limit 51",
  ],
];

const [{ folder, remove }, postgres, port] = [
  await temporaryFolder(),
  await openBenchDatabase(),
  await freePort(),
];
const control = await startControl({
  args: ['--tenants', '0'],
  dataDir: folder,
  port,
  env: { CONTROL_DATABASE_URL: postgres.url },
});
const { cookie } = await signIn(control.url);
const pool = new pg.Pool({ connectionString: postgres.url, max: 4 });
const isLive = async () =>
  (
    await pool.query<{ live: boolean }>(
      "select count(*) = 3 as live from orchestrator_watch where state = 'live'",
    )
  ).rows[0]?.live;
while (!(await isLive())) await new Promise((resolve) => setTimeout(resolve, 100));
for (const statement of FILL) await pool.query(statement);

const ms = (value: number) => `${value.toFixed(2)} ms`;
const rows: string[][] = [];
for (const connections of [1, 4]) {
  const call = httpClient(control.url, connections);
  for (const [what, path, text] of LISTS) {
    // In turns, so that both see the same machine.
    const bare: Load = await load(
      connections,
      SECONDS,
      async () => void (await pool.query({ name: what, text, values: [['dev']] })),
    );
    const http: Load = await load(connections, SECONDS, () => call('GET', path, { cookie }));
    rows.push([
      `${what}, ${connections} connection${connections === 1 ? '' : 's'}`,
      `${ms(http.p50_ms)} / ${ms(bare.p50_ms)}`,
      `${ms(http.p95_ms)} / ${ms(bare.p95_ms)}`,
      http.p95_ms <= 100 ? '≤ 100 ms' : '> 100 ms',
    ]);
  }
}
const { rows: found } = await pool.query<{ hosts: number; tasks: number }>(
  'select (select count(*)::int from host_index) as hosts, (select count(*)::int from task_index) as tasks',
);
await pool.end();
await control.stop();
await postgres.stop();
await remove();
printTable(['what', 'p50 HTTP / bare', 'p95 HTTP / bare', 'goal p95'], rows);
process.stdout.write(`\n${found[0]?.hosts} hosts and ${found[0]?.tasks} tasks at the end.\n`);
