/**
 * Series that one target may export: promised in `docs/metrics-contract.md`, kept by the exporters, and held by the scrape, which drops
 * what exceeds it (`series_limit`).
 */
export const SERIES_BUDGET = {
  /**
   * A node of the platform, whatever the number of tenants. The largest is a gateway: 21 tenants × (5 status classes + 10 of the histogram), routes
   * × methods × statuses × 11.
   */
  node: 2_000,
  /** The control plane: some 15 for each endpoint, at most 1,000 for tasks and 500 for shards, and those that grow with environments. */
  control: 5_000,
} as const;

/** Budget of an environment with this many nodes. */
export const seriesOfNodes = (nodes: number): number => nodes * SERIES_BUDGET.node;
