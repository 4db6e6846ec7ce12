/** Pure: shards and their load, made of what nodes report and what placements name. */
import { SERVICE_KINDS } from '#contract/placement-record.ts';
import type { Shard } from '#contract/scale.ts';
import type { ShardNodeRow, ShardTotalRow } from './fleet-store.ts';
import { nodeIntervalSeconds, PLACEMENT_INTERVAL_S, type EnvironmentSettings } from './scale-settings.ts';
import { oldestTime } from './watch-rules.ts';

export interface ShardSources {
  environments: readonly Pick<EnvironmentSettings, 'environment' | 'nodes' | 'thresholds'>[];
  nodes: readonly ShardNodeRow[];
  totals: readonly ShardTotalRow[];
  /** When the placements of an environment were last seen. */
  placementsObservedAt: (environment: string) => string | null;
}

type ShardKey = Pick<Shard, 'environment' | 'service' | 'shard'>;

/** Every shard that a node holds or a placement names, by environment in promotion order, service kind and name. */
export function shardsOf({ environments, nodes, totals, placementsObservedAt }: ShardSources): Shard[] {
  const keys = new Map<string, ShardKey>();
  const add = (key: ShardKey) => keys.set(JSON.stringify([key.environment, key.service, key.shard]), key);
  for (const { environment, kind, shards } of nodes) {
    if (kind !== 'gateway') for (const shard of shards) add({ environment, service: kind, shard });
  }
  for (const { environment, service, shard } of totals) add({ environment, service, shard });

  const rank = new Map(environments.map(({ environment }, index) => [environment, index]));
  return [...keys.values()]
    .toSorted(
      (a, b) =>
        (rank.get(a.environment) ?? 0) - (rank.get(b.environment) ?? 0) ||
        SERVICE_KINDS.indexOf(a.service) - SERVICE_KINDS.indexOf(b.service) ||
        a.shard.localeCompare(b.shard, 'en', { numeric: true }),
    )
    .map(({ environment, service, shard }) => {
      const here = (row: { environment: string }) => row.environment === environment;
      const holders = nodes.filter(
        (node) => here(node) && node.kind === service && node.shards.includes(shard),
      );
      const total = totals.find((row) => here(row) && row.service === service && row.shard === shard);
      const settings = environments.find(here);
      return {
        environment,
        service,
        shard,
        nodes: holders.map(({ node_id, state }) => ({ node_id, state })),
        tenant_count: total?.tenant_count ?? 0,
        tenant_capacity: settings?.thresholds.max_tenants_per_shard ?? 0,
        inflight: sum(holders.map(({ inflight }) => inflight)),
        consumer_lag: sum(holders.map(({ consumer_lag }) => consumer_lag)),
        storage_used_ratio: fullest(holders),
        observation:
          holders.length > 0
            ? {
                source: 'node admin API',
                observed_at: oldestTime(holders.map(({ observed_at }) => observed_at)),
                interval_s: nodeIntervalSeconds(settings?.nodes.length ?? 0),
              }
            : {
                source: 'placement store',
                observed_at: placementsObservedAt(environment),
                interval_s: PLACEMENT_INTERVAL_S,
              },
      };
    });
}

const known = <T>(values: readonly (T | null)[]): T[] => values.filter((value) => value !== null);

function sum(values: readonly (number | null)[]): number | null {
  const figures = known(values);
  return figures.length === 0 ? null : figures.reduce((total, figure) => total + figure, 0);
}

/** The share of the fullest node: it is the one that runs out first. */
function fullest(nodes: readonly ShardNodeRow[]): number | null {
  const ratios = known(nodes.map(({ storage }) => storage))
    .filter(({ capacity_bytes }) => capacity_bytes > 0)
    .map(({ used_bytes, capacity_bytes }) => Math.min(1, used_bytes / capacity_bytes));
  return ratios.length === 0 ? null : Math.max(...ratios);
}
