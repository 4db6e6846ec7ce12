/** Pure: which shard a new tenant goes to. */
import type { NodeFacts } from './preflight-rules.ts';
import type { ScaleThresholds } from './scale-settings.ts';

export type ShardChoice = { shard: string; reason: null } | { shard: null; reason: string };

/**
 * The shard with the fewest tenants among those whose nodes are all ready and have room; the first by name among equals. Without one,
 * why not each.
 */
export function leastLoadedShard(
  nodes: readonly NodeFacts[],
  tenantCounts: ReadonlyMap<string, number>,
  thresholds: ScaleThresholds,
): ShardChoice {
  const shards = [...new Set(nodes.flatMap((node) => node.shards))].toSorted();
  const judged = shards.map((shard) => {
    const count = tenantCounts.get(shard) ?? 0;
    const holders = nodes.filter((node) => node.shards.includes(shard));
    return { shard, count, reason: unfitness(shard, holders, count, thresholds) };
  });
  const best = judged.filter(({ reason }) => reason === null).toSorted((a, b) => a.count - b.count)[0];
  if (best) return { shard: best.shard, reason: null };
  const silent = nodes
    .filter((node) => node.shards.length === 0)
    .map(({ problem, node_id }) => problem ?? `${node_id} holds no shard`);
  const reasons = [...judged.map(({ reason }) => reason), ...silent].filter((reason) => reason !== null);
  return { shard: null, reason: reasons.length > 0 ? reasons.join('; ') : 'there is no such node' };
}

/** Why a shard can take no tenant, or null when it can. */
export function unfitness(
  shard: string,
  holders: readonly NodeFacts[],
  count: number,
  thresholds: ScaleThresholds,
): string | null {
  const unfit = holders.find(({ state }) => state !== 'ready');
  if (unfit) return (unfit.problem ?? `${unfit.node_id} is ${unfit.state}`).replace(/\.$/, '');
  const full = holders.find(
    ({ status }) => status !== null && usedRatio(status.storage) > thresholds.max_storage_used_ratio,
  );
  if (full) return `the storage of ${full.node_id} is full`;
  return count >= thresholds.max_tenants_per_shard
    ? `${shard} has ${count} tenants, as many as are allowed`
    : null;
}

const usedRatio = ({ used_bytes, capacity_bytes }: { used_bytes: number; capacity_bytes: number }): number =>
  capacity_bytes > 0 ? used_bytes / capacity_bytes : 1;
