/**
 * What the orchestrator of one environment has, as of its last event, and which rows of the index that changes.
 *
 * Touched: an object whose row may be another one, because it changed itself or because what its row is made of did.
 */
import type {
  OrchestratorEvent,
  OrchestratorHost,
  OrchestratorService,
  OrchestratorTask,
} from './orchestrator.ts';
import {
  hostRow,
  serviceRow,
  taskRow,
  type HostRow,
  type ServiceRow,
  type TaskRow,
} from './orchestrator-picture-rules.ts';

export interface RowChanges<R> {
  written: R[];
  gone: string[];
}
export interface PictureChanges {
  hosts: RowChanges<HostRow>;
  services: RowChanges<ServiceRow & { spec: string }>;
  tasks: RowChanges<TaskRow>;
}

export class OrchestratorPicture {
  readonly #hosts = new Map<string, OrchestratorHost>();
  readonly #services = new Map<string, OrchestratorService>();
  readonly #tasks = new Map<string, OrchestratorTask>();
  readonly #ofService = new Map<string, Set<OrchestratorTask>>();
  readonly #ofHost = new Map<string, Set<OrchestratorTask>>();
  #touched = { hosts: new Set<string>(), services: new Set<string>(), tasks: new Set<string>() };

  /** Whether there are rows to write. */
  get isTouched(): boolean {
    return Object.values(this.#touched).some((ids) => ids.size > 0);
  }

  take(event: Exclude<OrchestratorEvent, { kind: 'caught_up' }>): void {
    if (event.kind === 'host') {
      put(this.#hosts, event.id, event.host);
      this.#touched.hosts.add(event.id);
      this.#touchAll(this.#ofHost.get(event.id));
    } else if (event.kind === 'service') {
      put(this.#services, event.id, event.service);
      this.#touched.services.add(event.id);
      this.#touchAll(this.#ofService.get(event.id));
    } else this.#takeTask(event.id, event.task);
  }

  /** The rows of everything that was touched since the last call. */
  changes(): PictureChanges {
    const touched = this.#touched;
    this.#touched = { hosts: new Set(), services: new Set(), tasks: new Set() };
    return {
      hosts: split(touched.hosts, this.#hosts, (host) =>
        hostRow(host, [...(this.#ofHost.get(host.host_id) ?? [])]),
      ),
      services: split(touched.services, this.#services, (service) => ({
        ...serviceRow(service, [...(this.#ofService.get(service.service_id) ?? [])]),
        spec: service.spec,
      })),
      tasks: split(touched.tasks, this.#tasks, (task) =>
        taskRow(task, this.#services.get(task.service_id), this.#hosts.get(task.host_id ?? '')),
      ),
    };
  }

  #takeTask(id: string, task: OrchestratorTask | null): void {
    const before = this.#tasks.get(id);
    if (before !== undefined) {
      this.#ofService.get(before.service_id)?.delete(before);
      if (before.host_id !== null) this.#ofHost.get(before.host_id)?.delete(before);
    }
    put(this.#tasks, id, task);
    if (task !== null) {
      addTo(this.#ofService, task.service_id, task);
      if (task.host_id !== null) addTo(this.#ofHost, task.host_id, task);
    }
    this.#touched.tasks.add(id);
    for (const each of [before, task]) {
      if (each === undefined || each === null) continue;
      this.#touched.services.add(each.service_id);
      if (each.host_id !== null) this.#touched.hosts.add(each.host_id);
    }
  }

  #touchAll(tasks: Iterable<OrchestratorTask> = []): void {
    for (const { task_id } of tasks) this.#touched.tasks.add(task_id);
  }
}

function put<T>(map: Map<string, T>, id: string, value: T | null): void {
  if (value === null) map.delete(id);
  else map.set(id, value);
}

function addTo(map: Map<string, Set<OrchestratorTask>>, id: string, task: OrchestratorTask): void {
  const set = map.get(id);
  if (set === undefined) map.set(id, new Set([task]));
  else set.add(task);
}

function split<T, R>(
  ids: Iterable<string>,
  all: ReadonlyMap<string, T>,
  row: (value: T) => R,
): RowChanges<R> {
  const changes: RowChanges<R> = { written: [], gone: [] };
  for (const id of ids) {
    const value = all.get(id);
    if (value === undefined) changes.gone.push(id);
    else changes.written.push(row(value));
  }
  return changes;
}
