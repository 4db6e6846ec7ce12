/** SQL that reads what the orchestrators run, as observed. */
import { sql, type RawBuilder } from 'kysely';
import type { Host, Service, Task, Topology } from '#contract/fleet.ts';
import type { Load } from '#contract/scale.ts';
import type { Database } from '#server/db/database.ts';
import { keysetPage, pageOf, type ListRequest, type SortColumn } from '#server/http/cursor.ts';
import { countUpToBound } from './fleet-store.ts';
import type { OrchestratorWatchRow } from './watch-rules.ts';

export interface HostFilter extends ListRequest {
  environment?: string | undefined;
  state?: Host['state'] | undefined;
  availability?: Host['availability'] | undefined;
  q?: string | undefined;
}
export interface ServiceFilter extends ListRequest {
  environment?: string | undefined;
  kind?: Service['kind'] | undefined;
  state?: Service['state'] | undefined;
  q?: string | undefined;
}
export interface TaskFilter extends ListRequest {
  environment?: string | undefined;
  service_id?: string | undefined;
  host_id?: string | undefined;
  state?: Task['state'] | undefined;
  wanted?: boolean | undefined;
  q?: string | undefined;
}

/** Rows of an index and how to page through them; `outside` is the alias of the table. */
interface Listing {
  table: RawBuilder<unknown>;
  columns: RawBuilder<unknown>;
  id: string;
  sorts: Record<string, SortColumn['type']>;
  defaultSort: string;
}

const loadOf = (id: 'host_id' | 'service_id') => sql<Load | null>`(
  select case when count(load) > 0 then jsonb_build_object('cpu_cores', sum((load->>'cpu_cores')::float8), 'memory_bytes', sum((load->>'memory_bytes')::float8),
    'requests_per_s', sum((load->>'requests_per_s')::float8), 'consumer_lag', sum(consumer_lag)) end
  from node_index node where node.environment = outside.environment and node.${sql.raw(id)} = outside.${sql.raw(id)})`;

const HOSTS: Listing = {
  table: sql`host_index outside`,
  columns: sql`environment, host_id, hostname, role, leader, state, availability, address, region, labels, engine_version, cpus, memory_bytes,
    tasks_running, ${loadOf('host_id')} as load, problem, since`,
  id: 'host_id',
  sorts: { hostname: 'text', state: 'text', tasks_running: 'bigint' },
  defaultSort: 'hostname',
};
const SERVICES: Listing = {
  table: sql`service_index outside`,
  columns: sql`environment, service_id, name, kind, mode, state, image, digest, nullif(substring(image from '[^/:]*:([^/:]+)$'), '') as version,
    replicas_desired, replicas_running, replicas_current, spec_digest, update, labels, ${loadOf('service_id')} as load, problem, since`,
  id: 'service_id',
  sorts: { name: 'text', state: 'text', replicas_running: 'bigint' },
  defaultSort: 'name',
};
const TASKS: Listing = {
  table: sql`task_index outside`,
  columns: sql`environment, task_id, service_id, service_name, kind, slot, host_id, hostname, node_id, state, desired_state, image, digest, current,
    message, error, since, created_at`,
  id: 'task_id',
  sorts: { service_name: 'text', state: 'text', since: 'timestamptz' },
  defaultSort: 'service_name',
};

export type HostRow = Omit<Host, 'observation'>;
export type ServiceRow = Omit<Service, 'observation'> & { spec_digest: string };
export type TaskRow = Omit<Task, 'observation'>;

/** How current each environment's index is, and how long ago that was seen. */
export async function readOrchestratorWatchRows(db: Database): Promise<Map<string, OrchestratorWatchRow>> {
  const { rows } = await sql<OrchestratorWatchRow>`select environment, source, state, detail, observed_at,
      extract(epoch from clock_timestamp() - observed_at)::float8 as age_s from orchestrator_watch`.execute(
    db,
  );
  return new Map(rows.map((row) => [row.environment, row]));
}

/** A page of the hosts of these environments. */
export async function listHostRows(db: Database, filter: HostFilter, environments: readonly string[]) {
  const conditions: RawBuilder<unknown>[] = [];
  if (filter.state !== undefined) conditions.push(sql`state = ${filter.state}`);
  if (filter.availability !== undefined) conditions.push(sql`availability = ${filter.availability}`);
  if (filter.q) conditions.push(contains(sql`hostname || ' ' || coalesce(region, '')`, filter.q));
  return listRows<HostRow>(db, HOSTS, filter, environments, conditions);
}

/** A page of the services of these environments. */
export async function listServiceRows(db: Database, filter: ServiceFilter, environments: readonly string[]) {
  const conditions: RawBuilder<unknown>[] = [];
  if (filter.kind !== undefined) conditions.push(sql`kind = ${filter.kind}`);
  if (filter.state !== undefined) conditions.push(sql`state = ${filter.state}`);
  if (filter.q) conditions.push(contains(sql`name || ' ' || image`, filter.q));
  return listRows<ServiceRow>(db, SERVICES, filter, environments, conditions);
}

/** A page of the tasks of these environments. */
export async function listTaskRows(db: Database, filter: TaskFilter, environments: readonly string[]) {
  const conditions: RawBuilder<unknown>[] = [];
  if (filter.service_id !== undefined) conditions.push(sql`service_id = ${filter.service_id}`);
  if (filter.host_id !== undefined) conditions.push(sql`host_id = ${filter.host_id}`);
  if (filter.state !== undefined) conditions.push(sql`state = ${filter.state}`);
  if (filter.wanted !== undefined) conditions.push(sql`wanted = ${filter.wanted}`);
  if (filter.q) {
    const text = sql`task_id || ' ' || service_name || ' ' || coalesce(node_id, '') || ' ' || coalesce(hostname, '')`;
    conditions.push(contains(text, filter.q));
  }
  return listRows<TaskRow>(db, TASKS, filter, environments, conditions);
}

/** One host; undefined when there is none of that id. */
export async function findHostRow(db: Database, environment: string, host_id: string) {
  return findRow<HostRow>(db, HOSTS, [environment], host_id);
}

/** One service of these environments; undefined when there is none of that id. */
export async function findServiceRow(db: Database, environments: readonly string[], service_id: string) {
  return findRow<ServiceRow>(db, SERVICES, environments, service_id);
}

/** Hosts, services and nodes of an environment as a graph shows them. */
export async function readTopology(
  db: Database,
  environment: string,
): Promise<Pick<Topology, 'hosts' | 'services' | 'nodes'>> {
  const [hosts, services, nodes] = await Promise.all([
    sql<Topology['hosts'][number]>`select host_id, hostname, state, availability, region from host_index
      where environment = ${environment} order by hostname`.execute(db),
    sql<
      Topology['services'][number]
    >`select service_id, name, kind, state, replicas_desired, replicas_running from service_index
      where environment = ${environment} order by name`.execute(db),
    sql<Topology['nodes'][number]>`select node_id, kind, state, host_id, service_id, shards from node_index
      where environment = ${environment} order by node_id`.execute(db),
  ]);
  return { hosts: hosts.rows, services: services.rows, nodes: nodes.rows };
}

async function listRows<R extends { environment: string }>(
  db: Database,
  { table, columns, id, sorts, defaultSort }: Listing,
  filter: ListRequest,
  environments: readonly string[],
  conditions: readonly RawBuilder<unknown>[],
) {
  const column = (name: string) => sql.raw(name);
  // As in the indexes, character for character.
  const tie = { column: sql`(environment || '/' || ${column(id)})`, type: 'text' } as const;
  const sortable = Object.fromEntries(
    Object.entries(sorts).map(([name, type]) => [name, { column: sql`${column(name)}`, type }]),
  );
  const page = keysetPage(filter, sortable, tie, defaultSort);
  const where = sql.join([sql`environment = any(${environments}::text[])`, ...conditions], sql` and `);
  const [{ rows }, total] = await Promise.all([
    sql<R>`select ${columns} from ${table} where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(
      db,
    ),
    countUpToBound(db, table, where),
  ]);
  const sortedBy = page.sort.replace(/^-/, '');
  const value = (row: R, name: string) => (row as Record<string, unknown>)[name] as string | number | null;
  return {
    ...pageOf(rows, page, (row) => [value(row, sortedBy), `${row.environment}/${value(row, id)}`]),
    total,
  };
}

async function findRow<R>(
  db: Database,
  { table, columns, id }: Listing,
  environments: readonly string[],
  value: string,
): Promise<R | undefined> {
  const { rows } = await sql<R>`select ${columns} from ${table}
    where environment = any(${environments}::text[]) and ${sql.raw(id)} = ${value} limit 1`.execute(db);
  return rows[0];
}

const contains = (text: RawBuilder<unknown>, q: string): RawBuilder<unknown> =>
  sql`strpos(lower(${text}), ${q.toLowerCase()}) > 0`;
