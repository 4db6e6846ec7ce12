/**
 * How much work a tenant brings, derived from its id and the time alone: no tenant is ever ticked, so a hundred thousand
 * of them cost nothing until someone asks. Pure. Times are milliseconds since the epoch.
 */

/** What a tenant is worth to a node: counts at rest, a rate, bytes stored, and how long its drain takes at speed 1. */
export type TenantWork = {
  inflight: number;
  consumer_lag: number;
  requests_per_second: number;
  stored_bytes: number;
  drain_ms: number;
};

export type WorkLevel = { inflight: number; consumer_lag: number };

export const NO_WORK: WorkLevel = { inflight: 0, consumer_lag: 0 };

const SHORTEST_DRAIN_MS = 500;
const LONGEST_DRAIN_MS = 3_000;
const KIB = 1024;

/** Evenly spread 32-bit hash of a text (FNV-1a, then the finaliser of MurmurHash3, since FNV alone leaves similar ids close). */
export function hashText(text: string, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The hash as a fraction in [0, 1). */
export function fraction(text: string, seed = 0): number {
  return hashText(text, seed) / 2 ** 32;
}

/** High powers make most tenants small and a few large, as tenants are. Consumer lag exists only where messages are consumed. */
export function tenantWork(tenant_id: string, consumesMessages: boolean): TenantWork {
  const size = fraction(tenant_id, 1);
  return {
    inflight: 3 + Math.floor(38 * size ** 6),
    consumer_lag: consumesMessages ? 4 + Math.floor(180 * fraction(tenant_id, 2) ** 4) : 0,
    requests_per_second: 0.02 + 25 * size ** 10,
    stored_bytes: 64 * KIB + Math.floor(1024 * KIB * fraction(tenant_id, 3) ** 4),
    drain_ms: SHORTEST_DRAIN_MS + fraction(tenant_id, 4) * (LONGEST_DRAIN_MS - SHORTEST_DRAIN_MS),
  };
}

/** The level of an active tenant: swings by a fifth around its base over about half a minute, never below one. */
export function activeLevel(base: number, tenant_id: string, now: number): number {
  if (base === 0) return 0;
  const phase = fraction(tenant_id, 5);
  const period = 20_000 + 20_000 * fraction(tenant_id, 6);
  return Math.max(1, Math.round(base * (1 + 0.2 * Math.sin(2 * Math.PI * (now / period + phase)))));
}

/**
 * What is left of `initial` units after `elapsed_ms` of a drain that takes `duration_ms`: falls evenly, so that an estimate
 * from the observed rate comes true; whole units; 0 exactly from `duration_ms` on.
 */
export function drainLevel(initial: number, elapsed_ms: number, duration_ms: number): number {
  if (elapsed_ms >= duration_ms) return 0;
  return Math.ceil(initial * (1 - Math.max(0, elapsed_ms) / duration_ms));
}

/** Where a drain that never converges comes to rest: half way, never at nothing. */
export function stalledLevel(initial: number, elapsed_ms: number, duration_ms: number): number {
  return Math.max(1, Math.ceil(initial / 2), drainLevel(initial, elapsed_ms, duration_ms));
}
