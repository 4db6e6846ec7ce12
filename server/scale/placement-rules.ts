/** Pure: the plan of a migration from the facts. Live figures stand in the checks only, so that the plan's hash does not follow them. */
import type { Check, PlanDraft, PlanStep } from '#contract/jobs.ts';
import type { ServiceKind } from '#contract/placement-record.ts';
import type { TenantStatus } from '#contract/tenants.ts';
import { expectedDrainSeconds, type DrainHistory } from './drain-rules.ts';
import type { PlacementEntry } from './placement-store.ts';
import {
  checkAcknowledgers,
  checkPlacement,
  checkShardCount,
  checkSource,
  checkTarget,
  checkTenant,
  type NodeFacts,
} from './preflight-rules.ts';
import type { ScaleThresholds } from './scale-settings.ts';

export interface MigrationFacts {
  environment: string;
  tenant: {
    tenant_id: string;
    status: TenantStatus;
    plan: string;
    contact_email: string | null;
    revision: number;
  };
  service: ServiceKind;
  target_shard: string;
  placement: PlacementEntry;
  /** Every node of the kind and every gateway. */
  nodes: readonly NodeFacts[];
  target_tenant_count: number;
  live_jobs: readonly { job_id: string; title: string }[];
  drain_history: DrainHistory;
  thresholds: ScaleThresholds;
}

/** What a migration is made of; the plan's input, and with `previous_status` the job's. A type, because a job's input is a record. */
export type MigrationInput = {
  environment: string;
  tenant_id: string;
  service: ServiceKind;
  shard: string;
  target_shard: string;
  epoch: number;
  source_nodes: string[];
  target_nodes: string[];
  drain_timeout_s: number;
  ack_timeout_s: number;
};

export const CHECK_TIMEOUT_S = 15;

const holders = (nodes: readonly NodeFacts[], service: ServiceKind, shard: string): NodeFacts[] =>
  nodes.filter((node) => node.kind === service && node.shards.includes(shard));

const ids = (nodes: readonly NodeFacts[]): string[] => nodes.map(({ node_id }) => node_id).toSorted();

/** Every check of a migration, in the order of reading: the tenant, the nodes, the source, the target. */
export function migrationChecks(facts: MigrationFacts): Check[] {
  const { environment, tenant, service, target_shard, placement, nodes, thresholds } = facts;
  const sources = holders(nodes, service, placement.record.shard);
  const targets = holders(nodes, service, target_shard);
  const orphaned: Check[] =
    sources.length > 0
      ? []
      : [
          {
            code: 'source_unknown',
            level: 'blocker',
            message: `No node is known to hold ${placement.record.shard}, so ${tenant.tenant_id} cannot be drained.`,
            subject: { type: 'shard', id: placement.record.shard },
            figure: null,
            threshold: null,
            unit: null,
          },
        ];
  return [
    ...checkTenant(tenant, 'migrate', facts.live_jobs),
    checkPlacement(placement.record, environment),
    ...checkAcknowledgers(nodes, (node) => targets.includes(node), placement.revision),
    ...orphaned,
    ...sources.flatMap((node) => checkSource(node, tenant.tenant_id, thresholds)),
    ...targets.flatMap((node) => checkTarget(node, tenant.tenant_id, thresholds)),
    checkShardCount(target_shard, facts.target_tenant_count, thresholds),
  ];
}

/** The plan of a migration: six steps, what changes, who is touched, and what stands in the way. */
export function planMigrationDraft(facts: MigrationFacts): PlanDraft & { input: MigrationInput } {
  const { environment, tenant, service, target_shard, placement, nodes, thresholds } = facts;
  const { tenant_id } = tenant;
  const { shard, epoch } = placement.record;
  const input: MigrationInput = {
    environment,
    tenant_id,
    service,
    shard,
    target_shard,
    epoch,
    source_nodes: ids(holders(nodes, service, shard)),
    target_nodes: ids(holders(nodes, service, target_shard)),
    drain_timeout_s: thresholds.drain_timeout_s,
    ack_timeout_s: thresholds.ack_timeout_s,
  };
  return {
    kind: 'migrate_tenant',
    title: `Migrate ${tenant_id} · ${service} · ${shard} → ${target_shard}`,
    environment,
    target: { type: 'tenant', id: tenant_id },
    input,
    steps: migrationSteps(facts, input),
    changes: [
      { path: 'shard', before: shard, after: target_shard },
      { path: 'epoch', before: epoch, after: epoch + 1 },
    ],
    checks: migrationChecks(facts),
    blast_radius: {
      tenants: [{ tenant_id, plan: tenant.plan, contact_email: tenant.contact_email }],
      nodes: ids(nodes),
      services: [service],
    },
    revisions: { placement: placement.revision, tenant: tenant.revision },
    rollback: `Migrate ${tenant_id} back to ${shard}.`,
  };
}

function migrationSteps(facts: MigrationFacts, input: MigrationInput): PlanStep[] {
  const { nodes } = facts;
  const { tenant_id, shard, target_shard, epoch, drain_timeout_s, ack_timeout_s } = input;
  const gateways = nodes.filter(({ kind }) => kind === 'gateway').length;
  const units = facts.nodes
    .filter(({ node_id }) => input.source_nodes.includes(node_id))
    .reduce((sum, { tenant }) => sum + (tenant?.inflight ?? 0) + (tenant?.consumer_lag ?? 0), 0);
  const step = (
    name: string,
    title: string,
    undo_title: string | null,
    time_box_s: number,
    eta_s: number | null = null,
  ): PlanStep => ({
    name,
    title,
    undo_title,
    point_of_no_return: false,
    changes_nothing: name === 'check' || name === 'acknowledge',
    time_box_s,
    eta_s,
  });
  const reloaded = `${shard}, ${target_shard} and ${gateways} gateway${gateways === 1 ? '' : 's'}`;
  return [
    step('check', 'Check source, target and gateways', null, CHECK_TIMEOUT_S),
    step(
      'drain',
      `Drain ${tenant_id} on ${shard}`,
      `Resume ${tenant_id} on ${shard}`,
      drain_timeout_s,
      expectedDrainSeconds(units, facts.drain_history),
    ),
    step(
      'place',
      `Place ${tenant_id} on ${target_shard} (epoch ${epoch} → ${epoch + 1})`,
      `Place ${tenant_id} back on ${shard}`,
      ack_timeout_s,
    ),
    step('reload', `Reload ${reloaded}`, `Reload ${reloaded} again`, ack_timeout_s),
    step(
      'acknowledge',
      `Wait until ${nodes.length} of ${nodes.length} nodes acknowledge`,
      null,
      ack_timeout_s,
    ),
    step(
      'verify',
      `Verify that ${target_shard} serves ${tenant_id} and ${shard} does not`,
      null,
      ack_timeout_s,
    ),
  ];
}
