/** Pure: what is shown of hosts, services and tasks, made of what the orchestrator says of them. */
import type { Host, Service, Task } from '#contract/fleet.ts';
import { NODE_KINDS, type NodeKind } from '#contract/placement-record.ts';
import type { OrchestratorHost, OrchestratorService, OrchestratorTask } from './orchestrator.ts';
import { isLive, isUpdating } from './rollout-rules.ts';

export type HostRow = Omit<Host, 'environment' | 'load' | 'since' | 'observation'>;
export type ServiceRow = Omit<Service, 'environment' | 'version' | 'load' | 'since' | 'observation'> & {
  task_spec_digest: string;
  spec_digest: string;
};
export type TaskRow = Omit<Task, 'environment' | 'node_id' | 'observation'> & {
  wanted: boolean;
  url: string | null;
};

/** Label by which a service says of which kind its nodes are. */
const KIND_LABEL = 'cloudlysis.kind';
const REGION_LABEL = 'region';

/** Whether the orchestrator wants the task to run, and it has not ended. */
export const isWanted = (task: OrchestratorTask): boolean => task.desired_state === 'running' && isLive(task);

/** `tasks` are those on the host. */
export function hostRow(host: OrchestratorHost, tasks: readonly OrchestratorTask[]): HostRow {
  const { host_id, hostname, role, leader, state, availability, address, labels, engine_version, cpus } =
    host;
  const problem =
    state === 'ready'
      ? null
      : `${hostname} is ${state}${host.message === null || host.message === '' ? '' : `: ${host.message}`}.`;
  return {
    host_id,
    hostname,
    role,
    leader,
    state,
    availability,
    address,
    region: labels[REGION_LABEL] ?? null,
    labels,
    engine_version,
    cpus,
    memory_bytes: host.memory_bytes,
    tasks_running: tasks.filter((task) => task.state === 'running' && isWanted(task)).length,
    problem,
  };
}

/** `tasks` are those of the service. */
export function serviceRow(service: OrchestratorService, tasks: readonly OrchestratorTask[]): ServiceRow {
  const { service_id, name, mode, image, digest, replicas_desired, task_spec_digest, spec_digest } = service;
  const wanted = tasks.filter(isWanted);
  const running = wanted.filter(({ state }) => state === 'running');
  const counts = {
    replicas_running: running.length,
    replicas_current: running.filter((task) => task.task_spec_digest === task_spec_digest).length,
  };
  return {
    service_id,
    name,
    kind: kindOf(service),
    mode,
    ...judgeService(service, tasks, { ...counts, wanted: wanted.length }),
    image,
    digest,
    replicas_desired,
    ...counts,
    task_spec_digest,
    spec_digest,
    update: service.update,
    labels: service.labels,
  };
}

/** The state of a service and, unless it is healthy, what is wrong in a sentence. */
function judgeService(
  service: OrchestratorService,
  tasks: readonly OrchestratorTask[],
  counts: { replicas_running: number; replicas_current: number; wanted: number },
): Pick<ServiceRow, 'state' | 'problem'> {
  const { name, update } = service;
  const { replicas_running: running, replicas_current: current } = counts;
  const desired = service.replicas_desired ?? counts.wanted;
  const reason = whyTasksFail(tasks);
  const why = reason === null ? '' : ` ${reason}`;
  const said = update.message === null ? '' : ` ${sentence(update.message)}`;
  if (update.state === 'paused' || update.state === 'rollback_paused') {
    const what = update.state === 'paused' ? 'update' : 'rollback';
    return { state: 'paused', problem: `The ${what} of ${name} was given up half way.${said}` };
  }
  if (isUpdating(service)) return { state: 'updating', problem: null };
  if (desired > 0 && running === 0) return { state: 'down', problem: `No task of ${name} runs.${why}` };
  if (running < desired) {
    return { state: 'degraded', problem: `${running} of ${desired} tasks of ${name} run.${why}` };
  }
  if (current < running) {
    const old = running - current;
    return {
      state: 'degraded',
      problem: `${old} of ${running} tasks of ${name} run an older specification.`,
    };
  }
  if (update.state === 'rollback_completed') {
    return { state: 'rolled_back', problem: `The last change of ${name} was taken back.${said}` };
  }
  return { state: 'healthy', problem: null };
}

/** What the newest task that waits or failed says about itself. */
function whyTasksFail(tasks: readonly OrchestratorTask[]): string | null {
  const failing = tasks
    .filter((task) => task.error !== null || (isWanted(task) && task.state === 'pending'))
    .toSorted((a, b) => Date.parse(b.state_since) - Date.parse(a.state_since))[0];
  const said = failing?.error ?? failing?.message ?? null;
  return said === null ? null : sentence(said);
}

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

/** `service` and `host` are those that the task names, where they are known. */
export function taskRow(
  task: OrchestratorTask,
  service: OrchestratorService | undefined,
  host: OrchestratorHost | undefined,
): TaskRow {
  const { task_id, service_id, slot, host_id, state, desired_state, image, digest, url } = task;
  return {
    task_id,
    service_id,
    service_name: service?.name ?? service_id,
    kind: kindOf(service),
    slot,
    host_id,
    hostname: host?.hostname ?? null,
    state,
    desired_state,
    wanted: isWanted(task),
    current: task.task_spec_digest === service?.task_spec_digest,
    image,
    digest,
    url,
    message: task.message,
    error: task.error,
    since: task.state_since,
    created_at: task.created_at,
  };
}

const kindOf = (service: OrchestratorService | undefined): NodeKind | null =>
  NODE_KINDS.find((kind) => kind === service?.labels[KIND_LABEL]) ?? null;
