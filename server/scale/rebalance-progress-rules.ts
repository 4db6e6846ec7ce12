/** Pure: how far the moves of a rebalance have come, and which may begin next. */
import type { ChildState } from '#server/jobs/child-jobs.ts';
import { LIVE_JOB_STATES, type JobState } from '#contract/jobs.ts';
import type { RebalanceMove } from './rebalance-rules.ts';

/** A move with the epoch that the placement had in the plan. */
export type PlacedMove = RebalanceMove & { epoch: number };

export interface MoveLimits {
  moves: readonly PlacedMove[];
  /** The nodes that hold each shard. */
  holders: Readonly<Record<string, readonly string[]>>;
  max_moves_per_node: number;
  max_failed_moves: number;
}

export interface FailedMove {
  tenant_id: string;
  /** Null when the move was refused before it became a job. */
  job_id: string | null;
  problem: string;
}

export interface MoveProgress {
  moved: PlacedMove[];
  in_flight: (PlacedMove & { job_id: string })[];
  failed: FailedMove[];
  /** Not begun yet. */
  left: PlacedMove[];
  /** Those of `left` that may begin now. */
  next: PlacedMove[];
  /** No move is in flight and none will begin. */
  ended: boolean;
}

// A stuck move waits for a person, who may take long; the others do not wait with it.
const inFlight: readonly JobState[] = LIVE_JOB_STATES.filter((state) => state !== 'stuck');

/** What the children and the refusals say of the moves. */
export function judgeMoves(
  limits: MoveLimits,
  children: readonly ChildState[],
  refused: ReadonlyMap<string, string>,
): MoveProgress {
  const childOf = new Map(children.map((child) => [child.tenant_id, child]));
  const progress: MoveProgress = { moved: [], in_flight: [], failed: [], left: [], next: [], ended: false };
  for (const move of limits.moves) {
    const { tenant_id } = move;
    const child = childOf.get(tenant_id);
    const refusal = refused.get(tenant_id);
    if (!child && refusal === undefined) progress.left.push(move);
    else if (!child) progress.failed.push({ tenant_id, job_id: null, problem: refusal ?? '' });
    else if (child.state === 'succeeded') progress.moved.push(move);
    else if (inFlight.includes(child.state)) progress.in_flight.push({ ...move, job_id: child.job_id });
    else progress.failed.push({ tenant_id, job_id: child.job_id, problem: problemOf(child) });
  }
  progress.next = progress.failed.length >= limits.max_failed_moves ? [] : nextMoves(limits, progress);
  progress.ended = progress.in_flight.length === 0 && progress.next.length === 0;
  return progress;
}

const problemOf = ({ state, error }: ChildState): string =>
  error?.message ?? (state === 'stuck' ? 'It is stuck.' : `It was ${state.replaceAll('_', ' ')}.`);

/** In their order, those whose nodes take part in fewer moves than they may. */
function nextMoves(limits: MoveLimits, { in_flight, left }: MoveProgress): PlacedMove[] {
  const { holders, max_moves_per_node } = limits;
  const nodesOf = ({ from, to }: PlacedMove): string[] => [
    ...new Set([...(holders[from] ?? []), ...(holders[to] ?? [])]),
  ];
  const busy = new Map<string, number>();
  const occupy = (move: PlacedMove): void => {
    for (const node of nodesOf(move)) busy.set(node, (busy.get(node) ?? 0) + 1);
  };
  in_flight.forEach(occupy);
  return left.filter((move) => {
    if (nodesOf(move).some((node) => (busy.get(node) ?? 0) >= max_moves_per_node)) return false;
    occupy(move);
    return true;
  });
}

/** How many moves after each other the busiest node takes part in, at its limit of moves at the same time. */
export function roundsOf({ moves, holders, max_moves_per_node }: MoveLimits): number {
  const taken = new Map<string, number>();
  for (const { from, to } of moves) {
    for (const node of new Set([...(holders[from] ?? []), ...(holders[to] ?? [])]))
      taken.set(node, (taken.get(node) ?? 0) + 1);
  }
  return Math.ceil(Math.max(0, ...taken.values()) / max_moves_per_node);
}
