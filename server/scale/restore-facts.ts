/** Reads what a restore is planned from: how the tenant was archived, and what is there of it and of its shards today. */
import { sql } from 'kysely';
import type { Database } from '#server/db/database.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { findTenantFacts } from '#server/tenants/tenant-queries.ts';
import { ARCHIVE_TENANT, type ArchiveTenantInput } from './archive-tenant-job.ts';
import type { ArchiveSite } from './archive-rules.ts';
import { findLiveJobs } from './job-facts.ts';
import { askNodes, readPlacement } from './migration-facts.ts';
import type { ResourceFacts, RestoreFacts, SiteFacts } from './restore-rules.ts';
import { readRetired, type RetiredResource } from './retired-resource-store.ts';
import { environmentOf, type ScaleDependencies } from './scale-settings.ts';
import { TenantResourceError } from './tenant-resource-store.ts';

/** Everything that a plan of this restore rests on. `ownJob` is the job that asks, which does not stand in its own way. */
export async function readRestoreFacts(
  dependencies: ScaleDependencies,
  tenant_id: string,
  request_id: string,
  ownJob: string | null = null,
): Promise<RestoreFacts> {
  const { db } = dependencies;
  const [tenant, live_jobs, archiving] = await Promise.all([
    findTenantFacts(db, tenant_id),
    findLiveJobs(db, tenant_id, ownJob),
    findArchiving(db, tenant_id),
  ]);
  if (!tenant) throw notFound('tenant', tenant_id);
  const archivedSites = archiving?.input.sites ?? [];
  const concerned = dependencies.environments.filter(({ environment }) =>
    archivedSites.some((site) => site.environment === environment),
  );
  const [sites, nodes, resources] = await Promise.all([
    Promise.all(archivedSites.map((site) => readSite(dependencies, tenant_id, site))),
    Promise.all(
      concerned.map(async (settings) => {
        const answers = await askNodes(dependencies, settings.nodes, tenant_id, request_id);
        return answers.map((node) => ({ ...node, environment: settings.environment }));
      }),
    ),
    archiving === null
      ? []
      : readRetired(db, { tenant_id, job_id: archiving.job_id }).then((retired) =>
          Promise.all(retired.map((resource) => readResource(dependencies, tenant_id, resource))),
        ),
  ]);
  const archived = archiving && {
    job_id: archiving.job_id,
    previous_status: archiving.input.previous_status,
  };
  return { tenant, archived, sites, nodes: nodes.flat(), resources, live_jobs };
}

/** The job that archived the tenant last. */
async function findArchiving(
  db: Database,
  tenant_id: string,
): Promise<{ job_id: string; input: ArchiveTenantInput } | null> {
  const { rows } = await sql<{ job_id: string; input: ArchiveTenantInput }>`select job_id, input from jobs
    where tenant_id = ${tenant_id} and kind = ${ARCHIVE_TENANT} and state = 'succeeded' order by job_id desc limit 1`.execute(
    db,
  );
  return rows[0] ?? null;
}

async function readSite(
  dependencies: ScaleDependencies,
  tenant_id: string,
  { environment, service, shard, epoch }: ArchiveSite,
): Promise<SiteFacts> {
  const site = { environment, service, shard, epoch };
  const settings = environmentOf(dependencies, environment);
  if (!settings) return { ...site, thresholds: null, placement: null, tenant_count: 0 };
  const [entry, total] = await Promise.all([
    readPlacement(settings, service, tenant_id),
    sql<{ tenant_count: number }>`select tenant_count from shard_totals
      where environment = ${environment} and service = ${service} and shard = ${shard}`.execute(
      dependencies.db,
    ),
  ]);
  return {
    ...site,
    thresholds: settings.thresholds,
    placement: entry?.record ?? null,
    tenant_count: total.rows[0]?.tenant_count ?? 0,
  };
}

async function readResource(
  dependencies: ScaleDependencies,
  tenant_id: string,
  resource: RetiredResource,
): Promise<ResourceFacts> {
  const { environment } = resource;
  const store = environmentOf(dependencies, environment)?.tenant_resources?.store;
  try {
    return { ...resource, state: (await store?.state(resource, tenant_id)) ?? null };
  } catch (cause) {
    if (!(cause instanceof TenantResourceError)) throw cause;
    throw new ControlError('upstream_failed', `NATS of ${environment} does not answer: ${cause.message}`, {
      cause,
    });
  }
}
