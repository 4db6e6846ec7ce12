import { OTHER_TENANTS, RANKING_INTERVAL_MS, TOP_TENANTS, TopTenants } from '#contract/top-tenants.ts';
import type { Condition } from '../demand-rules.ts';
import type { NodeState } from '../node-state.ts';

/** What tenants did on a node in a while; counts of requests. Tenants without a place of their own are `other`. */
export type TrafficPeriod = {
  seconds: number;
  tenants: readonly { tenant_id: string; admitted: number; refused: number }[];
  /** Sums of these. */
  admitted: number;
  refused: number;
  /** Requests that came but for attacks. */
  resting: number;
  condition: Condition;
};

/** Who has series of their own from now on, and who has not any more. */
export type PlaceChange = { entered: readonly string[]; left: readonly string[] };

/** The part of a node's metrics that comes of the traffic of tenants. */
export interface WorkMetrics {
  /** Counts what was done. */
  count: (period: TrafficPeriod) => void;
  /** Gives tenants series of their own, at 0, and takes them away. */
  place: (change: PlaceChange) => void;
}

/** Adds up what the tenants of a node do, from one look to the next; what they do is derived from their rates. */
export class NodeTraffic {
  readonly #node: NodeState;
  readonly #clock: () => number;
  readonly #top = new TopTenants();
  #rankedAt = Number.NEGATIVE_INFINITY;
  #lookedAt: number;

  constructor(node: NodeState, clock: () => number) {
    this.#node = node;
    this.#clock = clock;
    this.#lookedAt = clock();
  }

  /** The tenants that have series of their own. */
  get topTenants(): Iterable<string> {
    return this.#top.tenants;
  }

  /** What was done since the last look. */
  look(): TrafficPeriod {
    const now = this.#clock();
    const seconds = Math.max(0, now - this.#lookedAt) / 1_000;
    this.#lookedAt = now;
    const { resting, attacks, condition } = this.#node.demand();
    const other = { tenant_id: OTHER_TENANTS, admitted: resting * seconds, refused: 0 };
    const counts = new Map([[OTHER_TENANTS, other]]);
    for (const tenant_id of this.#top.tenants) {
      const admitted = this.#node.tenantRate(tenant_id) * seconds;
      other.admitted -= admitted;
      counts.set(tenant_id, { tenant_id, admitted, refused: 0 });
    }
    other.admitted = Math.max(0, other.admitted);
    for (const attack of attacks) {
      const tenant = counts.get(attack.tenant_id) ?? other;
      tenant.admitted += attack.admitted * seconds;
      tenant.refused += attack.refused * seconds;
    }
    const tenants = [...counts.values()];
    const sumOf = (field: 'admitted' | 'refused') => tenants.reduce((sum, each) => sum + each[field], 0);
    return {
      seconds,
      tenants,
      admitted: sumOf('admitted'),
      refused: sumOf('refused'),
      resting: resting * seconds,
      condition,
    };
  }

  /** Makes a new ranking when it is time; what was done until now is to be counted before. */
  rank(): PlaceChange {
    const now = this.#clock();
    if (now - this.#rankedAt < RANKING_INTERVAL_MS) return { entered: [], left: [] };
    const weights = new Map(
      this.#node.largestTenants(TOP_TENANTS.edge).map((id) => [id, this.#node.tenantRate(id)]),
    );
    for (const { tenant_id, admitted, refused } of this.#node.demand().attacks) {
      weights.set(tenant_id, this.#node.tenantRate(tenant_id) + admitted + refused);
    }
    // Until the placements are loaded there is nobody to rank.
    if (weights.size > 0) this.#rankedAt = now;
    return this.#top.rank(weights);
  }
}
