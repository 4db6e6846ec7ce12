/** Pure: the plan of draining or resuming a node from the facts. */
import type { Check, PlanDraft, PlanStep } from '#contract/jobs.ts';
import type { NodeKind } from '#contract/placement-record.ts';
import { expectedDrainSeconds } from './drain-rules.ts';
import type { NodeDrainFacts, NodeDrainRequest } from './node-drain-facts.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { check } from './preflight-rules.ts';

/** A type, because a job's input is a record. */
export type NodeDrainInput = NodeDrainRequest & {
  node_kind: NodeKind;
  drain_timeout_s: number;
  ack_timeout_s: number;
};

/** What the node's kind stops and finishes. */
const WHAT_DRAINS = {
  gateway: 'it takes no new connections and answers those it has',
  aggregate: 'its tenants finish their commands and take no new ones',
  projection: 'its consumers pull no new events and catch up',
  runner: 'its workers take no new work and finish theirs',
} as const satisfies Record<NodeKind, string>;

const nodeOf = (id: string): Check['subject'] => ({ type: 'node', id });

/** Every check of the drain or resume, in the order of reading: jobs, the node, who is left without service. */
export function nodeDrainChecks(facts: NodeDrainFacts): Check[] {
  const { request, live_jobs } = facts;
  const { node_id } = request;
  const jobs =
    live_jobs.length === 0
      ? [check('job_running', 'ok', nodeOf(node_id), `no other job on ${node_id}`)]
      : live_jobs.map(({ job_id, title }) =>
          check(
            'job_running',
            'blocker',
            { type: 'job', id: job_id },
            `Another job needs ${node_id}: ${title}.`,
          ),
        );
  return request.action === 'drain'
    ? [...jobs, stateForDrain(facts), ...storageChecks(facts), ...workChecks(facts), ...serviceChecks(facts)]
    : [...jobs, stateForResume(facts)];
}

function stateForDrain({ node }: NodeDrainFacts): Check {
  const { node_id, state, problem } = node;
  const subject = nodeOf(node_id);
  switch (state) {
    case 'ready':
      return check('node_state', 'ok', subject, `${node_id} is ready`);
    case 'draining':
      return check('already_draining', 'blocker', subject, `${node_id} drains already; resume it first.`);
    case 'not_ready':
      return check('node_not_ready', 'warning', subject, problem ?? `${node_id} is not ready.`);
    case 'lying':
      return check('node_lying', 'blocker', subject, problem ?? `${node_id} breaks the node contract.`);
    case 'unreachable':
    case 'unknown':
      return check('node_unreachable', 'blocker', subject, problem ?? `${node_id} does not answer.`);
  }
}

function stateForResume({ node }: NodeDrainFacts): Check {
  const { node_id, state, status, problem } = node;
  const subject = nodeOf(node_id);
  if (state === 'lying')
    return check('node_lying', 'blocker', subject, problem ?? `${node_id} breaks the node contract.`);
  if (status === null)
    return check('node_unreachable', 'blocker', subject, problem ?? `${node_id} does not answer.`);
  return status.draining
    ? check('node_state', 'ok', subject, `${node_id} drains and takes no new work`)
    : check('not_draining', 'blocker', subject, `${node_id} does not drain, so there is nothing to resume.`);
}

const storageChecks = ({ node }: NodeDrainFacts): Check[] =>
  node.status && !node.status.storage.ok
    ? [
        check(
          'storage_unhealthy',
          'blocker',
          nodeOf(node.node_id),
          `The storage of ${node.node_id} reports errors, so its work cannot be finished.`,
        ),
      ]
    : [];

function workChecks({ node }: NodeDrainFacts): Check[] {
  const { node_id, status } = node;
  if (!status) return [];
  const { inflight, consumer_lag } = status;
  const message = `${node_id} has ${inflight} units in flight and ${consumer_lag} events of lag to finish`;
  const measure = { figure: inflight + consumer_lag, threshold: 0, unit: 'units' };
  return [check('work_left', 'ok', nodeOf(node_id), message, measure)];
}

/** Who is served by nobody while the node is drained. */
function serviceChecks({ node, others, shards }: NodeDrainFacts): Check[] {
  const serving = others.filter(({ state }) => state === 'ready');
  const { node_id } = node;
  if (node.kind === 'gateway') {
    const measure = { figure: serving.length, threshold: 1, unit: 'gateways' };
    return serving.length > 0
      ? [
          check(
            'gateways_left',
            'ok',
            nodeOf(node_id),
            `${serving.length} of ${others.length} other gateways take connections`,
            measure,
          ),
        ]
      : [
          check(
            'gateways_left',
            'warning',
            nodeOf(node_id),
            `No other gateway takes connections: nobody reaches the platform while ${node_id} is drained.`,
            measure,
          ),
        ];
  }
  return shards.map(({ shard, tenant_count }) => {
    const subject = { type: 'shard', id: shard } as const;
    const holders = serving.filter((other) => other.shards.includes(shard));
    const tenants = `${tenant_count.toLocaleString('en-US')} tenant${tenant_count === 1 ? '' : 's'}`;
    const measure = { figure: tenant_count, threshold: 0, unit: 'tenants' };
    if (holders.length > 0) {
      const names = holders.map((other) => other.node_id).join(', ');
      return check('shard_served', 'ok', subject, `${tenants} on ${shard} are served by ${names} too`);
    }
    return tenant_count === 0
      ? check('shard_served', 'ok', subject, `no tenant is on ${shard}`)
      : check(
          'shard_unserved',
          'warning',
          subject,
          `${tenants} on ${shard} ${tenant_count === 1 ? 'is' : 'are'} served by nobody while ${node_id} is drained; move them to other shards first.`,
          measure,
        );
  });
}

/** The tenants that lose their service by a drain, or get it back by a resume: those on shards that no other ready node holds. */
function tenantsTouched({ others, shards, tenants }: NodeDrainFacts) {
  const alone = new Set(
    shards
      .filter(
        ({ shard }) => !others.some(({ state, shards: held }) => state === 'ready' && held.includes(shard)),
      )
      .map(({ shard }) => shard),
  );
  const total = shards
    .filter(({ shard }) => alone.has(shard))
    .reduce((sum, { tenant_count }) => sum + tenant_count, 0);
  const listed = tenants.filter(({ shard }) => alone.has(shard));
  return {
    tenants: listed.map(({ tenant_id, plan, contact_email }) => ({ tenant_id, plan, contact_email })),
    tenants_not_listed: Math.max(0, total - listed.length),
  };
}

/** The plan: three steps, the second of which can be taken back. */
export function planNodeDrainDraft(facts: NodeDrainFacts): PlanDraft & { input: NodeDrainInput } {
  const { request, node, thresholds } = facts;
  const { environment, node_id, action } = request;
  const { node_drain_timeout_s: drain_timeout_s, ack_timeout_s } = thresholds;
  const input: NodeDrainInput = { ...request, node_kind: node.kind, drain_timeout_s, ack_timeout_s };
  const drains = action === 'drain';
  return {
    kind: drains ? 'drain_node' : 'resume_node',
    title: `${drains ? 'Drain' : 'Resume'} node ${node_id}`,
    environment,
    target: { type: 'node', id: node_id },
    input,
    steps: drains ? drainSteps(facts, input) : resumeSteps(input),
    changes: [{ path: 'draining', before: node.status?.draining ?? null, after: drains }],
    checks: nodeDrainChecks(facts),
    blast_radius: {
      ...tenantsTouched(facts),
      nodes: [node_id],
      services: [node.kind],
    },
    revisions: {},
    rollback: drains
      ? `Resume ${node_id}. A restart of its process ends the drain too.`
      : `Drain ${node_id} again.`,
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

function drainSteps({ node, drain_history }: NodeDrainFacts, input: NodeDrainInput): PlanStep[] {
  const { node_id, drain_timeout_s, ack_timeout_s } = input;
  const units = (node.status?.inflight ?? 0) + (node.status?.consumer_lag ?? 0);
  const eta = expectedDrainSeconds(units, drain_history);
  return [
    step('check', `Check ${node_id} and the others of its kind`, null, CHECK_TIMEOUT_S),
    step('drain', `Drain ${node_id}: ${WHAT_DRAINS[node.kind]}`, `Resume ${node_id}`, drain_timeout_s, eta),
    step('verify', `Verify that ${node_id} has nothing left and takes nothing new`, null, ack_timeout_s),
  ];
}

const resumeSteps = ({ node_id, ack_timeout_s }: NodeDrainInput): PlanStep[] => [
  step('check', `Check that ${node_id} drains`, null, CHECK_TIMEOUT_S),
  step('resume', `Resume ${node_id}`, `Drain ${node_id} again`, ack_timeout_s),
  step('verify', `Verify that ${node_id} is ready`, null, ack_timeout_s),
];
