import * as contract from '#contract/observability.ts';
import { route, type Route } from '#server/http/route.ts';
import { listAlerts } from './alert-service.ts';
import { listDashboards, listLinks } from './link-service.ts';
import type { ObservabilityDependencies } from './observability-settings.ts';
import { listQueries, runQuery } from './query-service.ts';
import { getStatus } from './status-service.ts';
import { listTargets } from './target-service.ts';

export const observabilityRoutes = (dependencies: ObservabilityDependencies): Route[] => [
  route(contract.getObservabilityStatus, ({ query, signal }) =>
    getStatus(dependencies, query.environment, signal),
  ),
  route(contract.listDashboards, ({ query }) => listDashboards(dependencies, query.environment)),
  route(contract.listObservabilityLinks, ({ query }) => listLinks(dependencies, query)),
  route(contract.listQueries, ({ context }) => listQueries(context)),
  route(contract.runQuery, ({ params, query, signal }) => runQuery(dependencies, params.name, query, signal)),
  route(contract.listAlerts, ({ query, signal }) => listAlerts(dependencies, query.environment, signal)),
  route(contract.listTargets, ({ query, signal }) => listTargets(dependencies, query.environment, signal)),
];
