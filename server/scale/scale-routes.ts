import * as contract from '#contract/scale.ts';
import { route, type Route } from '#server/http/route.ts';
import { listEnvironments, listNodes, listPlacements, listShards } from './fleet-service.ts';
import { planMigration, startMigration } from './migration-service.ts';
import type { ScaleDependencies } from './scale-settings.ts';

export const scaleRoutes = (dependencies: ScaleDependencies): Route[] => [
  route(contract.listEnvironments, ({ context }) => listEnvironments(dependencies, context)),
  route(contract.listNodes, ({ context, query }) => listNodes(dependencies, context, query)),
  route(contract.listShards, ({ context, query }) => listShards(dependencies, context, query)),
  route(contract.listPlacements, ({ context, query }) => listPlacements(dependencies, context, query)),
  route(contract.planMigration, ({ context, body }) => planMigration(dependencies, context, body)),
  route(contract.startMigration, ({ context, body }) => startMigration(dependencies, context, body)),
];
