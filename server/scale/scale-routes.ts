import * as drains from '#contract/drains.ts';
import * as fleet from '#contract/fleet.ts';
import * as contract from '#contract/scale.ts';
import { route, type Route } from '#server/http/route.ts';
import {
  planHostAvailability,
  planServiceRestart,
  planServiceScaling,
  startHostAvailability,
  startServiceRestart,
  startServiceScaling,
} from './fleet-change-service.ts';
import { listEnvironments, listNodes, listPlacements, listShards } from './fleet-service.ts';
import { planMigration, startMigration } from './migration-service.ts';
import { planNodeDrain, startNodeDrain } from './node-drain-service.ts';
import {
  getHost,
  getNode,
  getService,
  getTopology,
  listHosts,
  listServices,
  listTasks,
} from './orchestrator-list-service.ts';
import { planRebalancing, startRebalancing } from './rebalance-service.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import { planTenantDrain, startTenantDrain } from './tenant-drain-service.ts';

export const scaleRoutes = (dependencies: ScaleDependencies): Route[] => [
  route(contract.listEnvironments, ({ context }) => listEnvironments(dependencies, context)),
  route(contract.listNodes, ({ context, query }) => listNodes(dependencies, context, query)),
  route(contract.listShards, ({ context, query }) => listShards(dependencies, context, query)),
  route(contract.listPlacements, ({ context, query }) => listPlacements(dependencies, context, query)),
  route(contract.planMigration, ({ context, body }) => planMigration(dependencies, context, body)),
  route(contract.startMigration, ({ context, body }) => startMigration(dependencies, context, body)),
  route(drains.planTenantDrain, ({ context, body }) => planTenantDrain(dependencies, context, body)),
  route(drains.startTenantDrain, ({ context, body }) => startTenantDrain(dependencies, context, body)),
  route(drains.planNodeDrain, ({ context, body }) => planNodeDrain(dependencies, context, body)),
  route(drains.startNodeDrain, ({ context, body }) => startNodeDrain(dependencies, context, body)),
  route(drains.planRebalance, ({ context, body }) => planRebalancing(dependencies, context, body)),
  route(drains.startRebalance, ({ context, body }) => startRebalancing(dependencies, context, body)),
  route(fleet.listHosts, ({ context, query }) => listHosts(dependencies, context, query)),
  route(fleet.getHost, ({ params, query }) => getHost(dependencies, params.host_id, query)),
  route(fleet.getNode, ({ params, query }) => getNode(dependencies, params.node_id, query)),
  route(fleet.listServices, ({ context, query }) => listServices(dependencies, context, query)),
  route(fleet.getService, ({ context, params }) => getService(dependencies, context, params.service_id)),
  route(fleet.listTasks, ({ context, query }) => listTasks(dependencies, context, query)),
  route(fleet.getTopology, ({ context, query }) => getTopology(dependencies, context, query)),
  route(fleet.planServiceScaling, ({ context, body }) => planServiceScaling(dependencies, context, body)),
  route(fleet.startServiceScaling, ({ context, body }) => startServiceScaling(dependencies, context, body)),
  route(fleet.planServiceRestart, ({ context, body }) => planServiceRestart(dependencies, context, body)),
  route(fleet.startServiceRestart, ({ context, body }) => startServiceRestart(dependencies, context, body)),
  route(fleet.planHostAvailability, ({ context, body }) => planHostAvailability(dependencies, context, body)),
  route(fleet.startHostAvailability, ({ context, body }) =>
    startHostAvailability(dependencies, context, body),
  ),
];
