import { setTimeout as pause } from 'node:timers/promises';
import type { OrchestratorTask } from '#server/scale/orchestrator.ts';
import { hasEnded, taskSpecDigest, type ServiceRecord } from './orchestrator-state.ts';
import type { OrchestratorTasks } from './orchestrator-tasks.ts';

/** `gave_up`: more tasks failed than the policy allows, `task_id` the last of them. */
export type UpdateEnd = { end: 'completed' } | { end: 'cancelled' } | { end: 'gave_up'; task_id: string };

export type RollingUpdate = {
  service: ServiceRecord;
  tasks: OrchestratorTasks;
  /** The slots to replace, each a task of another specification. */
  slots: readonly number[];
  speed: number;
  /** A newer change of the service cancels the update. */
  signal: AbortSignal;
};

/** The slots that have no task, or one that does not run what the service wants. */
export function outdatedSlots(service: ServiceRecord, tasks: OrchestratorTasks): number[] {
  const wanted = taskSpecDigest(service.spec);
  return Array.from({ length: service.spec.replicas }, (_, index) => index + 1).filter((slot) => {
    const task = tasks.wantedIn(service.service_id, slot);
    return task?.task_spec_digest !== wanted;
  });
}

/** Replaces tasks as the service's policy says: so many at once, a pause after each, each watched for a while after it runs. */
export async function rollOut({ service, tasks, slots, speed, signal }: RollingUpdate): Promise<UpdateEnd> {
  const { parallelism, delay_s, monitor_s, max_failure_ratio, failure_action, order } =
    service.spec.update_policy;
  const queue = [...slots];
  const monitors: Promise<void>[] = [];
  const failed = new Set<string>();
  const givenUp = new AbortController();
  const stop = AbortSignal.any([signal, givenUp.signal]);
  let last = '';
  const rest = (ms: number): Promise<void> =>
    pause(ms / speed, undefined, { signal: stop }).catch(() => undefined);

  function countFailure({ task_id }: OrchestratorTask): void {
    failed.add(task_id);
    last = task_id;
    if (failure_action !== 'continue' && failed.size / slots.length > max_failure_ratio) givenUp.abort();
  }

  async function monitor(task: OrchestratorTask): Promise<void> {
    const over = AbortSignal.any([stop, AbortSignal.timeout(Math.ceil((monitor_s * 1_000) / speed))]);
    await tasks.until(() => hasEnded(task), over);
    if (task.state === 'failed' || task.state === 'rejected') countFailure(task);
  }

  async function replace(slot: number): Promise<void> {
    const old = tasks.wantedIn(service.service_id, slot);
    if (old !== undefined && order === 'stop-first') await tasks.retire(old);
    const task = tasks.launch(service, slot);
    await tasks.until(() => task.state === 'running' || hasEnded(task), stop);
    if (old !== undefined && order === 'start-first' && task.state === 'running') await tasks.retire(old);
    monitors.push(monitor(task));
  }

  async function work(): Promise<void> {
    for (let slot = queue.shift(); slot !== undefined && !stop.aborted; slot = queue.shift()) {
      await replace(slot);
      if (queue.length > 0) await rest(delay_s * 1_000);
    }
  }

  const workers = parallelism === 0 ? slots.length : Math.min(parallelism, slots.length);
  await Promise.all(Array.from({ length: workers }, work));
  await Promise.all(monitors);
  if (signal.aborted) return { end: 'cancelled' };
  return givenUp.signal.aborted ? { end: 'gave_up', task_id: last } : { end: 'completed' };
}
