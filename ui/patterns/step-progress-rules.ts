/** Reads the open JSON of a step's progress. Pure; what it does not know is null, never a guess. */
import type { Check } from '#contract/jobs.ts';

export interface DrainingNode {
  node_id: string;
  drained: boolean;
  inflight: number | null;
  inflight_at_start: number | null;
  consumer_lag: number | null;
  rate_per_s: number | null;
  eta_s: number | null;
  problem: string | null;
}
export interface StepNode {
  node_id: string;
  done: boolean;
  problem: string | null;
}
/** The moves of a rebalance, each a job of its own. */
export interface MovesProgress {
  total: number;
  moved: number;
  left: number;
  in_flight: { tenant_id: string; from: string; to: string; job_id: string | null }[];
  failed: { tenant_id: string; job_id: string | null; problem: string }[];
  eta_s: number | null;
}
/** Tasks of a service on their way to what is wanted. */
export interface RolloutProgress {
  wanted: number;
  running: number;
  /** Tasks that still run but are to end. */
  leaving: number;
  healthy_for_s: number | null;
  /** For how long all of them have to stay healthy. */
  monitor_s: number | null;
  /** Why tasks do not run yet, and why some failed. */
  problems: { task_id: string; slot: number | null; text: string; failed: boolean }[];
}
export type StepProgressRead =
  | { kind: 'drain'; nodes: DrainingNode[] }
  | { kind: 'nodes'; nodes: StepNode[]; verb: string; revision: number | null }
  | { kind: 'checks'; checks: Check[] }
  | { kind: 'placed'; shards: string[] }
  /** What the step waits to pass, in a sentence. */
  | { kind: 'waiting'; problem: string }
  | ({ kind: 'moves' } & MovesProgress)
  | ({ kind: 'rollout' } & RolloutProgress);

type Json = Record<string, unknown>;
const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const isNode = (value: unknown): value is Json & { node_id: string } =>
  isRecord(value) && typeof value['node_id'] === 'string';
const isCheck = (value: unknown): value is Check =>
  isRecord(value) && typeof value['message'] === 'string' && isRecord(value['subject']);

const drainingNode = (node: Json): DrainingNode => ({
  node_id: text(node['node_id']) ?? 'the node',
  drained: node['state'] === 'drained',
  inflight: number(node['inflight']),
  inflight_at_start: number(node['inflight_at_start']),
  consumer_lag: number(node['consumer_lag']),
  rate_per_s: number(node['rate_per_s']),
  eta_s: number(node['eta_s']),
  problem: text(node['problem']),
});

const stepNode = (node: Json & { node_id: string }): StepNode => ({
  node_id: node.node_id,
  done: [node['acknowledged'], node['reloaded'], node['done'], node['ok']].includes(true),
  problem: text(node['problem']),
});

const records = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isRecord) : []);

const movesProgress = (progress: Json & { moved: number; left: number }): MovesProgress => ({
  total: number(progress['total']) ?? progress.moved + progress.left,
  moved: progress.moved,
  left: progress.left,
  in_flight: records(progress['in_flight']).map((move) => ({
    tenant_id: text(move['tenant_id']) ?? 'a tenant',
    from: text(move['from']) ?? '?',
    to: text(move['to']) ?? '?',
    job_id: text(move['job_id']),
  })),
  failed: records(progress['failed']).map((move) => ({
    tenant_id: text(move['tenant_id']) ?? 'a tenant',
    job_id: text(move['job_id']),
    problem: text(move['problem']) ?? 'It did not say why',
  })),
  eta_s: number(progress['eta_s']),
});

const taskProblem = (task: Json, failed: boolean): RolloutProgress['problems'][number] => ({
  task_id: text(task['task_id']) ?? 'a task',
  slot: number(task['slot']),
  text: text(task[failed ? 'error' : 'message']) ?? text(task['state']) ?? 'it does not say why',
  failed,
});

const rolloutProgress = (progress: Json & { wanted: number; running: number }): RolloutProgress => ({
  wanted: progress.wanted,
  running: progress.running,
  leaving: number(progress['leaving']) ?? 0,
  healthy_for_s: number(progress['healthy_for_s']),
  monitor_s: number(progress['monitor_s']),
  problems: [
    ...records(progress['failed']).map((task) => taskProblem(task, true)),
    ...records(progress['waiting']).map((task) => taskProblem(task, false)),
  ],
});

const hasNumbers = <K extends string>(progress: Json, ...names: K[]): progress is Json & Record<K, number> =>
  names.every((name) => typeof progress[name] === 'number');

export function readStepProgress(progress: unknown): StepProgressRead | null {
  if (!isRecord(progress)) return null;
  const { nodes, checks, placed } = progress;
  if ('inflight' in progress) {
    const each = Array.isArray(nodes) && nodes.length > 0 && nodes.every(isNode) ? nodes : [progress];
    return { kind: 'drain', nodes: each.map(drainingNode) };
  }
  if (Array.isArray(nodes) && nodes.every(isNode)) {
    const verb = nodes.some((node) => 'acknowledged' in node) ? 'acknowledged' : 'reloaded';
    return { kind: 'nodes', nodes: nodes.map(stepNode), verb, revision: number(progress['revision']) };
  }
  if (hasNumbers(progress, 'moved', 'left')) return { kind: 'moves', ...movesProgress(progress) };
  if (hasNumbers(progress, 'wanted', 'running')) return { kind: 'rollout', ...rolloutProgress(progress) };
  if (Array.isArray(checks) && checks.every(isCheck)) return { kind: 'checks', checks };
  if (Array.isArray(checks) && checks.every(isNode))
    return { kind: 'nodes', nodes: checks.map(stepNode), verb: 'as expected', revision: null };
  if (isRecord(placed)) {
    const shards = Object.values(placed).flatMap((one) => (isRecord(one) ? (text(one['shard']) ?? []) : []));
    return { kind: 'placed', shards };
  }
  const problem = text(progress['problem']);
  return problem === null ? null : { kind: 'waiting', problem };
}
