/**
 * Port: the orchestrator that runs one environment's services (Docker Swarm in production, a simulated one in development).
 *
 * Words: a *host* is a machine of the orchestrator; a *service* is what it keeps running; a *task* is one running instance of a
 * service. A platform *node* (gateway, aggregate, projection, runner) is the process inside a task.
 *
 * A service says what it is by labels: `cloudlysis.environment`, `cloudlysis.kind` (a node kind) and `cloudlysis.port` (where its
 * nodes answer). Only services of this environment are shown and changed; an adapter filters by the first label.
 *
 * Every method rejects with OrchestratorError when the orchestrator gives no usable answer.
 */
import type { HOST_AVAILABILITIES, TASK_STATES } from '#contract/fleet.ts';

/** `active` takes tasks, `pause` keeps what it has but takes no more (cordoned), `drain` gives its tasks away. */
export type HostAvailability = (typeof HOST_AVAILABILITIES)[number];

export type OrchestratorHost = {
  host_id: string;
  /** Changes with every change of the host; a compare-and-set names it. */
  version: number;
  hostname: string;
  role: 'manager' | 'worker';
  /** The manager that leads. */
  leader: boolean;
  availability: HostAvailability;
  state: 'ready' | 'down' | 'disconnected' | 'unknown';
  /** Why it is not ready, in the orchestrator's words. */
  message: string | null;
  /** IP address or name under which other machines reach it. */
  address: string | null;
  engine_version: string;
  labels: Record<string, string>;
  cpus: number | null;
  memory_bytes: number | null;
};

/** How a service takes on a change, as the orchestrator was told. */
export type UpdatePolicy = {
  /** Tasks at once; 0 is all. */
  parallelism: number;
  delay_s: number;
  failure_action: 'pause' | 'continue' | 'rollback';
  /** A task that fails within this time after it runs counts as failed. */
  monitor_s: number;
  /** Share of failed tasks above (not at) which `failure_action` is taken. */
  max_failure_ratio: number;
  order: 'stop-first' | 'start-first';
};

export type UpdateState =
  | 'none'
  | 'updating'
  | 'paused'
  | 'completed'
  | 'rollback_started'
  | 'rollback_paused'
  | 'rollback_completed';

export type OrchestratorService = {
  service_id: string;
  /** Version index: a change that names another one is refused. */
  version: number;
  name: string;
  mode: 'replicated' | 'global';
  /** Image reference without the digest. */
  image: string;
  /** `sha256:…`, or null when the service was made without one. */
  digest: string | null;
  labels: Record<string, string>;
  /** Null for a global service: as many as there are hosts. */
  replicas_desired: number | null;
  /** Names what a task has to run; equal for a service and its tasks that are up to date. A restart changes it. */
  task_spec_digest: string;
  /** Names the specification without its number of replicas and its restarts: another one is another revision of the history. */
  spec_digest: string;
  update_policy: UpdatePolicy;
  update: {
    state: UpdateState;
    message: string | null;
    started_at: string | null;
    completed_at: string | null;
  };
  /**
   * The whole specification, sealed: only an adapter of the same orchestrator can read it, to restore it by `{spec}`. It may hold secrets
   * (environment variables), so nothing outside the adapter can. It differs at each reading; compare `spec_digest`.
   */
  spec: string;
  created_at: string;
  updated_at: string;
};

export type TaskState = (typeof TASK_STATES)[number];

export type OrchestratorTask = {
  task_id: string;
  service_id: string;
  /** Null until it was scheduled. */
  host_id: string | null;
  /** Number of the replica, from 1; null for a global service. */
  slot: number | null;
  state: TaskState;
  /** What the orchestrator wants of it: `running`, or an end. */
  desired_state: TaskState;
  image: string;
  digest: string | null;
  task_spec_digest: string;
  /** Where the node inside answers, `http://address:port`; null when unknown. */
  url: string | null;
  /** What the orchestrator says of it: why it waits, why it failed. */
  message: string | null;
  error: string | null;
  /** When it took its state. */
  state_since: string;
  created_at: string;
};

/** One change of a service; the others of its properties stay. */
export type ServiceChange =
  | { replicas: number }
  /** `image` with its digest where it is known: `name:tag@sha256:…`. */
  | { image: string }
  /** Replaces every task by a new one of the same specification. */
  | { restart: true }
  /** An earlier `spec` of this service, from our own history. Its number of replicas stays as it is now. */
  | { spec: string };

/**
 * What a watcher sees: first every object that there is, then `caught_up`; afterwards each object that changed (`null`: it is gone) and
 * `caught_up` after each burst and at least every 5 seconds, so that silence of the orchestrator is seen as such.
 */
export type OrchestratorEvent =
  | { kind: 'host'; id: string; host: OrchestratorHost | null }
  | { kind: 'service'; id: string; service: OrchestratorService | null }
  | { kind: 'task'; id: string; task: OrchestratorTask | null }
  | { kind: 'caught_up' };

export type Orchestrator = {
  /** Shown as the source of an observation: `Docker Swarm`, `simulated orchestrator`. */
  readonly name: string;
  /** Scaling a service down ends the tasks in its highest slots; without it, any of them may be ended. */
  readonly endsHighestSlot?: true;
  /**
   * The tasks that going down to `replicas` may end, in whatever state they are by then; the others surely stay. Absent: any task.
   * `tasks` are all tasks of one service.
   */
  readonly mayEnd?: (tasks: readonly OrchestratorTask[], replicas: number) => OrchestratorTask[];
  /** Never lists everything again for a reader: one watch feeds the index. Throws OrchestratorError when it breaks; begin anew then. */
  watch(signal: AbortSignal): AsyncIterable<OrchestratorEvent>;
  /** Read afresh, for plans and jobs; null when there is none (in this environment). */
  host(host_id: string): Promise<OrchestratorHost | null>;
  service(service_id: string): Promise<OrchestratorService | null>;
  /** Tasks of a service, those that ended lately too. */
  tasks(service_id: string): Promise<OrchestratorTask[]>;
  /** Answers the service as changed. Rejects with OrchestratorConflictError when it is at another version. */
  updateService(
    service_id: string,
    expected_version: number,
    change: ServiceChange,
  ): Promise<OrchestratorService>;
  /** Rejects with OrchestratorConflictError when the host is at another version. */
  setAvailability(
    host_id: string,
    expected_version: number,
    availability: HostAvailability,
  ): Promise<OrchestratorHost>;
  close(): Promise<void>;
};

/** The object is at another version than the one that was read: read again, and decide again. */
export class OrchestratorConflictError extends Error {
  readonly id: string;
  constructor(id: string, options?: ErrorOptions) {
    super(`${id} was changed by someone else since it was read`, options);
    this.name = 'OrchestratorConflictError';
    this.id = id;
  }
}

/**
 * `unavailable`: no connection, or not a manager of a swarm. `refused`: understood and declined (a bad image reference, say).
 * `not_found`: no such object in this environment.
 */
export type OrchestratorErrorCode = 'unavailable' | 'refused' | 'not_found' | 'closed';

/** The orchestrator did not do what was asked; the message says which one, and what to do about it. */
export class OrchestratorError extends Error {
  readonly code: OrchestratorErrorCode;
  constructor(code: OrchestratorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OrchestratorError';
    this.code = code;
  }
}
