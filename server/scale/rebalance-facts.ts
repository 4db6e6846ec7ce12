/** Reads what a rebalance is planned from: the placements as the index has them, and every node asked now. */
import { sql } from 'kysely';
import type { ServiceKind } from '#contract/placement-record.ts';
import type { Placement } from '#contract/scale.ts';
import type { TenantStatus } from '#contract/tenants.ts';
import type { Database } from '#server/db/database.ts';
import { readWatchRows } from './fleet-store.ts';
import { findTargetJobs, type LiveJob } from './job-facts.ts';
import { askNodes, requireEnvironment } from './migration-facts.ts';
import type { NodeFacts } from './preflight-rules.ts';
import { acknowledgers, type ScaleDependencies, type ScaleThresholds } from './scale-settings.ts';
import { watcherState } from './watch-rules.ts';

/** A type, because it is part of a job's input, which is a record. */
export type RebalanceRequest = {
  environment: string;
  service: ServiceKind;
  max_moves: number;
  improvement_threshold: number;
};

/** A placement with what decides whether its tenant may be moved. */
export interface PlacedTenant {
  tenant_id: string;
  shard: string;
  state: Placement['state'];
  epoch: number;
  job_id: string | null;
  /** Null when the control plane has no such tenant. */
  status: TenantStatus | null;
  plan: string;
  contact_email: string | null;
  /** Whether a job holds the tenant. */
  held: boolean;
}

export interface RebalanceFacts {
  request: RebalanceRequest;
  placements: readonly PlacedTenant[];
  /** Every node of the kind and every gateway. */
  nodes: readonly NodeFacts[];
  index: ReturnType<typeof watcherState>;
  live_jobs: readonly LiveJob[];
  /** Median seconds of the last moves; null when there were none. */
  seconds_per_move: number | null;
  thresholds: ScaleThresholds;
}

/** Everything that a plan of this rebalance rests on. `ownJob` is the job that asks, which does not stand in its own way. */
export async function readRebalanceFacts(
  dependencies: ScaleDependencies,
  request: RebalanceRequest,
  request_id: string,
  ownJob: string | null = null,
): Promise<RebalanceFacts> {
  const { db } = dependencies;
  const { environment, service } = request;
  const settings = requireEnvironment(dependencies, environment);
  const [placements, nodes, watches, live_jobs, seconds_per_move] = await Promise.all([
    readPlacedTenants(db, environment, service),
    askNodes(dependencies, acknowledgers(settings, service), null, request_id),
    readWatchRows(db),
    findTargetJobs(db, environment, { type: 'environment', id: environment }, ownJob),
    readSecondsPerMove(db, environment, service),
  ]);
  const { thresholds } = settings;
  const index = watcherState(watches.get(environment));
  return { request, placements, nodes, index, live_jobs, seconds_per_move, thresholds };
}

async function readPlacedTenants(
  db: Database,
  environment: string,
  service: ServiceKind,
): Promise<PlacedTenant[]> {
  const { rows } = await sql<PlacedTenant>`
    select placed.tenant_id, shard, placed.state, epoch, placed.job_id, tenants.status, coalesce(tenants.plan, '') as plan,
      tenants.contact->>'email' as contact_email, held.tenant_id is not null as held
    from placement_index placed
    left join tenants on tenants.tenant_id = placed.tenant_id
    left join (select tenant_id from jobs where tenant_id is not null and step_count > 0
      and state in ('queued', 'running', 'undoing', 'stuck')) held on held.tenant_id = placed.tenant_id
    where placed.environment = ${environment} and placed.service = ${service} order by placed.tenant_id`.execute(
    db,
  );
  return rows;
}

async function readSecondsPerMove(
  db: Database,
  environment: string,
  service: ServiceKind,
): Promise<number | null> {
  const { rows } = await sql<{ seconds: number | null }>`
    select percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at))::float8 as seconds
    from (select started_at, finished_at from jobs where kind = 'migrate_tenant' and step_count > 0 and environment = ${environment}
      and input->>'service' = ${service} and state = 'succeeded' order by job_id desc limit 20) recent`.execute(
    db,
  );
  return rows[0]?.seconds ?? null;
}
