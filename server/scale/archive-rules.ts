/** Pure: the plan of an archiving from the facts. */
import type { Check, PlanDraft, PlanStep } from '#contract/jobs.ts';
import type { ServiceKind } from '#contract/placement-record.ts';
import { CHECK_TIMEOUT_S, type MigrationFacts } from './placement-rules.ts';
import type { PlacementEntry } from './placement-store.ts';
import {
  checkAcknowledgers,
  checkPlacement,
  checkSource,
  checkTenant,
  type NodeFacts,
} from './preflight-rules.ts';
import type { ScaleThresholds } from './scale-settings.ts';
import { countResources, RESOURCES_TIMEOUT_S, type RetiringResource } from './tenant-resource-rules.ts';

/** One placement that is to go. */
export type ArchiveSite = {
  environment: string;
  service: ServiceKind;
  shard: string;
  epoch: number;
  nodes: string[];
};

/** A type, because a job's input is a record. */
export type ArchiveInput = {
  tenant_id: string;
  sites: ArchiveSite[];
  /** Streams and buckets to retire; absent in jobs of before there were any. */
  resources?: RetiringResource[];
  drain_timeout_s: number;
  ack_timeout_s: number;
};

export interface ArchiveFacts {
  tenant: MigrationFacts['tenant'];
  placements: readonly (PlacementEntry & { environment: string; thresholds: ScaleThresholds })[];
  /** Every node of a kind that is placed, and every gateway, of each environment where the tenant is placed. */
  nodes: readonly (NodeFacts & { environment: string })[];
  live_jobs: readonly { job_id: string; title: string }[];
  resources: readonly RetiringResource[];
  thresholds: ScaleThresholds;
}

const holdersOf = (
  facts: ArchiveFacts,
  { environment, record }: ArchiveFacts['placements'][number],
): NodeFacts[] =>
  facts.nodes.filter(
    (node) =>
      node.environment === environment && node.kind === record.service && node.shards.includes(record.shard),
  );

/** Every check of an archiving. */
export function archiveChecks(facts: ArchiveFacts): Check[] {
  const { tenant, placements, nodes } = facts;
  const environments = [...new Set(placements.map(({ environment }) => environment))];
  return [
    ...checkTenant(tenant, 'archive', facts.live_jobs),
    ...placements.map(({ record, environment }) => checkPlacement(record, environment)),
    ...environments.flatMap((environment) => {
      const here = nodes.filter((node) => node.environment === environment);
      const revision = Math.max(
        ...placements.filter((each) => each.environment === environment).map((each) => each.revision),
      );
      return checkAcknowledgers(here, () => false, revision);
    }),
    ...placements.flatMap((placement) =>
      holdersOf(facts, placement).flatMap((node) =>
        checkSource(node, tenant.tenant_id, placement.thresholds),
      ),
    ),
  ];
}

/** The plan of an archiving: drain everywhere, then take the placements away. */
export function planArchiveDraft(facts: ArchiveFacts): PlanDraft & { input: ArchiveInput } {
  const { tenant, placements, nodes, resources, thresholds } = facts;
  const { tenant_id } = tenant;
  const sites = placements.map((placement): ArchiveSite => {
    const { service, shard, epoch } = placement.record;
    const holders = holdersOf(facts, placement).map(({ node_id }) => node_id);
    return { environment: placement.environment, service, shard, epoch, nodes: holders.toSorted() };
  });
  const { drain_timeout_s, ack_timeout_s } = thresholds;
  const environments = [...new Set(sites.map(({ environment }) => environment))];
  const where = environments.length === 0 ? 'no environment' : environments.join(', ');
  const step = (name: string, title: string, undo_title: string | null, time_box_s: number): PlanStep => ({
    name,
    title,
    undo_title,
    point_of_no_return: false,
    changes_nothing: name === 'check' || name === 'acknowledge' || name === 'verify',
    time_box_s,
    eta_s: null,
  });
  return {
    kind: 'archive_tenant',
    title: `Archive ${tenant_id}`,
    environment: null,
    target: { type: 'tenant', id: tenant_id },
    input: { tenant_id, sites, resources: [...resources], drain_timeout_s, ack_timeout_s },
    steps: [
      step('check', 'Check the nodes that serve the tenant, and the gateways', null, CHECK_TIMEOUT_S),
      step('drain', `Drain ${tenant_id} in ${where}`, `Resume ${tenant_id}`, drain_timeout_s),
      step(
        'remove',
        `Take ${tenant_id} off ${sites.length} shards`,
        `Place ${tenant_id} back`,
        ack_timeout_s,
      ),
      step('reload', `Reload ${nodes.length} nodes`, `Reload ${nodes.length} nodes again`, ack_timeout_s),
      step(
        'acknowledge',
        `Wait until ${nodes.length} of ${nodes.length} nodes acknowledge`,
        null,
        ack_timeout_s,
      ),
      step('verify', `Verify that no node serves ${tenant_id}`, null, ack_timeout_s),
      ...(resources.length === 0
        ? []
        : [
            step(
              'retire',
              `Make ${countResources(resources)} of ${tenant_id} read-only`,
              `Let ${countResources(resources)} of ${tenant_id} take writes again`,
              RESOURCES_TIMEOUT_S,
            ),
          ]),
    ],
    changes: [
      { path: 'status', before: tenant.status, after: 'archived' },
      ...sites.map(({ environment, service, shard }) => ({
        path: `${environment}.${service}`,
        before: shard,
        after: null,
      })),
      ...resources.map(({ environment, kind, name, retention_days }) => ({
        path: `${environment}.${kind} ${name}`,
        before: 'in use',
        after: `read-only, deleted after ${retention_days} days`,
      })),
    ],
    checks: archiveChecks(facts),
    blast_radius: {
      tenants: [{ tenant_id, plan: tenant.plan, contact_email: tenant.contact_email }],
      nodes: nodes.map(({ node_id }) => node_id).toSorted(),
      services: [...new Set(sites.map(({ service }) => service))],
    },
    revisions: {
      tenant: tenant.revision,
      ...Object.fromEntries(
        placements.map(({ environment, record, revision }) => [
          `placement ${environment} ${record.service}`,
          revision,
        ]),
      ),
    },
    rollback:
      resources.length === 0
        ? 'None: an archived tenant stays archived. Its data is kept on the shards.'
        : 'None: an archived tenant stays archived. Its data is kept on the shards; its streams and buckets until their time is over.',
  };
}
