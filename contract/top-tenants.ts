/**
 * Which tenants have metric series of their own. Everybody who exports a metric with `tenant_id` uses this, so that the number of series
 * is bounded whatever the number of tenants (docs/metrics-contract.md). Pure.
 *
 * Place: the right to series of one's own; there are `size` of them. Ranking: the tenants by weight, the heaviest first. Edge: the rank
 * up to which a tenant that has a place keeps it.
 */

/** The tenant that all those without a place are counted as. */
export const OTHER_TENANTS = 'other';

export interface TopTenantsOptions {
  /** Places. */
  size: number;
  /** A tenant beyond this rank loses its place, once it has been there for `patience` rankings in a row. */
  edge: number;
  patience: number;
  /** When no place is free, a tenant among the first `size` takes the place of one that is not, if it outweighs it by this factor. */
  margin: number;
}

/** What docs/metrics-contract.md promises. */
export const TOP_TENANTS: TopTenantsOptions = { size: 20, edge: 30, patience: 3, margin: 1.5 };
/** How often a ranking is made. */
export const RANKING_INTERVAL_MS = 10_000;

export class TopTenants {
  readonly #options: TopTenantsOptions;
  /** For each tenant with a place, the rankings in a row that it has been beyond the edge. */
  readonly #places = new Map<string, number>();

  constructor(options: TopTenantsOptions = TOP_TENANTS) {
    this.#options = options;
  }

  /** The tenants that have a place, at most `size`. */
  get tenants(): Iterable<string> {
    return this.#places.keys();
  }

  /** The value of the label `tenant_id` for what this tenant does. */
  labelOf(tenant_id: string): string {
    return this.#places.has(tenant_id) ? tenant_id : OTHER_TENANTS;
  }

  /**
   * Makes a new ranking. `weights` are rates since the last one; who is missing weighs nothing. The series of those who left must be removed,
   * those of who entered be shown at 0 first: so a counter that comes back is seen as one that begins anew.
   */
  rank(weights: Iterable<readonly [tenant_id: string, weight: number]>): {
    entered: string[];
    left: string[];
  } {
    const { size, edge, patience, margin } = this.#options;
    // A tenant that is called `other` shares the series of the rest: were it to leave, these would be removed.
    const ranked = [...weights]
      .filter(([tenant_id, weight]) => weight > 0 && tenant_id !== OTHER_TENANTS)
      .toSorted(([one, weight], [two, other]) => other - weight || (one < two ? -1 : 1));
    const weightOf = new Map(ranked);
    const first = ranked.slice(0, size);
    const safe = new Set(ranked.slice(0, edge).map(([tenant_id]) => tenant_id));
    const before = new Set(this.#places.keys());

    for (const [tenant_id, rankings] of this.#places) {
      const beyond = safe.has(tenant_id) ? 0 : rankings + 1;
      if (beyond >= patience) this.#places.delete(tenant_id);
      else this.#places.set(tenant_id, beyond);
    }
    const among = new Set(first.map(([tenant_id]) => tenant_id));
    const displaceable = [...this.#places.keys()]
      .filter((tenant_id) => !among.has(tenant_id))
      .toSorted((one, two) => (weightOf.get(one) ?? 0) - (weightOf.get(two) ?? 0));
    for (const [tenant_id, weight] of first) {
      if (this.#places.has(tenant_id)) continue;
      if (this.#places.size >= size) {
        const [lightest] = displaceable;
        if (lightest === undefined || weight <= margin * (weightOf.get(lightest) ?? 0)) continue;
        displaceable.shift();
        this.#places.delete(lightest);
      }
      this.#places.set(tenant_id, 0);
    }
    return {
      entered: [...this.#places.keys()].filter((tenant_id) => !before.has(tenant_id)),
      left: [...before].filter((tenant_id) => !this.#places.has(tenant_id)),
    };
  }
}
