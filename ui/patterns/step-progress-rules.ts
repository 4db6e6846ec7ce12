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
export type StepProgressRead =
  | { kind: 'drain'; nodes: DrainingNode[] }
  | { kind: 'nodes'; nodes: StepNode[]; verb: string; revision: number | null }
  | { kind: 'checks'; checks: Check[] }
  | { kind: 'placed'; shards: string[] };

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
  if (Array.isArray(checks) && checks.every(isCheck)) return { kind: 'checks', checks };
  if (Array.isArray(checks) && checks.every(isNode))
    return { kind: 'nodes', nodes: checks.map(stepNode), verb: 'as expected', revision: null };
  if (isRecord(placed)) {
    const shards = Object.values(placed).flatMap((one) => (isRecord(one) ? (text(one['shard']) ?? []) : []));
    return { kind: 'placed', shards };
  }
  return null;
}
