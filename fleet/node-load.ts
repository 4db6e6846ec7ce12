import type { TenantWork } from './work-rules.ts';

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
