import { logLines, logRate } from '#stack/queries/logql.ts';
import { gauge, largest, quantileBy, rate, ratioBy, sumBy } from '#stack/queries/promql.ts';
import { chosenTenants } from './chosen.ts';
import { type DashboardSpec } from './dashboard.ts';
import { logFigures, logPanel, timeSeries, topTable } from './panel.ts';

const tenant = ['tenant_id'] as const;
const requests = rate('gateway_tenant_requests_total', chosenTenants);
const pivot = { dashboard: 'tenants', variables: { tenant: 'tenant_id' } } as const;

export const tenantsDashboard: DashboardSpec = {
  name: 'tenants',
  description:
    'Which tenant hurts the others? Click a tenant: all panels and the logs turn to it. Each instance names its 20 largest tenants and counts the rest as “other”.',
  variables: ['tenant', 'service'],
  next: ['logs', 'workers', 'bottlenecks', 'operations'],
  rows: [
    {
      title: 'Who',
      panels: [
        topTable({
          title: 'Tenants by requests',
          description: 'The tenants with the most requests at the gateways. Click one to choose it.',
          unit: 'reqps',
          leadsTo: pivot,
          queries: { requests: largest(10, sumBy(tenant, requests)) },
        }),
        topTable({
          title: 'Tenants by share of failures',
          description: 'Share of a tenant’s requests that failed with 5xx. Click one to choose it.',
          unit: 'percentunit',
          leadsTo: pivot,
          queries: {
            failures: largest(
              10,
              ratioBy(
                tenant,
                rate('gateway_tenant_requests_total', { ...chosenTenants, status_class: '5xx' }),
                requests,
              ),
            ),
          },
        }),
      ],
    },
    {
      title: 'The chosen tenants',
      panels: [
        timeSeries({
          title: 'Requests',
          description: 'Requests each second at the gateways.',
          unit: 'reqps',
          leadsTo: pivot,
          queries: { '{{tenant_id}}': sumBy(tenant, requests) },
        }),
        timeSeries({
          title: 'Latency p95',
          description: 'Nineteen of twenty requests of the tenant are answered faster.',
          unit: 's',
          leadsTo: pivot,
          queries: {
            '{{tenant_id}}': quantileBy(
              0.95,
              tenant,
              'gateway_tenant_request_duration_seconds',
              chosenTenants,
            ),
          },
        }),
        timeSeries({
          title: 'Latency p99',
          description: 'Ninety-nine of a hundred requests of the tenant are answered faster.',
          unit: 's',
          leadsTo: pivot,
          queries: {
            '{{tenant_id}}': quantileBy(
              0.99,
              tenant,
              'gateway_tenant_request_duration_seconds',
              chosenTenants,
            ),
          },
        }),
        timeSeries({
          title: 'Share of 5xx',
          description: 'Requests of the tenant that failed through our fault.',
          unit: 'percentunit',
          leadsTo: pivot,
          queries: {
            '{{tenant_id}}': ratioBy(
              tenant,
              rate('gateway_tenant_requests_total', { ...chosenTenants, status_class: '5xx' }),
              requests,
            ),
          },
        }),
        timeSeries({
          title: 'Share of 429',
          description: 'Requests of the tenant that the rate limit refused.',
          unit: 'percentunit',
          leadsTo: pivot,
          queries: {
            '{{tenant_id}}': ratioBy(
              tenant,
              rate('gateway_tenant_requests_total', { ...chosenTenants, status_class: '429' }),
              requests,
            ),
          },
        }),
        timeSeries({
          title: 'Commands in flight',
          description: 'Commands that the aggregates have begun and not finished.',
          unit: 'none',
          leadsTo: pivot,
          queries: { '{{tenant_id}}': sumBy(tenant, gauge('aggregate_in_flight_commands', chosenTenants)) },
        }),
        timeSeries({
          title: 'Projection errors',
          description: 'Events each second that could not be applied to a view.',
          unit: 'ops',
          leadsTo: pivot,
          queries: {
            '{{tenant_id}}': sumBy(tenant, rate('projection_processing_errors_total', chosenTenants)),
          },
        }),
        timeSeries({
          title: 'Events processed',
          description: 'Events each second that were applied to views.',
          unit: 'ops',
          leadsTo: pivot,
          queries: {
            '{{tenant_id}}': sumBy(tenant, rate('projection_events_processed_total', chosenTenants)),
          },
        }),
        timeSeries({
          title: 'Failed commands',
          description: 'Commands each second that failed for a reason other than the caller’s.',
          unit: 'ops',
          leadsTo: pivot,
          queries: {
            '{{tenant_id}}': sumBy(tenant, rate('aggregate_tenant_errors_total', chosenTenants)),
          },
        }),
      ],
    },
    {
      title: 'Logs',
      panels: [
        logFigures({
          title: 'Errors and warnings',
          description: 'Lines each second about the chosen tenants.',
          unit: 'short',
          query: logRate('warn|error|fatal'),
          legend: '{{service}} {{level}}',
          span: 24,
        }),
        logPanel({
          title: 'Logs',
          description: 'Lines about the chosen tenants, newest first.',
          query: logLines(),
        }),
      ],
    },
  ],
};
