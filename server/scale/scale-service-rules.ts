/** Pure: the plan of running another number of replicas. */
import type { Check, PlanDraft, PlanStep } from '#contract/jobs.ts';
import {
  APPLY_TIMEOUT_S,
  blastRadius,
  checkJobs,
  checkQuiet,
  isAble,
  nameOf,
  number,
  planStep,
  plural,
  ROLLOUT_TIMEOUT_S,
} from './fleet-checks-rules.ts';
import type { RunningTask, ServiceFacts } from './fleet-facts.ts';
import type { OrchestratorTask } from './orchestrator.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { check } from './preflight-rules.ts';

/** A type, because a job's input is a record. */
export type ScaleServiceInput = {
  environment: string;
  service_id: string;
  name: string;
  from: number;
  replicas: number;
  /** Nodes that the change stops, as far as that is known beforehand; they finish their work first. */
  stopping: string[];
  monitor_s: number;
  drain_timeout_s: number;
  rollout_timeout_s: number;
};

const subjectOf = ({ service }: ServiceFacts) => ({ type: 'service', id: service.service_id }) as const;
const replicasOf = ({ service }: ServiceFacts): number => service.replicas_desired ?? 0;

/** The tasks of the service. */
const ownTasks = ({ tasks, service }: ServiceFacts): RunningTask[] =>
  tasks.filter(({ service_id }) => service_id === service.service_id);

/** The tasks that scaling down ends, or may end where the orchestrator chooses itself. */
export function endingTasks(facts: ServiceFacts, replicas: number): RunningTask[] {
  const own = ownTasks(facts);
  if (replicas >= replicasOf(facts)) return [];
  return facts.ends_highest_slot ? own.filter(({ slot }) => (slot ?? 0) > replicas) : own;
}

/**
 * What a scale-up that is taken back may cost: blockers when a task that may end holds tenants. `may_end` names those tasks; null where any
 * may.
 */
export function checkGoingBack(
  facts: ServiceFacts,
  replicas: number,
  may_end: readonly Pick<OrchestratorTask, 'task_id' | 'slot' | 'host_id' | 'state'>[] | null,
): Check[] {
  if (may_end === null) return checkEmpty(facts, replicas);
  const known = new Map(facts.tasks.map((task) => [task.task_id, task]));
  const { kind, service } = facts;
  const unknown = {
    service_id: service.service_id,
    service_name: service.name,
    kind,
    node_id: null,
    shards: [],
  };
  const ending = may_end.map((task) => known.get(task.task_id) ?? { ...task, ...unknown });
  // That any node may be chosen is said of a plan, where it may be any.
  return checkEmpty(facts, replicas, ending).filter(({ code }) => code !== 'node_chosen');
}

/** Every check of the change, in the order of reading: jobs, the service, where new tasks go, what ending tasks leave behind. */
export function scaleServiceChecks(facts: ServiceFacts, replicas: number): Check[] {
  return [
    ...checkJobs(subjectOf(facts), facts.live_jobs),
    checkQuiet(facts),
    ...(replicas > replicasOf(facts) ? [checkHosts(facts)] : []),
    ...(replicas < replicasOf(facts) ? [...checkLeft(facts, replicas), ...checkEmpty(facts, replicas)] : []),
  ];
}

function checkHosts(facts: ServiceFacts): Check {
  const able = facts.hosts.filter(isAble).length;
  const measure = { figure: able, threshold: 1, unit: 'hosts' };
  return able > 0
    ? check(
        'host_available',
        'ok',
        subjectOf(facts),
        `${number(able)} of ${plural(facts.hosts.length, 'host')} can take tasks`,
        measure,
      )
    : check(
        'host_available',
        'blocker',
        subjectOf(facts),
        'No host is ready and active, so new tasks would wait for ever.',
        measure,
      );
}

/** Whether a node of the kind is left: of a kind that has none the platform has lost a part. */
function checkLeft(facts: ServiceFacts, replicas: number): Check[] {
  const { kind, service, tasks } = facts;
  if (kind === null) return [];
  const elsewhere = tasks.filter(
    (task) => task.kind === kind && task.service_id !== service.service_id,
  ).length;
  const left = replicas + elsewhere;
  const measure = { figure: left, threshold: 1, unit: 'nodes' };
  if (left > 0)
    return [check('kind_left', 'ok', subjectOf(facts), `${plural(left, `${kind} node`)} left`, measure)];
  const message =
    kind === 'gateway'
      ? 'No gateway would be left, so nobody could reach the platform.'
      : `No ${kind} node would be left in ${facts.environment}.`;
  return [check('kind_left', 'blocker', subjectOf(facts), message, measure)];
}

/** Whether a task that ends, or may end, leaves tenants without a node. */
export function checkEmpty(
  facts: ServiceFacts,
  replicas: number,
  ending = endingTasks(facts, replicas),
): Check[] {
  const staying = facts.tasks.filter((task) => task.kind === facts.kind && !ending.includes(task));
  const held = new Set(staying.flatMap(({ shards }) => shards.map(({ shard }) => shard)));
  const checks = ending.flatMap((task) => checkTask(facts, task, held));
  const stops = checks.some(({ level }) => level === 'blocker');
  const current =
    facts.placements_problem === null
      ? []
      : [
          check(
            'placements_unknown',
            'blocker',
            { type: 'environment', id: facts.environment },
            facts.placements_problem,
          ),
        ];
  if (stops || facts.ends_highest_slot) return [...current, ...checks];
  const chooses = `The ${facts.orchestrator} chooses which ${plural(replicasOf(facts) - replicas, 'task')} it ends; every node of ${facts.service.name} is empty.`;
  return [...current, check('node_chosen', 'warning', subjectOf(facts), chooses)];
}

function checkTask(facts: ServiceFacts, task: RunningTask, heldElsewhere: ReadonlySet<string>): Check[] {
  // A gateway, and a service that is no kind of node, holds no tenants.
  if (facts.kind === null || facts.kind === 'gateway') return [];
  const name = nameOf(task);
  const subject = { type: 'node', id: name } as const;
  const would = facts.ends_highest_slot
    ? 'would be stopped'
    : `may be the one that the ${facts.orchestrator} stops`;
  if (task.node_id === null) {
    const runs = task.state === 'running' || task.state === 'starting';
    return runs
      ? [
          check(
            'node_unknown',
            'blocker',
            subject,
            `${name} ${would}, but has not said which node it is, so nobody knows what it holds.`,
          ),
        ]
      : [];
  }
  const stranded = task.shards.filter(
    ({ shard, tenant_count }) => tenant_count > 0 && !heldElsewhere.has(shard),
  );
  if (stranded.length === 0)
    return [check('node_holds_tenants', 'ok', subject, `${name} holds no tenant alone`)];
  return stranded.map(({ shard, tenant_count }) =>
    check(
      'node_holds_tenants',
      'blocker',
      subject,
      `${name} ${would}, but its shard ${shard} holds ${plural(tenant_count, 'tenant')}: rebalance or migrate them first.`,
      { figure: tenant_count, threshold: 0, unit: 'tenants' },
    ),
  );
}

/** The plan of the change. */
export function planScaleServiceDraft(
  facts: ServiceFacts,
  replicas: number,
  drain_timeout_s: number,
): PlanDraft & { input: ScaleServiceInput } {
  const { environment, service } = facts;
  const from = replicasOf(facts);
  const ending = endingTasks(facts, replicas);
  const input: ScaleServiceInput = {
    environment,
    service_id: service.service_id,
    name: service.name,
    from,
    replicas,
    stopping: facts.ends_highest_slot ? ending.flatMap(({ node_id }) => node_id ?? []) : [],
    monitor_s: service.update_policy.monitor_s,
    drain_timeout_s,
    rollout_timeout_s: ROLLOUT_TIMEOUT_S,
  };
  return {
    kind: 'scale_service',
    title: `Scale ${service.name} · ${from} → ${replicas}`,
    environment,
    target: subjectOf(facts),
    input,
    steps: scaleSteps(input),
    changes: [{ path: 'replicas', before: from, after: replicas }],
    checks: scaleServiceChecks(facts, replicas),
    blast_radius: { ...blastRadius(ending, facts.tenants), services: [service.name] },
    revisions: { service: service.version },
    rollback: rollbackOf(facts, input),
  };
}

function rollbackOf(
  { kind, orchestrator, ends_highest_slot }: ServiceFacts,
  input: ScaleServiceInput,
): string {
  const { name, from, replicas } = input;
  const back = `Scale ${name} back to ${from}.`;
  if (replicas < from || ends_highest_slot || kind === null || kind === 'gateway') return back;
  return `${back} Where the ${orchestrator} might end a node with tenants instead of a new one, it stays at ${replicas}, and the job says so.`;
}

function scaleSteps({
  name,
  from,
  replicas,
  stopping,
  drain_timeout_s,
  rollout_timeout_s,
}: ScaleServiceInput): PlanStep[] {
  const drain = planStep('drain', `Drain ${stopping.join(', ')}`, drain_timeout_s, {
    undo_title: `Resume ${stopping.join(', ')}`,
  });
  return [
    planStep('check', `Check ${name}, its hosts and its nodes`, CHECK_TIMEOUT_S),
    ...(stopping.length > 0 ? [drain] : []),
    planStep(
      'scale',
      `Tell the orchestrator to run ${plural(replicas, 'replica')} of ${name}`,
      APPLY_TIMEOUT_S,
      {
        undo_title: `Go back to ${plural(from, 'replica')}`,
      },
    ),
    planStep(
      'rollout',
      `Wait until ${plural(replicas, 'task')} of ${name} run and stay up`,
      rollout_timeout_s,
    ),
    planStep('verify', `Verify that every node of ${name} is ready`, rollout_timeout_s),
  ];
}
