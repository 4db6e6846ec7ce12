/** Addresses of dashboards and log queries in Grafana, and the way through them. Pure. */
import type { ObservabilityLink } from '#contract/observability.ts';
import type { Narrowing, Period } from './query-rules.ts';
import type { RegisteredDashboard } from './stack-registry.ts';

/** What a link is about. */
export type LinkSubject = Narrowing & { environment: string };

/** Uid of Grafana's data source for Loki, as `stack/` provisions it. */
const LOGS_SOURCE = { type: 'loki', uid: 'cloudlysis-logs' };

/** A dashboard with those of its variables set that the subject has; without a range it opens with its own. */
export function dashboardUrl(
  grafana: string,
  { uid, variables }: Pick<RegisteredDashboard, 'uid' | 'variables'>,
  { environment, service, tenant_id }: LinkSubject,
  range?: Period,
): string {
  const query = new URLSearchParams();
  if (range) {
    query.set('from', String(range.from_ms));
    query.set('to', String(range.to_ms));
  }
  for (const [variable, value] of Object.entries({ environment, service, tenant: tenant_id })) {
    if (value !== undefined && variables.includes(variable)) query.set(`var-${variable}`, value);
  }
  return `${grafana}/d/${encodeURIComponent(uid)}?${query.toString()}`;
}

/** A query of log lines in Grafana's Explore. */
export function exploreUrl(grafana: string, expression: string, { from_ms, to_ms }: Period): string {
  const pane = {
    datasource: LOGS_SOURCE.uid,
    queries: [
      { refId: 'A', datasource: LOGS_SOURCE, editorMode: 'code', expr: expression, queryType: 'range' },
    ],
    range: { from: String(from_ms), to: String(to_ms) },
  };
  const query = new URLSearchParams({ schemaVersion: '1', panes: JSON.stringify({ logs: pane }) });
  return `${grafana}/explore?${query.toString()}`;
}

interface Stop {
  uid: string;
  /** What to look for there. */
  description: string;
  step: number | null;
}

/** The dashboards that say something about the subject: the triage path first, in order, then those that are about its kind. */
export function stopsFor({ service, tenant_id, node_id }: LinkSubject): Stop[] {
  const beside = (uid: string, description: string): Stop => ({ uid, description, step: null });
  return [
    {
      uid: 'cloudlysis-operations',
      description: 'Which service is unwell, since when, and which alerts fire',
      step: 1,
    },
    {
      uid: 'cloudlysis-http-detail',
      description: 'Which route, method and status fail or are slow; a click on a series leads to its logs',
      step: 2,
    },
    ...(tenant_id === undefined
      ? []
      : [
          beside(
            'cloudlysis-noisy-neighbour',
            'What the tenant asks for, what fails for it, and whether it hurts others',
          ),
        ]),
    ...(service === undefined
      ? []
      : [
          beside(
            'cloudlysis-regression',
            'Whether it got worse with a version, and when that was rolled out',
          ),
        ]),
    ...(service === 'runner'
      ? [beside('cloudlysis-workers', 'Outbox, effects, dead letters and schedules of the runners')]
      : []),
    ...(service === 'aggregate' || service === 'projection'
      ? [
          beside('cloudlysis-storage', 'Size, commits and page operations of the stores'),
          beside('cloudlysis-jetstream', 'Streams and consumers: what waits, what is delivered again'),
        ]
      : []),
    ...(node_id === undefined
      ? []
      : [beside('cloudlysis-infrastructure', 'Whether its host runs out of CPU, memory or disk')]),
  ];
}

/** The last step of the triage path. */
export const logsLink = (grafana: string, expression: string, range: Period): ObservabilityLink => ({
  kind: 'logs',
  uid: null,
  title: 'Logs',
  description: 'What the services said: the lines about a failed request hold its request and trace id',
  step: 3,
  url: exploreUrl(grafana, expression, range),
});
