/**
 * Pure: branch and bound over the sets of moves of tenants that weigh differently. Exact where it comes to its end, which it does for the
 * few moves of a small cluster; elsewhere it leaves what was known as it is.
 */
import {
  byWeight,
  doInOrder,
  shift,
  spreadOf,
  TOLERANCE,
  type Board,
  type BoardMove,
} from './shard-balance-rules.ts';

/** Branches after which the search stops where it is: bounds its time without the clock, so that the answer does not depend on the machine. */
const MOST_BRANCHES = 150_000;
/** Choices of moves up to which the search is begun; beyond, it would end at its bound without an answer. */
const MOST_CHOICES = 1e12;

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
export function improveExactly(
  board: Board,
  max_moves: number,
  known: { spread: number; moves: BoardMove[] },
): BoardMove[] {
  if (choices(board, max_moves) > MOST_CHOICES) return known.moves;
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
