/** The few kinds of panels that all dashboards are made of. */
import { type Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  StackingConfigBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { DashboardLinkBuilder, type Panel as GrafanaPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import * as logs from '@grafana/grafana-foundation-sdk/logs';
import * as loki from '@grafana/grafana-foundation-sdk/loki';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

import { DASHBOARD, type Expression } from '#stack/queries/promql.ts';
import { type DashboardName, DASHBOARDS, dashboardUrl } from './dashboard-list.ts';

/** Uids of the data sources in `stack/grafana/`. */
export const METRICS_SOURCE = { type: 'prometheus', uid: 'cloudlysis-metrics' };
export const LOGS_SOURCE = { type: 'loki', uid: 'cloudlysis-logs' };

/** Grafana's names of the units that we use. */
export type PanelUnit =
  | 's'
  | 'bytes'
  | 'Bps'
  | 'reqps'
  | 'ops'
  | 'percentunit'
  | 'short'
  | 'none'
  | 'dateTimeFromNow';

interface PanelText {
  title: string;
  /** What a high or low value means, and where it comes from. */
  description: string;
}

interface MetricPanel extends PanelText {
  unit: PanelUnit;
  /** Legend → query. */
  queries: Record<string, Expression<string>>;
  /** Columns of 24. */
  span?: number;
  /** Where a click on a series leads, with its labels as variables: variable → label. */
  leadsTo?: { dashboard: DashboardName; variables?: Record<string, string> };
}

/** A panel that is not placed yet. */
export type Panel = (id: number) => Builder<GrafanaPanel>;

/** Lines over time. */
export function timeSeries(spec: MetricPanel & { stacked?: boolean }): Panel {
  return (id) => {
    const panel = new timeseries.PanelBuilder()
      .id(id)
      .title(spec.title)
      .description(spec.description)
      .datasource(METRICS_SOURCE)
      .unit(spec.unit)
      .min(0)
      .span(spec.span ?? 8)
      .height(8)
      .drawStyle(GraphDrawStyle.Line)
      .lineWidth(1)
      .fillOpacity(spec.stacked ? 30 : 8)
      .legend(
        new VizLegendOptionsBuilder()
          .showLegend(true)
          .displayMode(LegendDisplayMode.List)
          .placement(LegendPlacement.Bottom),
      )
      .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
      .dataLinks(linksOf(spec));
    if (spec.stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
    for (const target of targetsOf(spec)) panel.withTarget(target.range());
    return panel;
  };
}

/** One figure for each series, as it is now. */
export function figure(spec: MetricPanel): Panel {
  return (id) => {
    const panel = new stat.PanelBuilder()
      .id(id)
      .title(spec.title)
      .description(spec.description)
      .datasource(METRICS_SOURCE)
      .unit(spec.unit)
      .span(spec.span ?? 8)
      .height(5)
      .dataLinks(linksOf(spec));
    for (const target of targetsOf(spec)) panel.withTarget(target.instant());
    return panel;
  };
}

/** A table of the largest series as they are now. A top over time would be another one at each step. */
export function topTable(spec: MetricPanel): Panel {
  return (id) => {
    const panel = new table.PanelBuilder()
      .id(id)
      .title(spec.title)
      .description(spec.description)
      .datasource(METRICS_SOURCE)
      .unit(spec.unit)
      .span(spec.span ?? 12)
      .height(9)
      .dataLinks(linksOf(spec))
      .withTransformation({ id: 'organize', options: { excludeByName: { Time: true } } })
      .withTransformation({ id: 'sortBy', options: { sort: [{ field: 'Value', desc: true }] } });
    for (const target of targetsOf(spec)) {
      panel.withTarget(target.instant().format(prometheus.PromQueryFormat.Table));
    }
    return panel;
  };
}

/** Log lines, newest first. */
export function logPanel({ title, description, query }: PanelText & { query: string }): Panel {
  return (id) =>
    new logs.PanelBuilder()
      .id(id)
      .title(title)
      .description(description)
      .datasource(LOGS_SOURCE)
      .unit('none')
      .span(24)
      .height(12)
      .showTime(true)
      .wrapLogMessage(true)
      .enableLogDetails(true)
      .withTarget(
        new loki.DataqueryBuilder()
          .refId('A')
          .datasource(LOGS_SOURCE)
          .expr(query)
          .queryType('range')
          .maxLines(500),
      );
}

/** Figures counted from log lines: over time, or as a table of now. */
export function logFigures(
  spec: PanelText & { unit: PanelUnit; query: string; legend: string; span?: number; instant?: boolean },
): Panel {
  const target = new loki.DataqueryBuilder()
    .refId('A')
    .datasource(LOGS_SOURCE)
    .expr(spec.query)
    .legendFormat(spec.legend)
    .queryType(spec.instant ? 'instant' : 'range');
  return (id) =>
    (spec.instant ? new table.PanelBuilder() : new timeseries.PanelBuilder())
      .id(id)
      .title(spec.title)
      .description(spec.description)
      .datasource(LOGS_SOURCE)
      .unit(spec.unit)
      .span(spec.span ?? 8)
      .height(8)
      .withTarget(target);
}

function targetsOf({ queries }: MetricPanel): prometheus.DataqueryBuilder[] {
  return Object.entries(queries).map(([legend, expression], index) =>
    new prometheus.DataqueryBuilder()
      .refId(String.fromCodePoint('A'.charCodeAt(0) + index))
      .datasource(METRICS_SOURCE)
      .expr(expression.render(DASHBOARD))
      .legendFormat(legend),
  );
}

function linksOf({ leadsTo }: MetricPanel): DashboardLinkBuilder[] {
  if (!leadsTo) return [];
  const variables = Object.entries(leadsTo.variables ?? {}).map(([variable, label]) => [
    variable,
    `\${__field.labels.${label}}`,
  ]);
  const url = dashboardUrl(leadsTo.dashboard, Object.fromEntries(variables) as Record<string, string>);
  return [new DashboardLinkBuilder(DASHBOARDS[leadsTo.dashboard].title).url(url)];
}
