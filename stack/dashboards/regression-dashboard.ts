import { newErrors } from '#stack/queries/logql.ts';
import {
  aggregate,
  bucketRate,
  maxBy,
  gauge,
  quantile,
  quantileBy,
  rate,
  ratioBy,
  sumBy,
  withVersion,
} from '#stack/queries/promql.ts';
import { chosenServices, chosenVersions, serverErrors } from './chosen.ts';
import { type DashboardSpec } from './dashboard.ts';
import { startedContainers } from './host-queries.ts';
import { logFigures, timeSeries, topTable } from './panel.ts';

const release = ['service', 'version'] as const;
const requests = withVersion(rate('http_requests_total', chosenServices), chosenVersions);
const failures = withVersion(
  rate('http_requests_total', { ...chosenServices, ...serverErrors }),
  chosenVersions,
);
const durations = withVersion(bucketRate('http_request_duration_seconds', chosenServices), chosenVersions);

export const regressionDashboard: DashboardSpec = {
  name: 'regression',
  description:
    'Did the release do it? Old and new version side by side while both run; markers show where rollouts began and ended.',
  variables: ['service', 'version'],
  next: ['http', 'logs', 'cluster', 'control'],
  rows: [
    {
      title: 'Old against new',
      panels: [
        timeSeries({
          title: 'Share of 5xx by version',
          description: 'Requests that failed, by the version of the instance that answered.',
          unit: 'percentunit',
          queries: { '{{service}} {{version}}': ratioBy(release, failures, requests) },
        }),
        timeSeries({
          title: 'Latency p95 by version',
          description: 'Nineteen of twenty requests are answered faster.',
          unit: 's',
          queries: { '{{service}} {{version}}': quantile(0.95, release, durations) },
        }),
        timeSeries({
          title: 'Latency p99 by version',
          description: 'Ninety-nine of a hundred requests are answered faster.',
          unit: 's',
          queries: { '{{service}} {{version}}': quantile(0.99, release, durations) },
        }),
        timeSeries({
          title: 'Requests by version',
          description: 'Who answers how much: a new version with little traffic proves little.',
          unit: 'reqps',
          stacked: true,
          queries: { '{{service}} {{version}}': sumBy(release, requests) },
        }),
        timeSeries({
          title: 'Instances by version',
          description: 'Instances that run each version: how far the rollout is.',
          unit: 'none',
          stacked: true,
          queries: {
            '{{service}} {{version}}': aggregate(
              'count',
              release,
              gauge('service:build_info', { ...chosenServices, version: chosenVersions }),
            ),
          },
        }),
        timeSeries({
          title: 'Restarts',
          description:
            'Containers of a service that were started in the last 15 minutes: more than the rollout made is a crash loop.',
          unit: 'none',
          queries: startedContainers,
        }),
      ],
    },
    {
      title: 'What depends on what',
      panels: [
        timeSeries({
          title: 'Latency along the path, p95',
          description:
            'Gateway requests, aggregate commands, projections and effects: the first that rises is where to look.',
          unit: 's',
          span: 24,
          queries: {
            'gateway request': quantileBy(0.95, [], 'http_request_duration_seconds', { service: 'gateway' }),
            'aggregate command': quantileBy(0.95, [], 'aggregate_command_duration_seconds'),
            'projection of an event': quantileBy(0.95, [], 'projection_processing_duration_seconds'),
            'runner effect': quantileBy(0.95, [], 'runner_effect_duration_seconds'),
          },
        }),
        logFigures({
          title: 'New errors',
          description: 'Kinds of errors of the last 10 minutes that the 60 minutes before did not see.',
          unit: 'none',
          query: newErrors(),
          legend: '{{service}} {{kind}}',
          span: 12,
          instant: true,
        }),
        topTable({
          title: 'Last rollouts',
          description: 'When a rollout of the service last began, ended or failed.',
          unit: 'dateTimeFromNow',
          queries: {
            rollout: maxBy(['service', 'phase'], gauge('control_deployment_last_timestamp_seconds')).times(
              1_000,
            ),
          },
        }),
      ],
    },
  ],
};
