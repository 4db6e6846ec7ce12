/** Lists of the platform as observed, narrowed to what the caller may see. An environment that is not configured has nothing to list. */
import type { EnvironmentSummary, Node, Placement, Shard } from '#contract/scale.ts';
import type { Observation, Page } from '#contract/common.ts';
import type { ServiceKind } from '#contract/placement-record.ts';
import {
  allowedScopes,
  principalOf,
  reachesEnvironment,
  type AllowedScopes,
  type CallContext,
} from '#server/http/call-context.ts';
import {
  countNodes,
  listNodeRows,
  listPlacementRows,
  readShardNodes,
  readShardTotals,
  readWatchRows,
  type NodeFilter,
  type NodeRow,
  type PlacementFilter,
} from './fleet-store.ts';
import {
  nodeIntervalSeconds,
  ORCHESTRATOR_INTERVAL_S,
  PLACEMENT_INTERVAL_S,
  type ScaleDependencies,
} from './scale-settings.ts';
import { shardsOf } from './shard-load-rules.ts';
import { readOrchestratorWatchRows } from './orchestrator-list-store.ts';
import { observedTogether, orchestratorState, watcherState } from './watch-rules.ts';

type FleetDependencies = Pick<ScaleDependencies, 'db' | 'environments'>;

/** A node with where and when it was observed, of an environment with so many nodes. */
export const nodeShown = ({ observed_at, ...node }: NodeRow, nodes: number): Node => ({
  ...node,
  observation: { source: 'node admin API', observed_at, interval_s: nodeIntervalSeconds(nodes) },
});
const ofPlacements = (observed_at: string | null): Observation => ({
  source: 'placement store',
  observed_at,
  interval_s: PLACEMENT_INTERVAL_S,
});

/** Environments in promotion order: those where the caller holds anything. They are what the switcher offers. */
export async function listEnvironments(
  { db, environments: configured }: FleetDependencies,
  context: CallContext,
): Promise<{ items: EnvironmentSummary[] }> {
  const environments = configured.filter(({ environment }) =>
    reachesEnvironment(principalOf(context), environment),
  );
  const names = environments.map(({ environment }) => environment);
  const [watches, orchestrators, nodes, totals] = await Promise.all([
    readWatchRows(db),
    readOrchestratorWatchRows(db),
    countNodes(db),
    readShardTotals(db, names),
  ]);
  const items = environments.map(({ environment, production, nodes: expected, orchestrator, store }) => {
    const here = (row: { environment: string }) => row.environment === environment;
    const watch = watches.get(environment);
    const seen = orchestrators.get(environment);
    return {
      environment,
      production,
      nodes: {
        total: expected.length,
        ready: nodes.find((row) => here(row) && row.state === 'ready')?.count ?? 0,
      },
      placement_count: totals.filter(here).reduce((sum, { tenant_count }) => sum + tenant_count, 0),
      placement_revision: watch?.revision ?? 0,
      watcher: watcherState(watch),
      placement_store: store.describe(),
      orchestrator:
        orchestrator === undefined
          ? null
          : {
              ...orchestratorState(seen),
              observation: {
                source: orchestrator.name,
                observed_at: seen?.observed_at ?? null,
                interval_s: ORCHESTRATOR_INTERVAL_S,
              },
            },
      observation: ofPlacements(watch?.observed_at ?? null),
    };
  });
  return { items };
}

/** Nodes of the environments that the caller may see as a whole. */
export async function listNodes(
  { db, environments }: FleetDependencies,
  context: CallContext,
  query: NodeFilter,
): Promise<Page<Node>> {
  const visible = wholeEnvironments(environments, viewScopes(context), query.environment);
  const page = await listNodeRows(db, query, visible);
  return {
    ...page,
    items: page.items.map((row) => {
      const settings = environments.find(({ environment }) => environment === row.environment);
      return nodeShown(row, settings?.nodes.length ?? 0);
    }),
  };
}

/** Shards of the environments that the caller may see as a whole. */
export async function listShards(
  { db, environments }: FleetDependencies,
  context: CallContext,
  query: { environment?: string | undefined; service?: ServiceKind | undefined },
): Promise<{ items: Shard[] }> {
  const visible = wholeEnvironments(environments, viewScopes(context), query.environment);
  const [nodes, totals, watches] = await Promise.all([
    readShardNodes(db, visible, query.service),
    readShardTotals(db, visible, { service: query.service }),
    readWatchRows(db),
  ]);
  const placementsObservedAt = (environment: string) => observedTogether([watches.get(environment)]);
  return { items: shardsOf({ environments, nodes, totals, placementsObservedAt }) };
}

/** Placements in the caller's scopes, and since when the index is known to equal its stores. */
export async function listPlacements(
  { db, environments }: FleetDependencies,
  context: CallContext,
  query: PlacementFilter,
): Promise<Page<Placement> & { observation: Observation | null }> {
  const scopes = viewScopes(context);
  const reached = environmentsIn(environments, query.environment).filter(
    (environment) =>
      scopes.all ||
      scopes.scopes.some((scope) => scope.environment === null || scope.environment === environment),
  );
  const [page, watches] = await Promise.all([
    listPlacementRows(db, query, scopes, reached),
    readWatchRows(db),
  ]);
  const observation =
    reached.length === 0
      ? null
      : ofPlacements(observedTogether(reached.map((environment) => watches.get(environment))));
  return { ...page, observation };
}

/** Where the caller may see the platform. */
export const viewScopes = (context: CallContext): AllowedScopes =>
  allowedScopes(principalOf(context), 'scale.view');

const environmentsIn = (
  environments: FleetDependencies['environments'],
  only: string | undefined,
): string[] =>
  environments
    .map(({ environment }) => environment)
    .filter((environment) => only === undefined || environment === only);

/** Environments whose nodes and shards the scopes show: those of a grant for all tenants, since a node serves many. */
export function wholeEnvironments(
  environments: FleetDependencies['environments'],
  scopes: AllowedScopes,
  only: string | undefined,
): string[] {
  return environmentsIn(environments, only).filter(
    (environment) =>
      scopes.all ||
      scopes.scopes.some(
        (scope) =>
          scope.tenant_id === null && (scope.environment === null || scope.environment === environment),
      ),
  );
}
