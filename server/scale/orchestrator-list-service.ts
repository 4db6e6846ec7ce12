/** Lists of what the orchestrators run, narrowed to what the caller may see. An environment without one has nothing to list. */
import type pg from 'pg';
import type { Host, Service, ServiceRevision, Task, Topology } from '#contract/fleet.ts';
import type { Observation, Page } from '#contract/common.ts';
import type { Node } from '#contract/scale.ts';
import type { Database } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { notFound } from '#server/http/control-error.ts';
import { listShards, nodeShown, viewScopes, wholeEnvironments } from './fleet-service.ts';
import { findNodeRow } from './fleet-store.ts';
import { requireEnvironment } from './migration-facts.ts';
import {
  findHostRow,
  findServiceRow,
  listHostRows,
  listServiceRows,
  listTaskRows,
  readOrchestratorWatchRows,
  readTopology,
  type HostFilter,
  type ServiceFilter,
  type TaskFilter,
} from './orchestrator-list-store.ts';
import type { IndexQuery } from './leader-connection.ts';
import { ORCHESTRATOR_INTERVAL_S, type ScaleDependencies } from './scale-settings.ts';
import { listRevisions } from './service-history-store.ts';
import type { OrchestratorWatchRow } from './watch-rules.ts';

type Watches = ReadonlyMap<string, OrchestratorWatchRow>;

export async function listHosts(
  { db, environments }: ScaleDependencies,
  context: CallContext,
  query: HostFilter,
): Promise<Page<Host>> {
  const visible = wholeEnvironments(environments, viewScopes(context), query.environment);
  return observed(db, listHostRows(db, query, visible));
}

export async function listServices(
  { db, environments }: ScaleDependencies,
  context: CallContext,
  query: ServiceFilter,
): Promise<Page<Service>> {
  const visible = wholeEnvironments(environments, viewScopes(context), query.environment);
  return observed(db, listServiceRows(db, query, visible));
}

export async function listTasks(
  { db, environments }: ScaleDependencies,
  context: CallContext,
  query: TaskFilter,
): Promise<Page<Task>> {
  const visible = wholeEnvironments(environments, viewScopes(context), query.environment);
  return observed(db, listTaskRows(db, query, visible));
}

/** One host of an environment. Throws `unknown_environment` and `not_found`. */
export async function getHost(
  dependencies: ScaleDependencies,
  host_id: string,
  { environment }: { environment: string },
): Promise<Host> {
  requireEnvironment(dependencies, environment);
  const host = await findHostRow(dependencies.db, environment, host_id);
  if (!host) throw notFound('host', host_id);
  return {
    ...host,
    observation: observationOf(await readOrchestratorWatchRows(dependencies.db), environment),
  };
}

/** One node of an environment. Throws `unknown_environment` and `not_found`. */
export async function getNode(
  dependencies: ScaleDependencies,
  node_id: string,
  { environment }: { environment: string },
): Promise<Node> {
  const settings = requireEnvironment(dependencies, environment);
  const node = await findNodeRow(dependencies.db, environment, node_id);
  if (!node) throw notFound('node', node_id);
  return nodeShown(node, settings.nodes.length);
}

/** One service in the environments that the caller may see as a whole, with what it ran before. Throws `not_found`. */
export async function getService(
  { db, pool, environments }: ScaleDependencies,
  context: CallContext,
  service_id: string,
): Promise<Service & { history: ServiceRevision[] }> {
  const visible = wholeEnvironments(environments, viewScopes(context), undefined);
  const service = await findServiceRow(db, visible, service_id);
  if (!service) throw notFound('service', service_id);
  const [watches, history] = await Promise.all([
    readOrchestratorWatchRows(db),
    listRevisions(ask(pool), service.environment, service_id),
  ]);
  const { spec_digest: wanted, ...shown } = service;
  return {
    ...shown,
    observation: observationOf(watches, service.environment),
    // The newest is what the service wants, unless the watch has yet to see a change.
    history: history.map(({ spec_digest, ...revision }, index) => ({
      ...revision,
      current: index === 0 && spec_digest === wanted,
    })),
  };
}

/** The platform of an environment as a graph; without an orchestrator it is made of nodes and shards alone. */
export async function getTopology(
  dependencies: ScaleDependencies,
  context: CallContext,
  { environment }: { environment: string },
): Promise<Topology> {
  const settings = requireEnvironment(dependencies, environment);
  const [graph, shards, watches] = await Promise.all([
    readTopology(dependencies.db, environment),
    listShards(dependencies, context, { environment }),
    readOrchestratorWatchRows(dependencies.db),
  ]);
  return {
    environment,
    ...graph,
    shards: shards.items.map(({ service, shard, tenant_count, tenant_capacity }) => ({
      service,
      shard,
      tenant_count,
      tenant_capacity,
    })),
    observation:
      settings.orchestrator === undefined
        ? {
            source: 'nodes alone: no orchestrator is configured',
            observed_at: null,
            interval_s: ORCHESTRATOR_INTERVAL_S,
          }
        : observationOf(watches, environment),
  };
}

/** Queries of the index on any connection. */
const ask =
  (pool: ScaleDependencies['pool']): IndexQuery =>
  async <R extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await pool.query<R>(text, values)).rows;

const observationOf = (watches: Watches, environment: string): Observation => {
  const watch = watches.get(environment);
  return {
    source: watch?.source ?? 'orchestrator',
    observed_at: watch?.observed_at ?? null,
    interval_s: ORCHESTRATOR_INTERVAL_S,
  };
};

async function observed<R extends { environment: string }>(
  db: Database,
  rows: Promise<Page<R>>,
): Promise<Page<R & { observation: Observation }>> {
  const [page, watches] = await Promise.all([rows, readOrchestratorWatchRows(db)]);
  const items = page.items.map((row) => ({ ...row, observation: observationOf(watches, row.environment) }));
  return { ...page, items };
}
