/** The engine's objects in the words of the Orchestrator port. */
import { TASK_STATES } from '#contract/fleet.ts';
import type {
  OrchestratorHost,
  OrchestratorService,
  OrchestratorTask,
  TaskState,
  UpdatePolicy,
  UpdateState,
} from '#server/scale/orchestrator.ts';
import type { EngineNode, EngineService, EngineTask, ServiceSpec, TaskTemplate } from './engine-objects.ts';
import type { SpecSeal } from './spec-seal.ts';

export const ENVIRONMENT_LABEL = 'cloudlysis.environment';
const PORT_LABEL = 'cloudlysis.port';
const NANOSECONDS = 1_000_000_000;

/** What the engine does for a service that says nothing about its updates. */
const DEFAULT_POLICY: UpdatePolicy = {
  parallelism: 1,
  delay_s: 0,
  failure_action: 'pause',
  monitor_s: 5,
  max_failure_ratio: 0,
  order: 'stop-first',
};

export function toHost(node: EngineNode): OrchestratorHost {
  const { Spec, Description, Status, ManagerStatus } = node;
  return {
    host_id: node.ID,
    version: node.Version.Index,
    hostname: Description?.Hostname ?? node.ID,
    role: Spec.Role,
    leader: ManagerStatus?.Leader ?? false,
    availability: Spec.Availability,
    state: hostState(Status?.State),
    message: Status?.Message || null,
    address: addressOf(node),
    engine_version: Description?.Engine?.EngineVersion ?? '',
    labels: { ...Description?.Engine?.Labels, ...Spec.Labels },
    cpus: scaled(Description?.Resources?.NanoCPUs, NANOSECONDS),
    memory_bytes: Description?.Resources?.MemoryBytes ?? null,
  };
}

function hostState(state: string | undefined): OrchestratorHost['state'] {
  return state === 'ready' || state === 'down' || state === 'disconnected' ? state : 'unknown';
}

/** A manager may see itself at no address at all; the one that it advertises is right. */
export function addressOf({ Status, ManagerStatus }: EngineNode): string | null {
  const seen = Status?.Addr;
  if (seen && seen !== '0.0.0.0' && !seen.startsWith('127.')) return seen;
  return ManagerStatus?.Addr?.replace(/:\d+$/, '') || seen || null;
}

export function toService(service: EngineService, seal: SpecSeal): OrchestratorService {
  const { Spec, UpdateStatus } = service;
  return {
    service_id: service.ID,
    version: service.Version.Index,
    name: Spec.Name,
    mode: Spec.Mode?.Global ? 'global' : 'replicated',
    ...imageOf(Spec.TaskTemplate),
    labels: Spec.Labels ?? {},
    replicas_desired: Spec.Mode?.Global ? null : (Spec.Mode?.Replicated?.Replicas ?? 0),
    task_spec_digest: taskDigest(Spec.TaskTemplate, seal),
    spec_digest: seal.digest(withoutReplicasAndRestarts(Spec)),
    update_policy: policyOf(Spec),
    update: {
      state: (UpdateStatus?.State as UpdateState | undefined) ?? 'none',
      message: UpdateStatus?.Message || null,
      started_at: UpdateStatus?.StartedAt ?? null,
      completed_at: UpdateStatus?.CompletedAt ?? null,
    },
    spec: seal.seal(Spec, service.ID),
    created_at: service.CreatedAt,
    updated_at: service.UpdatedAt,
  };
}

export function toTask(
  task: EngineTask,
  port: string | undefined,
  hostAddress: string | null,
  digestOf: (template: TaskTemplate) => string,
): OrchestratorTask {
  return {
    task_id: task.ID,
    service_id: task.ServiceID,
    host_id: task.NodeID || null,
    slot: task.Slot || null,
    state: taskState(task.Status.State),
    desired_state: taskState(task.DesiredState),
    ...imageOf(task.Spec),
    task_spec_digest: digestOf(task.Spec),
    url: urlOf(task, port, hostAddress),
    message: task.Status.Message || null,
    error: task.Status.Err || null,
    state_since: task.Status.Timestamp,
    created_at: task.CreatedAt,
  };
}

/** Where a service says that its nodes answer. */
export const portOf = ({ Spec }: EngineService): string | undefined => Spec.Labels?.[PORT_LABEL];

function taskState(state: string): TaskState {
  return TASK_STATES.find((known) => known === state) ?? 'orphaned';
}

/** On a network of its own the task has an address; on the host's network it has the host's. */
function urlOf(task: EngineTask, port: string | undefined, hostAddress: string | null): string | null {
  if (port === undefined) return null;
  const own = task.NetworksAttachments?.find(({ Network, Addresses }) => {
    const driver = Network?.DriverState?.Name;
    return driver !== 'host' && (Addresses?.length ?? 0) > 0;
  })?.Addresses?.[0]?.replace(/\/\d+$/, '');
  const address = own ?? hostAddress;
  if (!address) return null;
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function imageOf({ ContainerSpec }: TaskTemplate): { image: string; digest: string | null } {
  const [image = '', digest] = (ContainerSpec?.Image ?? '').split('@');
  return { image, digest: digest ?? null };
}

/** A service names its runtime where its tasks leave it out. */
export function taskDigest({ Runtime: _runtime, ...template }: TaskTemplate, seal: SpecSeal): string {
  return seal.digest(template);
}

function withoutReplicasAndRestarts({ TaskTemplate, Mode, ...rest }: ServiceSpec): unknown {
  return { ...rest, TaskTemplate: { ...TaskTemplate, ForceUpdate: 0 }, Mode: Object.keys(Mode ?? {}) };
}

function policyOf({ UpdateConfig }: ServiceSpec): UpdatePolicy {
  if (!UpdateConfig) return DEFAULT_POLICY;
  return {
    parallelism: UpdateConfig.Parallelism ?? 0,
    delay_s: scaled(UpdateConfig.Delay, NANOSECONDS) ?? 0,
    failure_action: UpdateConfig.FailureAction ?? 'pause',
    // The engine takes a monitor time of nothing for its default.
    monitor_s: scaled(UpdateConfig.Monitor || undefined, NANOSECONDS) ?? DEFAULT_POLICY.monitor_s,
    max_failure_ratio: UpdateConfig.MaxFailureRatio ?? 0,
    order: UpdateConfig.Order ?? 'stop-first',
  };
}

const scaled = (value: number | undefined, unit: number): number | null =>
  value === undefined ? null : value / unit;
