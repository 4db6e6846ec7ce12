/** What the nodes that serve a tenant say of it, asked now. */
import type { Check } from '#contract/jobs.ts';
import { SERVICE_KINDS, type ServiceKind } from '#contract/placement-record.ts';
import type { TenantHealth } from '#contract/tenants.ts';
import { askNodes, readPlacement, requireEnvironment } from './migration-facts.ts';
import { checkSource, type NodeFacts } from './preflight-rules.ts';
import type { EnvironmentSettings, ScaleDependencies } from './scale-settings.ts';

/** Asked on demand: the answer is old as soon as somebody looks away. */
const HEALTH_INTERVAL_S = 5;

type EnvironmentHealth = TenantHealth['environments'][number];
type ServiceHealth = EnvironmentHealth['services'][number];

export async function readTenantHealth(
  dependencies: ScaleDependencies,
  tenant_id: string,
  environments: readonly string[],
  request_id: string,
): Promise<TenantHealth> {
  const asked = environments.map((environment) => {
    const settings = requireEnvironment(dependencies, environment);
    return environmentHealth(dependencies, settings, tenant_id, request_id);
  });
  return {
    tenant_id,
    environments: await Promise.all(asked),
    observation: { source: 'node', observed_at: new Date().toISOString(), interval_s: HEALTH_INTERVAL_S },
  };
}

async function environmentHealth(
  dependencies: ScaleDependencies,
  settings: EnvironmentSettings,
  tenant_id: string,
  request_id: string,
): Promise<EnvironmentHealth> {
  const serving = settings.nodes.filter(({ kind }) => kind !== 'gateway');
  const [nodes, ...placed] = await Promise.all([
    askNodes(dependencies, serving, tenant_id, request_id),
    ...SERVICE_KINDS.map(async (service) => ({
      service,
      entry: await readPlacement(settings, service, tenant_id),
    })),
  ]);
  const services: ServiceHealth[] = [];
  const findings: Check[] = [];
  for (const { service, entry } of placed) {
    const shard = entry?.record.shard ?? null;
    const holders = nodes.filter(
      (node) => node.kind === service && shard !== null && node.shards.includes(shard),
    );
    services.push(
      ...(holders.length > 0
        ? holders.map((node) => healthOf(node, service, shard))
        : [nowhere(service, shard)]),
    );
    findings.push(...holders.flatMap((node) => findingsOf(node, tenant_id, settings)));
  }
  return { environment: settings.environment, services, findings };
}

function healthOf(node: NodeFacts, service: ServiceKind, shard: string | null): ServiceHealth {
  const { node_id, tenant, checks, problem } = node;
  return {
    service,
    shard,
    node_id,
    state: tenant?.state ?? 'unknown',
    inflight: tenant?.inflight ?? null,
    consumer_lag: tenant?.consumer_lag ?? null,
    ready: node.state === 'unreachable' || node.state === 'lying' ? null : node.state === 'ready',
    checks: [...checks],
    problem: problem ?? (tenant ? null : `${node_id} does not say how the tenant is.`),
  };
}

const nowhere = (service: ServiceKind, shard: string | null): ServiceHealth => ({
  service,
  shard,
  node_id: null,
  state: shard === null ? 'absent' : 'unknown',
  inflight: null,
  consumer_lag: null,
  ready: null,
  checks: [],
  problem: shard === null ? `Not placed on any ${service} shard.` : `No node is known to hold ${shard}.`,
});

function findingsOf(node: NodeFacts, tenant_id: string, settings: EnvironmentSettings): Check[] {
  const found = checkSource(node, tenant_id, settings.thresholds).filter(({ level }) => level !== 'ok');
  if (node.problem === null) return found;
  const subject = { type: 'node', id: node.node_id } as const;
  const state: Check = {
    code: `node_${node.state}`,
    level: 'warning',
    message: node.problem,
    subject,
    figure: null,
    threshold: null,
    unit: null,
  };
  return [state, ...found];
}
