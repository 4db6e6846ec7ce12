/** Reads what the plans of changing services and hosts rest on: the orchestrator asked now, nodes and tenants from the indexes. */
import { sql } from 'kysely';
import type { Host } from '#contract/fleet.ts';
import type { NodeKind } from '#contract/placement-record.ts';
import type { Database } from '#server/db/database.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { readWatchRows } from './fleet-store.ts';
import type { LiveJob } from './job-facts.ts';
import { requireEnvironment } from './migration-facts.ts';
import { readShardTenants, readTenants, type ListedTenant, type ShardTenants } from './node-drain-facts.ts';
import {
  OrchestratorError,
  type Orchestrator,
  type OrchestratorHost,
  type OrchestratorService,
} from './orchestrator.ts';
import type { EnvironmentSettings, ScaleDependencies } from './scale-settings.ts';

/** A task that the orchestrator wants, with what its node holds. */
export interface RunningTask {
  task_id: string;
  service_id: string;
  service_name: string;
  kind: NodeKind | null;
  slot: number | null;
  host_id: string | null;
  state: string;
  /** Null while it has not said which node it is. */
  node_id: string | null;
  shards: readonly ShardTenants[];
}

export interface KnownHost {
  host_id: string;
  hostname: string;
  state: Host['state'];
  availability: Host['availability'];
}

interface FleetFacts {
  environment: string;
  /** Shown in messages. */
  orchestrator: string;
  /** Every task of the environment that its orchestrator wants. */
  tasks: readonly RunningTask[];
  hosts: readonly KnownHost[];
  /** Jobs that hold the target, or something that its change touches. */
  live_jobs: readonly LiveJob[];
  /** Why the numbers of tenants may be old; null when they are current. */
  placements_problem: string | null;
  /** The first tenants on the shards that the change touches. */
  tenants: readonly ListedTenant[];
}

export interface ServiceFacts extends FleetFacts {
  service: OrchestratorService;
  kind: NodeKind | null;
  /** Whether scaling down ends the tasks in the highest slots, or any of them. */
  ends_highest_slot: boolean;
}

export interface HostFacts extends FleetFacts {
  host: OrchestratorHost;
}

/** An environment with its orchestrator. Throws `unknown_environment`, and `unprocessable` where there is none. */
function requireOrchestrator(
  dependencies: ScaleDependencies,
  environment: string,
): { settings: EnvironmentSettings; orchestrator: Orchestrator } {
  const settings = requireEnvironment(dependencies, environment);
  const { orchestrator } = settings;
  if (orchestrator !== undefined) return { settings, orchestrator };
  throw new ControlError('unprocessable', `No orchestrator is configured for ${environment}.`);
}

/** What a plan of changing a service rests on. `ownJob` is the job that asks, which does not stand in its own way. */
export async function readServiceFacts(
  dependencies: ScaleDependencies,
  { environment, service_id }: { environment: string; service_id: string },
  ownJob: string | null = null,
): Promise<ServiceFacts> {
  const { db } = dependencies;
  const { settings, orchestrator } = requireOrchestrator(dependencies, environment);
  const service = await asked(environment, orchestrator, () => orchestrator.service(service_id));
  if (service === null) throw notFound('service', service_id);
  const [tasks, hosts, placements_problem] = await Promise.all([
    readRunningTasks(db, environment),
    readHosts(db, environment),
    placementsProblem(db, settings),
  ]);
  const own = tasks.filter((task) => task.service_id === service_id);
  const kind = own[0]?.kind ?? (await kindOf(db, environment, service_id));
  return {
    environment,
    orchestrator: orchestrator.name,
    ends_highest_slot: orchestrator.endsHighestSlot ?? false,
    service,
    kind,
    tasks,
    hosts,
    placements_problem,
    live_jobs: await findJobsTouching(
      db,
      environment,
      { services: [service_id], tasks: own, hosts: [] },
      ownJob,
    ),
    tenants: await tenantsOn(db, environment, own),
  };
}

/** What a plan of changing a host rests on. */
export async function readHostFacts(
  dependencies: ScaleDependencies,
  { environment, host_id }: { environment: string; host_id: string },
  ownJob: string | null = null,
): Promise<HostFacts> {
  const { db } = dependencies;
  const { settings, orchestrator } = requireOrchestrator(dependencies, environment);
  const host = await asked(environment, orchestrator, () => orchestrator.host(host_id));
  if (host === null) throw notFound('host', host_id);
  const [tasks, hosts, placements_problem] = await Promise.all([
    readRunningTasks(db, environment),
    readHosts(db, environment),
    placementsProblem(db, settings),
  ]);
  const own = tasks.filter((task) => task.host_id === host_id);
  const services = [...new Set(own.map(({ service_id }) => service_id))];
  return {
    environment,
    orchestrator: orchestrator.name,
    host,
    tasks,
    hosts,
    placements_problem,
    live_jobs: await findJobsTouching(db, environment, { services, tasks: own, hosts: [host_id] }, ownJob),
    tenants: await tenantsOn(db, environment, own),
  };
}

async function asked<T>(environment: string, { name }: Orchestrator, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    if (!(cause instanceof OrchestratorError)) throw cause;
    const detail = `The ${name} of ${environment} does not answer: ${cause.message}`;
    throw new ControlError('upstream_failed', detail, { cause });
  }
}

async function readRunningTasks(db: Database, environment: string): Promise<RunningTask[]> {
  const { rows } = await sql<Omit<RunningTask, 'shards'> & { shards: string[] }>`
    select task_id, task.service_id, service_name, task.kind, slot, task.host_id, task.state, task.node_id, coalesce(shards, '{}') as shards
    from task_index task left join node_index node on node.environment = task.environment and node.node_id = task.node_id
    where task.environment = ${environment} and wanted order by service_name, slot, task_id`.execute(db);
  const byKind = Map.groupBy(rows, ({ kind }) => kind);
  const totals = new Map<string, ShardTenants>();
  for (const [kind, tasks] of byKind) {
    if (kind === null || kind === 'gateway') continue;
    const shards = [...new Set(tasks.flatMap((task) => task.shards))];
    for (const shard of await readShardTenants(db, environment, kind, shards)) {
      totals.set(`${kind}/${shard.shard}`, shard);
    }
  }
  return rows.map((row) => ({
    ...row,
    shards: row.shards.map((shard) => totals.get(`${row.kind}/${shard}`) ?? { shard, tenant_count: 0 }),
  }));
}

async function readHosts(db: Database, environment: string): Promise<KnownHost[]> {
  const { rows } = await sql<KnownHost>`select host_id, hostname, state, availability from host_index
    where environment = ${environment} order by hostname`.execute(db);
  return rows;
}

async function kindOf(db: Database, environment: string, service_id: string): Promise<NodeKind | null> {
  const { rows } = await sql<{ kind: NodeKind | null }>`select kind from service_index
    where environment = ${environment} and service_id = ${service_id}`.execute(db);
  return rows[0]?.kind ?? null;
}

/** The numbers of tenants come from the index: they count only when it has everything that the store has. */
async function placementsProblem(
  db: Database,
  { environment, store }: EnvironmentSettings,
): Promise<string | null> {
  let current: number;
  try {
    current = await store.currentRevision();
  } catch (error) {
    return `The placement store of ${environment} does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
  const deadline = performance.now() + INDEX_PATIENCE_MS;
  for (;;) {
    const revision = (await readWatchRows(db)).get(environment)?.revision ?? 0;
    if (revision >= current) return null;
    if (performance.now() > deadline) {
      return `The index of placements of ${environment} is at revision ${revision}, the store at ${current}: who is on a shard is not known.`;
    }
    await new Promise((resolve) => setTimeout(resolve, INDEX_LOOK_MS));
  }
}
const INDEX_PATIENCE_MS = 1_500;
const INDEX_LOOK_MS = 50;

/** Live jobs that hold one of these services, their nodes or hosts, or the whole environment, or move a tenant to one of the nodes. */
async function findJobsTouching(
  db: Database,
  environment: string,
  { services, tasks, hosts }: { services: string[]; tasks: readonly RunningTask[]; hosts: string[] },
  ownJob: string | null,
): Promise<LiveJob[]> {
  const nodes = tasks.flatMap(({ node_id }) => (node_id === null ? [] : [node_id]));
  const theirHosts = tasks.flatMap(({ host_id }) => (host_id === null ? [] : [host_id]));
  const { rows } = await sql<LiveJob>`select job_id, title from jobs
    where environment = ${environment} and step_count > 0 and state in ('queued', 'running', 'undoing', 'stuck') and job_id is distinct from ${ownJob}::uuid
      and ((tenant_id is null and (target_type = 'environment' or (target_type = 'service' and target_id = any(${services}::text[]))
          or (target_type = 'node' and target_id = any(${nodes}::text[])) or (target_type = 'host' and target_id = any(${[...hosts, ...theirHosts]}::text[]))))
        or (kind = 'migrate_tenant' and (input->'target_nodes' ?| ${nodes}::text[] or input->'source_nodes' ?| ${nodes}::text[])))
    order by job_id limit 20`.execute(db);
  return rows;
}

async function tenantsOn(
  db: Database,
  environment: string,
  tasks: readonly RunningTask[],
): Promise<ListedTenant[]> {
  const found: ListedTenant[] = [];
  for (const [kind, own] of Map.groupBy(tasks, (task) => task.kind)) {
    if (kind === null || kind === 'gateway') continue;
    const shards = own.flatMap((task) => task.shards.map(({ shard }) => shard));
    found.push(...(await readTenants(db, environment, kind, shards)));
  }
  return found;
}
