/** Reads what a migration is planned from: the placement straight from its store, and every node asked now. */
import { sql } from 'kysely';
import type { NodeTenant } from '#contract/node.ts';
import { placementKey, type ServiceKind } from '#contract/placement-record.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { findTenantFacts } from '#server/tenants/tenant-queries.ts';
import { findDrainHistory, findLiveJobs } from './job-facts.ts';
import type { NodeFacts } from './preflight-rules.ts';
import type { MigrationFacts } from './placement-rules.ts';
import { answerOf } from './node-answer.ts';
import { judgeNode } from './node-rules.ts';
import type { NodeAddress } from './node-admin.ts';
import { PlacementStoreError, type PlacementEntry } from './placement-store.ts';
import {
  acknowledgers,
  environmentOf,
  type EnvironmentSettings,
  type ScaleDependencies,
} from './scale-settings.ts';

export interface MigrationRequest {
  environment: string;
  tenant_id: string;
  service: ServiceKind;
  target_shard: string;
}

/** The settings of an environment. Throws `unknown_environment`. */
export function requireEnvironment(
  dependencies: ScaleDependencies,
  environment: string,
): EnvironmentSettings {
  const settings = environmentOf(dependencies, environment);
  if (settings) return settings;
  const known = dependencies.environments.map((each) => each.environment).join(', ');
  throw new ControlError(
    'unknown_environment',
    `There is no environment ${environment}; there are ${known}.`,
  );
}

/** The placement as its store has it now. Throws `upstream_failed` when the store does not answer. */
export async function readPlacement(
  settings: EnvironmentSettings,
  service: ServiceKind,
  tenant_id: string,
): Promise<PlacementEntry | null> {
  try {
    return await settings.store.get(placementKey(service, tenant_id));
  } catch (cause) {
    if (!(cause instanceof PlacementStoreError)) throw cause;
    throw new ControlError(
      'upstream_failed',
      `The placement store of ${settings.environment} does not answer: ${cause.message}`,
      { cause },
    );
  }
}

/** Asks the nodes, all at once, for their status, readiness and, unless gateways, the tenant if there is one to ask about. */
export async function askNodes(
  dependencies: ScaleDependencies,
  nodes: readonly NodeAddress[],
  tenant_id: string | null,
  request_id: string,
): Promise<NodeFacts[]> {
  const call = { request_id };
  const environments = [...new Set(nodes.map(({ environment }) => environment))];
  const [known, ...asked] = await Promise.all([
    dependencies.db
      .selectFrom('node_index')
      .select(['environment', 'node_id', 'shards'])
      .where('environment', 'in', environments.length > 0 ? environments : [''])
      .execute(),
    ...nodes.map(async (node) => {
      const [status, ready, tenant] = await Promise.all([
        answerOf(dependencies.nodes.status(node, call)),
        answerOf(dependencies.nodes.ready(node, call)),
        node.kind === 'gateway' || tenant_id === null
          ? null
          : answerOf<NodeTenant>(dependencies.nodes.tenant(node, tenant_id, call)),
      ]);
      return { node, status, ready, tenant };
    }),
  ]);
  return asked.map(({ node, status, ready, tenant }) => {
    // A node that does not answer now still holds the shards that it was last seen with.
    const lastSeen = known.find(
      (row) => row.environment === node.environment && row.node_id === node.node_id,
    );
    return {
      node_id: node.node_id,
      kind: node.kind,
      ...judgeNode(node, { status, ready }),
      shards: status.ok ? status.value.shards : (lastSeen?.shards ?? []),
      status: status.ok ? status.value : null,
      checks: ready.ok ? ready.value.checks : [],
      tenant: tenant?.ok ? tenant.value : null,
    };
  });
}

/**
 * Everything that a plan of this migration rests on. Rejects with the problem codes of `contract/scale.ts` for a request that makes no
 * sense; a node that does not answer is a fact. `ownJob` is the job that asks, which does not stand in its own way.
 */
export async function readMigrationFacts(
  dependencies: ScaleDependencies,
  request: MigrationRequest,
  request_id: string,
  ownJob: string | null = null,
): Promise<MigrationFacts> {
  const { environment, tenant_id, service, target_shard } = request;
  const settings = requireEnvironment(dependencies, environment);
  const [tenant, placement, nodes, live_jobs, drain_history, total] = await Promise.all([
    findTenantFacts(dependencies.db, tenant_id),
    readPlacement(settings, service, tenant_id),
    askNodes(dependencies, acknowledgers(settings, service), tenant_id, request_id),
    findLiveJobs(dependencies.db, tenant_id, ownJob),
    findDrainHistory(dependencies.db, environment, 'migrate_tenant', { service }),
    sql<{ tenant_count: number }>`select tenant_count from shard_totals
      where environment = ${environment} and service = ${service} and shard = ${target_shard}`.execute(
      dependencies.db,
    ),
  ]);
  if (!tenant) throw notFound('tenant', tenant_id);
  if (!placement)
    throw new ControlError('not_placed', `${tenant_id} has no ${service} placement in ${environment}.`);
  if (placement.record.shard === target_shard) {
    throw new ControlError('same_shard', `${tenant_id} is on ${target_shard} already.`);
  }
  const shards = new Set(nodes.filter(({ kind }) => kind === service).flatMap((node) => node.shards));
  if (!shards.has(target_shard)) {
    const others = [...shards]
      .filter((shard) => shard !== placement.record.shard)
      .toSorted()
      .join(', ');
    throw new ControlError(
      'unknown_shard',
      `No ${service} node in ${environment} holds a shard ${target_shard}; the others are ${others || 'none'}.`,
    );
  }
  return {
    environment,
    tenant,
    service,
    target_shard,
    placement,
    nodes,
    target_tenant_count: total.rows[0]?.tenant_count ?? 0,
    live_jobs,
    drain_history,
    thresholds: settings.thresholds,
  };
}
