import { bottlenecksDashboard } from './bottlenecks-dashboard.ts';
import { clusterDashboard } from './cluster-dashboard.ts';
import { controlDashboard } from './control-dashboard.ts';
import { renderDashboard } from './dashboard.ts';
import { DASHBOARDS } from './dashboard-list.ts';
import { httpDashboard } from './http-dashboard.ts';
import { infrastructureDashboard } from './infrastructure-dashboard.ts';
import { jetstreamDashboard } from './jetstream-dashboard.ts';
import { logsDashboard } from './logs-dashboard.ts';
import { operationsDashboard } from './operations-dashboard.ts';
import { regressionDashboard } from './regression-dashboard.ts';
import { slosDashboard } from './slos-dashboard.ts';
import { storageDashboard } from './storage-dashboard.ts';
import { tenantsDashboard } from './tenants-dashboard.ts';
import { workersDashboard } from './workers-dashboard.ts';

const SPECS = [
  operationsDashboard,
  httpDashboard,
  logsDashboard,
  jetstreamDashboard,
  workersDashboard,
  storageDashboard,
  clusterDashboard,
  tenantsDashboard,
  regressionDashboard,
  bottlenecksDashboard,
  infrastructureDashboard,
  controlDashboard,
  slosDashboard,
];

/** The dashboards as Grafana loads them. */
export function dashboardFiles(): Record<string, string> {
  return Object.fromEntries(
    SPECS.map((spec) => [
      `stack/generated/dashboards/${DASHBOARDS[spec.name].uid}.json`,
      renderDashboard(spec),
    ]),
  );
}
