/**
 * What tenants ask of a node and how it copes: traffic at rest, attacks on top of it, and what that and the faults do to everybody's
 * requests. Pure.
 */

import type { WorkLevel } from './work-rules.ts';

/** A tenant that sends more than it should; rates in requests a second. */
export type Attack = {
  tenant_id: string;
  /** How many times the usual traffic of the whole node it sends. */
  times: number;
  /** Let in, beyond the tenant's usual traffic. */
  admitted: number;
  /** Refused by the limit of a tenant: 429. Only gateways refuse; what they refuse reaches nobody else. */
  refused: number;
};

/** How requests fare. */
export type Condition = {
  /** How many times longer they take than at rest. */
  slowdown: number;
  /** What is added to the time of each. */
  delay_s: number;
  /** Share that fails through no fault of the caller: 5xx. */
  failing: number;
};

export type NodeDemand = {
  /** Requests a second of all tenants but for attacks. */
  resting: number;
  attacks: readonly Attack[];
  condition: Condition;
};

export type Troubles = {
  /** Share of requests that a release or a fault of the node lets fail; null when neither does. */
  regressed: number | null;
  slow_ms: number;
  storage_ok: boolean;
};

/** Failures of every day: a tenth of what the objective of 99.9 % allows. */
export const USUAL_FAILING = 0.0001;
// A node can do this many times its usual traffic.
const HEADROOM = 2.5;
// The most that one tenant may do at a gateway beyond its usual traffic, in times the node's: enough to hurt.
const TENANT_LIMIT = 2;
// To refuse a request costs this share of answering it.
const REFUSAL_COST = 0.1;
const BUSIEST = 0.98;
const REGRESSED_SLOWDOWN = 15;
const UNWRITABLE_FAILING = 0.5;
const REQUEST_MEDIAN_S = 0.03;
const CONSUMER_DELAY_S = 2;

/** What becomes of an attack on a node whose tenants send `resting` requests a second. */
export function attackOf(tenant_id: string, times: number, resting: number, refuses: boolean): Attack {
  const offered = times * Math.max(1, resting);
  const admitted = Math.min(offered, TENANT_LIMIT * Math.max(1, resting));
  return { tenant_id, times, admitted, refused: refuses ? offered - admitted : 0 };
}

/** Waiting grows with utilisation as in a queue; what a node cannot do at all fails. */
export function conditionOf(resting: number, attacks: readonly Attack[], troubles: Troubles): Condition {
  const usual = Math.max(1, resting);
  const extra = attacks.reduce((sum, { admitted, refused }) => sum + admitted + REFUSAL_COST * refused, 0);
  const utilisation = (usual + extra) / (usual * HEADROOM);
  const queueing = (1 - 1 / HEADROOM) / (1 - Math.min(utilisation, BUSIEST));
  const overload = utilisation > BUSIEST ? 1 - BUSIEST / utilisation : 0;
  const failing = [
    USUAL_FAILING,
    overload,
    troubles.regressed ?? 0,
    troubles.storage_ok ? 0 : UNWRITABLE_FAILING,
  ];
  return {
    slowdown: queueing * (troubles.regressed === null ? 1 : REGRESSED_SLOWDOWN),
    delay_s: troubles.slow_ms / 1_000,
    failing: 1 - failing.reduce((good, share) => good * (1 - share), 1),
  };
}

export const DEFAULT_REGRESSION = 0.1;

/** What an attack leaves in flight (by Little's law) and waiting for consumers. */
export function attackLevel({ admitted }: Attack, condition: Condition): WorkLevel {
  return {
    inflight: Math.round(admitted * meanOf(medianUnder(condition, REQUEST_MEDIAN_S))),
    consumer_lag: Math.round(admitted * CONSUMER_DELAY_S),
  };
}

/** The share of requests that a build fails by its own fault: one whose version ends in `-regressed`, as a bad release would. */
export const regressionOf = (version: string): number | null =>
  version.endsWith('-regressed') ? DEFAULT_REGRESSION : null;

// The larger, the fewer requests take much longer than most.
const SHAPE = 3;
const MEAN_TO_MEDIAN = Math.PI / SHAPE / Math.sin(Math.PI / SHAPE);

/** Share of durations up to `bound`, when they are spread log-logistically around `median` (95 % stay below 2.7 times the median). */
export function shareWithin(bound: number, median: number): number {
  return 1 / (1 + (median / bound) ** SHAPE);
}

export const meanOf = (median: number): number => median * MEAN_TO_MEDIAN;

/** The median under a condition of what takes `median` seconds at rest. */
export const medianUnder = ({ slowdown, delay_s }: Condition, median: number): number =>
  median * slowdown + delay_s;
