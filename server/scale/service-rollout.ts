/**
 * Changes a service and waits until the change has gone through: what scaling, restarting, deploying an image and rolling back are made of.
 * A job's step calls `applyServiceChange`, keeps what it returns as its output, and a later step passes that to `awaitRollout`.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { StepFailure, type StepContext } from '#server/jobs/job-definition.ts';
import {
  OrchestratorConflictError,
  OrchestratorError,
  type Orchestrator,
  type OrchestratorService,
  type ServiceChange,
} from './orchestrator.ts';
import { pollUntil } from './placement-steps.ts';
import {
  describeUnfinished,
  isLive,
  judgeRollout,
  NOTHING_SEEN,
  type RolloutFigures,
  type RolloutTarget,
} from './rollout-rules.ts';

const ATTEMPTS = 10;
const PAUSE_MS = 50;

type Step = StepContext<unknown>;

export interface AppliedChange {
  target: RolloutTarget;
  /** False when `decide` found nothing to change. */
  changed: boolean;
}

/**
 * Reads the service, lets `decide` say what to change (null: it is as wanted already), and changes it. When somebody changed the service in
 * between, all of it happens again with a fresh read, so `decide` must judge what it is given and may throw StepFailure when that is not
 * what the job was started for. A step that may run again after a crash is idempotent by such a `decide`.
 *
 * `record` is told what the service ran before the change and runs after it, for the history (service-history-store.ts): a change that
 * follows quickly would hide both from the watch.
 *
 * Throws StepFailure `service_gone`, `service_busy` (changed by others again and again) or `orchestrator_refused`; OrchestratorError
 * `unavailable` goes through, for then it is not known whether the change was made.
 */
export async function applyServiceChange(
  orchestrator: Orchestrator,
  service_id: string,
  decide: (service: OrchestratorService) => ServiceChange | null,
  record: (service: OrchestratorService, is_ours: boolean) => Promise<void> = async () => undefined,
): Promise<AppliedChange> {
  for (let attempt = 1; ; attempt += 1) {
    const service = await orchestrator.service(service_id);
    if (service === null) throw new StepFailure('service_gone', `Service ${service_id} is gone.`);
    const change = decide(service);
    const tasks = await orchestrator.tasks(service_id);
    const ended_before = tasks.filter((task) => !isLive(task)).map(({ task_id }) => task_id);
    if (change === null) return { target: targetOf(service, ended_before), changed: false };
    await record(service, false);
    try {
      const changed = await orchestrator.updateService(service_id, service.version, change);
      await record(changed, true);
      return { target: targetOf(changed, ended_before), changed: true };
    } catch (error) {
      if (!(error instanceof OrchestratorConflictError)) throw asStepFailure(error, service.name);
      if (attempt === ATTEMPTS)
        throw new StepFailure(
          'service_busy',
          `${service.name} was changed by others ${ATTEMPTS} times in a row.`,
          { cause: error },
        );
    }
    await pause(PAUSE_MS * Math.random() * attempt);
  }
}

/**
 * Waits until every task runs the wanted specification and has done so for the monitor window, showing the tasks by state and what
 * failed. Ends just before the step's time-box, which is our deadline: an orchestrator may wait for ever.
 *
 * Throws StepFailure `rollout_<reason>` (RolloutFailure in rollout-rules.ts) with the task and its error. A rollback by the orchestrator is
 * a failure. While the orchestrator does not answer, it goes on waiting and says so.
 */
export async function awaitRollout(
  step: Step,
  orchestrator: Orchestrator,
  target: RolloutTarget,
  { monitor_s }: { monitor_s: number },
): Promise<RolloutFigures> {
  let memory = NOTHING_SEEN;
  let figures: RolloutFigures | null = null;
  let problem: string | null = null;
  let tookMs = 0;
  await pollUntil(
    step,
    async () => {
      // A service of a thousand tasks is a long answer: look less often the longer a look takes.
      await pause(tookMs * 4, undefined, { signal: step.signal }).catch(() => step.signal.throwIfAborted());
      const began = performance.now();
      try {
        const service = await orchestrator.service(target.service_id);
        const tasks = await orchestrator.tasks(target.service_id);
        const lost_hosts = await lostHosts(orchestrator, tasks);
        const judged = judgeRollout(
          target,
          memory,
          { service, tasks, lost_hosts, now_ms: performance.now() },
          monitor_s,
        );
        tookMs = performance.now() - began;
        ({ memory } = judged);
        figures = judged.figures ?? figures;
        problem = null;
        if (judged.verdict.kind === 'failed')
          throw new StepFailure(`rollout_${judged.verdict.reason}`, judged.verdict.message);
        return { done: judged.verdict.kind === 'done', figures };
      } catch (error) {
        if (!(error instanceof OrchestratorError) || error.code !== 'unavailable') throw error;
        problem = error.message;
        // What happens unseen counts as unhealthy.
        memory = { ...memory, healthy_since_ms: null };
        return { done: false, figures: { ...figures, problem } };
      }
    },
    () => outOfTime(step, figures, problem),
  );
  if (figures === null) throw new Error('A rollout cannot be done without a look.');
  return figures;
}

const targetOf = (
  { service_id, task_spec_digest, replicas_desired }: OrchestratorService,
  ended_before: string[],
): RolloutTarget => ({ service_id, task_spec_digest, replicas: replicas_desired, ended_before });

/** Hosts that hold tasks which are to end, but do not answer. */
async function lostHosts(
  orchestrator: Orchestrator,
  tasks: Awaited<ReturnType<Orchestrator['tasks']>>,
): Promise<ReadonlySet<string>> {
  const suspects = new Set(
    tasks.flatMap((task) =>
      isLive(task) && task.desired_state !== 'running' && task.host_id !== null ? [task.host_id] : [],
    ),
  );
  const hosts = await Promise.all(
    [...suspects].map(async (id) => ({ id, host: await orchestrator.host(id) })),
  );
  return new Set(hosts.filter(({ host }) => host?.state !== 'ready').map(({ id }) => id));
}

function outOfTime(step: Step, figures: RolloutFigures | null, problem: string | null): StepFailure {
  const seconds = Math.round((step.deadline.getTime() - step.started_at.getTime()) / 1000);
  const left = [figures && describeUnfinished(figures), problem].filter((part) => part !== null).join(' ');
  return new StepFailure('rollout_timed_out', `The service was not as wanted within ${seconds} s: ${left}`);
}

function asStepFailure(error: unknown, name: string): unknown {
  if (error instanceof OrchestratorError && error.code === 'refused')
    return new StepFailure('orchestrator_refused', `The change of ${name} was refused: ${error.message}`, {
      cause: error,
    });
  if (error instanceof OrchestratorError && error.code === 'not_found')
    return new StepFailure('service_gone', `${name} is gone.`, { cause: error });
  return error;
}
