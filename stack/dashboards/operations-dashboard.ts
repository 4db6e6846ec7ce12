import {
  aggregate,
  gauge,
  largest,
  matching,
  maxBy,
  quantileBy,
  rate,
  ratioBy,
  sumBy,
} from '#stack/queries/promql.ts';
import { chosenServices, consumerLeader, serverErrors } from './chosen.ts';
import { type DashboardSpec } from './dashboard.ts';
import { figure, timeSeries, topTable } from './panel.ts';

const toHttp = { dashboard: 'http', variables: { service: 'service' } } as const;
/** The control plane belongs to no environment, and is shown with each. */
const everywhere = { ...chosenServices, env: matching('$environment|control') };

export const operationsDashboard: DashboardSpec = {
  name: 'operations',
  description: 'Is the platform well, and if not, where? Start here, go on to HTTP detail and to the logs.',
  variables: ['service'],
  next: [
    'http',
    'logs',
    'tenants',
    'regression',
    'bottlenecks',
    'infrastructure',
    'cluster',
    'slos',
    'control',
  ],
  rows: [
    {
      title: 'Availability',
      panels: [
        figure({
          title: 'Targets down',
          description: 'Targets whose last scrape failed, services and observability stack alike. 0 is well.',
          unit: 'none',
          span: 6,
          queries: {
            down: aggregate('count', [], gauge('up', everywhere).equals(0)).or(
              sumBy([], gauge('up', everywhere)).times(0),
            ),
          },
        }),
        figure({
          title: 'Alerts firing',
          description: 'Alerts that fire now, by severity.',
          unit: 'none',
          span: 6,
          queries: {
            '{{severity}}': aggregate('count', ['severity'], gauge('ALERTS', { alertstate: 'firing' })),
          },
        }),
        topTable({
          title: 'Share of targets up',
          description: 'Targets that answer their scrape, as a share of all targets of the service.',
          unit: 'percentunit',
          queries: { '{{service}}': aggregate('avg', ['service', 'job'], gauge('up', everywhere)) },
        }),
      ],
    },
    {
      title: 'Traffic',
      panels: [
        timeSeries({
          title: 'Requests',
          description: 'Requests answered each second by service. Click a line for its routes.',
          unit: 'reqps',
          leadsTo: toHttp,
          queries: { '{{service}}': sumBy(['service'], rate('http_requests_total', chosenServices)) },
        }),
        timeSeries({
          title: 'Share of 5xx',
          description: 'Requests that failed through our fault. 0 while nothing fails.',
          unit: 'percentunit',
          leadsTo: toHttp,
          queries: {
            '{{service}}': ratioBy(
              ['service'],
              rate('http_requests_total', { ...chosenServices, ...serverErrors }),
              rate('http_requests_total', chosenServices),
            ),
          },
        }),
        timeSeries({
          title: 'Share of 4xx',
          description:
            'Requests that were refused: a client gone wrong, an attack, or a limit that is too low.',
          unit: 'percentunit',
          leadsTo: toHttp,
          queries: {
            '{{service}}': ratioBy(
              ['service'],
              rate('http_requests_total', { ...chosenServices, status: matching('4..') }),
              rate('http_requests_total', chosenServices),
            ),
          },
        }),
        timeSeries({
          title: 'Latency p95',
          description: 'Nineteen of twenty requests are answered faster.',
          unit: 's',
          span: 12,
          leadsTo: toHttp,
          queries: {
            '{{service}}': quantileBy(0.95, ['service'], 'http_request_duration_seconds', chosenServices),
          },
        }),
        timeSeries({
          title: 'Latency p99',
          description: 'Ninety-nine of a hundred requests are answered faster.',
          unit: 's',
          span: 12,
          leadsTo: toHttp,
          queries: {
            '{{service}}': quantileBy(0.99, ['service'], 'http_request_duration_seconds', chosenServices),
          },
        }),
      ],
    },
    {
      title: 'Saturation',
      panels: [
        timeSeries({
          title: 'CPU by service',
          description: 'CPU cores that the processes of a service use.',
          unit: 'short',
          queries: { '{{service}}': sumBy(['service'], rate('process_cpu_seconds_total', chosenServices)) },
        }),
        timeSeries({
          title: 'Memory by service',
          description: 'Resident memory of the largest process of a service.',
          unit: 'bytes',
          queries: {
            '{{service}}': maxBy(['service'], gauge('process_resident_memory_bytes', chosenServices)),
          },
        }),
        timeSeries({
          title: 'In flight',
          description:
            'Units of work begun and not finished. A rise without more requests means that something below is slow.',
          unit: 'none',
          queries: { '{{service}}': sumBy(['service'], gauge('platform_in_flight', chosenServices)) },
        }),
        timeSeries({
          title: 'Consumer lag',
          description: 'Messages that wait to be processed, as the services report it.',
          unit: 'none',
          queries: { '{{service}}': sumBy(['service'], gauge('platform_consumer_lag', chosenServices)) },
        }),
        timeSeries({
          title: 'Outbox depth',
          description: 'Messages of runners that are not dispatched.',
          unit: 'none',
          leadsTo: { dashboard: 'workers' },
          queries: { messages: sumBy([], gauge('runner_outbox_depth')) },
        }),
        topTable({
          title: 'Consumers furthest behind',
          description: 'JetStream consumers with the most messages that they were not sent.',
          unit: 'none',
          span: 8,
          leadsTo: { dashboard: 'jetstream' },
          queries: {
            '{{consumer_name}}': largest(
              10,
              sumBy(
                ['stream_name', 'consumer_name'],
                gauge('jetstream_consumer_num_pending', consumerLeader),
              ),
            ),
          },
        }),
      ],
    },
  ],
};
