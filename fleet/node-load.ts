import type { NodeStatus } from '#contract/node.ts';
import { activeLevel, type TenantWork } from './work-rules.ts';

/** Sums over the tenants that a node serves, kept with each applied change so that a status needs no walk over them. */
export type NodeLoad = Omit<TenantWork, 'drain_ms'> & { tenants: number };

export function emptyLoad(): NodeLoad {
  return { tenants: 0, inflight: 0, consumer_lag: 0, requests_per_second: 0, stored_bytes: 0 };
}

/** Adds a tenant to the sums, or takes it out with `sign` -1. */
export function countTenant(load: NodeLoad, work: TenantWork, sign: 1 | -1): void {
  load.tenants += sign;
  load.inflight += sign * work.inflight;
  load.consumer_lag += sign * work.consumer_lag;
  load.requests_per_second += sign * work.requests_per_second;
  load.stored_bytes += sign * work.stored_bytes;
}

const MIB = 1024 ** 2;

/** What the process would use for this load: a little at rest, more with each request and each tenant; no requests while it drains. */
export function processLoad(
  { tenants, requests_per_second }: NodeLoad,
  node_id: string,
  draining: boolean,
  now: number,
): NonNullable<NodeStatus['load']> {
  // Swings are kept in whole thousandths: levels are whole numbers.
  const requests_per_s = draining ? 0 : activeLevel(requests_per_second * 1_000, node_id, now) / 1_000;
  const cores = activeLevel(20 + requests_per_s * 1.5, `${node_id} cores`, now) / 1_000;
  return {
    cpu_cores: cores,
    memory_bytes: Math.round(180 * MIB + tenants * 12_000 + requests_per_s * 20_000),
    requests_per_s,
  };
}
