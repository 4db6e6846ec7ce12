/** What the planner of a rebalance takes for 10,000 tenants on 100 shards, and how far it evens them out. */
import { percent, planRebalance, type ShardLoad } from '#server/scale/rebalance-rules.ts';
import { median, printTable } from './bench-tools.ts';

const SHARDS = 100;
const TENANTS = 10_000;
const ROUNDS = 5;

/** Numbers in [0, 1) that are the same in every run. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

/** A few shards are crowded and many nearly empty, as after the platform has grown. */
function crowded(weightOf: (random: number) => number): ShardLoad[] {
  const next = sequence(7);
  const shards: (ShardLoad & { tenants: { tenant_id: string; weight: number; movable: boolean }[] })[] =
    Array.from({ length: SHARDS }, (_, index) => ({
      shard: `shard-${index + 1}`,
      capacity: 1_000_000,
      takes: true,
      tenants: [],
    }));
  for (let tenant = 1; tenant <= TENANTS; tenant += 1) {
    const at = Math.floor(SHARDS * next() ** 1.5);
    const weight = weightOf(next());
    shards[at]?.tenants.push({ tenant_id: `tenant-${tenant}`, weight, movable: true });
  }
  return shards;
}

const cases: [string, ShardLoad[], number][] = [
  ['equal weights, at most 1,000 moves', crowded(() => 1), 1_000],
  ['equal weights, as many as it takes', crowded(() => 1), TENANTS],
  ['unequal weights, at most 1,000 moves', crowded((random) => 1 + Math.floor(100 * random ** 6)), 1_000],
];
const rows = cases.map(([name, shards, max_moves]) => {
  const times: number[] = [];
  let plan = planRebalance(shards, { max_moves, improvement_threshold: 0 });
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = performance.now();
    plan = planRebalance(shards, { max_moves, improvement_threshold: 0 });
    times.push(performance.now() - began);
  }
  return [
    name,
    `${median(times).toFixed(0)} ms`,
    '≤ 1 s',
    String(plan.moves.length),
    `${percent(plan.spread_before)} → ${percent(plan.spread_after)}`,
  ];
});
printTable(['10,000 tenants on 100 shards', 'median', 'goal', 'moves', 'spread'], rows);
