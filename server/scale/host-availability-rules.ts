/** Pure: the plan of cordoning, draining or activating a host. */
import type { Check, PlanDraft, PlanStep } from '#contract/jobs.ts';
import {
  APPLY_TIMEOUT_S,
  blastRadius,
  checkJobs,
  isAble,
  nameOf,
  number,
  planStep,
  plural,
  ROLLOUT_TIMEOUT_S,
  tenantsOf,
} from './fleet-checks-rules.ts';
import type { HostFacts, RunningTask } from './fleet-facts.ts';
import type { HostAvailability } from './orchestrator.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { check } from './preflight-rules.ts';

/** A type, because a job's input is a record. */
export type HostAvailabilityInput = {
  environment: string;
  host_id: string;
  hostname: string;
  from: HostAvailability;
  availability: HostAvailability;
  /** Services whose tasks have to run elsewhere. */
  services: string[];
  rollout_timeout_s: number;
};

const VERBS = { active: 'Activate', pause: 'Cordon', drain: 'Drain' } as const satisfies Record<
  HostAvailability,
  string
>;
const subjectOf = ({ host }: HostFacts) => ({ type: 'host', id: host.host_id }) as const;
const tasksOn = ({ tasks, host }: HostFacts): RunningTask[] =>
  tasks.filter(({ host_id }) => host_id === host.host_id);

/** Every check of the change, in the order of reading: jobs, the host, where its tasks go. */
export function hostAvailabilityChecks(facts: HostFacts, availability: HostAvailability): Check[] {
  const { host, live_jobs } = facts;
  const subject = subjectOf(facts);
  const state =
    host.state === 'ready'
      ? check('host_state', 'ok', subject, `${host.hostname} is ready`)
      : check(
          'host_state',
          'warning',
          subject,
          `${host.hostname} is ${host.state}, so what it runs cannot be told.`,
        );
  const base = [...checkJobs(subject, live_jobs), state];
  if (availability === 'active') return base;
  const others = facts.hosts.filter((each) => each.host_id !== host.host_id && isAble(each));
  if (availability === 'pause') return [...base, checkCordon(facts, others.length)];
  return [...base, ...checkDrain(facts, others.length)];
}

function checkCordon(facts: HostFacts, others: number): Check {
  const measure = { figure: others, threshold: 1, unit: 'hosts' };
  const subject = subjectOf(facts);
  return others > 0
    ? check('hosts_left', 'ok', subject, `${plural(others, 'other host')} can take tasks`, measure)
    : check(
        'hosts_left',
        'warning',
        subject,
        'No other host is ready and active: a task that fails could not be replaced.',
        measure,
      );
}

function checkDrain(facts: HostFacts, others: number): Check[] {
  const { host, tasks } = facts;
  const subject = subjectOf(facts);
  const leaving = tasksOn(facts);
  const measure = { figure: others, threshold: 1, unit: 'hosts' };
  const room =
    others > 0 || leaving.length === 0
      ? check(
          'hosts_left',
          'ok',
          subject,
          `${plural(others, 'other host')} can take ${plural(leaving.length, 'task')}`,
          measure,
        )
      : check(
          'hosts_left',
          'blocker',
          subject,
          `${host.hostname} is the last host that is ready and active: its ${plural(leaving.length, 'task')} could run nowhere.`,
          measure,
        );
  const gateways = tasks.filter(({ kind, state }) => kind === 'gateway' && state === 'running');
  const gatewaysHere = gateways.filter(({ host_id }) => host_id === host.host_id).length;
  const onlyGateways = gatewaysHere > 0 && gatewaysHere === gateways.length;
  const gateway = onlyGateways
    ? check(
        'only_gateway',
        'blocker',
        subject,
        `Every gateway that runs is on ${host.hostname}: nobody could reach the platform until one has started elsewhere. Scale the gateways up first.`,
        { figure: 0, threshold: 1, unit: 'gateways' },
      )
    : check(
        'only_gateway',
        'ok',
        subject,
        `${number(gateways.length - gatewaysHere)} of ${plural(gateways.length, 'gateway')} run elsewhere`,
      );
  return [room, gateway, ...leaving.map(checkMove)];
}

/** A task is stopped before it starts elsewhere, as Swarm does it. */
function checkMove(task: RunningTask): Check {
  const tenants = tenantsOf(task);
  const name = nameOf(task);
  const subject = { type: 'node', id: name } as const;
  if (tenants === 0) return check('node_moves', 'ok', subject, `${name} starts on another host`);
  const message = `${name} stops and starts on another host: ${plural(tenants, 'tenant')} without it meanwhile.`;
  return check('node_moves', 'warning', subject, message, { figure: tenants, threshold: 0, unit: 'tenants' });
}

/** The plan of the change. */
export function planHostAvailabilityDraft(
  facts: HostFacts,
  availability: HostAvailability,
): PlanDraft & { input: HostAvailabilityInput } {
  const { environment, host } = facts;
  const leaving = availability === 'drain' ? tasksOn(facts) : [];
  const input: HostAvailabilityInput = {
    environment,
    host_id: host.host_id,
    hostname: host.hostname,
    from: host.availability,
    availability,
    services: [...new Set(leaving.map(({ service_id }) => service_id))],
    rollout_timeout_s: ROLLOUT_TIMEOUT_S,
  };
  return {
    kind: 'change_host_availability',
    title: `${VERBS[availability]} host ${host.hostname}`,
    environment,
    target: subjectOf(facts),
    input,
    steps: hostSteps(input, leaving.length),
    changes: [{ path: 'availability', before: host.availability, after: availability }],
    checks: hostAvailabilityChecks(facts, availability),
    blast_radius: blastRadius(leaving, facts.tenants),
    revisions: { host: host.version },
    rollback: `${VERBS[host.availability]} ${host.hostname} again.${availability === 'drain' ? ' Its tasks stay where they went.' : ''}`,
  };
}

function hostSteps(
  { hostname, from, availability, rollout_timeout_s }: HostAvailabilityInput,
  tasks: number,
): PlanStep[] {
  const set = planStep('set', `Set ${hostname} to ${availability}`, APPLY_TIMEOUT_S, {
    undo_title: `Set ${hostname} back to ${from}`,
  });
  const check_ = planStep('check', `Check ${hostname} and the other hosts`, CHECK_TIMEOUT_S);
  if (availability !== 'drain') return [check_, set];
  return [
    check_,
    set,
    planStep('moved', `Wait until ${plural(tasks, 'task')} of ${hostname} run elsewhere`, rollout_timeout_s),
  ];
}
