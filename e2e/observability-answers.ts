/**
 * Answers of the observability API as a server with metrics, alerts, logs and Grafana gives them: for the states of the pages that no
 * machine of a test brings about by itself.
 */
import type { Page, Route } from '@playwright/test';
import type {
  Alert,
  Dashboard,
  NamedQuery,
  ObservabilityLink,
  ObservabilityPart,
  ObservabilityStatus,
  QueryResult,
  Target,
} from '#contract/observability.ts';

type State = ObservabilityStatus['parts'][number]['state'];

/** How each named query answers: with lines like these, with nothing, with a problem, or not yet. */
export type Behaviour = 'full' | 'empty' | 'failing' | 'loading';

export interface Recording {
  states: Record<ObservabilityPart, State>;
  queries: Behaviour;
  alerts: readonly Alert[];
  targets: readonly Target[];
}

const SETTING: Record<ObservabilityPart, string> = {
  metrics: 'environments.prod.observability.metrics_url',
  alerts: 'environments.prod.observability.alerts_url',
  alertmanager: 'environments.prod.observability.alertmanager_url',
  targets: 'environments.prod.observability.targets_url',
  logs: 'environments.prod.observability.logs_url',
  grafana: 'environments.prod.observability.grafana_url',
};

const DETAIL: Record<State, string | null> = {
  connected: null,
  unreachable: 'It does not answer within 3 s: see whether it runs and is not overloaded.',
  not_configured: 'Name its address in control.yaml and start the control plane again.',
};

export const PARTS = Object.keys(SETTING) as ObservabilityPart[];
export const everyPart = (state: State): Recording['states'] =>
  Object.fromEntries(PARTS.map((part) => [part, state])) as Recording['states'];

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
const answer = () => ({ source: 'VictoriaMetrics at http://metrics:8428', answered_at: ago(0), took_ms: 12 });

export const ALERTS: readonly Alert[] = [
  {
    alert_id: 'a1',
    name: 'ErrorRatioHigh',
    state: 'firing',
    severity: 'page',
    summary: '7.2% of the requests to gateway in prod have failed for 5 minutes.',
    service: 'gateway',
    labels: { alertname: 'ErrorRatioHigh', env: 'prod', service: 'gateway', severity: 'page' },
    value: 0.072,
    active_since: ago(420),
    silenced: false,
    runbook: 'docs/runbooks/error-ratio-high.md',
    dashboard_uid: 'cloudlysis-operations',
    dashboard_url: 'https://grafana.example/d/cloudlysis-operations?var-environment=prod',
  },
  {
    alert_id: 'a2',
    name: 'ConsumerLagHigh',
    state: 'pending',
    severity: 'ticket',
    summary: 'projection prod-prj-2 in prod is 18204 messages behind.',
    service: 'projection',
    labels: { alertname: 'ConsumerLagHigh', env: 'prod', service: 'projection', instance: 'prod-prj-2' },
    value: 18204,
    active_since: ago(65),
    silenced: false,
    runbook: 'docs/runbooks/consumer-lag-high.md',
    dashboard_uid: 'cloudlysis-jetstream',
    dashboard_url: null,
  },
];

export const TARGETS: readonly Target[] = [
  ...['prod-agg-1', 'prod-agg-2', 'prod-gw-1'].map((instance): Target => ({
    job: 'platform',
    instance,
    service: instance.includes('gw') ? 'gateway' : 'aggregate',
    health: 'up',
    last_scrape_at: ago(7),
    took_ms: 4,
    samples: 1_204,
    error: null,
    labels: {},
  })),
  {
    job: 'platform',
    instance: 'prod-prj-2',
    service: 'projection',
    health: 'down',
    last_scrape_at: ago(9),
    took_ms: 2_000,
    samples: 0,
    error: 'cannot read the response in 2 s: context deadline exceeded',
    labels: {},
  },
];

const query = (
  name: string,
  title: string,
  unit: NamedQuery['unit'],
  more: Partial<NamedQuery> = {},
): NamedQuery => ({
  name,
  title,
  description: `${title} of what is chosen`,
  language: 'promql',
  shape: 'series',
  unit,
  required: [],
  optional: ['service', 'tenant_id', 'node_id'],
  expression: 'sum by (service) (rate(http_requests_total{env="$environment"}[5m]))',
  tenant_expression: null,
  ...more,
});

const QUERIES: readonly NamedQuery[] = [
  query('request-rate', 'Request rate', 'requests_per_s'),
  query('error-ratio', 'Error ratio', 'ratio'),
  query('latency-p95', 'Latency, 95th percentile', 'seconds'),
  query('consumer-lag', 'Consumer lag', 'messages', { optional: ['service', 'node_id'] }),
  query('saturation', 'Saturation', 'ratio', { optional: ['service', 'node_id'] }),
  query('top-tenants-by-request-rate', 'Tenants with the most requests', 'requests_per_s', {
    shape: 'table',
    optional: ['service'],
  }),
  query('recent-errors', 'Recent errors', 'lines', { language: 'logql', shape: 'lines' }),
];

const SERVICES = ['aggregate', 'gateway', 'projection', 'runner'];
const HEIGHT: Record<string, number> = {
  'request-rate': 340,
  'error-ratio': 0.012,
  'latency-p95': 0.048,
  'consumer-lag': 1_800,
  saturation: 0.55,
};

/** A quarter of the way in, nothing was scraped for a while: a gap. */
const inGap = (at: number) => at > 0.24 && at < 0.31;

function seriesOf(name: string, parameters: URLSearchParams): QueryResult['series'] {
  const from = Date.parse(parameters.get('from') ?? ago(3_600)) / 1000;
  const to = Date.parse(parameters.get('to') ?? ago(0)) / 1000;
  const step = Number(parameters.get('step_s') ?? 60);
  if (name.startsWith('top-'))
    return ['acme-42', 'blue-lake', 'other'].map((tenant_id, index) => ({
      labels: { tenant_id },
      points: [[to, 120 / (index + 1)]],
    }));
  const service = parameters.get('service');
  const chosen = service
    ? [service]
    : parameters.has('tenant_id') || parameters.has('node_id')
      ? SERVICES.slice(0, 1)
      : SERVICES;
  return chosen.map((one, index) => ({
    labels: { service: one },
    points: Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, at): [number, number | null] => {
      const part = (at * step) / (to - from);
      const wave = 1 + 0.35 * Math.sin(part * 9 + index) + 0.12 * Math.sin(part * 61 + index * 3);
      return [from + at * step, inGap(part) ? null : ((HEIGHT[name] ?? 1) * wave) / (index + 1)];
    }),
  }));
}

function resultOf(name: string, parameters: URLSearchParams, empty: boolean): QueryResult {
  const { shape, unit } = QUERIES.find((one) => one.name === name) as NamedQuery;
  return {
    name,
    shape,
    unit,
    from: parameters.get('from') ?? ago(3_600),
    to: parameters.get('to') ?? ago(0),
    step_s: Number(parameters.get('step_s') ?? 60),
    series: empty || shape === 'lines' ? [] : seriesOf(name, parameters),
    lines:
      empty || shape !== 'lines'
        ? []
        : [
            {
              time: ago(12),
              level: 'error',
              text: 'command refused: version conflict, expected 17, found 18',
              labels: { service: 'aggregate', instance: 'prod-agg-1' },
            },
            {
              time: ago(140),
              level: 'warn',
              text: 'upstream aggregate answered after 2,004 ms, deadline 2,000 ms',
              labels: { service: 'gateway', instance: 'prod-gw-1' },
            },
          ],
    dropped: 0,
    answer: answer(),
  };
}

const DASHBOARDS: readonly Dashboard[] = [
  {
    uid: 'cloudlysis-operations',
    title: 'Operations overview',
    description: 'Is the platform up, how fast does it answer, and what is near its limit?',
    variables: ['environment', 'service'],
    panels: [
      { title: 'Services up', row: null },
      { title: 'Requests', row: 'Traffic' },
    ],
    url: null,
  },
  {
    uid: 'cloudlysis-http-detail',
    title: 'HTTP detail',
    description: 'Which routes fail, and which are slow?',
    variables: ['environment', 'service', 'tenant'],
    panels: [{ title: 'Top failing routes', row: null }],
    url: null,
  },
];

const link = (title: string, uid: string | null, step: number): ObservabilityLink => ({
  kind: uid === null ? 'logs' : 'dashboard',
  uid,
  title,
  description: `${title} of what is chosen`,
  step,
  url: `https://grafana.example/${uid ?? 'explore'}`,
});
const LINKS = [
  link('Operations overview', 'cloudlysis-operations', 1),
  link('HTTP detail', 'cloudlysis-http-detail', 2),
  link('Logs', null, 3),
];

const problem = (route: Route, status: number, code: string, title: string, detail: string) =>
  route.fulfill({
    status,
    contentType: 'application/problem+json',
    body: JSON.stringify({ type: 'about:blank', title, status, detail, code, request_id: 'r-1' }),
  });

/** Answers the observability API of a page from the recording; what the test changes in it holds for the next request. */
export async function playBack(page: Page, recording: Recording): Promise<void> {
  await page.route('**/admin/v1/observability/**', async (route) => {
    const url = new URL(route.request().url());
    const [, what = '', name = ''] =
      /observability\/([a-z]+)(?:\/([a-z0-9-]+)\/run)?/.exec(url.pathname) ?? [];
    const json = (body: unknown) => route.fulfill({ json: body });
    const grafana = recording.states.grafana === 'connected';
    switch (what) {
      case 'status':
        return json({
          environment: url.searchParams.get('environment') ?? '',
          parts: PARTS.map((part) => ({
            part,
            state: recording.states[part],
            address: recording.states[part] === 'not_configured' ? null : `http://${part}:8080`,
            setting: SETTING[part],
            detail: DETAIL[recording.states[part]],
            checked_at: recording.states[part] === 'not_configured' ? null : ago(3),
          })),
        } satisfies ObservabilityStatus);
      case 'alerts':
        return json({ items: recording.alerts, dropped: 0, answer: answer() });
      case 'targets':
        return json({ items: recording.targets, dropped: 0, answer: answer() });
      case 'dashboards':
        return json({
          items: DASHBOARDS.map((one) => ({
            ...one,
            url: grafana ? `https://grafana.example/d/${one.uid}` : null,
          })),
        });
      case 'links':
        return json({ items: LINKS });
      case 'queries':
        if (name === '') return json({ items: QUERIES });
        if (recording.queries === 'loading') return undefined;
        if (recording.queries === 'failing')
          return problem(
            route,
            502,
            'upstream_failed',
            'An outside system did not answer as it should',
            'VictoriaMetrics at http://metrics:8428 did not answer within 10 s.',
          );
        return json(resultOf(name, url.searchParams, recording.queries === 'empty'));
      default:
        return route.fallback();
    }
  });
}
