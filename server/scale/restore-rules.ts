/** Pure: the plan of bringing an archived tenant back, from the facts. */
import type { Check, PlanDraft, PlanStep } from '#contract/jobs.ts';
import { SERVICE_KINDS, type PlacementRecord, type ServiceKind } from '#contract/placement-record.ts';
import type { TenantStatus } from '#contract/tenants.ts';
import type { ArchiveSite } from './archive-rules.ts';
import { placingStepTitles } from './first-placement-rules.ts';
import { CHECK_TIMEOUT_S, type MigrationFacts } from './placement-rules.ts';
import {
  check,
  checkAcknowledgers,
  checkShardCount,
  checkTarget,
  checkTenant,
  type NodeFacts,
} from './preflight-rules.ts';
import { DEFAULT_THRESHOLDS, type ScaleThresholds } from './scale-settings.ts';
import { countResources, RESOURCES_TIMEOUT_S } from './tenant-resource-rules.ts';
import type { ResourceState, TenantResourceId } from './tenant-resource-store.ts';

/** A stream or bucket of the archived tenant. */
export type ResourceFacts = TenantResourceId & {
  environment: string;
  delete_after: string;
  /** Its time is over. */
  overdue: boolean;
  /** What the retention has made of it; null while the clock runs. */
  outcome: 'deleted' | 'absent' | 'kept' | 'restored' | null;
  /** As its store says now; null when the environment has no such store any more. */
  state: ResourceState | null;
};

/** A placement of the tenant as it was archived, and who would serve it there today. */
export type SiteFacts = Pick<ArchiveSite, 'environment' | 'service' | 'shard' | 'epoch'> & {
  /** Null when the environment is not configured any more. */
  thresholds: ScaleThresholds | null;
  /** What stands there now: nothing, as it should be. */
  placement: PlacementRecord | null;
  tenant_count: number;
};

export interface RestoreFacts {
  tenant: MigrationFacts['tenant'] & { environments: readonly string[] };
  /** How it was archived; null when no job of this control plane has done it. */
  archived: { job_id: string; previous_status: TenantStatus } | null;
  sites: readonly SiteFacts[];
  /** Every gateway and every node of the environments where it comes back. */
  nodes: readonly (NodeFacts & { environment: string })[];
  resources: readonly ResourceFacts[];
  live_jobs: readonly { job_id: string; title: string }[];
}

type RestoringResource = TenantResourceId & { environment: string };

/** A type, because a job's input is a record. */
export type RestoreInput = {
  tenant_id: string;
  /** Where it is placed again, by environment; `epoch` is that of the new placement. */
  sites: Record<string, { service: ServiceKind; shard: string; epoch: number; nodes: string[] }[]>;
  resources: RestoringResource[];
  /** What the tenant is when all has gone well. */
  restored_status: TenantStatus;
  ack_timeout_s: number;
};

const holdersOf = (facts: RestoreFacts, { environment, service, shard }: SiteFacts) =>
  facts.nodes.filter(
    (node) => node.environment === environment && node.kind === service && node.shards.includes(shard),
  );

/** Whether a placement can be written again as it was: its data is on that shard and on no other. */
function checkSite(facts: RestoreFacts, site: SiteFacts): Check[] {
  const { environment, service, shard, thresholds, placement, tenant_count } = site;
  const { tenant_id } = facts.tenant;
  const subject = { type: 'shard', id: shard } as const;
  if (thresholds === null) {
    const message = `${tenant_id} was on ${shard} in ${environment}, which is not configured any more.`;
    return [check('environment_gone', 'blocker', { type: 'environment', id: environment }, message)];
  }
  if (placement !== null) {
    const message = `${tenant_id} is placed on ${placement.shard} in ${environment} already.`;
    return [check('placement_exists', 'blocker', subject, message)];
  }
  const holders = holdersOf(facts, site);
  if (holders.length === 0) {
    const message = `No ${service} node in ${environment} holds ${shard} any more, where the data of ${tenant_id} is.`;
    return [check('shard_gone', 'blocker', subject, message)];
  }
  return [
    checkShardCount(shard, tenant_count, thresholds),
    ...holders.flatMap((node) => checkTarget(node, tenant_id, thresholds)),
  ];
}

/** Whether a stream or bucket is still there and its time not over. */
function checkResource(tenant_id: string, resource: ResourceFacts): Check {
  const { environment, kind, name, state, outcome, overdue, delete_after } = resource;
  const subject = { type: 'tenant', id: tenant_id } as const;
  const what = `The ${kind} ${name} in ${environment}`;
  const found = (code: string, level: Check['level'], message: string) =>
    check(code, level, subject, message);
  if (outcome === 'deleted')
    return found('resource_deleted', 'blocker', `${what} was deleted: its time was over on ${delete_after}.`);
  if (state === null)
    return found('environment_gone', 'blocker', `${what} cannot be reached: no NATS is configured there.`);
  if (state === 'foreign')
    return found('resource_taken', 'blocker', `${what} belongs to something else than ${tenant_id} now.`);
  if (state === 'absent')
    return found('resource_absent', 'warning', `${what} is not there; ${tenant_id} comes back without it.`);
  if (state === 'retired' && overdue && outcome === null)
    return found(
      'retention_over',
      'blocker',
      `${what} is about to be deleted: its time was over on ${delete_after}.`,
    );
  return found(
    'resource_kept',
    'ok',
    `${kind} ${name} in ${environment} is ${state === 'retired' ? 'kept' : 'in use'}`,
  );
}

const environmentsOf = ({ sites }: RestoreFacts) => [...new Set(sites.map(({ environment }) => environment))];

/** Every check of a restore. */
export function restoreChecks(facts: RestoreFacts): Check[] {
  const { tenant, archived, sites, nodes, resources, live_jobs } = facts;
  const subject = { type: 'tenant', id: tenant.tenant_id } as const;
  if (archived === null) {
    const message = `No job of this control plane has archived ${tenant.tenant_id}: nobody knows on which shards its data is.`;
    return [...checkTenant(tenant, 'restore', live_jobs), check('not_recorded', 'blocker', subject, message)];
  }
  const partial = isWhole(facts)
    ? []
    : [
        check(
          'partly_placed',
          'warning',
          subject,
          `${tenant.tenant_id} was not placed everywhere when it was archived; it comes back as degraded.`,
        ),
      ];
  return [
    ...checkTenant(tenant, 'restore', live_jobs),
    ...partial,
    ...environmentsOf(facts).flatMap((environment) => {
      const here = nodes.filter((node) => node.environment === environment);
      const receiving = (node: NodeFacts) =>
        sites.some(
          (site) =>
            site.environment === environment &&
            holdersOf(facts, site).some(({ node_id }) => node_id === node.node_id),
        );
      return here.length === 0 ? [] : checkAcknowledgers(here, receiving, 0);
    }),
    ...sites.flatMap((site) => checkSite(facts, site)),
    ...resources.map((resource) => checkResource(tenant.tenant_id, resource)),
  ];
}

/** Whether it was placed for every service in each of its environments. */
const isWhole = ({ tenant, sites }: RestoreFacts): boolean =>
  tenant.environments.every((environment) =>
    SERVICE_KINDS.every((service) =>
      sites.some((site) => site.environment === environment && site.service === service),
    ),
  );

/** The plan of a restore: let its streams and buckets take writes again, then place it where it was. */
export function planRestoreDraft(facts: RestoreFacts): PlanDraft & { input: RestoreInput } {
  const { tenant, archived, nodes } = facts;
  const { tenant_id } = tenant;
  const environments = environmentsOf(facts);
  const ack_timeout_s =
    Math.max(0, ...facts.sites.map(({ thresholds }) => thresholds?.ack_timeout_s ?? 0)) ||
    DEFAULT_THRESHOLDS.ack_timeout_s;
  const sites = Object.fromEntries(
    environments.map((environment) => [
      environment,
      facts.sites
        .filter((site) => site.environment === environment)
        .map((site) => ({
          service: site.service,
          shard: site.shard,
          epoch: site.epoch + 1,
          nodes: holdersOf(facts, site)
            .map(({ node_id }) => node_id)
            .toSorted(),
        })),
    ]),
  );
  const resources = facts.resources
    .filter(({ state }) => state === 'retired')
    .map(({ environment, kind, name }): RestoringResource => ({ environment, kind, name }));
  const whole = isWhole(facts);
  const restored_status = !whole
    ? 'degraded'
    : archived?.previous_status === 'suspended'
      ? 'suspended'
      : 'active';
  const input: RestoreInput = { tenant_id, sites, resources, restored_status, ack_timeout_s };
  const what = `${countResources(resources)} of ${tenant_id}`;
  const steps: PlanStep[] = [
    {
      name: 'check',
      title: 'Check the shards where it was, their nodes and the gateways',
      undo_title: null,
      point_of_no_return: false,
      time_box_s: CHECK_TIMEOUT_S,
    },
    ...(resources.length === 0
      ? []
      : [
          {
            name: 'revive',
            title: `Let ${what} take writes again`,
            undo_title: `Make ${what} read-only again`,
            point_of_no_return: false,
            time_box_s: RESOURCES_TIMEOUT_S,
          },
        ]),
    ...environments.flatMap((environment) =>
      placingStepTitles(environment, input, {
        place: `Place ${tenant_id} in ${environment} where it was`,
        take_off: `Take ${tenant_id} off its shards in ${environment}`,
      }),
    ),
  ].map((step) => ({
    ...step,
    changes_nothing: /^(check|acknowledge_|verify_)/.test(step.name),
    eta_s: null,
  }));
  return {
    kind: 'restore_tenant',
    title: `Restore ${tenant_id}`,
    environment: null,
    target: { type: 'tenant', id: tenant_id },
    input,
    steps,
    changes: [
      { path: 'status', before: tenant.status, after: restored_status },
      ...facts.sites.map(({ environment, service, shard }) => ({
        path: `${environment}.${service}`,
        before: null,
        after: shard,
      })),
      ...resources.map(({ environment, kind, name }) => ({
        path: `${environment}.${kind} ${name}`,
        before: 'read-only',
        after: 'in use',
      })),
    ],
    checks: restoreChecks(facts),
    blast_radius: {
      tenants: [{ tenant_id, plan: tenant.plan, contact_email: tenant.contact_email }],
      nodes: nodes.map(({ node_id }) => node_id).toSorted(),
      services: SERVICE_KINDS.filter((service) => facts.sites.some((site) => site.service === service)),
    },
    revisions: { tenant: tenant.revision },
    rollback: `Archive ${tenant_id} again. What is kept of it gets a new clock then.`,
  };
}
