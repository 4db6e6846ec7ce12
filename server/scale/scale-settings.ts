/** What configuration gives to this domain: the environments in promotion order, their nodes, stores and limits. */
import type { NodeKind, ServiceKind } from '#contract/placement-record.ts';
import type pg from 'pg';
import type { Database } from '#server/db/database.ts';
import type { NodeAddress, NodeAdmin } from './node-admin.ts';
import type { PlacementStore } from './placement-store.ts';

export interface ScaleThresholds {
  /** Units of work in flight that a tenant may have when its drain begins. */
  max_inflight: number;
  /** Messages that the consumers of a tenant may lag when its drain begins. */
  max_consumer_lag: number;
  /** Share of a target node's storage that may be used, 0 to 1. */
  max_storage_used_ratio: number;
  max_tenants_per_shard: number;
  /** Moves of a rebalance that a node may take part in at the same time. */
  max_moves_per_node: number;
  /** Failed moves after which a rebalance begins no more. */
  max_failed_moves: number;
  /** How long a drain may take before it is given up and undone. */
  drain_timeout_s: number;
  /** The same for a whole node. */
  node_drain_timeout_s: number;
  /** How long nodes may take to acknowledge a placement. */
  ack_timeout_s: number;
}

export const DEFAULT_THRESHOLDS: ScaleThresholds = {
  max_inflight: 200,
  max_consumer_lag: 5_000,
  max_storage_used_ratio: 0.9,
  max_tenants_per_shard: 60_000,
  max_moves_per_node: 2,
  max_failed_moves: 3,
  drain_timeout_s: 60,
  node_drain_timeout_s: 300,
  ack_timeout_s: 30,
};

export type NodeSettings = NodeAddress & { labels: Record<string, string> };

export interface EnvironmentSettings {
  environment: string;
  /** Shown differently, and asked about twice. */
  production: boolean;
  nodes: readonly NodeSettings[];
  thresholds: ScaleThresholds;
  store: PlacementStore;
}

/** What the services, jobs and routes of this domain work with. */
export interface ScaleDependencies {
  db: Database;
  pool: pg.Pool;
  /** In promotion order. */
  environments: readonly EnvironmentSettings[];
  nodes: NodeAdmin;
}

/** How often nodes are asked, and how often the placement store says that it is alive. */
export const NODE_INTERVAL_S = 2;
export const PLACEMENT_INTERVAL_S = 1;

/** The settings of an environment, or undefined when there is none of that name. */
export const environmentOf = (
  dependencies: Pick<ScaleDependencies, 'environments'>,
  environment: string,
): EnvironmentSettings | undefined =>
  dependencies.environments.find((settings) => settings.environment === environment);

/** Nodes that must acknowledge a placement of this kind: every node of the kind, and every gateway. */
export const acknowledgers = (settings: EnvironmentSettings, service: ServiceKind): NodeSettings[] =>
  settings.nodes.filter(({ kind }) => kind === service || kind === ('gateway' satisfies NodeKind));
