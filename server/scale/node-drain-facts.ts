/** Reads what the drain or resume of a node is planned from: the nodes of its kind, asked now, and the tenants on its shards. */
import { sql } from 'kysely';
import type { NodeKind } from '#contract/placement-record.ts';
import type { Database } from '#server/db/database.ts';
import { notFound } from '#server/http/control-error.ts';
import type { DrainHistory } from './drain-rules.ts';
import { findDrainHistory, findTargetJobs, type LiveJob } from './job-facts.ts';
import { askNodes, requireEnvironment } from './migration-facts.ts';
import type { NodeFacts } from './preflight-rules.ts';
import { expectedOf, type ScaleDependencies, type ScaleThresholds } from './scale-settings.ts';

export type NodeDrainRequest = {
  environment: string;
  node_id: string;
  action: 'drain' | 'resume';
};

/** Tenants that a plan names; of more it gives the number. */
export const MOST_TENANTS_LISTED = 200;

export interface ShardTenants {
  shard: string;
  tenant_count: number;
}

export interface ListedTenant {
  tenant_id: string;
  shard: string;
  plan: string;
  contact_email: string | null;
}

export interface NodeDrainFacts {
  request: NodeDrainRequest;
  node: NodeFacts;
  /** The other nodes of its kind. */
  others: readonly NodeFacts[];
  /** Its shards with the number of their tenants, and the first of these by name. */
  shards: readonly ShardTenants[];
  tenants: readonly ListedTenant[];
  /** Jobs that hold the node, or are moving a tenant to it. */
  live_jobs: readonly LiveJob[];
  drain_history: DrainHistory;
  thresholds: ScaleThresholds;
}

/** Everything that a plan of this drain rests on. `ownJob` is the job that asks, which does not stand in its own way. */
export async function readNodeDrainFacts(
  dependencies: ScaleDependencies,
  request: NodeDrainRequest,
  request_id: string,
  ownJob: string | null = null,
): Promise<NodeDrainFacts> {
  const { db } = dependencies;
  const { environment, node_id } = request;
  const settings = requireEnvironment(dependencies, environment);
  const known = settings.nodes.find((each) => each.node_id === node_id);
  if (!known) throw notFound('node', node_id);
  const { kind } = known;
  const [nodes, holding, coming, drain_history] = await Promise.all([
    askNodes(dependencies, expectedOf(settings, [kind]), null, request_id),
    findTargetJobs(db, environment, { type: 'node', id: node_id }, ownJob),
    findJobsMovingTo(db, environment, node_id),
    findDrainHistory(db, environment, 'drain_node', { node_kind: kind }),
  ]);
  const node = nodes.find((each) => each.node_id === node_id);
  if (!node) throw notFound('node', node_id);
  const [shards, tenants] = await Promise.all([
    readShardTenants(db, environment, kind, node.shards),
    readTenants(db, environment, kind, node.shards),
  ]);
  return {
    request,
    node,
    others: nodes.filter((each) => each !== node),
    shards,
    tenants,
    live_jobs: [...holding, ...coming],
    drain_history,
    thresholds: settings.thresholds,
  };
}

/** Migrations under way whose tenant goes to this node. */
async function findJobsMovingTo(db: Database, environment: string, node_id: string): Promise<LiveJob[]> {
  const { rows } = await sql<LiveJob>`select job_id, title from jobs
    where environment = ${environment} and kind = 'migrate_tenant' and step_count > 0 and state in ('queued', 'running', 'undoing', 'stuck')
      and input->'target_nodes' ? ${node_id}`.execute(db);
  return rows;
}

/** The shards with the number of their tenants, as the index counts them. */
export async function readShardTenants(
  db: Database,
  environment: string,
  kind: NodeKind,
  shards: readonly string[],
): Promise<ShardTenants[]> {
  const { rows } = await sql<ShardTenants>`select held.shard, coalesce(tenant_count, 0) as tenant_count
    from unnest(${[...shards]}::text[]) as held(shard)
    left join shard_totals totals on totals.environment = ${environment} and totals.service = ${kind} and totals.shard = held.shard
    order by held.shard`.execute(db);
  return rows;
}

/** The first tenants on these shards, by name. */
export async function readTenants(
  db: Database,
  environment: string,
  kind: NodeKind,
  shards: readonly string[],
): Promise<ListedTenant[]> {
  const { rows } =
    await sql<ListedTenant>`select placed.tenant_id, placed.shard, coalesce(tenants.plan, '') as plan,
      tenants.contact->>'email' as contact_email
    from placement_index placed left join tenants on tenants.tenant_id = placed.tenant_id
    where placed.environment = ${environment} and placed.service = ${kind} and placed.shard = any(${[...shards]}::text[])
    order by placed.tenant_id limit ${MOST_TENANTS_LISTED}`.execute(db);
  return rows;
}
