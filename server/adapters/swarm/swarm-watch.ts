import type { OrchestratorEvent, OrchestratorTask } from '#server/scale/orchestrator.ts';
import type { EngineNode, EngineService } from './engine-objects.ts';
import type { SwarmEngine } from './swarm-engine.ts';
import { listen, type Hints } from './swarm-events.ts';
import { toHost, toService } from './swarm-objects.ts';
import { idPages, type SwarmReader } from './swarm-reader.ts';

/**
 * One environment's picture of a Swarm, kept by the engine's events and narrow reads.
 *
 * The engine tells of changes of nodes and services, not of tasks. It counts, however, the running and the wanted tasks of every service
 * in one small answer. So the counts are read every other second, and the tasks of a service when its counts or its specification
 * changed and while they are not as wanted (*unsettled*). A task may be replaced between two counts: the wanted tasks of every service
 * are read every 2 seconds where that is quick, and every 15 at most. Nodes and services are read one by one when an event names them,
 * and in a slow round besides, for an event may be lost.
 *
 * A *round* is one turn of the loop; it ends with `caught_up`, for it has heard from the engine.
 */

const ROUND_MS = 1_000;
const COUNTS_EVERY_MS = 2_000;
const TASKS_EVERY_MS = { least: 2_000, most: 15_000 };
/** Looking at settled services takes at most this share of the time, until `most` is reached. */
const SETTLED_SHARE = 1 / 20;
/** After so long in a round no further service's tasks are read; those that waited longest come first. */
const TASKS_BUDGET_MS = 200;
const NODE_PAGES = 6;
const NODE_PAGE_EVERY_MS = 5_000;
/** A read is repeated at the earliest after so many times the time that it took: what is large is read less often. */
const REST = 10;

interface WatchedService {
  service: EngineService;
  /** Version and counts when its tasks were last read. */
  seen: string;
  settled: boolean;
  tasks: Map<string, OrchestratorTask>;
  readAt: number;
  readTookMs: number;
}

/** The port's `watch`. */
export async function* watchSwarm(
  engine: SwarmEngine,
  reader: SwarmReader,
  signal: AbortSignal,
): AsyncGenerator<OrchestratorEvent, void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) return;
    const hints = await listen(engine, stopping.signal);
    const picture = new Picture(reader);
    for (;;) {
      for await (const event of picture.round(hints.take())) {
        if (signal.aborted) return;
        yield event;
      }
      if (signal.aborted) return;
      yield { kind: 'caught_up' };
      await hints.next(ROUND_MS);
      if (signal.aborted) return;
    }
  } catch (error) {
    if (signal.aborted) return;
    throw engine.translate(error);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

class Picture {
  readonly #reader: SwarmReader;
  readonly #hosts = new Map<string, number>();
  readonly #services = new Map<string, WatchedService>();
  readonly #nodePages = idPages(NODE_PAGES);
  #isWhole = false;
  #nodePage = 0;
  #nodePageAt = 0;
  #countsAt = 0;
  #countsTookMs = 0;

  constructor(reader: SwarmReader) {
    this.#reader = reader;
  }

  async *round(hints: Hints): AsyncGenerator<OrchestratorEvent> {
    if (!this.#isWhole) for (const page of this.#nodePages) yield* this.#readNodes(page);
    else yield* this.#someNodes(hints.nodes);
    const rested = performance.now() - this.#countsAt;
    const countsAreDue = rested >= Math.max(COUNTS_EVERY_MS, this.#countsTookMs * REST);
    if (!this.#isWhole || countsAreDue || hints.nodes.size > 0) yield* this.#readServices();
    else if (hints.services.size > 0) yield* this.#readServices([...hints.services]);
    yield* this.#dueTasks();
    this.#isWhole = true;
  }

  async *#someNodes(ids: ReadonlySet<string>): AsyncGenerator<OrchestratorEvent> {
    for (const id of ids) {
      const node = await this.#reader.node(id);
      yield* node ? this.#putHost(node) : this.#dropHost(id);
    }
    const page = this.#nodePages[this.#nodePage];
    if (page === undefined || performance.now() - this.#nodePageAt < NODE_PAGE_EVERY_MS) return;
    this.#nodePage = (this.#nodePage + 1) % this.#nodePages.length;
    yield* this.#readNodes(page);
  }

  async *#readNodes(prefixes: string[]): AsyncGenerator<OrchestratorEvent> {
    const nodes = await this.#reader.nodes(prefixes);
    this.#nodePageAt = performance.now();
    for (const node of nodes) yield* this.#putHost(node);
    const present = new Set(nodes.map(({ ID }) => ID));
    for (const id of this.#hosts.keys())
      if (prefixes.includes(id.charAt(0)) && !present.has(id)) yield* this.#dropHost(id);
  }

  *#putHost(node: EngineNode): Generator<OrchestratorEvent> {
    if (this.#hosts.get(node.ID) === node.Version.Index) return;
    this.#hosts.set(node.ID, node.Version.Index);
    yield { kind: 'host', id: node.ID, host: toHost(node) };
  }

  *#dropHost(id: string): Generator<OrchestratorEvent> {
    if (this.#hosts.delete(id)) yield { kind: 'host', id, host: null };
  }

  /** Reads all services with their counts, or only these. */
  async *#readServices(only?: string[]): AsyncGenerator<OrchestratorEvent> {
    const began = performance.now();
    const services = await this.#reader.services(only);
    if (only === undefined) {
      this.#countsAt = performance.now();
      this.#countsTookMs = this.#countsAt - began;
    }
    const present = new Set(services.map(({ ID }) => ID));
    for (const id of only ?? [...this.#services.keys()]) if (!present.has(id)) yield* this.#dropService(id);
    for (const service of services) {
      const known = this.#services.get(service.ID) ?? unread(service);
      const isNews = !this.#services.has(service.ID) || known.service.Version.Index !== service.Version.Index;
      known.service = service;
      this.#services.set(service.ID, known);
      if (isNews)
        yield { kind: 'service', id: service.ID, service: toService(service, await this.#reader.seal()) };
    }
  }

  /** Reads the tasks of the services that are due, as far as the round's budget goes. */
  async *#dueTasks(): AsyncGenerator<OrchestratorEvent> {
    const began = performance.now();
    const settledEveryMs = this.#settledEveryMs();
    const longestFirst = [...this.#services.values()].sort((one, other) => one.readAt - other.readAt);
    for (const known of longestFirst) {
      const now = performance.now();
      if (this.#isWhole && now - began > TASKS_BUDGET_MS) return;
      const rested = now - known.readAt;
      const hasNews = seenOf(known.service) !== known.seen || !known.settled;
      if (hasNews && rested >= known.readTookMs * REST) yield* this.#readTasks(known, 'all');
      else if (rested >= settledEveryMs) yield* this.#readTasks(known, 'wanted');
    }
  }

  #settledEveryMs(): number {
    const all = [...this.#services.values()].reduce((sum, { readTookMs }) => sum + readTookMs, 0);
    return Math.min(Math.max(all / SETTLED_SHARE, TASKS_EVERY_MS.least), TASKS_EVERY_MS.most);
  }

  async *#readTasks(known: WatchedService, which: 'all' | 'wanted'): AsyncGenerator<OrchestratorEvent> {
    const { service } = known;
    const began = performance.now();
    const tasks = await this.#reader.tasks(service, which);
    known.readAt = performance.now();
    known.readTookMs = known.readAt - began;
    const present = new Set(tasks.map(({ task_id }) => task_id));
    const missing = [...known.tasks.values()].filter(({ task_id }) => !present.has(task_id));
    // One that was wanted and is no more has ended, or is gone: that takes the whole list.
    if (which === 'wanted' && missing.some(isWanted)) {
      yield* this.#readTasks(known, 'all');
      return;
    }
    for (const task of tasks) {
      if (isSame(known.tasks.get(task.task_id), task)) continue;
      known.tasks.set(task.task_id, task);
      yield { kind: 'task', id: task.task_id, task };
    }
    if (which === 'wanted') return;
    for (const { task_id } of missing) {
      known.tasks.delete(task_id);
      yield { kind: 'task', id: task_id, task: null };
    }
    known.seen = seenOf(service);
    known.settled =
      tasks.every(isSettled) && tasks.filter(isWanted).length === (service.ServiceStatus?.DesiredTasks ?? 0);
  }

  *#dropService(id: string): Generator<OrchestratorEvent> {
    const known = this.#services.get(id);
    if (!known) return;
    this.#services.delete(id);
    for (const task_id of known.tasks.keys()) yield { kind: 'task', id: task_id, task: null };
    yield { kind: 'service', id, service: null };
  }
}

const unread = (service: EngineService): WatchedService => ({
  service,
  seen: '',
  settled: false,
  tasks: new Map(),
  readAt: Number.NEGATIVE_INFINITY,
  readTookMs: 0,
});

const seenOf = ({ Version, ServiceStatus }: EngineService): string =>
  `${Version.Index} ${ServiceStatus?.RunningTasks} ${ServiceStatus?.DesiredTasks}`;

const isWanted = ({ desired_state }: OrchestratorTask): boolean =>
  desired_state === 'running' || desired_state === 'ready' || desired_state === 'accepted';

const ENDED = new Set(['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']);

/** Whether a task is what it is to be, so that nothing more is to come of it by itself. */
const isSettled = ({ state, desired_state }: OrchestratorTask): boolean =>
  desired_state === 'running' ? state === 'running' : ENDED.has(state);

const isSame = (known: OrchestratorTask | undefined, task: OrchestratorTask): boolean =>
  known !== undefined &&
  known.state === task.state &&
  known.desired_state === task.desired_state &&
  known.state_since === task.state_since &&
  known.host_id === task.host_id &&
  known.url === task.url &&
  known.message === task.message &&
  known.error === task.error;
