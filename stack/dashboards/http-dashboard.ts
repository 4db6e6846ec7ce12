import { largest, quantileBy, rate, ratioBy, sumBy } from '#stack/queries/promql.ts';
import { chosenServices, serverErrors } from './chosen.ts';
import { type DashboardSpec } from './dashboard.ts';
import { timeSeries, topTable } from './panel.ts';

const failed = { ...chosenServices, ...serverErrors };
const toLogs = { dashboard: 'logs', variables: { service: 'service' } } as const;

export const httpDashboard: DashboardSpec = {
  name: 'http',
  description: 'Which route, method and status? Routes are templates. Click a series for its logs.',
  variables: ['service'],
  next: ['logs', 'regression', 'operations'],
  rows: [
    {
      title: 'Breakdown',
      panels: [
        timeSeries({
          title: 'Requests by route',
          description: 'Requests each second by route template.',
          unit: 'reqps',
          stacked: true,
          leadsTo: toLogs,
          queries: {
            '{{service}} {{path}}': sumBy(['service', 'path'], rate('http_requests_total', chosenServices)),
          },
        }),
        timeSeries({
          title: 'Requests by method',
          description: 'Requests each second by method.',
          unit: 'reqps',
          stacked: true,
          leadsTo: toLogs,
          queries: {
            '{{service}} {{method}}': sumBy(
              ['service', 'method'],
              rate('http_requests_total', chosenServices),
            ),
          },
        }),
        timeSeries({
          title: 'Requests by status',
          description: 'Requests each second by status code.',
          unit: 'reqps',
          stacked: true,
          leadsTo: toLogs,
          queries: {
            '{{service}} {{status}}': sumBy(
              ['service', 'status'],
              rate('http_requests_total', chosenServices),
            ),
          },
        }),
      ],
    },
    {
      title: 'Failures',
      panels: [
        topTable({
          title: 'Routes that fail most',
          description: 'Requests each second answered with 5xx, by route, method and status.',
          unit: 'reqps',
          leadsTo: toLogs,
          queries: {
            failures: largest(
              20,
              sumBy(['service', 'path', 'method', 'status'], rate('http_requests_total', failed)).above(0),
            ),
          },
        }),
        topTable({
          title: 'Routes with the largest share of failures',
          description: 'Share of a route’s requests that was answered with 5xx.',
          unit: 'percentunit',
          leadsTo: toLogs,
          queries: {
            share: largest(
              20,
              ratioBy(
                ['service', 'path', 'method'],
                rate('http_requests_total', failed),
                rate('http_requests_total', chosenServices),
              ).above(0),
            ),
          },
        }),
      ],
    },
    {
      title: 'Latency',
      panels: [
        topTable({
          title: 'Slowest routes',
          description: 'Routes with the highest p99.',
          unit: 's',
          leadsTo: toLogs,
          queries: {
            p99: largest(
              20,
              quantileBy(
                0.99,
                ['service', 'path', 'method'],
                'http_request_duration_seconds',
                chosenServices,
              ).above(0),
            ),
          },
        }),
        timeSeries({
          title: 'Latency by route, p95',
          description: 'Nineteen of twenty requests of the route are answered faster.',
          unit: 's',
          span: 12,
          leadsTo: toLogs,
          queries: {
            '{{service}} {{path}}': quantileBy(
              0.95,
              ['service', 'path'],
              'http_request_duration_seconds',
              chosenServices,
            ),
          },
        }),
      ],
    },
  ],
};
