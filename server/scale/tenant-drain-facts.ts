/** Reads what the drain or resume of a tenant is planned from: its placements straight from the store, and their nodes asked now. */
import { sql } from 'kysely';
import { SERVICE_KINDS } from '#contract/placement-record.ts';
import type { TenantStatus } from '#contract/tenants.ts';
import type { Database } from '#server/db/database.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { findTenantFacts } from '#server/tenants/tenant-queries.ts';
import type { DrainHistory } from './drain-rules.ts';
import { findDrainHistory, findLiveJobs, type LiveJob } from './job-facts.ts';
import { askNodes, readPlacement, requireEnvironment } from './migration-facts.ts';
import type { MigrationFacts } from './placement-rules.ts';
import type { PlacementEntry } from './placement-store.ts';
import type { NodeFacts } from './preflight-rules.ts';
import { expectedOf, type ScaleDependencies, type ScaleThresholds } from './scale-settings.ts';

export type TenantDrainRequest = {
  environment: string;
  tenant_id: string;
  action: 'drain' | 'resume';
};

/** A drain of the tenant that was not resumed yet. */
export interface StandingDrain {
  environment: string;
  job_id: string;
  /** What the tenant was before it was drained anywhere. */
  resumed_status: TenantStatus;
}

export interface TenantDrainFacts {
  request: TenantDrainRequest;
  tenant: MigrationFacts['tenant'];
  /** Its placements in the environment. */
  placements: readonly PlacementEntry[];
  /** Every node of a kind that is placed, and every gateway. */
  nodes: readonly NodeFacts[];
  live_jobs: readonly LiveJob[];
  /** In any environment. */
  standing_drains: readonly StandingDrain[];
  drain_history: DrainHistory;
  thresholds: ScaleThresholds;
}

/** Everything that a plan of this drain rests on. `ownJob` is the job that asks, which does not stand in its own way. */
export async function readTenantDrainFacts(
  dependencies: ScaleDependencies,
  request: TenantDrainRequest,
  request_id: string,
  ownJob: string | null = null,
): Promise<TenantDrainFacts> {
  const { db } = dependencies;
  const { environment, tenant_id } = request;
  const settings = requireEnvironment(dependencies, environment);
  const [tenant, live_jobs, drain_history, ...entries] = await Promise.all([
    findTenantFacts(db, tenant_id),
    findLiveJobs(db, tenant_id, ownJob),
    findDrainHistory(db, environment, 'migrate_tenant'),
    ...SERVICE_KINDS.map((service) => readPlacement(settings, service, tenant_id)),
  ]);
  if (!tenant) throw notFound('tenant', tenant_id);
  const placements = entries.filter((entry) => entry !== null);
  if (placements.length === 0)
    throw new ControlError('not_placed', `${tenant_id} has no placement in ${environment}.`);
  const kinds = placements.map(({ record }) => record.service);
  const concerned = expectedOf(settings, [...kinds, 'gateway']);
  const [nodes, standing_drains] = await Promise.all([
    askNodes(dependencies, concerned, tenant_id, request_id),
    findStandingDrains(
      db,
      request,
      placements.flatMap(({ record }) => record.job_id ?? []),
    ),
  ]);
  const { thresholds } = settings;
  return { request, tenant, placements, nodes, live_jobs, standing_drains, drain_history, thresholds };
}

/** The ended drains that still hold a placement: in this environment by the records just read, in the others by the index. */
async function findStandingDrains(
  db: Database,
  { tenant_id, environment }: TenantDrainRequest,
  holders: readonly string[],
): Promise<StandingDrain[]> {
  const { rows } = await sql<StandingDrain>`
    select job_id, environment, input->>'resumed_status' as resumed_status from jobs
    where tenant_id = ${tenant_id} and kind = 'drain_tenant' and state not in ('queued', 'running', 'undoing', 'stuck')
      and (job_id::text = any(${[...new Set(holders)]}::text[]) or exists (
        select from placement_index placed where placed.tenant_id = jobs.tenant_id and placed.environment = jobs.environment
          and placed.environment <> ${environment} and placed.state = 'draining' and placed.job_id = jobs.job_id::text))
    order by job_id`.execute(db);
  return rows;
}
