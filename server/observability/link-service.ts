/** The dashboards of the stack, and deep links into them and into the logs. */
import type { QueryOf } from '#contract/endpoint.ts';
import type {
  Dashboard,
  listObservabilityLinks as listLinksEndpoint,
  ObservabilityLink,
} from '#contract/observability.ts';
import { dashboardUrl, logsLink, stopsFor } from './link-rules.ts';
import {
  invalidQuery,
  notConfigured,
  observedEnvironment,
  type ObservabilityDependencies,
} from './observability-settings.ts';
import { fillExpression, periodOf } from './query-rules.ts';
import { DASHBOARDS, queryNamed } from './stack-registry.ts';

/** What the link to the logs opens. */
const LOGS_QUERY = queryNamed('recent-logs');

export async function listDashboards(
  dependencies: ObservabilityDependencies,
  environment: string,
): Promise<{ items: Dashboard[] }> {
  const { grafana_public_url } = observedEnvironment(dependencies, environment);
  return {
    items: DASHBOARDS.map((dashboard) => ({
      ...dashboard,
      url: grafana_public_url === null ? null : dashboardUrl(grafana_public_url, dashboard, { environment }),
    })),
  };
}

export async function listLinks(
  dependencies: ObservabilityDependencies,
  { from, to, ...subject }: QueryOf<typeof listLinksEndpoint>,
): Promise<{ items: ObservabilityLink[] }> {
  const { environment } = subject;
  const { grafana_public_url } = observedEnvironment(dependencies, environment);
  if (grafana_public_url === null) throw notConfigured(environment, 'grafana', 'Grafana');
  const period = periodOf({ from, to }, Date.now());
  if ('field' in period) throw invalidQuery([period]);
  const dashboards = stopsFor(subject).flatMap(({ uid, description, step }): ObservabilityLink[] => {
    const dashboard = DASHBOARDS.find((each) => each.uid === uid);
    if (!dashboard) return [];
    const url = dashboardUrl(grafana_public_url, dashboard, subject, period);
    return [{ kind: 'dashboard', uid, title: dashboard.title, description, step, url }];
  });
  const logs = fillExpression(LOGS_QUERY, subject);
  return { items: [...dashboards, logsLink(grafana_public_url, logs, period)] };
}
