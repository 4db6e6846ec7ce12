import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { NodeKind } from '#contract/placement-record.ts';
import type {
  OrchestratorHost,
  OrchestratorService,
  OrchestratorTask,
  TaskState,
  UpdatePolicy,
} from '#server/scale/orchestrator.ts';
import { HOST_REGIONS, LAYOUT } from './topology.ts';

/** What a simulated orchestrator remembers, and the file that it is remembered in. */

export type ServiceSpec = {
  image: string;
  digest: string | null;
  replicas: number;
  /** Counts the demanded restarts: another number is another specification of the tasks. */
  force_update: number;
  labels: Record<string, string>;
  update_policy: UpdatePolicy;
};

export type ServiceRecord = {
  service_id: string;
  version: number;
  name: string;
  kind: NodeKind;
  spec: ServiceSpec;
  /** Where a rollback goes; one deep, as in Swarm. */
  previous_spec: ServiceSpec | null;
  update: OrchestratorService['update'];
  created_at: string;
  updated_at: string;
};

export type OrchestratorState = {
  /** Rises with each change of a host or service and becomes its version, as Swarm's index does. */
  index: number;
  tasks_made: number;
  hosts: OrchestratorHost[];
  services: ServiceRecord[];
  tasks: OrchestratorTask[];
  /** Ports by node: a node is found again where it was. */
  ports: Record<string, number>;
};

const GIB = 1024 ** 3;
export const UPDATE_POLICY: UpdatePolicy = {
  parallelism: 1,
  delay_s: 1,
  failure_action: 'rollback',
  monitor_s: 2,
  max_failure_ratio: 0,
  order: 'stop-first',
};
export const NO_UPDATE: ServiceRecord['update'] = {
  state: 'none',
  message: null,
  started_at: null,
  completed_at: null,
};

const ENDED: readonly TaskState[] = ['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned'];

/** Whether the process of a task is over. */
export const hasEnded = (task: Pick<OrchestratorTask, 'state'>): boolean => ENDED.includes(task.state);

/** Whether the orchestrator wants the task, and it has not ended. */
export const isWanted = (task: Pick<OrchestratorTask, 'state' | 'desired_state'>): boolean =>
  task.desired_state === 'running' && !hasEnded(task);

const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Names what a task of the service has to run. */
export const taskSpecDigest = ({ image, digest, force_update }: ServiceSpec): string =>
  sha256(JSON.stringify([image, digest, force_update]));

/** Names what the service is told to run, without the number of replicas and of restarts. */
export const specDigest = ({ image, digest, labels, update_policy }: ServiceSpec): string =>
  sha256(JSON.stringify([image, digest, labels, update_policy]));

/**
 * The parts of `name:tag@sha256:…`; without a digest the one that the simulated registry has for it. Null for a text that is no image
 * reference.
 */
export function parseImage(text: string): Pick<ServiceSpec, 'image' | 'digest'> | null {
  const match = /^([a-z0-9][a-z0-9._/-]*:[\w][\w.-]{0,127})(?:@(sha256:[0-9a-f]{64}))?$/.exec(text);
  if (match?.[1] === undefined) return null;
  return { image: match[1], digest: match[2] ?? sha256(match[1]) };
}

/** The tag of an image. */
export const tagOf = (image: string): string => image.slice(image.lastIndexOf(':') + 1);

/** A new environment: three hosts, one service for each kind of node, no task yet. */
export function initialState(environment: string): OrchestratorState {
  const now = new Date().toISOString();
  let index = 10;
  return {
    hosts: HOST_REGIONS.map((region, at) => ({
      host_id: `${environment}-host-${at + 1}`,
      version: (index += 1),
      hostname: `${environment}-host-${at + 1}`,
      role: at === 0 ? 'manager' : 'worker',
      leader: at === 0,
      availability: 'active',
      state: 'ready',
      message: null,
      address: '127.0.0.1',
      engine_version: '28.5.2',
      labels: { region },
      cpus: 8,
      memory_bytes: 32 * GIB,
    })),
    services: LAYOUT.map(({ kind, replicas, version }) => ({
      service_id: `${environment}-${kind}`,
      version: (index += 1),
      name: `${environment}-${kind}`,
      kind,
      spec: {
        ...imageOf(`cloudlysis/${kind}:${version}`),
        replicas,
        force_update: 0,
        labels: { 'cloudlysis.environment': environment, 'cloudlysis.kind': kind },
        update_policy: UPDATE_POLICY,
      },
      previous_spec: null,
      update: NO_UPDATE,
      created_at: now,
      updated_at: now,
    })),
    tasks: [],
    tasks_made: 0,
    ports: {},
    index,
  };
}

const imageOf = (image: string): Pick<ServiceSpec, 'image' | 'digest'> => ({ image, digest: sha256(image) });

/** What was saved, or null when there is nothing or it cannot be understood: then the environment begins anew. */
export async function readState(file: string): Promise<OrchestratorState | null> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Partial<OrchestratorState> | null;
    const whole = Array.isArray(value?.hosts) && Array.isArray(value.services) && Array.isArray(value.tasks);
    return whole ? (value as OrchestratorState) : null;
  } catch {
    return null;
  }
}

/** Writes the state so that a reader sees the old one or the new one. */
export async function writeState(file: string, state: OrchestratorState): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, JSON.stringify(state));
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
