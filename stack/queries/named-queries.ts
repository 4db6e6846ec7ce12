/**
 * The queries that the Admin UI can run. The control plane fills in `$environment` as a value, `$service`, `$tenant_id` and `$node_id`
 * as regular expressions (a value alone, or anything), and `$window` as a range that fits the step.
 */
import { type NamedQuery, type QueryParameter } from '#contract/observability.ts';
import { logLines, logRate, type LogScope, newErrors } from './logql.ts';
import {
  type Expression,
  gauge,
  largest,
  matching,
  maxBy,
  quantileBy,
  rate,
  ratioBy,
  type Scope,
  sumBy,
} from './promql.ts';

const NAMED: Scope = { environment: '$environment', window: '$window' };
const NAMED_LOGS: LogScope = {
  streams: 'env="$environment", service=~"$service", instance=~"$node_id"',
  tenant: '$tenant_id',
  window: '$window',
};

const nodes = { service: matching('$service'), instance: matching('$node_id') };
const tenants = { ...nodes, tenant_id: matching('$tenant_id') };
const service = ['service'] as const;
const tenant = ['tenant_id'] as const;

const tenantRequests = rate('gateway_tenant_requests_total', tenants);
const ofClass = (status_class: string) => rate('gateway_tenant_requests_total', { ...tenants, status_class });

type Text = Pick<NamedQuery, 'name' | 'title' | 'description' | 'unit'>;
type Metric = Text & {
  expression: Expression<string>;
  /** Asked instead where a tenant is named: only some metrics know tenants. */
  ofTenant?: Expression<string>;
};
const NODES: readonly QueryParameter[] = ['service', 'node_id'];
const TENANTS: readonly QueryParameter[] = ['service', 'tenant_id', 'node_id'];

const metric =
  (shape: 'series' | 'table') =>
  ({ expression, ofTenant, ...text }: Metric): NamedQuery => ({
    ...text,
    language: 'promql',
    shape,
    required: [],
    optional: [...(ofTenant === undefined ? NODES : TENANTS)],
    expression: expression.render(NAMED),
    tenant_expression: ofTenant?.render(NAMED) ?? null,
  });

const logs = (
  query: Text & Pick<NamedQuery, 'shape' | 'expression'>,
  optional: readonly QueryParameter[] = TENANTS,
): NamedQuery => ({
  ...query,
  language: 'logql',
  required: [],
  optional: [...optional],
  tenant_expression: null,
});

const SERIES: readonly Metric[] = [
  {
    name: 'request-rate',
    title: 'Requests',
    description: 'Requests answered each second: of the services, or of the tenant at the gateways.',
    unit: 'requests_per_s',
    expression: sumBy(service, rate('http_requests_total', nodes)),
    ofTenant: sumBy(tenant, tenantRequests),
  },
  {
    name: 'error-ratio',
    title: 'Failed requests',
    description:
      'Share of the requests that was answered with 5xx. Nothing is shown where there is no traffic.',
    unit: 'ratio',
    expression: ratioBy(
      service,
      rate('http_requests_total', { ...nodes, status: matching('5..') }),
      rate('http_requests_total', nodes),
    ),
    ofTenant: ratioBy(tenant, ofClass('5xx'), tenantRequests),
  },
  {
    name: 'latency-p95',
    title: 'Latency p95',
    description: 'Nineteen of twenty requests are answered faster.',
    unit: 'seconds',
    expression: quantileBy(0.95, service, 'http_request_duration_seconds', nodes),
    ofTenant: quantileBy(0.95, tenant, 'gateway_tenant_request_duration_seconds', tenants),
  },
  {
    name: 'throttled-ratio',
    title: 'Throttled requests',
    description: 'Share of tenants’ requests that the rate limit refused with 429.',
    unit: 'ratio',
    expression: ratioBy(
      service,
      rate('gateway_tenant_requests_total', { ...nodes, status_class: '429' }),
      rate('gateway_tenant_requests_total', nodes),
    ),
    ofTenant: ratioBy(tenant, ofClass('429'), tenantRequests),
  },
  {
    name: 'consumer-lag',
    title: 'Consumer lag',
    description: 'Messages that wait to be processed.',
    unit: 'messages',
    expression: sumBy(service, gauge('platform_consumer_lag', nodes)),
  },
  {
    name: 'saturation',
    title: 'Work in flight',
    description: 'Units of work begun and not finished; of a tenant, its commands in the aggregates.',
    unit: 'count',
    expression: sumBy(service, gauge('platform_in_flight', nodes)),
    ofTenant: sumBy(tenant, gauge('aggregate_in_flight_commands', tenants)),
  },
  {
    name: 'storage-used',
    title: 'Storage used',
    description: 'Used share of the fullest store.',
    unit: 'ratio',
    expression: maxBy(
      service,
      gauge('platform_storage_used_bytes', nodes).dividedBy(gauge('platform_storage_capacity_bytes', nodes)),
    ),
  },
  {
    name: 'cpu-used',
    title: 'CPU',
    description: 'Cores that the processes keep busy.',
    unit: 'cores',
    expression: sumBy(service, rate('process_cpu_seconds_total', nodes)),
  },
  {
    name: 'memory-used',
    title: 'Memory',
    description: 'Resident memory of the processes.',
    unit: 'bytes',
    expression: sumBy(service, gauge('process_resident_memory_bytes', nodes)),
  },
];

const TABLES: readonly Metric[] = [
  {
    name: 'top-tenants-by-request-rate',
    title: 'Tenants by requests',
    description:
      'The ten tenants with the most requests. “other” is all that the gateways do not count one by one.',
    unit: 'requests_per_s',
    expression: largest(10, sumBy(tenant, rate('gateway_tenant_requests_total', nodes))),
  },
  {
    name: 'top-tenants-by-error-ratio',
    title: 'Tenants by share of failures',
    description: 'The ten tenants whose requests fail most with 5xx.',
    unit: 'ratio',
    expression: largest(
      10,
      ratioBy(
        tenant,
        rate('gateway_tenant_requests_total', { ...nodes, status_class: '5xx' }),
        rate('gateway_tenant_requests_total', nodes),
      ).above(0),
    ),
  },
  {
    name: 'failing-routes',
    title: 'Routes that fail most',
    description: 'Requests each second answered with 5xx, by route and status.',
    unit: 'requests_per_s',
    expression: largest(
      10,
      sumBy(
        ['service', 'path', 'method', 'status'],
        rate('http_requests_total', { ...nodes, status: matching('5..') }),
      ).above(0),
    ),
  },
];

const LOGS: readonly NamedQuery[] = [
  logs({
    name: 'recent-errors',
    title: 'Errors',
    description: 'Log lines of level error and fatal, newest first.',
    unit: 'lines',
    shape: 'lines',
    expression: logLines(' | level=~"error|fatal"', NAMED_LOGS),
  }),
  logs({
    name: 'recent-logs',
    title: 'Logs',
    description: 'Log lines of every level, newest first.',
    unit: 'lines',
    shape: 'lines',
    expression: logLines('', NAMED_LOGS),
  }),
  logs({
    name: 'log-error-rate',
    title: 'Errors in the logs',
    description: 'Lines of level error and fatal each second.',
    unit: 'lines',
    shape: 'series',
    expression: logRate('error|fatal', NAMED_LOGS),
  }),
  logs(
    {
      name: 'new-errors',
      title: 'New kinds of errors',
      description: 'Kinds of errors of the last 10 minutes that the hour before did not see.',
      unit: 'lines',
      shape: 'table',
      expression: newErrors(NAMED_LOGS),
    },
    NODES,
  ),
];

export const NAMED_QUERIES: readonly NamedQuery[] = [
  ...SERIES.map(metric('series')),
  ...TABLES.map(metric('table')),
  ...LOGS,
];

/** The registry as the control plane reads it. */
export function queryFiles(): Record<string, string> {
  return { 'stack/generated/queries.json': `${JSON.stringify(NAMED_QUERIES, null, 2)}\n` };
}
