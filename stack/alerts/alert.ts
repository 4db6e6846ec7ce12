/** How an alert is declared, and how it becomes a rule that vmalert and promtool both read. */
import { type DashboardName, DASHBOARDS } from '#stack/dashboards/dashboard-list.ts';
import { type Expression, ruleScope } from '#stack/queries/promql.ts';

export interface Alert {
  name: string;
  /** `page` calls somebody at night; `ticket` waits for the morning. */
  severity: 'page' | 'ticket';
  /** Has a result while something is wrong. Rates that name no window look at 5 minutes. */
  expression: Expression<string>;
  /** How long it must be wrong. */
  for: string;
  /** One sentence with the value and its unit. */
  summary: string;
  dashboard: DashboardName;
  /** Label that holds the environment; the control plane’s own process is in none. */
  environment?: 'environment' | 'none';
}

export interface RuleGroup {
  name: string;
  interval: string;
  alerts: readonly Alert[];
}

/** The rule as the rule file has it. Links are relative: to this repository's root, and to Grafana's. */
export function alertRule({
  name,
  severity,
  expression,
  for: duration,
  summary,
  dashboard,
  environment,
}: Alert): {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string; dashboard: string };
} {
  const chosen = environment === 'none' ? '' : `?var-environment={{ $labels.${environment ?? 'env'} }}`;
  return {
    alert: name,
    expr: expression.render(ruleScope('5m')),
    for: duration,
    labels: { severity },
    annotations: {
      summary,
      runbook: runbookPath(name),
      dashboard: `/d/${DASHBOARDS[dashboard].uid}${chosen}`,
    },
  };
}

/** `ServiceDown` → `docs/runbooks/service-down.md`. */
export function runbookPath(alert: string): string {
  return `docs/runbooks/${alert.replaceAll(/(?<!^)([A-Z])/g, '-$1').toLowerCase()}.md`;
}
