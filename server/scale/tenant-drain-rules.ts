/** Pure: the plan of draining or resuming a tenant in one environment from the facts. */
import type { Check, PlanDraft, PlanStep } from '#contract/jobs.ts';
import type { ServiceKind } from '#contract/placement-record.ts';
import type { TenantStatus } from '#contract/tenants.ts';
import { expectedDrainSeconds } from './drain-rules.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import type { PlacementEntry } from './placement-store.ts';
import {
  check,
  checkAcknowledgers,
  checkPlacement,
  checkSource,
  checkTenant,
  type NodeFacts,
} from './preflight-rules.ts';
import type { TenantDrainFacts, TenantDrainRequest } from './tenant-drain-facts.ts';

/** One placement that is drained or resumed. */
export type TenantDrainSite = {
  service: ServiceKind;
  shard: string;
  epoch: number;
  nodes: string[];
  /** The drain that a resume takes back; null for a drain. */
  held_by: string | null;
};

/** A type, because a job's input is a record. */
export type TenantDrainInput = TenantDrainRequest & {
  sites: TenantDrainSite[];
  /** What the tenant is before the job, and after its undo. */
  previous_status: TenantStatus;
  /** What the tenant is once it is drained nowhere any more. */
  resumed_status: TenantStatus;
  /** Other environments where it is drained. */
  drained_elsewhere: string[];
  drain_timeout_s: number;
  ack_timeout_s: number;
};

const holdersOf = ({ nodes }: TenantDrainFacts, { record }: PlacementEntry): NodeFacts[] =>
  nodes.filter(({ kind, shards }) => kind === record.service && shards.includes(record.shard));

/** The drain that left the placement as it stands, or null. */
const standingDrain = ({ standing_drains }: TenantDrainFacts, { record }: PlacementEntry) =>
  record.state === 'draining'
    ? (standing_drains.find(({ job_id }) => job_id === record.job_id) ?? null)
    : null;

/** The placements that the job is about: all of them for a drain, those that are drained for a resume. */
const concerned = (facts: TenantDrainFacts): readonly PlacementEntry[] =>
  facts.request.action === 'drain'
    ? facts.placements
    : facts.placements.filter((placement) => standingDrain(facts, placement) !== null);

/** Every check of the drain or resume, in the order of reading: the tenant, its placements, the nodes. */
export function tenantDrainChecks(facts: TenantDrainFacts): Check[] {
  const { request, tenant, placements, nodes, live_jobs, thresholds } = facts;
  const { environment, action } = request;
  const { tenant_id } = tenant;
  const subject = { type: 'tenant', id: tenant_id } as const;
  const revision = Math.max(...placements.map((placement) => placement.revision));
  const holders = concerned(facts).flatMap((placement) => holdersOf(facts, placement));
  const orphaned = concerned(facts)
    .filter((placement) => holdersOf(facts, placement).length === 0)
    .map(({ record: { shard } }) =>
      check(
        'source_unknown',
        'blocker',
        { type: 'shard', id: shard },
        `No node is known to hold ${shard}, so nobody can say how ${tenant_id} is there.`,
      ),
    );
  if (action === 'resume') {
    return [
      ...checkTenant(tenant, action, live_jobs),
      concerned(facts).length > 0
        ? check('not_drained', 'ok', subject, `${tenant_id} is drained in ${environment}`)
        : check(
            'not_drained',
            'blocker',
            subject,
            `No drain holds ${tenant_id} in ${environment}, so there is nothing to resume.`,
          ),
      ...checkAcknowledgers(nodes, (node) => holders.includes(node), revision),
      ...orphaned,
    ];
  }
  return [
    ...checkTenant(tenant, action, live_jobs),
    ...placements.map(({ record }) => checkPlacement(record, environment)),
    ...checkAcknowledgers(nodes, () => false, revision),
    ...orphaned,
    ...holders.flatMap((node) => checkSource(node, tenant_id, thresholds)),
    check(
      'no_new_work',
      'warning',
      subject,
      `${tenant_id} takes no new work in ${environment}, on any service, until it is resumed.`,
    ),
  ];
}

function inputOf(facts: TenantDrainFacts): TenantDrainInput {
  const { request, tenant, standing_drains, thresholds } = facts;
  const { environment } = request;
  const { drain_timeout_s, ack_timeout_s } = thresholds;
  // The latest word on what it was before: its status now, unless it is drained already.
  const before = standing_drains.at(-1)?.resumed_status;
  return {
    ...request,
    sites: concerned(facts).map((placement) => {
      const { service, shard, epoch } = placement.record;
      const nodes = holdersOf(facts, placement).map(({ node_id }) => node_id);
      const held_by = standingDrain(facts, placement)?.job_id ?? null;
      return { service, shard, epoch, nodes: nodes.toSorted(), held_by };
    }),
    previous_status: tenant.status,
    resumed_status:
      tenant.status === 'draining' || request.action === 'resume' ? (before ?? 'active') : tenant.status,
    drained_elsewhere: [
      ...new Set(standing_drains.map((drain) => drain.environment).filter((name) => name !== environment)),
    ].toSorted(),
    drain_timeout_s,
    ack_timeout_s,
  };
}

/** What the tenant is when the job has succeeded. */
export const statusAfter = ({ action, resumed_status, drained_elsewhere }: TenantDrainInput): TenantStatus =>
  action === 'drain' || drained_elsewhere.length > 0 ? 'draining' : resumed_status;

/** The plan: what is drained or resumed, on which shards, and what the tenant is afterwards. */
export function planTenantDrainDraft(facts: TenantDrainFacts): PlanDraft & { input: TenantDrainInput } {
  const { request, tenant, placements, nodes } = facts;
  const { environment, tenant_id, action } = request;
  const input = inputOf(facts);
  const drains = action === 'drain';
  const status = statusAfter(input);
  return {
    kind: drains ? 'drain_tenant' : 'resume_tenant',
    title: `${drains ? 'Drain' : 'Resume'} ${tenant_id} in ${environment}`,
    environment,
    target: { type: 'tenant', id: tenant_id },
    input,
    steps: drains ? drainSteps(facts, input) : resumeSteps(facts, input),
    changes: [
      ...(status === tenant.status ? [] : [{ path: 'status', before: tenant.status, after: status }]),
      ...concerned(facts).map(({ record: { service, shard, state } }) => ({
        path: `${service} on ${shard}`,
        before: state,
        after: drains ? 'draining' : 'active',
      })),
    ],
    checks: tenantDrainChecks(facts),
    blast_radius: {
      tenants: [{ tenant_id, plan: tenant.plan, contact_email: tenant.contact_email }],
      nodes: nodes.map(({ node_id }) => node_id).toSorted(),
      services: input.sites.map(({ service }) => service),
    },
    revisions: {
      tenant: tenant.revision,
      ...Object.fromEntries(
        placements.map(({ record, revision }) => [`placement ${record.service}`, revision]),
      ),
    },
    rollback: `${drains ? 'Resume' : 'Drain'} ${tenant_id} in ${environment}.`,
  };
}

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
  changes_nothing: undo_title === null,
  time_box_s,
  eta_s,
});

const shardsIn = ({ sites }: TenantDrainInput): string => sites.map(({ shard }) => shard).join(', ');

function drainSteps(facts: TenantDrainFacts, input: TenantDrainInput): PlanStep[] {
  const { tenant_id, ack_timeout_s, drain_timeout_s } = input;
  const where = shardsIn(input);
  const holders = new Set(input.sites.flatMap(({ nodes }) => nodes));
  const units = facts.nodes
    .filter(({ node_id }) => holders.has(node_id))
    .reduce((sum, { tenant }) => sum + (tenant?.inflight ?? 0) + (tenant?.consumer_lag ?? 0), 0);
  const eta = expectedDrainSeconds(units, facts.drain_history);
  return [
    step('check', 'Check the nodes that serve the tenant, and the gateways', null, CHECK_TIMEOUT_S),
    step('drain', `Drain ${tenant_id} on ${where}`, `Resume ${tenant_id} on ${where}`, drain_timeout_s, eta),
    acknowledgeStep(facts, ack_timeout_s),
    step('verify', `Verify that nothing of ${tenant_id} is left on ${where}`, null, ack_timeout_s),
  ];
}

function resumeSteps(facts: TenantDrainFacts, input: TenantDrainInput): PlanStep[] {
  const { tenant_id, ack_timeout_s } = input;
  const where = shardsIn(input);
  return [
    step('check', 'Check the nodes that are to serve the tenant, and the gateways', null, CHECK_TIMEOUT_S),
    step('resume', `Resume ${tenant_id} on ${where}`, `Drain ${tenant_id} on ${where} again`, ack_timeout_s),
    acknowledgeStep(facts, ack_timeout_s),
    step('verify', `Verify that ${where} serve ${tenant_id}`, null, ack_timeout_s),
  ];
}

const acknowledgeStep = ({ nodes }: TenantDrainFacts, ack_timeout_s: number): PlanStep =>
  step('acknowledge', `Wait until ${nodes.length} of ${nodes.length} nodes acknowledge`, null, ack_timeout_s);
