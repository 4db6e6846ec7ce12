import { setTimeout as pause } from 'node:timers/promises';
import type { OrchestratorHost, OrchestratorTask } from '#server/scale/orchestrator.ts';
import type { FaultBoard } from './faults.ts';
import type { EnvironmentPlatform, RunningNode } from './environment-platform.ts';
import {
  hasEnded,
  isWanted,
  tagOf,
  taskSpecDigest,
  type OrchestratorState,
  type ServiceRecord,
} from './orchestrator-state.ts';
import { nodeInSlot, type NodeSpec } from './topology.ts';

/** Time that pulling and starting take, and the pause before a failed task is replaced, at speed 1. */
const PREPARE_MS = 150;
const RESTART_DELAY_MS = 1_000;
/** Ended tasks that are kept of a slot. */
const HISTORY = 4;
const NO_HOST = 'no suitable node (no host is ready and active)';

export type TasksOptions = {
  environment: string;
  state: OrchestratorState;
  platform: EnvironmentPlatform;
  faults: FaultBoard;
  speed: number;
  /** A task came, changed or (`null`) went. */
  onChange: (task_id: string, task: OrchestratorTask | null) => void;
  onError: (error: unknown) => void;
};

/** The tasks of one environment: each is a node in this process. Schedules, starts, stops and replaces them. */
export class OrchestratorTasks {
  readonly #options: TasksOptions;
  readonly #nodes = new Map<string, RunningNode>();
  readonly #waiting = new Set<() => void>();
  readonly #restarts = new Map<string, NodeJS.Timeout>();
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: TasksOptions) {
    this.#options = options;
  }

  /** Nodes that run, in the order of their services. */
  get nodes(): { task: OrchestratorTask; node: RunningNode }[] {
    return this.#options.state.tasks.flatMap((task) => {
      const node = this.#nodes.get(task.task_id);
      return node === undefined ? [] : [{ task, node }];
    });
  }

  of(service_id: string): OrchestratorTask[] {
    return this.#options.state.tasks.filter((task) => task.service_id === service_id);
  }

  /** The task that the orchestrator wants in a slot. */
  wantedIn(service_id: string, slot: number): OrchestratorTask | undefined {
    return this.of(service_id).findLast((task) => task.slot === slot && isWanted(task));
  }

  /** Goes on with a task that ran when the fleet was stopped. */
  async resume(service: ServiceRecord, task: OrchestratorTask): Promise<void> {
    await this.#listen(service, task);
    this.#options.onChange(task.task_id, task);
  }

  /** Has one wanted task in each slot up to the wanted number, and none beyond. */
  fill(service: ServiceRecord): void {
    if (this.#closed) return;
    for (const task of this.of(service.service_id)) {
      if ((task.slot ?? 0) > service.spec.replicas && isWanted(task)) this.track(this.retire(task, 'remove'));
    }
    for (let slot = 1; slot <= service.spec.replicas; slot += 1) {
      const task = this.wantedIn(service.service_id, slot);
      if (task === undefined) {
        if (!this.#restarts.has(`${service.service_id}.${slot}`)) this.launch(service, slot);
      } else if (task.state === 'pending') this.track(this.#bring(service, task));
    }
  }

  /** Makes a task in the slot; it runs after a while, or fails. */
  launch(service: ServiceRecord, slot: number): OrchestratorTask {
    const { state } = this.#options;
    const now = new Date().toISOString();
    const { image, digest } = service.spec;
    const task: OrchestratorTask = {
      task_id: `${service.service_id}.${slot}.${(state.tasks_made += 1).toString(36)}`,
      service_id: service.service_id,
      host_id: null,
      slot,
      state: 'new',
      desired_state: 'running',
      image,
      digest,
      task_spec_digest: taskSpecDigest(service.spec),
      url: null,
      message: 'created',
      error: null,
      state_since: now,
      created_at: now,
    };
    state.tasks.push(task);
    this.#forgetOld(task);
    this.#set(task, { state: 'pending', message: 'pending task scheduling' });
    this.track(this.#bring(service, task));
    return task;
  }

  /** Ends a task that is not wanted any more; one with the end `remove` is forgotten. */
  async retire(task: OrchestratorTask, end: 'shutdown' | 'remove' = 'shutdown'): Promise<void> {
    if (!hasEnded(task)) {
      this.#set(task, { desired_state: end });
      await this.#stop(task);
      this.#set(task, { state: 'shutdown', message: 'shutdown', url: null });
    }
    if (end === 'remove') this.#forget(task);
  }

  /** Ends a task by a failure; its slot is filled again after a pause. */
  async fail(
    service: ServiceRecord,
    task: OrchestratorTask,
    state: 'failed' | 'rejected',
    error: string,
  ): Promise<void> {
    if (hasEnded(task)) return;
    await this.#stop(task);
    const wanted = task.desired_state === 'running';
    this.#set(task, { state, desired_state: 'shutdown', message: 'started', error, url: null });
    if (!wanted || this.#closed) return;
    const key = `${service.service_id}.${task.slot ?? 0}`;
    clearTimeout(this.#restarts.get(key));
    const again = setTimeout(() => {
      this.#restarts.delete(key);
      this.fill(service);
    }, RESTART_DELAY_MS / this.#options.speed);
    this.#restarts.set(key, again);
  }

  /** The service was changed: what failed before is not waited for any more. */
  forgetRestarts({ service_id, spec }: ServiceRecord): void {
    for (let slot = 1; slot <= spec.replicas; slot += 1) {
      clearTimeout(this.#restarts.get(`${service_id}.${slot}`));
      this.#restarts.delete(`${service_id}.${slot}`);
    }
  }

  /** What becomes of a task whose host is gone: nobody knows whether it runs, so its state stays, but it is not wanted any more. */
  async lose(task: OrchestratorTask): Promise<void> {
    this.#set(task, { desired_state: 'shutdown' });
    await this.#stop(task);
  }

  /** Resolves when `condition` holds, which is looked at after each change of a task, or when the signal aborts. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !condition()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  /** Waits for this when the tasks are closed. */
  track(work: Promise<unknown>): void {
    const watched = work.catch(this.#options.onError).finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts.values()) clearTimeout(timer);
    await Promise.all(this.#underWay);
  }

  async #bring(service: ServiceRecord, task: OrchestratorTask): Promise<void> {
    const { speed, faults } = this.#options;
    if (task.host_id !== null) return;
    const host = this.#chooseHost(task);
    if (host === null) {
      if (task.message !== NO_HOST) this.#set(task, { message: NO_HOST });
      return;
    }
    this.#set(task, { state: 'preparing', host_id: host.host_id, message: 'preparing' });
    await pause(PREPARE_MS / speed);
    // The slot's node is found where it was only when the task before it has let go of the port.
    const before = this.of(task.service_id).filter(
      (other) => other !== task && other.slot === task.slot && other.desired_state !== 'running',
    );
    const patience = AbortSignal.timeout(RESTART_DELAY_MS);
    await this.until(() => before.every(({ task_id }) => !this.#nodes.has(task_id)), patience);
    if (!isWanted(task) || this.#closed) return;
    const tag = tagOf(task.image);
    if (tag === 'missing') {
      return this.fail(service, task, 'rejected', `No such image: ${task.image}`);
    }
    this.#set(task, { state: 'starting', message: 'starting' });
    await this.#listen(service, task);
    const node_id = this.#nodes.get(task.task_id)?.state.spec.node_id ?? '';
    if (!isWanted(task)) return;
    if (tag === 'broken' || faults.find(node_id, 'task_fails') !== null) {
      return this.fail(service, task, 'failed', 'task: non-zero exit (1)');
    }
    this.#set(task, { state: 'running', message: 'started' });
  }

  async #listen(service: ServiceRecord, task: OrchestratorTask): Promise<void> {
    const { environment, state, platform } = this.#options;
    const spec = this.#specOf(environment, service, task);
    const node = await platform.start(spec, state.ports[spec.node_id] ?? null);
    // It may have been told to end while it started.
    if (hasEnded(task) || task.desired_state !== 'running') return platform.stop(node);
    this.#nodes.set(task.task_id, node);
    state.ports[spec.node_id] = node.port;
    task.url = `http://127.0.0.1:${node.port}`;
  }

  #specOf(environment: string, service: ServiceRecord, task: OrchestratorTask): NodeSpec {
    const host = this.#options.state.hosts.find(({ host_id }) => host_id === task.host_id);
    return nodeInSlot(environment, service.kind, task.slot ?? 0, {
      version: tagOf(task.image),
      region: host?.labels['region'] ?? '',
    });
  }

  /** Of the hosts that take tasks the one with the fewest of the service; slots go round the hosts. */
  #chooseHost({ service_id, slot }: OrchestratorTask): OrchestratorHost | null {
    const { hosts, tasks } = this.#options.state;
    const able = hosts
      .map((host, at) => ({
        host,
        turn: (at + hosts.length - (((slot ?? 1) - 1) % hosts.length)) % hosts.length,
        count: tasks.filter(
          (task) => task.host_id === host.host_id && task.service_id === service_id && isWanted(task),
        ).length,
      }))
      .filter(({ host }) => host.state === 'ready' && host.availability === 'active');
    const [best] = able.toSorted((a, b) => a.count - b.count || a.turn - b.turn);
    return best?.host ?? null;
  }

  async #stop({ task_id }: OrchestratorTask): Promise<void> {
    const node = this.#nodes.get(task_id);
    if (node === undefined) return;
    await this.#options.platform.stop(node);
    this.#nodes.delete(task_id);
    this.#wake();
  }

  #set(task: OrchestratorTask, fields: Partial<OrchestratorTask>): void {
    if (fields.state !== undefined && fields.state !== task.state)
      task.state_since = new Date().toISOString();
    Object.assign(task, fields);
    this.#options.onChange(task.task_id, task);
    this.#wake();
  }

  #forget(task: OrchestratorTask): void {
    const { tasks } = this.#options.state;
    const at = tasks.indexOf(task);
    if (at === -1) return;
    tasks.splice(at, 1);
    this.#options.onChange(task.task_id, null);
  }

  #forgetOld({ service_id, slot }: OrchestratorTask): void {
    const ended = this.of(service_id).filter((task) => task.slot === slot && hasEnded(task));
    for (const task of ended.slice(0, -HISTORY)) this.#forget(task);
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
  }
}
