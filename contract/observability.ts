/**
 * Observability (PRD 7.5): what the metrics, logs and alerts of an environment say, and links into the tools that say more. The only
 * queries that can be run are named ones; the server fills in their parameters and bounds range, step, series and size.
 */
import { Type, type Static } from 'typebox';
import { Environment, Nullable, OneOf, Slug, Timestamp } from './common.ts';
import { endpoint } from './endpoint.ts';
import { NODE_KINDS } from './placement-record.ts';

/** The outside systems that an environment's `observability` section of `control.yaml` names. */
export const OBSERVABILITY_PARTS = [
  'metrics',
  'alerts',
  'alertmanager',
  'targets',
  'logs',
  'grafana',
] as const;
export type ObservabilityPart = (typeof OBSERVABILITY_PARTS)[number];

/** Where an answer came from, and when. */
export const Answer = Type.Object({
  source: Type.String({ description: 'Name of the system and its address, without credentials' }),
  answered_at: Timestamp,
  took_ms: Type.Number(),
});
export type Answer = Static<typeof Answer>;

export const ObservabilityStatus = Type.Object({
  environment: Environment,
  parts: Type.Array(
    Type.Object({
      part: OneOf(OBSERVABILITY_PARTS),
      state: OneOf(['connected', 'unreachable', 'not_configured']),
      address: Nullable(Type.String({ description: 'Without credentials' })),
      setting: Type.String({ description: 'Setting of control.yaml that names its address' }),
      detail: Nullable(Type.String({ description: 'What is wrong and what to do, in a sentence' })),
      checked_at: Nullable(Timestamp),
    }),
  ),
});
export type ObservabilityStatus = Static<typeof ObservabilityStatus>;

/** A dashboard of the stack; `url` is null while no Grafana is configured for the environment. */
export const Dashboard = Type.Object({
  uid: Type.String(),
  title: Type.String(),
  description: Type.String(),
  variables: Type.Array(
    Type.String({ description: 'What it can be narrowed by: environment, service, tenant, …' }),
  ),
  panels: Type.Array(Type.Object({ title: Type.String(), row: Nullable(Type.String()) })),
  url: Nullable(Type.String()),
});
export type Dashboard = Static<typeof Dashboard>;

/** What a link, a chart or a triage path is about. All that is left out is not narrowed. */
const aboutQuery = {
  environment: Environment,
  service: Type.Optional(OneOf(NODE_KINDS)),
  tenant_id: Type.Optional(Slug),
  node_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
};
const rangeQuery = {
  from: Type.Optional(
    Type.Unsafe<string>({
      ...Timestamp,
      description: 'Begin of the range; one hour before `to` when left out',
    }),
  ),
  to: Type.Optional(
    Type.Unsafe<string>({ ...Timestamp, description: 'End of the range; now when left out' }),
  ),
};

/** A deep link, with time range and variables filled in. `step` orders the triage path: overview → HTTP detail → logs. */
export const ObservabilityLink = Type.Object({
  kind: OneOf(['dashboard', 'logs']),
  uid: Nullable(Type.String({ description: 'Of the dashboard; null for logs' })),
  title: Type.String(),
  description: Type.String({ description: 'What to look for there' }),
  step: Nullable(Type.Integer({ description: 'Place in the triage path, from 1; null outside it' })),
  url: Type.String(),
});
export type ObservabilityLink = Static<typeof ObservabilityLink>;

/** What a named query must or may be narrowed by. */
export const QUERY_PARAMETERS = ['service', 'tenant_id', 'node_id'] as const;
export type QueryParameter = (typeof QUERY_PARAMETERS)[number];
/** Units that a figure can have; the UI writes them as `1.2 k/s`, `34 ms`, `12 %`. */
export const QUERY_UNITS = [
  'requests_per_s',
  'ratio',
  'seconds',
  'messages',
  'bytes',
  'cores',
  'count',
  'lines',
] as const;
export type QueryUnit = (typeof QUERY_UNITS)[number];

export const NamedQuery = Type.Object({
  name: Slug,
  title: Type.String(),
  description: Type.String(),
  language: OneOf(['promql', 'logql']),
  /** `series`: a line for each label set over time. `table`: one figure for each label set, now. `lines`: log lines, newest first. */
  shape: OneOf(['series', 'table', 'lines']),
  unit: OneOf(QUERY_UNITS),
  required: Type.Array(OneOf(QUERY_PARAMETERS)),
  optional: Type.Array(OneOf(QUERY_PARAMETERS)),
  expression: Type.String({
    description: 'As the stack has it, with `$parameter` where a value is filled in',
  }),
  tenant_expression: Nullable(
    Type.String({
      description: 'Asked instead where a tenant is named; null when `expression` serves tenants, too',
    }),
  ),
});
export type NamedQuery = Static<typeof NamedQuery>;

/** Bounds of a run; a request beyond them is refused with the bound. */
export const QUERY_LIMITS = {
  longest_range_s: 7 * 86_400,
  most_points: 500,
  shortest_step_s: 5,
  most_series: 50,
  most_lines: 500,
  most_bytes: 4 * 1024 * 1024,
  timeout_ms: 10_000,
} as const;

export const QueryResult = Type.Object({
  name: Slug,
  shape: OneOf(['series', 'table', 'lines']),
  unit: OneOf(QUERY_UNITS),
  from: Timestamp,
  to: Timestamp,
  step_s: Type.Number(),
  series: Type.Array(
    Type.Object({
      labels: Type.Record(Type.String(), Type.String()),
      /** [unix seconds, value]; a gap is null, never 0. A table has one point. */
      points: Type.Array(Type.Tuple([Type.Number(), Nullable(Type.Number())])),
    }),
  ),
  lines: Type.Array(
    Type.Object({
      time: Timestamp,
      level: Nullable(Type.String()),
      text: Type.String(),
      labels: Type.Record(Type.String(), Type.String()),
    }),
  ),
  dropped: Type.Integer({ description: 'Series or lines beyond the limit, which are not shown' }),
  answer: Answer,
});
export type QueryResult = Static<typeof QueryResult>;

export const Alert = Type.Object({
  alert_id: Type.String(),
  name: Type.String(),
  state: OneOf(['firing', 'pending']),
  severity: OneOf(['page', 'ticket', 'info']),
  summary: Type.String(),
  service: Nullable(Type.String()),
  labels: Type.Record(Type.String(), Type.String()),
  value: Nullable(Type.Number()),
  active_since: Timestamp,
  silenced: Type.Boolean({ description: 'Muted in Alertmanager; always false where only vmalert is asked' }),
  runbook: Nullable(Type.String({ description: 'Path of the runbook in this product’s documentation' })),
  dashboard_uid: Nullable(Type.String()),
  dashboard_url: Nullable(Type.String()),
});
export type Alert = Static<typeof Alert>;

export const Target = Type.Object({
  job: Type.String(),
  instance: Type.String(),
  service: Nullable(Type.String()),
  health: OneOf(['up', 'down', 'unknown']),
  last_scrape_at: Nullable(Timestamp),
  took_ms: Nullable(Type.Number()),
  samples: Nullable(Type.Integer()),
  error: Nullable(Type.String({ description: 'Why the last scrape failed' })),
  labels: Type.Record(Type.String(), Type.String()),
});
export type Target = Static<typeof Target>;

const view = { permission: 'observability.view', step_up: 'none', status: 200 } as const;
const ofEnvironment = { ...view, scope: { environment: 'query.environment' } } as const;
/** Who may see one tenant only has to name it: without it, all tenants of the environment are asked for. */
const ofTenant = {
  ...view,
  scope: { tenant_id: 'query.tenant_id', environment: 'query.environment' },
} as const;
const environmentOnly = Type.Object({ environment: Environment }, { additionalProperties: false });

export const getObservabilityStatus = endpoint({
  ...ofEnvironment,
  id: 'observability.status.get',
  method: 'GET',
  path: '/admin/v1/observability/status',
  summary: 'Which metrics, alerts, targets, logs and Grafana an environment has, and whether they answer',
  query: environmentOnly,
  response: ObservabilityStatus,
  problems: ['unknown_environment'],
});
export const listDashboards = endpoint({
  ...ofEnvironment,
  id: 'observability.dashboards.list',
  method: 'GET',
  path: '/admin/v1/observability/dashboards',
  summary: 'Dashboards of the stack, in triage order',
  query: environmentOnly,
  response: Type.Object({ items: Type.Array(Dashboard) }),
  problems: ['unknown_environment'],
});
export const listObservabilityLinks = endpoint({
  ...ofTenant,
  id: 'observability.links.list',
  method: 'GET',
  path: '/admin/v1/observability/links',
  summary: 'Links into Grafana for a tenant, service or node, with time range and variables filled in',
  query: Type.Object({ ...aboutQuery, ...rangeQuery }, { additionalProperties: false }),
  response: Type.Object({ items: Type.Array(ObservabilityLink) }),
  problems: ['unknown_environment', 'not_configured'],
});
export const listQueries = endpoint({
  ...view,
  scope: 'filtered',
  id: 'observability.queries.list',
  method: 'GET',
  path: '/admin/v1/observability/queries',
  summary: 'The named queries, which are all that can be run',
  response: Type.Object({ items: Type.Array(NamedQuery) }),
});
export const runQuery = endpoint({
  ...ofTenant,
  id: 'observability.queries.run',
  method: 'GET',
  path: '/admin/v1/observability/queries/:name/run',
  summary: 'Runs a named query over a bounded range',
  params: Type.Object({ name: Slug }),
  query: Type.Object(
    {
      ...aboutQuery,
      ...rangeQuery,
      step_s: Type.Optional(
        Type.Integer({
          minimum: QUERY_LIMITS.shortest_step_s,
          description: 'Chosen from the range when left out',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: QueryResult,
  problems: ['not_found', 'unknown_environment', 'validation_failed', 'not_configured', 'upstream_failed'],
});
export const listAlerts = endpoint({
  ...ofEnvironment,
  id: 'observability.alerts.list',
  method: 'GET',
  path: '/admin/v1/observability/alerts',
  summary: 'Alerts that are pending or firing now',
  query: environmentOnly,
  response: Type.Object({ items: Type.Array(Alert), dropped: Type.Integer(), answer: Answer }),
  problems: ['unknown_environment', 'not_configured', 'upstream_failed'],
});
export const listTargets = endpoint({
  ...ofEnvironment,
  id: 'observability.targets.list',
  method: 'GET',
  path: '/admin/v1/observability/targets',
  summary: 'What is scraped, and whether the last scrape worked',
  query: environmentOnly,
  response: Type.Object({ items: Type.Array(Target), dropped: Type.Integer(), answer: Answer }),
  problems: ['unknown_environment', 'not_configured', 'upstream_failed'],
});
