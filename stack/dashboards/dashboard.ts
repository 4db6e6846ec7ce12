/** A dashboard: its variables, the markers of deployments, the way on to others, and rows of panels. */
import { type Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  AnnotationQueryBuilder,
  // Classic dashboards load in every Grafana 13; the newer kind does not.
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';

import { changes, DASHBOARD, type Expression, gauge, matching, rate } from '#stack/queries/promql.ts';
import { type DashboardName, DASHBOARDS } from './dashboard-list.ts';
import { METRICS_SOURCE, type Panel } from './panel.ts';

type VariableName = 'service' | 'tenant' | 'version' | 'correlation';

export interface DashboardSpec {
  name: DashboardName;
  /** What the dashboard is for: the question that it answers. */
  description: string;
  /** Besides the environment, which every dashboard has. */
  variables: readonly VariableName[];
  /** Where to look next. */
  next: readonly DashboardName[];
  rows: readonly { title: string; panels: readonly Panel[] }[];
}

/** The dashboard as JSON, as Grafana loads it. */
export function renderDashboard({ name, description, variables, next, rows }: DashboardSpec): string {
  const { uid, title } = DASHBOARDS[name];
  // oxlint-disable-next-line typescript/no-deprecated -- see the import
  const dashboard = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['cloudlysis'])
    .readonly()
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .withVariable(environmentVariable());
  for (const variable of variables) dashboard.withVariable(VARIABLES[variable]());
  dashboard.annotation(deployments());
  for (const each of next) dashboard.link(linkTo(each));
  dashboard.link(allDashboards());
  let id = 0;
  for (const row of rows) {
    dashboard.withRow(new RowBuilder(row.title).id(++id));
    for (const panel of row.panels) dashboard.withPanel(panel(++id));
  }
  return `${JSON.stringify(dashboard.build(), null, 2)}\n`;
}

/** One at a time: figures of two environments in one panel answer no question. The control plane's own process is in none. */
function environmentVariable(): QueryVariableBuilder {
  return new QueryVariableBuilder('environment')
    .label('Environment')
    .datasource(METRICS_SOURCE)
    .query({ query: 'label_values(platform_ready, env)', refId: 'environment' })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
}

const VARIABLES: Record<VariableName, () => Builder<VariableModel>> = {
  service: () => chosenOf('service', 'Service', gauge('up'), 'service'),
  tenant: () => chosenOf('tenant', 'Tenant', rate('gateway_tenant_requests_total'), 'tenant_id'),
  version: () =>
    chosenOf('version', 'Version', gauge('service:build_info', { service: matching('$service') }), 'version'),
  correlation: () =>
    new TextBoxVariableBuilder('correlation')
      .label('Request or trace id')
      .description('A regular expression; .* is any line.')
      .defaultValue('.*'),
};

/** Several values of a label, or all. */
function chosenOf(
  name: string,
  title: string,
  series: Expression<string>,
  label: string,
): QueryVariableBuilder {
  // A counter's series are named by its rate: label_values() takes the selector alone.
  const selector = series.render(DASHBOARD).replace(/^rate\((.*)\[.*\]\)$/, '$1');
  return new QueryVariableBuilder(name)
    .label(title)
    .datasource(METRICS_SOURCE)
    .query({ query: `label_values(${selector}, ${label})`, refId: name })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ text: 'All', value: '$__all', selected: true });
}

/** Vertical markers where a rollout began or ended. */
function deployments(): AnnotationQueryBuilder {
  const query = changes('control_deployment_last_timestamp_seconds', {}, '$__interval').above(0);
  return new AnnotationQueryBuilder()
    .name('Deployments')
    .datasource(METRICS_SOURCE)
    .enable(true)
    .iconColor('purple')
    .expr(query.render(DASHBOARD))
    .titleFormat('Rollout {{phase}}')
    .textFormat('{{service}}')
    .tagKeys('service,phase')
    .target(new prometheus.DataqueryBuilder().refId('Deployments').expr(query.render(DASHBOARD)).range());
}

function linkTo(name: DashboardName): DashboardLinkBuilder {
  return new DashboardLinkBuilder(DASHBOARDS[name].title)
    .type(DashboardLinkType.Link)
    .url(`/d/${DASHBOARDS[name].uid}`)
    .includeVars(true)
    .keepTime(true)
    .tooltip(`Go on to ${DASHBOARDS[name].title}`);
}

function allDashboards(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('All dashboards')
    .type(DashboardLinkType.Dashboards)
    .tags(['cloudlysis'])
    .asDropdown(true)
    .includeVars(true)
    .keepTime(true);
}
