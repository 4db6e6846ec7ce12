/**
 * Pure: evening out shards whose tenants weigh differently, which is bin packing and has no quick exact answer. A descent takes the shard
 * that is furthest off and gives it the move, or the exchange of two tenants, that brings it and its counterpart nearest to the average,
 * until none helps. Where there are few enough choices of moves, branch and bound goes on from there to the exact answer.
 */
import { improveExactly } from './exact-moves-rules.ts';
import {
  byWeight,
  deviationOf,
  doInOrder,
  hasRoom,
  shift,
  spreadOf,
  takeMoves,
  TOLERANCE,
  type Board,
  type BoardMove,
  type BoardShard,
  type BoardTenant,
} from './shard-balance-rules.ts';

/** Looks at pairs after which the descent stops: bounds its time without the clock, so that the answer does not depend on the machine. */
const MOST_EXCHANGES = 2_000_000;

/** Moves that even the board out, in an order in which each finds room. */
export function evenOutUnequal(board: Board, max_moves: number): BoardMove[] {
  const found = descend(board, max_moves);
  const known = { spread: spreadAfter(board, found), moves: inOrder(board, found) };
  return inOrder(board, improveExactly(board, max_moves, known));
}

function inOrder(board: Board, moves: readonly BoardMove[]): BoardMove[] {
  const ordered = doInOrder(board, moves);
  takeMoves(board);
  return ordered;
}

function spreadAfter(board: Board, moves: readonly BoardMove[]): number {
  doInOrder(board, moves);
  const spread = spreadOf(board.shards);
  takeMoves(board);
  return spread;
}

/** One or two tenants that change places, and how far off the worse of the two shards is then. */
interface Step {
  moves: BoardMove[];
  worse: number;
}

function descend(board: Board, max_moves: number): BoardMove[] {
  const { shards } = board;
  const lists = sortedTenants(board);
  const looks = { left: MOST_EXCHANGES };
  let best: BoardMove[] = [];
  let bestSpread = spreadOf(shards);
  let away = 0;
  for (;;) {
    const worst = furthestOff(shards);
    const off = Math.abs(deviationOf(shards[worst] as BoardShard, (shards[worst] as BoardShard).load));
    const allowed = max_moves - away;
    const step =
      bestMove(board, lists, worst, allowed, off) ?? bestExchange(board, lists, worst, allowed, off, looks);
    if (step === null || looks.left <= 0) break;
    for (const { tenant, to } of step.moves) {
      away += cost(tenant, to);
      remove(lists[tenant.at] ?? [], tenant);
      shift(board, tenant, to);
      insert(lists[to] ?? [], tenant);
    }
    const spread = spreadOf(shards);
    if (spread < bestSpread - TOLERANCE) {
      bestSpread = spread;
      best = board.tenants.filter(({ at, home }) => at !== home).map((tenant) => ({ tenant, to: tenant.at }));
    }
  }
  takeMoves(board);
  return best;
}

const furthestOff = (shards: readonly BoardShard[]): number =>
  shards.reduce(
    (found, shard, index) =>
      Math.abs(deviationOf(shard, shard.load)) >
      Math.abs(deviationOf(shards[found] as BoardShard, (shards[found] as BoardShard).load))
        ? index
        : found,
    0,
  );

/** What a move adds to the number of tenants that are away from home. */
const cost = ({ at, home }: BoardTenant, to: number): number => Number(to !== home) - Number(at !== home);

/** The weight that, going from one shard to the other, would bring both to the same deviation. */
const idealWeight = (from: BoardShard, to: BoardShard): number =>
  ((from.load - from.goal) * to.goal - (to.load - to.goal) * from.goal) / (from.goal + to.goal);

const worseAfter = (from: BoardShard, to: BoardShard, weight: number): number =>
  Math.max(Math.abs(deviationOf(from, from.load - weight)), Math.abs(deviationOf(to, to.load + weight)));

/** Each other shard with the worst one, as giver and taker. */
function* pairsWith(
  { shards }: Board,
  worst: number,
): Generator<{ giver: number; taker: number; from: BoardShard; to: BoardShard; ideal: number }> {
  const shard = shards[worst] as BoardShard;
  const gives = shard.load > shard.goal;
  for (const [index, other] of shards.entries()) {
    if (index === worst) continue;
    const [giver, taker] = gives ? [worst, index] : [index, worst];
    const [from, to] = gives ? [shard, other] : [other, shard];
    const ideal = idealWeight(from, to);
    if (to.takes && ideal > 0) yield { giver, taker, from, to, ideal };
  }
}

function bestMove(
  board: Board,
  lists: BoardTenant[][],
  worst: number,
  allowed: number,
  off: number,
): Step | null {
  let best: Step | null = null;
  for (const { giver, taker, from, to, ideal } of pairsWith(board, worst)) {
    const all = lists[giver] ?? [];
    // At the limit only those may move that are away from home already.
    const able = allowed > 0 ? all : all.filter((tenant) => cost(tenant, taker) <= allowed);
    for (const tenant of around(able, ideal)) {
      if (!hasRoom(to, to.load + tenant.weight)) continue;
      const worse = worseAfter(from, to, tenant.weight);
      if (worse < (best?.worse ?? off) - TOLERANCE) best = { moves: [{ tenant, to: taker }], worse };
    }
  }
  return best;
}

function bestExchange(
  board: Board,
  lists: BoardTenant[][],
  worst: number,
  allowed: number,
  off: number,
  looks: { left: number },
): Step | null {
  let best: Step | null = null;
  for (const { giver, taker, from, to, ideal } of pairsWith(board, worst)) {
    if (!from.takes) continue;
    const back = lists[taker] ?? [];
    for (const tenant of lists[giver] ?? []) {
      looks.left -= 1;
      if (tenant.weight <= ideal) continue;
      for (const other of around(back, tenant.weight - ideal)) {
        const weight = tenant.weight - other.weight;
        if (weight <= 0 || cost(tenant, taker) + cost(other, giver) > allowed) continue;
        if (!hasRoom(to, to.load + weight)) continue;
        const worse = worseAfter(from, to, weight);
        if (worse >= (best?.worse ?? off) - TOLERANCE) continue;
        best = {
          moves: [
            { tenant, to: taker },
            { tenant: other, to: giver },
          ],
          worse,
        };
      }
      if (looks.left <= 0) return best;
    }
  }
  return best;
}

function sortedTenants({ shards, tenants }: Board): BoardTenant[][] {
  const lists: BoardTenant[][] = shards.map(() => []);
  for (const tenant of tenants.toSorted(byWeight)) lists[tenant.at]?.push(tenant);
  return lists;
}

/** Position of the first that does not come before. */
function position(list: readonly BoardTenant[], comesBefore: (tenant: BoardTenant) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const tenant = list[middle];
    if (tenant && comesBefore(tenant)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The tenants that are next below and above the weight. */
function around(list: readonly BoardTenant[], weight: number): BoardTenant[] {
  const above = position(list, (tenant) => tenant.weight < weight);
  return [list[above - 1], list[above]].filter((tenant) => tenant !== undefined);
}

const insert = (list: BoardTenant[], tenant: BoardTenant): void =>
  void list.splice(
    position(list, (other) => byWeight(other, tenant) < 0),
    0,
    tenant,
  );
const remove = (list: BoardTenant[], tenant: BoardTenant): void => void list.splice(list.indexOf(tenant), 1);
