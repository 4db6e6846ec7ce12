/**
 * Whether a change of a service has gone through, judged by ourselves. An orchestrator's own verdict is not enough: Swarm waits for ever for
 * a task that finds no host, calls an update complete while a share of its tasks fails, does not count what fails after its monitor
 * time, and calls a service whose update it took back updated.
 *
 * Words: a task is *current* when it runs the wanted specification; it is *leaving* while it still runs though it is to end; it *failed* when it
 * ended by itself or never began. The *monitor window* is how long all wanted tasks have to run together.
 */
import type { OrchestratorService, OrchestratorTask, TaskState, UpdateState } from './orchestrator.ts';

/** What a rollout waits for. Kept as a step's output, so that after a crash the same is waited for. */
export interface RolloutTarget {
  service_id: string;
  /** What every task has to run. */
  task_spec_digest: string;
  /** Null for a global service: as many as there are hosts that take it. */
  replicas: number | null;
  /** Tasks that had ended before the change: their failures are not this rollout's. */
  ended_before: string[];
}

/** What was seen so far; begin with `NOTHING_SEEN`. */
export interface RolloutMemory {
  /** Since when all wanted tasks have run without a failure, in milliseconds of the caller's clock. */
  healthy_since_ms: number | null;
  failed: readonly FailedTask[];
}
export const NOTHING_SEEN: RolloutMemory = { healthy_since_ms: null, failed: [] };

export interface FailedTask {
  task_id: string;
  slot: number | null;
  host_id: string | null;
  state: TaskState;
  error: string;
}

/** For the live view of the job. */
export interface RolloutFigures {
  update: UpdateState;
  update_message: string | null;
  /** Tasks that should run. */
  wanted: number;
  /** Current tasks that run. */
  running: number;
  /** Tasks that still run but are to end. */
  leaving: number;
  /** All wanted tasks of the service by state, current or not. */
  by_state: Partial<Record<TaskState, number>>;
  /** The latest failures. */
  failed: FailedTask[];
  failed_count: number;
  /** Why tasks do not run yet. */
  waiting: { task_id: string; slot: number | null; state: TaskState; message: string }[];
  healthy_for_s: number;
  monitor_s: number;
}

export type RolloutFailure =
  | 'service_gone'
  /** Somebody changed the service meanwhile, which ends an update that is under way. */
  | 'superseded'
  | 'rolled_back'
  | 'rollback_paused'
  | 'paused'
  | 'tasks_failed'
  | 'timed_out';

export type RolloutVerdict =
  | { kind: 'progress' }
  | { kind: 'done' }
  | { kind: 'failed'; reason: RolloutFailure; message: string };

export interface RolloutLook {
  service: OrchestratorService | null;
  tasks: readonly OrchestratorTask[];
  /** Hosts that do not answer: what they ran is not waited for to end. */
  lost_hosts: ReadonlySet<string>;
  /** Milliseconds of a clock that only goes forward. */
  now_ms: number;
}

const SHOWN = 5;

/** States in which a task has not ended. */
const LIVE: ReadonlySet<TaskState> = new Set<TaskState>([
  'new',
  'pending',
  'assigned',
  'accepted',
  'preparing',
  'ready',
  'starting',
  'running',
]);
const ENDED_BY_ITSELF: ReadonlySet<TaskState> = new Set<TaskState>([
  'complete',
  'failed',
  'rejected',
  'orphaned',
]);

/** Whether a task has not ended yet. */
export const isLive = (task: Pick<OrchestratorTask, 'state'>): boolean => LIVE.has(task.state);

/** Whether an update or a rollback of the orchestrator is under way: another change would cut it short. */
export const isUpdating = ({ update }: Pick<OrchestratorService, 'update'>): boolean =>
  update.state === 'updating' || update.state === 'rollback_started';

/** Judges one look at a service and its tasks; `memory` goes into the next one. */
export function judgeRollout(
  target: RolloutTarget,
  memory: RolloutMemory,
  look: RolloutLook,
  monitor_s: number,
): { verdict: RolloutVerdict; memory: RolloutMemory; figures: RolloutFigures | null } {
  const { service } = look;
  if (service === null)
    return { verdict: fail('service_gone', 'The service is gone.'), memory, figures: null };

  const wantedTasks = look.tasks.filter((task) => task.desired_state === 'running' && isLive(task));
  const current = wantedTasks.filter((task) => task.task_spec_digest === target.task_spec_digest);
  const running = current.filter(({ state }) => state === 'running').length;
  const wanted = target.replicas ?? Math.max(1, wantedTasks.length);
  const leaving = look.tasks.filter((task) => isLeaving(task, look.lost_hosts)).length;
  const failed = withNewFailures(target, memory.failed, look.tasks, wantedTasks.length < wanted);

  const whole = running === wanted && wantedTasks.length === wanted && leaving === 0 && !isUpdating(service);
  const undisturbed = failed.length === memory.failed.length;
  const healthy_since_ms = whole ? ((undisturbed ? memory.healthy_since_ms : null) ?? look.now_ms) : null;
  const healthy_for_s = healthy_since_ms === null ? 0 : (look.now_ms - healthy_since_ms) / 1000;

  const figures: RolloutFigures = {
    update: service.update.state,
    update_message: service.update.message,
    wanted,
    running,
    leaving,
    by_state: countStates(wantedTasks),
    failed: failed.slice(-SHOWN),
    failed_count: failed.length,
    waiting: wantedTasks
      .filter(({ state }) => state !== 'running')
      .slice(0, SHOWN)
      .map(whyItWaits),
    healthy_for_s,
    monitor_s,
  };
  const verdict =
    orchestratorFailure(target, service, failed) ??
    tooManyFailures(service, failed, wanted) ??
    (whole && healthy_for_s >= monitor_s ? { kind: 'done' } : { kind: 'progress' });
  return { verdict, memory: { healthy_since_ms, failed }, figures };
}

/** What stands in the way of a rollout that is out of time, in a sentence or two. */
export function describeUnfinished({
  wanted,
  running,
  leaving,
  failed,
  failed_count,
  waiting,
  monitor_s,
  update,
}: RolloutFigures): string {
  const parts = [`${running} of ${wanted} tasks run as wanted`];
  const [first] = waiting;
  if (first)
    parts.push(`${nameOf(first)} is ${first.state}${first.message === '' ? '' : ` (${first.message})`}`);
  if (leaving > 0) parts.push(`${leaving} that are to end still run`);
  const last = failed.at(-1);
  if (last) parts.push(`${failed_count} failed, the last of them ${nameOf(last)}: ${last.error}`);
  if (update === 'updating') parts.push('the orchestrator has not ended the update');
  if (parts.length === 1 && running === wanted) parts.push(`but not for ${monitor_s} s together`);
  return `${parts.join('; ')}.`;
}

function orchestratorFailure(
  target: RolloutTarget,
  service: OrchestratorService,
  failed: readonly FailedTask[],
): RolloutVerdict | null {
  const { state, message } = service.update;
  const said = `${message === null ? '' : `: ${message}`}${because(failed)}`;
  if (state === 'rollback_paused')
    return fail(
      'rollback_paused',
      `The orchestrator took the change back, and the way back is paused${said}.`,
    );
  if (state === 'rollback_started' || state === 'rollback_completed')
    return fail('rolled_back', `The orchestrator took the change back${said}.`);
  if (service.task_spec_digest !== target.task_spec_digest)
    return fail(
      'superseded',
      `${service.name} was changed by somebody else meanwhile, which ends this rollout.`,
    );
  if (service.replicas_desired !== target.replicas)
    return fail(
      'superseded',
      `${service.name} was scaled to ${service.replicas_desired ?? 'every host'} by somebody else meanwhile.`,
    );
  if (state === 'paused') return fail('paused', `The orchestrator paused the update${said}.`);
  return null;
}

/** As many as the service's own policy allows, counted over the whole rollout. */
function tooManyFailures(
  service: OrchestratorService,
  failed: readonly FailedTask[],
  wanted: number,
): RolloutVerdict | null {
  const allowed = service.update_policy.max_failure_ratio * wanted;
  if (failed.length <= allowed) return null;
  return fail('tasks_failed', `${failed.length} of ${wanted} tasks failed${because(failed)}.`);
}

/**
 * A task that ended counts when the orchestrator replaced it, or when it is missing: one that was scaled away may end in the same states.
 */
function withNewFailures(
  target: RolloutTarget,
  known: readonly FailedTask[],
  tasks: readonly OrchestratorTask[],
  isShort: boolean,
): readonly FailedTask[] {
  const seen = new Set([...known.map(({ task_id }) => task_id), ...target.ended_before]);
  const fresh = tasks.filter(
    (task) =>
      task.task_spec_digest === target.task_spec_digest &&
      ENDED_BY_ITSELF.has(task.state) &&
      !seen.has(task.task_id) &&
      (isShort || tasks.some((other) => replaces(other, task))),
  );
  return fresh.length === 0 ? known : [...known, ...fresh.map(asFailure)];
}

const replaces = (other: OrchestratorTask, ended: OrchestratorTask): boolean =>
  Date.parse(other.created_at) > Date.parse(ended.created_at) &&
  (ended.slot === null ? other.host_id === ended.host_id : other.slot === ended.slot);

const isLeaving = (task: OrchestratorTask, lost: ReadonlySet<string>): boolean =>
  task.desired_state !== 'running' &&
  task.desired_state !== 'ready' &&
  isLive(task) &&
  task.host_id !== null &&
  !lost.has(task.host_id);

const asFailure = ({ task_id, slot, host_id, state, error, message }: OrchestratorTask): FailedTask => ({
  task_id,
  slot,
  host_id,
  state,
  error: error ?? message ?? state,
});

const whyItWaits = ({ task_id, slot, state, error, message }: OrchestratorTask) => ({
  task_id,
  slot,
  state,
  message: error ?? message ?? '',
});

function countStates(tasks: readonly OrchestratorTask[]): Partial<Record<TaskState, number>> {
  const counts: Partial<Record<TaskState, number>> = {};
  for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

const because = (failed: readonly FailedTask[]): string => {
  const last = failed.at(-1);
  return last ? ` (${nameOf(last)} ${last.state}: ${last.error})` : '';
};

const nameOf = ({ slot, task_id }: { slot: number | null; task_id: string }): string =>
  slot === null ? `task ${task_id}` : `task ${slot}`;

const fail = (reason: RolloutFailure, message: string): RolloutVerdict => ({
  kind: 'failed',
  reason,
  message,
});
