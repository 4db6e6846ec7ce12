/** What the lists of nodes, hosts and tasks cost over HTTP, next to the bare SQL, with 1,000 nodes, 1,000 hosts and 5,000 tasks. */
import pg from 'pg';
import { freePort, signIn, startControl, temporaryFolder } from '../e2e/control-process.ts';
import { httpClient, load, openBenchDatabase, printTable, type Load } from './bench-tools.ts';

const SECONDS = 6;
const NODES = 1_000;
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
  // Of an environment that nobody observes: an observer forgets at once what it does not know.
  `insert into node_index (environment, node_id, kind, state, host_id, shards, version, git_sha, placement_revision, inflight, consumer_lag, storage, load, region, since, observed_at)
    select 'bench', 'bench-' || lpad(n::text, 5, '0'), (array['gateway','aggregate','projection','runner'])[n % 4 + 1], (array['ready','ready','ready','not_ready'])[n % 4 + 1], 'bench-' || n,
      array['shard-' || n], '1.14.0', '0f3c2a1', n, n % 7, n % 90, '{"ok":true,"used_bytes":1,"capacity_bytes":2}', '{"cpu_cores":0.5,"memory_bytes":1,"requests_per_s":12}',
      (array['eu-1','us-1','ap-1'])[n % 3 + 1], now(), now() from generate_series(1, ${NODES}) n`,
  'analyze node_index',
  'analyze host_index',
  'analyze task_index',
];
const NODE_COLUMNS =
  'environment, node_id, kind, state, host_id, service_id, region, labels, shards, version, git_sha, placement_revision, inflight, consumer_lag, storage, load, checks, problem, since, observed_at';
const LISTS: [what: string, path: string, bare: string, environment?: string][] = [
  [
    `nodes, first 50 of ${NODES.toLocaleString('en')}`,
    '/admin/v1/scale/nodes?environment=bench&limit=50',
    `select ${NODE_COLUMNS} from node_index where environment = any($1::text[]) order by node_id limit 51`,
    'bench',
  ],
  [
    'nodes that are not ready',
    '/admin/v1/scale/nodes?environment=bench&state=not_ready&limit=50',
    `select ${NODE_COLUMNS} from node_index where environment = any($1::text[]) and state = 'not_ready' order by node_id limit 51`,
    'bench',
  ],
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
  for (const [what, path, text, environment = 'dev'] of LISTS) {
    // In turns, so that both see the same machine.
    const bare: Load = await load(
      connections,
      SECONDS,
      async () => void (await pool.query({ name: what, text, values: [[environment]] })),
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
const { rows: found } = await pool.query<{ nodes: number; hosts: number; tasks: number }>(
  "select (select count(*)::int from node_index where environment = 'bench') as nodes, (select count(*)::int from host_index) as hosts, (select count(*)::int from task_index) as tasks",
);
await pool.end();
await control.stop();
await postgres.stop();
await remove();
printTable(['what', 'p50 HTTP / bare', 'p95 HTTP / bare', 'goal p95'], rows);
process.stdout.write(
  `\n${found[0]?.nodes} nodes, ${found[0]?.hosts} hosts and ${found[0]?.tasks} tasks at the end.\n`,
);
