/**
 * Pure: how evenly the shards of a service carry their tenants.
 *
 * load       the sum of the weights of a shard's tenants
 * fill       load / capacity
 * average    the load of all shards / the capacity of all shards: the fill that every shard would have if tenants could be cut
 * deviation  (fill - average) / average of one shard: 0.25 is a quarter more than the average, -0.25 a quarter less
 * spread     the largest deviation, above or below: how far the shard that is furthest off is from the average
 */

/** Two spreads closer than this are the same one. */
export const TOLERANCE = 1e-9;

/** A shard on the board: `goal` is the load at which it would be at the average. */
export interface BoardShard {
  shard: string;
  capacity: number;
  goal: number;
  load: number;
  /** May be given tenants. */
  takes: boolean;
}

/** A tenant that may be moved; `home` and `at` are positions in the board's shards. */
export interface BoardTenant {
  tenant_id: string;
  weight: number;
  home: number;
  at: number;
}

/** What a search moves tenants about on. */
export interface Board {
  shards: BoardShard[];
  tenants: BoardTenant[];
}

export const deviationOf = ({ goal }: BoardShard, load: number): number => (load - goal) / goal;

/** 0 when every shard is at the average, or when there is nothing to be uneven about. */
export const spreadOf = (shards: readonly BoardShard[]): number =>
  shards.reduce((worst, shard) => Math.max(worst, Math.abs(deviationOf(shard, shard.load))), 0);

/** Whether the shard may come to this load by being given a tenant. */
export const hasRoom = ({ takes, capacity }: BoardShard, load: number): boolean =>
  takes && load <= capacity + TOLERANCE;

/** The light before the heavy, then by name. */
export const byWeight = (a: BoardTenant, b: BoardTenant): number =>
  a.weight - b.weight || (a.tenant_id < b.tenant_id ? -1 : a.tenant_id > b.tenant_id ? 1 : 0);

/** Moves the tenant and its load. */
export function shift({ shards }: Board, tenant: BoardTenant, to: number): void {
  const from = shards[tenant.at];
  const target = shards[to];
  if (!from || !target) throw new Error(`The board has no shard ${from ? to : tenant.at}.`);
  from.load -= tenant.weight;
  target.load += tenant.weight;
  tenant.at = to;
}

/** Where a tenant goes. */
export interface BoardMove {
  tenant: BoardTenant;
  to: number;
}

/** The tenants that are not at home, as moves from there; the board is set back. */
export function takeMoves(board: Board): BoardMove[] {
  const away = board.tenants.filter(({ at, home }) => at !== home);
  return away.map((tenant) => {
    const to = tenant.at;
    shift(board, tenant, tenant.home);
    return { tenant, to };
  });
}

/** Moves up to which every order is tried when the first one gets stuck. */
const MOST_ORDERED = 8;

/**
 * Does the moves on the board in an order in which each finds room in its shard, and answers them in that order: from the fullest to the
 * emptiest first. Leaves out what finds no room, which of a few moves is only what none of their orders has room for.
 */
export function doInOrder(board: Board, moves: readonly BoardMove[]): BoardMove[] {
  const done = doByRelief(board, moves);
  if (done.length === moves.length || moves.length > MOST_ORDERED) return done;
  const goBack = (taken: readonly BoardMove[]) =>
    taken.forEach(({ tenant }) => shift(board, tenant, tenant.home));
  goBack(done);
  const order: BoardMove[] = [];
  const complete = (): boolean => {
    if (order.length === moves.length) return true;
    for (const move of moves) {
      if (order.includes(move) || !findsRoom(board, move)) continue;
      shift(board, move.tenant, move.to);
      order.push(move);
      if (complete()) return true;
      order.pop();
      shift(board, move.tenant, move.tenant.home);
    }
    return false;
  };
  return complete() ? order : doByRelief(board, moves);
}

function findsRoom({ shards }: Board, { tenant, to }: BoardMove): boolean {
  const target = shards[to];
  return target !== undefined && hasRoom(target, target.load + tenant.weight);
}

function doByRelief(board: Board, moves: readonly BoardMove[]): BoardMove[] {
  const waiting = new Set(moves);
  const done: BoardMove[] = [];
  const { shards } = board;
  for (;;) {
    let next: BoardMove | null = null;
    let most = Number.NEGATIVE_INFINITY;
    for (const move of waiting) {
      const from = shards[move.tenant.at];
      const to = shards[move.to];
      if (!from || !to || !findsRoom(board, move)) continue;
      const relief = deviationOf(from, from.load) - deviationOf(to, to.load);
      if (relief <= most) continue;
      most = relief;
      next = move;
    }
    if (next === null) return done;
    waiting.delete(next);
    shift(board, next.tenant, next.to);
    done.push(next);
  }
}
