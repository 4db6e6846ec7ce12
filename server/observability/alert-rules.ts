/** Which alerts an environment shows, and how. Pure. */
import type { Alert } from '#contract/observability.ts';
import { canonicalHash } from '#server/jobs/plan-rules.ts';
import type { ReportedAlert } from './alert-source.ts';

export const MOST_ALERTS = 200;

/** The control plane's own series, and the observability stack's, have this environment; what is wrong with them concerns everyone. */
const CONTROL = 'control';
/** Fires always, so that its silence is noticed outside; it tells of no trouble. */
const WATCHDOG = 'Watchdog';
const SEVERITIES = ['page', 'ticket', 'info'] as const;

export interface AlertLinks {
  /** The address of a dashboard of the registry; null for another uid, or without a Grafana. */
  dashboardUrl: (uid: string) => string | null;
}

/** Whether an environment shows what has these labels: its own, the control plane's, and what is in no environment. */
export function concerns(environment: string, labels: Record<string, string>): boolean {
  // What the control plane says about an environment names it beside its own.
  const of = labels['environment'] ?? labels['env'];
  return of === undefined || of === environment || of === CONTROL;
}

/** The alerts of an environment: each once, whoever reports it; firing before pending, pages before tickets, newest first. */
export function alertsShown(
  environment: string,
  reported: readonly ReportedAlert[],
  links: AlertLinks,
): { items: Alert[]; dropped: number } {
  const merged = new Map<string, Alert>();
  for (const alert of reported) {
    if (alert.labels['alertname'] === WATCHDOG || !concerns(environment, alert.labels)) continue;
    const shown = alertShown(alert, links);
    const known = merged.get(shown.alert_id);
    merged.set(shown.alert_id, known === undefined ? shown : sameAlert(known, shown));
  }
  const all = [...merged.values()].toSorted(byUrgency);
  return { items: all.slice(0, MOST_ALERTS), dropped: Math.max(0, all.length - MOST_ALERTS) };
}

/** vmalert knows the value and since when; Alertmanager knows what is muted. */
const sameAlert = (first: Alert, second: Alert): Alert => ({
  ...first,
  value: first.value ?? second.value,
  state: first.state === 'firing' ? first.state : second.state,
  silenced: first.silenced || second.silenced,
  active_since: first.active_since < second.active_since ? first.active_since : second.active_since,
});

function alertShown(
  { labels, annotations, state, value, active_since, silenced }: ReportedAlert,
  { dashboardUrl }: AlertLinks,
): Alert {
  const name = labels['alertname'] ?? 'unnamed';
  const dashboard_uid = /^\/d\/([\w-]{1,40})(?:[?/]|$)/.exec(annotations['dashboard'] ?? '')?.[1] ?? null;
  const runbook = annotations['runbook'] ?? '';
  return {
    // The same labels are the same alert, in vmalert as in Alertmanager.
    alert_id: canonicalHash(labels),
    name,
    state,
    severity: SEVERITIES.find((severity) => severity === labels['severity']) ?? 'info',
    summary: annotations['summary'] ?? name,
    service: labels['service'] ?? null,
    labels,
    value,
    active_since,
    silenced,
    // Shown as a link: nothing but a document of ours.
    runbook: /^docs\/runbooks\/[a-z0-9-]+\.md$/.test(runbook) ? runbook : null,
    dashboard_uid,
    dashboard_url: dashboard_uid === null ? null : dashboardUrl(dashboard_uid),
  };
}

function byUrgency(left: Alert, right: Alert): number {
  const rank = ({ state, silenced, severity }: Alert) =>
    (state === 'firing' ? 0 : 10) + (silenced ? 5 : 0) + SEVERITIES.indexOf(severity);
  return rank(left) - rank(right) || right.active_since.localeCompare(left.active_since);
}
