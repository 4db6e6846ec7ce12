/**
 * Pure: evening out shards whose tenants weigh differently, which is bin packing and has no quick exact answer. A descent takes the shard
 * that is furthest off and gives it the move, or the exchange of two tenants, that brings it and its counterpart nearest to the average,
 * until none helps. Where there are few enough choices of moves, branch and bound goes on from there to the exact answer.
 */
import {
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

/** Looks after which a search stops where it is: bounds its time without the clock, so that the answer does not depend on the machine. */
const MOST_EXCHANGES = 2_000_000;
const MOST_BRANCHES = 150_000;
/** Choices of moves up to which the exact search is begun; beyond, it would end at its bound without an answer. */
const MOST_CHOICES = 1e12;

/** Moves that even the board out, in an order in which each finds room. */
export function evenOutUnequal(board: Board, max_moves: number): BoardMove[] {
  const found = descend(board, max_moves);
  const spread = spreadAfter(board, found);
  if (choices(board, max_moves) > MOST_CHOICES) return inOrder(board, found);
  return inOrder(board, tryAll(board, max_moves, { spread, moves: inOrder(board, found) }));
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

const byWeight = (a: BoardTenant, b: BoardTenant): number =>
  a.weight - b.weight || (a.tenant_id < b.tenant_id ? -1 : a.tenant_id > b.tenant_id ? 1 : 0);

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

/** How many sets of at most so many moves there are; may be infinite. */
function choices({ shards, tenants }: Board, max_moves: number): number {
  let sets = 1;
  let total = 1;
  for (let moved = 1; moved <= Math.min(max_moves, tenants.length); moved += 1) {
    sets = (sets * (tenants.length - moved + 1) * (shards.length - 1)) / moved;
    total += sets;
  }
  return total;
}

/**
 * Branch and bound over the sets of moves, the heavy tenants first: the smallest spread, and among those the fewest moves. Leaves a branch
 * when the moves that are left cannot bring every shard nearer to the average than the best known; stops after MOST_BRANCHES.
 */
function tryAll(board: Board, max_moves: number, known: { spread: number; moves: BoardMove[] }): BoardMove[] {
  const { shards } = board;
  const tenants = board.tenants.toSorted((a, b) => byWeight(b, a));
  let best = known;
  let looks = MOST_BRANCHES;
  const chosen: BoardMove[] = [];
  const look = (): void => {
    const spread = spreadOf(shards);
    const fewer = chosen.length < best.moves.length && spread < best.spread + TOLERANCE;
    if (spread >= best.spread - TOLERANCE && !fewer) return;
    const moves = [...chosen];
    if (isFeasible(board, moves)) best = { spread, moves };
  };
  const hopeless = (left: number, heaviest: number): boolean => {
    let give = 0;
    let take = 0;
    for (const { load, goal } of shards) {
      const beyond = Math.abs(load - goal) - goal * (best.spread - TOLERANCE);
      if (beyond <= 0) continue;
      const moves = Math.ceil(beyond / heaviest - TOLERANCE);
      if (load > goal) give += moves;
      else take += moves;
    }
    return Math.max(give, take) > left;
  };
  const choose = (from: number): void => {
    look();
    for (let index = from; index < tenants.length; index += 1) {
      const tenant = tenants[index];
      const left = max_moves - chosen.length;
      if (!tenant || left === 0 || looks <= 0 || hopeless(left, tenant.weight)) return;
      for (const [to, shard] of shards.entries()) {
        if (to === tenant.home || !shard.takes) continue;
        looks -= 1;
        shift(board, tenant, to);
        chosen.push({ tenant, to });
        choose(index + 1);
        chosen.pop();
        shift(board, tenant, tenant.home);
      }
    }
  };
  choose(0);
  return best.moves;
}

/** Whether there is an order in which each of the moves, which stand on the board, finds room. */
function isFeasible(board: Board, moves: readonly BoardMove[]): boolean {
  for (const { tenant } of moves) shift(board, tenant, tenant.home);
  const done = doInOrder(board, moves);
  for (const { tenant } of done) shift(board, tenant, tenant.home);
  for (const { tenant, to } of moves) shift(board, tenant, to);
  return done.length === moves.length;
}
