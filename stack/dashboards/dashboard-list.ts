/** The dashboards, by the name that links use. The uid is part of bookmarks and alerts: it never changes. */
export const DASHBOARDS = {
  operations: { uid: 'cloudlysis-operations', title: 'Platform — Operations overview' },
  http: { uid: 'cloudlysis-http-detail', title: 'Platform — HTTP detail' },
  logs: { uid: 'cloudlysis-logs', title: 'Platform — Logs' },
  jetstream: { uid: 'cloudlysis-jetstream', title: 'Platform — Event bus / JetStream' },
  workers: { uid: 'cloudlysis-workers', title: 'Platform — Workers (Runner)' },
  storage: { uid: 'cloudlysis-storage', title: 'Platform — Storage (libmdbx)' },
  cluster: { uid: 'cloudlysis-cluster', title: 'Platform — Cluster / Orchestrator' },
  tenants: { uid: 'cloudlysis-noisy-neighbour', title: 'Platform — Noisy Neighbour & Tenant Health' },
  regression: { uid: 'cloudlysis-regression', title: 'Platform — API Regression & Deployment' },
  bottlenecks: { uid: 'cloudlysis-bottlenecks', title: 'Platform — Storage & Event Bus Bottlenecks' },
  infrastructure: { uid: 'cloudlysis-infrastructure', title: 'Platform — Infrastructure Exhaustion' },
  control: { uid: 'cloudlysis-control-plane', title: 'Platform — Control plane' },
  slos: { uid: 'cloudlysis-slos', title: 'Platform — SLOs' },
} as const;
export type DashboardName = keyof typeof DASHBOARDS;

/** Where Grafana shows the dashboard, relative to its root, for the chosen environment and time, with further variables set. */
export function dashboardUrl(name: DashboardName, variables: Record<string, string> = {}): string {
  const set = Object.entries(variables).map(([variable, value]) => `&var-${variable}=${value}`);
  return `/d/${DASHBOARDS[name].uid}?\${__url_time_range}&\${environment:queryparam}${set.join('')}`;
}
