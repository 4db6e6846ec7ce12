/** Reads what an archiving is planned from: the placements of every environment straight from the stores, and their nodes asked now. */
import { SERVICE_KINDS } from '#contract/placement-record.ts';
import { notFound } from '#server/http/control-error.ts';
import { findTenantFacts } from '#server/tenants/tenant-queries.ts';
import type { ArchiveFacts } from './archive-rules.ts';
import { findLiveJobs } from './job-facts.ts';
import { askNodes, readPlacement } from './migration-facts.ts';
import { retiringResources } from './tenant-resource-rules.ts';
import { DEFAULT_THRESHOLDS, type ScaleDependencies, type ScaleThresholds } from './scale-settings.ts';

/** Everything that a plan of this archiving rests on. `ownJob` is the job that asks, which does not stand in its own way. */
export async function readArchiveFacts(
  dependencies: ScaleDependencies,
  tenant_id: string,
  request_id: string,
  ownJob: string | null = null,
): Promise<ArchiveFacts> {
  const [tenant, live_jobs, ...byEnvironment] = await Promise.all([
    findTenantFacts(dependencies.db, tenant_id),
    findLiveJobs(dependencies.db, tenant_id, ownJob),
    ...dependencies.environments.map(async (settings) => {
      const { environment, thresholds } = settings;
      const entries = await Promise.all(
        SERVICE_KINDS.map((service) => readPlacement(settings, service, tenant_id)),
      );
      const placements = entries.flatMap((entry) =>
        entry === null ? [] : [{ ...entry, environment, thresholds }],
      );
      const placed: readonly string[] = placements.map(({ record }) => record.service);
      const concerned =
        placed.length === 0
          ? []
          : settings.nodes.filter(({ kind }) => kind === 'gateway' || placed.includes(kind));
      const nodes = await askNodes(dependencies, concerned, tenant_id, request_id);
      return { placements, nodes: nodes.map((node) => ({ ...node, environment })) };
    }),
  ]);
  if (!tenant) throw notFound('tenant', tenant_id);
  const placements = byEnvironment.flatMap((each) => each.placements);
  return {
    tenant,
    live_jobs,
    placements,
    nodes: byEnvironment.flatMap((each) => each.nodes),
    resources: retiringResources(
      dependencies.environments.filter(({ environment }) => tenant.environments.includes(environment)),
      tenant_id,
    ),
    thresholds: patient(placements.map((each) => each.thresholds)),
  };
}

/** One job waits for several environments: it is as patient as the most patient of them. */
function patient(thresholds: readonly ScaleThresholds[]): ScaleThresholds {
  const longest = (name: 'drain_timeout_s' | 'ack_timeout_s') =>
    Math.max(0, ...thresholds.map((each) => each[name])) || DEFAULT_THRESHOLDS[name];
  return {
    ...DEFAULT_THRESHOLDS,
    drain_timeout_s: longest('drain_timeout_s'),
    ack_timeout_s: longest('ack_timeout_s'),
  };
}
