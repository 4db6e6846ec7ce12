/**
 * Pure: which nodes an environment has, made of what is configured and what its orchestrator runs. The rule stands in
 * `docs/node-contract.md`: a move counts only when every expected node has acknowledged it, so none may be forgotten for a moment.
 */
import type { TaskState } from './orchestrator.ts';
import { NODE_KINDS, type NodeKind } from '#contract/placement-record.ts';
import type { NodeSettings } from './scale-settings.ts';

export interface KnownService {
  service_id: string;
  name: string;
  kind: NodeKind;
  /** Null: one on every host. */
  replicas_desired: number | null;
}

export interface KnownTask {
  task_id: string;
  service_id: string;
  slot: number | null;
  host_id: string | null;
  region: string | null;
  /** What the node inside called itself; null until it has answered. */
  node_id: string | null;
  state: TaskState;
  wanted: boolean;
  url: string | null;
  message: string | null;
  created_at: string;
}

export interface KnownPlatform {
  environment: string;
  configured: readonly NodeSettings[];
  /** Why nobody knows what the orchestrator runs; null when that is known, or was once. */
  unread: string | null;
  services: readonly KnownService[];
  tasks: readonly KnownTask[];
}

/** Whether a process may run in a task of this state: from its start until the orchestrator says that it has ended. */
export const mayRun = (state: TaskState): boolean => state === 'starting' || state === 'running';

/**
 * The nodes that are expected: the configured ones, one for each task whose process may run, wanted or not, and one for each task that a
 * service wants and does not have yet. One that is not known by name or address is in the list, without an address.
 */
export function expectedNodes(platform: KnownPlatform): NodeSettings[] {
  const { environment, configured, unread, services, tasks } = platform;
  if (unread !== null) {
    const unknown = NODE_KINDS.map((kind) => missingNode(environment, kind, 'orchestrator', unread));
    return [...configured, ...unknown];
  }
  const byService = Map.groupBy(tasks, ({ service_id }) => service_id);
  const found = services.flatMap((service) =>
    nodesOf(environment, service, byService.get(service.service_id) ?? []),
  );
  const names = new Set(found.map(({ node_id }) => node_id));
  // A configured node that the orchestrator runs is where the orchestrator says.
  return [...configured.filter(({ node_id }) => !names.has(node_id)), ...found];
}

function nodesOf(environment: string, service: KnownService, tasks: readonly KnownTask[]): NodeSettings[] {
  const oldestFirst = tasks.toSorted((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
  const running = oldestFirst.filter(({ state }) => mayRun(state));
  const coming = oldestFirst.filter((task) => task.wanted && !mayRun(task.state));
  const wanted = running.filter((task) => task.wanted).length + coming.length;
  const nodes = [
    ...running.map((task) => nodeIn(environment, service, oldestFirst, task)),
    ...coming.map((task) =>
      missingNode(
        environment,
        service.kind,
        nameOf(service, oldestFirst, task.slot ?? task.task_id),
        whyNotYet(task),
      ),
    ),
  ];
  const lacking = (service.replicas_desired ?? 0) - wanted;
  if (lacking <= 0) return nodes;
  const why = `${service.name} is to have ${service.replicas_desired} tasks and has ${wanted}`;
  const taken = new Set([...running, ...coming].map(({ slot }) => slot));
  const free = Array.from({ length: (service.replicas_desired ?? 0) + taken.size }, (_, at) => at + 1);
  const slots = free.filter((slot) => !taken.has(slot)).slice(0, lacking);
  return [
    ...nodes,
    ...slots.map((slot) => missingNode(environment, service.kind, nameOf(service, oldestFirst, slot), why)),
  ];
}

function nodeIn(
  environment: string,
  service: KnownService,
  tasks: readonly KnownTask[],
  task: KnownTask,
): NodeSettings {
  const { task_id, service_id, host_id, node_id, url, region } = task;
  const base = {
    kind: service.kind,
    environment,
    labels: region === null ? {} : { region },
    task: { task_id, service_id, host_id },
  };
  if (node_id !== null && url !== null) return { ...base, node_id, url };
  const absent =
    url === null
      ? `the orchestrator does not say where task ${task_id} answers`
      : `task ${task_id} has not said yet which node it is`;
  return { ...base, node_id: nameOf(service, tasks, task.slot ?? task_id), url: null, absent };
}

/** What the node of this slot called itself last, else the service's name with the slot. */
function nameOf(service: KnownService, tasks: readonly KnownTask[], slot: number | string): string {
  const last = tasks.findLast((task) => task.slot === slot && task.node_id !== null);
  return last?.node_id ?? `${service.name}.${slot}`;
}

const whyNotYet = ({ task_id, state, message }: KnownTask): string =>
  `its task ${task_id} is ${state}${message === null || message === '' || message === state ? '' : ` (${message})`}`;

const missingNode = (environment: string, kind: NodeKind, node_id: string, absent: string): NodeSettings => ({
  node_id,
  kind,
  environment,
  url: null,
  absent,
  labels: {},
});
