/**
 * Pure: evening out shards whose tenants all weigh the same. The result is exact: no other choice of so many moves comes to a smaller
 * spread, and none with fewer moves to the same.
 */
import {
  deviationOf,
  spreadOf,
  TOLERANCE,
  type Board,
  type BoardMove,
  type BoardShard,
  type BoardTenant,
} from './shard-balance-rules.ts';

/** Halvings of the interval of spreads; beyond this it is narrower than a double can tell. */
const HALVINGS = 60;

/** How many tenants a shard has, may have so that it is within the allowed deviation, and can give or take for that. */
interface Band {
  count: number;
  least: number;
  most: number;
  /** As many as may be moved away without falling below `least`. */
  gives: number;
  /** As many as find room without rising above `most`. */
  takes: number;
}

/** The fewest moves that bring the spread as far down as `max_moves` can, in an order that never makes it worse. */
export function evenOutEqual(board: Board, weight: number, max_moves: number): BoardMove[] {
  const movable = tenantsByShard(board);
  const bandsAt = (spread: number): Band[] =>
    board.shards.map((shard, index) => bandOf(shard, weight, movable[index]?.length ?? 0, spread));
  let feasible = spreadOf(board.shards);
  let infeasible = 0;
  if (neededMoves(bandsAt(0)) <= max_moves) feasible = 0;
  for (let halving = 0; halving < HALVINGS && feasible > 0; halving += 1) {
    const middle = (feasible + infeasible) / 2;
    if (neededMoves(bandsAt(middle)) <= max_moves) feasible = middle;
    else infeasible = middle;
  }
  return moveWithin(board, bandsAt(feasible), movable);
}

function bandOf(shard: BoardShard, weight: number, movable: number, spread: number): Band {
  const { goal, load, capacity, takes } = shard;
  const count = Math.round(load / weight);
  const least = Math.max(0, Math.ceil((goal * (1 - spread)) / weight - TOLERANCE));
  const most = Math.floor((goal * (1 + spread)) / weight + TOLERANCE);
  const room = takes ? Math.min(most, Math.floor(capacity / weight + TOLERANCE)) - count : 0;
  return {
    count,
    least,
    most,
    gives: Math.max(0, Math.min(movable, count - least)),
    takes: Math.max(0, room),
  };
}

/** The fewest moves after which every shard is within its band; infinite when no moves do that. */
function neededMoves(bands: readonly Band[]): number {
  let mustGive = 0;
  let mustTake = 0;
  let canGive = 0;
  let canTake = 0;
  for (const { count, least, most, gives, takes } of bands) {
    const surplus = Math.max(0, count - most);
    const shortage = Math.max(0, least - count);
    if (least > most || surplus > gives || shortage > takes) return Number.POSITIVE_INFINITY;
    mustGive += surplus;
    mustTake += shortage;
    canGive += gives;
    canTake += takes;
  }
  const moves = Math.max(mustGive, mustTake);
  return moves <= canGive && moves <= canTake ? moves : Number.POSITIVE_INFINITY;
}

/** Moves from the fullest shard that may give to the emptiest that may take, until every shard is within its band. */
function moveWithin(board: Board, bands: Band[], movable: BoardTenant[][]): BoardMove[] {
  const moves: BoardMove[] = [];
  const needed = neededMoves(bands);
  const { shards } = board;
  const deviations = shards.map((shard) => deviationOf(shard, shard.load));
  const extreme = (able: (band: Band) => boolean, sign: 1 | -1): number => {
    let found = -1;
    for (const [index, band] of bands.entries()) {
      if (!able(band)) continue;
      if (found < 0 || sign * (deviations[index] ?? 0) > sign * (deviations[found] ?? 0)) found = index;
    }
    return found;
  };
  while (moves.length < needed && Number.isFinite(needed)) {
    const from = extreme(({ gives }) => gives > 0, 1);
    const to = extreme(({ takes }) => takes > 0, -1);
    const [giver, taker] = [bands[from], bands[to]];
    const [source, target] = [shards[from], shards[to]];
    const tenant = movable[from]?.pop();
    if (!giver || !taker || !source || !target || !tenant) break;
    giver.gives -= 1;
    taker.takes -= 1;
    // One that gives does not take, and the other way round: it would move twice as many.
    giver.takes = 0;
    taker.gives = 0;
    const step = tenant.weight;
    deviations[from] = (deviations[from] ?? 0) - step / source.goal;
    deviations[to] = (deviations[to] ?? 0) + step / target.goal;
    moves.push({ tenant, to });
  }
  return moves;
}

/** The movable tenants of each shard, the first by name at the end. */
function tenantsByShard({ shards, tenants }: Board): BoardTenant[][] {
  const byShard: BoardTenant[][] = shards.map(() => []);
  for (const tenant of tenants.toSorted((a, b) => (a.tenant_id < b.tenant_id ? 1 : -1))) {
    byShard[tenant.home]?.push(tenant);
  }
  return byShard;
}
