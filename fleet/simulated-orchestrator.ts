import {
  OrchestratorConflictError,
  OrchestratorError,
  type HostAvailability,
  type OrchestratorEvent,
  type OrchestratorHost,
  type OrchestratorService,
  type OrchestratorTask,
  type ServiceChange,
  type UpdatePolicy,
} from '#server/scale/orchestrator.ts';
import type { EnvironmentPlatform, RunningNode } from './environment-platform.ts';
import type { FaultBoard } from './faults.ts';
import {
  hasEnded,
  initialState,
  isWanted,
  NO_UPDATE,
  parseImage,
  readState,
  specDigest,
  taskSpecDigest,
  writeState,
  type OrchestratorState,
  type ServiceRecord,
  type ServiceSpec,
} from './orchestrator-state.ts';
import { OrchestratorTasks } from './orchestrator-tasks.ts';
import { outdatedSlots, rollOut } from './rolling-update.ts';

/**
 * An orchestrator of one environment that behaves as Swarm does, over the nodes of this process.
 *
 * Index: counts the changes of hosts and services; a change names the version that it was decided on. Slot: the number of a replica;
 * its node keeps its name over replacements. Rollout: the replacement of tasks that do not run what their service wants; a newer change
 * of the service cancels it. Hosts, services and tasks outlive a restart of the process; that a host is down does not.
 */

export type SimulatedOrchestratorOptions = {
  environment: string;
  /** Where it remembers its state. */
  file: string;
  platform: EnvironmentPlatform;
  faults: FaultBoard;
  speed: number;
  /** The ports that nodes were found at before this orchestrator remembered any. */
  ports: Record<string, number>;
  onError: (error: unknown) => void;
};

type Listener = (event: OrchestratorEvent) => void;

export class SimulatedOrchestrator {
  readonly environment: string;
  readonly #options: SimulatedOrchestratorOptions;
  readonly #state: OrchestratorState;
  readonly #tasks: OrchestratorTasks;
  readonly #listeners = new Set<Listener>();
  readonly #rollouts = new Map<string, AbortController>();
  #saving: Promise<void> = Promise.resolve();
  #saveAsked = false;

  private constructor(options: SimulatedOrchestratorOptions, state: OrchestratorState) {
    this.environment = options.environment;
    this.#options = options;
    this.#state = state;
    this.#tasks = new OrchestratorTasks({
      ...options,
      state,
      onChange: (id, task) => {
        this.#tell({ kind: 'task', id, task: task === null ? null : { ...task } });
        void this.#save().catch(options.onError);
      },
    });
  }

  /** Resolves when every task that ran before, or is wanted at the first start, listens. */
  static async open(options: SimulatedOrchestratorOptions): Promise<SimulatedOrchestrator> {
    const state = (await readState(options.file)) ?? initialState(options.environment);
    state.ports = { ...options.ports, ...state.ports };
    const orchestrator = new SimulatedOrchestrator(options, state);
    await orchestrator.#begin();
    return orchestrator;
  }

  /** Nodes that run. */
  get nodes(): { task: OrchestratorTask; node: RunningNode }[] {
    return this.#tasks.nodes;
  }

  hasHost(host_id: string): boolean {
    return this.#state.hosts.some((host) => host.host_id === host_id);
  }

  host(host_id: string): OrchestratorHost {
    return { ...this.#hostRecord(host_id) };
  }

  service(service_id: string): OrchestratorService {
    return this.#shown(this.#record(service_id));
  }

  tasks(service_id: string): OrchestratorTask[] {
    this.#record(service_id);
    return this.#tasks.of(service_id).map((task) => ({ ...task }));
  }

  /** Tells the listener of everything that there is, and from then on of each change; answers how to stop that. */
  listen(listener: Listener): () => void {
    for (const host of this.#state.hosts) listener({ kind: 'host', id: host.host_id, host: { ...host } });
    for (const service of this.#state.services) {
      listener({ kind: 'service', id: service.service_id, service: this.#shown(service) });
    }
    for (const task of this.#state.tasks) listener({ kind: 'task', id: task.task_id, task: { ...task } });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** As `Orchestrator.updateService`: the change is remembered when it answers, its effect comes later. */
  async updateService(
    service_id: string,
    expected_version: number,
    change: ServiceChange,
  ): Promise<OrchestratorService> {
    const service = this.#record(service_id);
    if (service.version !== expected_version) throw new OrchestratorConflictError(service_id);
    const spec = changedSpec(service.spec, change);
    service.previous_spec = service.spec;
    service.spec = spec;
    service.update = NO_UPDATE;
    this.#touch(service);
    await this.#save();
    this.#follow(service, 'update');
    return this.#shown(service);
  }

  /** Gives a service another number of replicas and another policy, as whoever deploys it would. */
  async redefine(
    service_id: string,
    { replicas, update_policy }: { replicas: number; update_policy?: Partial<UpdatePolicy> },
  ): Promise<void> {
    const service = this.#record(service_id);
    const policy = { ...service.spec.update_policy, ...update_policy };
    service.spec = { ...service.spec, replicas, update_policy: policy };
    this.#touch(service);
    await this.#save();
    this.#follow(service, 'update');
  }

  /** Removes a service with its tasks. */
  async remove(service_id: string): Promise<void> {
    const service = this.#record(service_id);
    this.#rollouts.get(service_id)?.abort();
    this.#state.services.splice(this.#state.services.indexOf(service), 1);
    service.spec = { ...service.spec, replicas: 0 };
    this.#tell({ kind: 'service', id: service_id, service: null });
    await Promise.all(this.#tasks.of(service_id).map((task) => this.#tasks.retire(task, 'remove')));
    await this.#save();
  }

  /** As `Orchestrator.setAvailability`. */
  async setAvailability(
    host_id: string,
    expected_version: number,
    availability: HostAvailability,
  ): Promise<OrchestratorHost> {
    const host = this.#hostRecord(host_id);
    if (host.version !== expected_version) throw new OrchestratorConflictError(host_id);
    this.#setHost(host, { availability });
    await this.#save();
    if (availability === 'drain') {
      for (const task of this.#on(host_id)) this.#tasks.track(this.#tasks.retire(task));
    }
    for (const service of this.#state.services) this.#tasks.fill(service);
    return { ...host };
  }

  /** The machine is gone: its nodes with it, and nobody says that its tasks have ended. */
  async hostDown(host_id: string): Promise<void> {
    const host = this.#hostRecord(host_id);
    this.#setHost(host, { state: 'down', message: 'heartbeat failure for host in "unknown" state' });
    await Promise.all(this.#on(host_id).map((task) => this.#tasks.lose(task)));
    for (const service of this.#state.services) this.#tasks.fill(service);
  }

  /** The machine is back; what ran there has ended. */
  async hostUp(host_id: string): Promise<void> {
    this.#setHost(this.#hostRecord(host_id), { state: 'ready', message: null });
    const lost = this.#state.tasks.filter((task) => task.host_id === host_id && !isWanted(task));
    await Promise.all(lost.map((task) => this.#tasks.retire(task)));
    for (const service of this.#state.services) this.#tasks.fill(service);
  }

  /** The node's task ends by a failure. */
  async failTask(node_id: string): Promise<void> {
    const found = this.nodes.find(({ node }) => node.state.spec.node_id === node_id);
    if (found === undefined) return;
    const service = this.#record(found.task.service_id);
    await this.#tasks.fail(service, found.task, 'failed', 'task: non-zero exit (137)');
  }

  async close(): Promise<void> {
    for (const rollout of this.#rollouts.values()) rollout.abort();
    await this.#tasks.close();
    await this.#save().catch(this.#options.onError);
  }

  async #begin(): Promise<void> {
    const starting: Promise<void>[] = [];
    for (const host of this.#state.hosts) Object.assign(host, { state: 'ready', message: null });
    for (const task of this.#state.tasks.filter((each) => !hasEnded(each))) {
      const service = this.#state.services.find(({ service_id }) => service_id === task.service_id);
      if (service !== undefined && isWanted(task) && task.state === 'running') {
        starting.push(this.#tasks.resume(service, task));
      } else this.#state.tasks.splice(this.#state.tasks.indexOf(task), 1);
    }
    await Promise.all(starting);
    for (const service of this.#state.services) {
      const interrupted = service.update.state === 'rollback_started' ? 'rollback' : 'update';
      this.#follow(service, interrupted);
    }
    const deadline = AbortSignal.timeout(START_LIMIT_MS);
    const settled = () =>
      this.#state.tasks.every((task) => hasEnded(task) || task.url !== null || !task.host_id);
    await this.#tasks.until(settled, deadline);
    await this.#save();
  }

  /** Brings the tasks to what the service wants. */
  #follow(service: ServiceRecord, kind: 'update' | 'rollback'): void {
    this.#rollouts.get(service.service_id)?.abort();
    const rollout = new AbortController();
    this.#rollouts.set(service.service_id, rollout);
    this.#tasks.forgetRestarts(service);
    // What failed is part of a rollback; a new slot is no part of an update.
    if (kind === 'update') this.#tasks.fill(service);
    const slots = outdatedSlots(service, this.#tasks);
    if (slots.length > 0) this.#tasks.track(this.#rollOut(service, kind, slots, rollout.signal));
    else if (kind === 'rollback') this.#setUpdate(service, 'rollback_completed', 'rollback completed');
  }

  async #rollOut(
    service: ServiceRecord,
    kind: 'update' | 'rollback',
    slots: number[],
    signal: AbortSignal,
  ): Promise<void> {
    const { speed } = this.#options;
    if (kind === 'update') this.#setUpdate(service, 'updating', 'update in progress');
    const ended = await rollOut({ service, tasks: this.#tasks, slots, speed, signal });
    if (ended.end === 'cancelled') return;
    if (ended.end !== 'gave_up') {
      const state = kind === 'update' ? 'completed' : 'rollback_completed';
      return this.#setUpdate(service, state, `${kind} completed`);
    }
    const because = `due to failure or early termination of task ${ended.task_id}`;
    const { previous_spec } = service;
    if (kind === 'rollback') return this.#setUpdate(service, 'rollback_paused', `rollback paused ${because}`);
    if (service.spec.update_policy.failure_action === 'pause' || previous_spec === null) {
      return this.#setUpdate(service, 'paused', `update paused ${because}`);
    }
    service.spec = previous_spec;
    service.previous_spec = null;
    this.#setUpdate(service, 'rollback_started', `update rolled back ${because}`);
    this.#follow(service, 'rollback');
  }

  #setUpdate(service: ServiceRecord, state: ServiceRecord['update']['state'], message: string): void {
    const now = new Date().toISOString();
    const begins = state === 'updating' || state === 'rollback_started';
    service.update = {
      state,
      message,
      started_at: begins ? now : service.update.started_at,
      completed_at: state === 'completed' || state === 'rollback_completed' ? now : null,
    };
    this.#touch(service);
    void this.#save().catch(this.#options.onError);
  }

  #setHost(host: OrchestratorHost, fields: Partial<OrchestratorHost>): void {
    Object.assign(host, fields, { version: (this.#state.index += 1) });
    this.#tell({ kind: 'host', id: host.host_id, host: { ...host } });
    void this.#save().catch(this.#options.onError);
  }

  #touch(service: ServiceRecord): void {
    service.version = this.#state.index += 1;
    service.updated_at = new Date().toISOString();
    this.#tell({ kind: 'service', id: service.service_id, service: this.#shown(service) });
  }

  #on(host_id: string): OrchestratorTask[] {
    return this.#state.tasks.filter((task) => task.host_id === host_id && isWanted(task));
  }

  #record(service_id: string): ServiceRecord {
    const service = this.#state.services.find((each) => each.service_id === service_id);
    if (service === undefined) throw new OrchestratorError('not_found', `no service is called ${service_id}`);
    return service;
  }

  #hostRecord(host_id: string): OrchestratorHost {
    const host = this.#state.hosts.find((each) => each.host_id === host_id);
    if (host === undefined) throw new OrchestratorError('not_found', `no host is called ${host_id}`);
    return host;
  }

  #shown({
    service_id,
    version,
    name,
    spec,
    update,
    created_at,
    updated_at,
  }: ServiceRecord): OrchestratorService {
    return {
      service_id,
      version,
      name,
      mode: 'replicated',
      image: spec.image,
      digest: spec.digest,
      labels: spec.labels,
      replicas_desired: spec.replicas,
      task_spec_digest: taskSpecDigest(spec),
      spec_digest: specDigest(spec),
      update_policy: spec.update_policy,
      update: { ...update },
      spec: Buffer.from(JSON.stringify(spec)).toString('base64url'),
      created_at,
      updated_at,
    };
  }

  #tell(event: OrchestratorEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Resolves when what is there now is in the file; changes that come together are written together. */
  #save(): Promise<void> {
    if (this.#saveAsked) return this.#saving;
    this.#saveAsked = true;
    this.#saving = this.#saving
      .catch(() => undefined)
      .then(() => {
        this.#saveAsked = false;
        return writeState(this.#options.file, this.#state);
      });
    return this.#saving;
  }
}

const START_LIMIT_MS = 10_000;

function changedSpec(spec: ServiceSpec, change: ServiceChange): ServiceSpec {
  if ('replicas' in change) return { ...spec, replicas: change.replicas };
  if ('restart' in change) return { ...spec, force_update: spec.force_update + 1 };
  if ('image' in change) {
    const image = parseImage(change.image);
    if (image === null)
      throw new OrchestratorError('refused', `${JSON.stringify(change.image)} is no image reference`);
    return { ...spec, ...image };
  }
  const earlier = openSpec(change.spec);
  if (earlier === null) throw new OrchestratorError('refused', 'this is no specification of a service');
  return { ...earlier, replicas: spec.replicas, force_update: spec.force_update };
}

/** The specification in a sealed text, or null when there is none. The simulated platform has no secrets to keep in it. */
function openSpec(sealed: string): ServiceSpec | null {
  try {
    const value = JSON.parse(Buffer.from(sealed, 'base64url').toString()) as Partial<ServiceSpec> | null;
    return typeof value?.image === 'string' && typeof value.labels === 'object'
      ? (value as ServiceSpec)
      : null;
  } catch {
    return null;
  }
}
