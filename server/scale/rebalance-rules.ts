/**
 * Pure: which tenants to move so that the shards of one service carry their load more evenly. The words load, fill, average and spread
 * stand in shard-balance-rules.ts.
 *
 * The moves that are proposed never worsen the spread, never bring a shard above its capacity at any point of their order, are at most
 * `max_moves`, move no tenant twice, and are the same for the same input.
 */
import { evenOutEqual } from './equal-weights-rules.ts';
import { doInOrder, spreadOf, TOLERANCE, type Board, type BoardMove } from './shard-balance-rules.ts';
import { evenOutUnequal } from './unequal-weights-rules.ts';

export interface ShardLoad {
  shard: string;
  /** The most load that it may carry, in the unit of the weights. */
  capacity: number;
  /** Whether it may be given tenants. One that may not is relieved when it is above the average, and otherwise left out. */
  takes: boolean;
  tenants: readonly TenantWeight[];
}

export interface TenantWeight {
  tenant_id: string;
  /** 1 to even out the number of tenants, or a measured load. */
  weight: number;
  /** Whether it may be moved; one that may not counts where it is. */
  movable: boolean;
}

export interface RebalanceLimits {
  max_moves: number;
  /** Nothing is moved when the spread would improve by less than this share of itself, 0 to 1. */
  improvement_threshold: number;
}

export interface RebalanceMove {
  tenant_id: string;
  from: string;
  to: string;
}

export interface Rebalance {
  /** In this order each finds room. */
  moves: RebalanceMove[];
  spread_before: number;
  spread_after: number;
  /** Shards that take no part: they may be given nothing and are not above the average. */
  left_out: string[];
  /** Why nothing is moved, in a sentence; null when something is. */
  reason: string | null;
}

/** The moves that even the shards out, or why none is worth it. */
export function planRebalance(shards: readonly ShardLoad[], limits: RebalanceLimits): Rebalance {
  const { taking_part, left_out } = participants(shards);
  const board = boardOf(taking_part);
  const spread_before = spreadOf(board.shards);
  const moves = searchMoves(board, limits.max_moves);
  const done = doInOrder(board, moves);
  const spread_after = spreadOf(board.shards);
  const nothing = (reason: string): Rebalance => ({
    moves: [],
    spread_before,
    spread_after: spread_before,
    left_out,
    reason,
  });

  if (board.shards.length < 2) return nothing('There are no two shards to move tenants between.');
  if (spread_before < TOLERANCE) return nothing('Every shard is at the average already.');
  if (done.length === 0 || spread_after >= spread_before - TOLERANCE) {
    return nothing(whyNot(board, spread_before));
  }
  const improvement = (spread_before - spread_after) / spread_before;
  if (improvement < limits.improvement_threshold - TOLERANCE) {
    return nothing(
      `${count(done.length, 'move')} would bring the spread from ${percent(spread_before)} to ${percent(spread_after)}, an improvement by ${percent(improvement)}; at least ${percent(limits.improvement_threshold)} is asked for.`,
    );
  }
  const name = (index: number): string => board.shards[index]?.shard ?? '';
  return {
    moves: done.map(({ tenant, to }) => ({
      tenant_id: tenant.tenant_id,
      from: name(tenant.home),
      to: name(to),
    })),
    spread_before,
    spread_after,
    left_out,
    reason: null,
  };
}

/** 0.256 as `25.6 %`. */
export const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;
const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

const loadOf = ({ tenants }: ShardLoad): number => tenants.reduce((sum, { weight }) => sum + weight, 0);

/** Without the shards that may be given nothing and are not above the average of those that stay. */
function participants(shards: readonly ShardLoad[]): { taking_part: ShardLoad[]; left_out: string[] } {
  let taking_part = shards.filter(({ capacity, takes }) => capacity > 0 || !takes);
  for (;;) {
    const average = averageOf(taking_part);
    const staying = taking_part.filter(
      (shard) => shard.capacity > 0 && (shard.takes || loadOf(shard) / shard.capacity > average),
    );
    if (staying.length === taking_part.length) break;
    taking_part = staying;
  }
  const stays = new Set(taking_part);
  return { taking_part, left_out: shards.filter((shard) => !stays.has(shard)).map(({ shard }) => shard) };
}

const averageOf = (shards: readonly ShardLoad[]): number =>
  shards.reduce((sum, shard) => sum + loadOf(shard), 0) /
  shards.reduce((sum, { capacity }) => sum + capacity, 0);

function boardOf(shards: readonly ShardLoad[]): Board {
  const average = averageOf(shards);
  return {
    // Without any load every shard is at its goal, whatever that is.
    shards: shards.map((shard) => ({
      shard: shard.shard,
      capacity: shard.capacity,
      goal: average > 0 ? average * shard.capacity : 1,
      load: average > 0 ? loadOf(shard) : 1,
      takes: shard.takes,
    })),
    tenants: shards.flatMap(({ tenants }, home) =>
      tenants
        .filter(({ movable, weight }) => movable && weight > 0)
        .map(({ tenant_id, weight }) => ({ tenant_id, weight, home, at: home })),
    ),
  };
}

function searchMoves(board: Board, max_moves: number): BoardMove[] {
  const [first] = board.tenants;
  if (!first || board.shards.length < 2) return [];
  const { weight } = first;
  const equal = board.tenants.every((tenant) => tenant.weight === weight);
  const whole = board.shards.every(
    ({ load }) => Math.abs(load / weight - Math.round(load / weight)) < TOLERANCE,
  );
  return equal && whole ? evenOutEqual(board, weight, max_moves) : evenOutUnequal(board, max_moves);
}

function whyNot(board: Board, spread: number): string {
  const furthest = `the shard that is furthest off is ${percent(spread)} from the average`;
  if (board.tenants.length === 0) return `No tenant may be moved; ${furthest}.`;
  const below = board.shards.filter(({ load, goal, takes }) => takes && load < goal - TOLERANCE);
  if (below.every(({ load, capacity }) => load >= capacity - TOLERANCE))
    return `No shard below the average has room; ${furthest}.`;
  return `No choice of moves makes the shards more even; ${furthest}.`;
}
