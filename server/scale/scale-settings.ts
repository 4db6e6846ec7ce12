/** What configuration gives to this domain: the environments in promotion order, their nodes, stores and limits. */
import type { NodeKind, ServiceKind } from '#contract/placement-record.ts';
import type pg from 'pg';
import type { Database } from '#server/db/database.ts';
import type { NodeAddress, NodeAdmin } from './node-admin.ts';
import type { Orchestrator } from './orchestrator.ts';
import type { PlacementStore } from './placement-store.ts';
import type { TenantResourceDeclaration } from './tenant-resource-rules.ts';
import type { TenantResourceStore } from './tenant-resource-store.ts';

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

export type NodeSettings = NodeAddress & {
  labels: Record<string, string>;
  /** What runs the node, where an orchestrator does. */
  task?: { task_id: string; service_id: string; host_id: string | null };
};

/** The nodes of an environment whose nodes an orchestrator runs, as this process knows them. */
export interface NodeDirectory {
  /** Every node that is expected now (`expectedNodes`). */
  readonly nodes: readonly NodeSettings[];
  /** Tasks whose process answers somewhere, but has not said which node it is. */
  readonly strangers: readonly NodeSettings[];
  /** Reads the index again if it has changed since, or `always`. */
  refresh(always?: boolean): Promise<void>;
  /**
   * Asks the orchestrator afresh whether it runs nodes of these kinds that are not in the list yet, and says which; null when the list is
   * whole. Says so, too, when the orchestrator does not answer.
   */
  missing(kinds: readonly NodeKind[]): Promise<string | null>;
}

export interface EnvironmentSettings {
  environment: string;
  /** Shown differently, and asked about twice. */
  production: boolean;
  /** Every node that is expected now. Where an orchestrator runs nodes this changes: read it at each look, do not keep it. */
  readonly nodes: readonly NodeSettings[];
  thresholds: ScaleThresholds;
  store: PlacementStore;
  /** The streams and buckets that each tenant has here; absent where nothing is declared. */
  tenant_resources?: { store: TenantResourceStore; declaration: TenantResourceDeclaration };
  /** What runs the nodes, and the list of those that it runs. Absent: every node is configured. */
  orchestrator?: Orchestrator;
  directory?: NodeDirectory;
}

/** What the services, jobs and routes of this domain work with. */
export interface ScaleDependencies {
  db: Database;
  pool: pg.Pool;
  /** In promotion order. */
  environments: readonly EnvironmentSettings[];
  nodes: NodeAdmin;
}

/** How often the placement store and the orchestrator say that they are alive. */
export const PLACEMENT_INTERVAL_S = 1;
export const ORCHESTRATOR_INTERVAL_S = 5;

/** How often each node is asked, and how many a second at most: an environment of many nodes asks each of them less often. */
export const NODE_INTERVAL_S = 2;
const NODES_PER_S = 100;
export const nodeIntervalSeconds = (nodes: number): number => Math.max(NODE_INTERVAL_S, nodes / NODES_PER_S);

/** The settings of an environment, or undefined when there is none of that name. */
export const environmentOf = (
  dependencies: Pick<ScaleDependencies, 'environments'>,
  environment: string,
): EnvironmentSettings | undefined =>
  dependencies.environments.find((settings) => settings.environment === environment);

/** The nodes of these kinds that are expected now. */
export const expectedOf = (
  { nodes }: Pick<EnvironmentSettings, 'nodes'>,
  kinds: readonly NodeKind[],
): NodeSettings[] => nodes.filter(({ kind }) => kinds.includes(kind));

/** Kinds of the nodes that must acknowledge a placement of this kind: the kind itself, and every gateway. */
export const acknowledgingKinds = (service: ServiceKind): NodeKind[] => [service, 'gateway'];

/** Nodes that must acknowledge a placement of this kind, as they are now. */
export const acknowledgers = (settings: EnvironmentSettings, service: ServiceKind): NodeSettings[] =>
  expectedOf(settings, acknowledgingKinds(service));
