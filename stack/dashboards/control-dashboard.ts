import {
  gauge,
  increase,
  matching,
  maxBy,
  not,
  quantileBy,
  rate,
  ratioBy,
  sumBy,
} from '#stack/queries/promql.ts';
import { type DashboardSpec } from './dashboard.ts';
import { figure, timeSeries } from './panel.ts';

export const controlDashboard: DashboardSpec = {
  name: 'control',
  description: 'Is the control plane itself well: its API, jobs, watches, audit and approvals?',
  variables: [],
  next: ['cluster', 'regression', 'logs', 'slos'],
  rows: [
    {
      title: 'Admin API',
      panels: [
        timeSeries({
          title: 'Requests',
          description: 'Requests each second by status.',
          unit: 'reqps',
          queries: { '{{status}}': sumBy(['status'], rate('control_http_requests_total')) },
        }),
        timeSeries({
          title: 'Share of 5xx',
          description: 'Requests that failed through our fault, by route.',
          unit: 'percentunit',
          queries: {
            '{{route}}': ratioBy(
              ['route'],
              rate('control_http_requests_total', { status: matching('5..') }),
              rate('control_http_requests_total'),
            ).above(0),
          },
        }),
        timeSeries({
          title: 'Latency',
          description: 'Time to answer, all routes.',
          unit: 's',
          queries: {
            p95: quantileBy(0.95, [], 'control_http_request_duration_seconds'),
            p99: quantileBy(0.99, [], 'control_http_request_duration_seconds'),
          },
        }),
        timeSeries({
          title: 'Connections of the pool',
          description: 'Connections to PostgreSQL by state. Requests wait while `waiting` is above 0.',
          unit: 'none',
          span: 12,
          queries: { '{{state}}': sumBy(['state'], gauge('control_database_connections')) },
        }),
        timeSeries({
          title: 'Delay of the event loop',
          description: '99th percentile of how late the process gets to its work.',
          unit: 's',
          span: 12,
          queries: { '{{instance}}': maxBy(['instance'], gauge('nodejs_eventloop_lag_p99_seconds')) },
        }),
      ],
    },
    {
      title: 'Jobs',
      panels: [
        figure({
          title: 'Stuck jobs',
          description: 'Jobs that can go neither on nor back: each holds its tenant and waits for a person.',
          unit: 'none',
          queries: { '{{kind}}': maxBy(['kind'], gauge('control_jobs', { state: 'stuck' })) },
        }),
        timeSeries({
          title: 'Live jobs',
          description: 'Jobs that are not over, by state. Every replica reports the same figure.',
          unit: 'none',
          queries: { '{{state}}': sumBy(['state'], maxBy(['kind', 'state'], gauge('control_jobs'))) },
        }),
        timeSeries({
          title: 'Jobs that did not succeed',
          description: 'Jobs that ended otherwise within an hour, by kind and error.',
          unit: 'none',
          queries: {
            '{{kind}} {{error_code}}': sumBy(
              ['kind', 'error_code'],
              increase('control_jobs_ended_total', { state: not('succeeded') }, '1h'),
            ),
          },
        }),
      ],
    },
    {
      title: 'Watches',
      panels: [
        timeSeries({
          title: 'Index behind',
          description: 'Writes of the placement store that the index lacks.',
          unit: 'none',
          queries: {
            '{{environment}}': maxBy(['environment'], gauge('control_placement_watcher_lag_revisions')),
          },
        }),
        timeSeries({
          title: 'Age of observations',
          description: 'Time since the placement store, and the most silent node, were heard of.',
          unit: 's',
          queries: {
            placements: maxBy(['environment'], gauge('control_placement_observation_age_seconds')),
            'most silent node': maxBy(['environment'], gauge('control_node_observation_age_seconds')),
          },
        }),
        timeSeries({
          title: 'Leaders',
          description: 'Replicas that watch. It is 1; 0 for longer than a moment means that nobody does.',
          unit: 'none',
          queries: { leaders: sumBy([], gauge('control_leader')) },
        }),
      ],
    },
    {
      title: 'Audit, approvals, access',
      panels: [
        timeSeries({
          title: 'Audit events',
          description: 'Events each second by outcome. Denials that rise are somebody trying.',
          unit: 'ops',
          span: 6,
          queries: { '{{outcome}}': sumBy(['outcome'], rate('control_audit_events_total')) },
        }),
        timeSeries({
          title: 'Approvals waiting',
          description: 'Plans that wait for an approval.',
          unit: 'none',
          span: 6,
          queries: { approvals: maxBy([], gauge('control_approvals_waiting')) },
        }),
        timeSeries({
          title: 'Sign-ins',
          description: 'Sign-ins within 5 minutes: of operators, and of end users at the gateways.',
          unit: 'none',
          span: 6,
          queries: {
            'operators {{result}}': sumBy(['result'], increase('control_logins_total', {}, '5m')),
            'end users {{result}}': sumBy(['result'], increase('gateway_logins_total', {}, '5m')),
          },
        }),
        timeSeries({
          title: 'Sessions revoked',
          description: 'Sessions ended within 5 minutes: of operators, and of end users.',
          unit: 'none',
          span: 6,
          queries: {
            'operators {{cause}}': sumBy(['cause'], increase('control_sessions_revoked_total', {}, '5m')),
            'end users {{cause}}': sumBy(['cause'], increase('gateway_sessions_revoked_total', {}, '5m')),
          },
        }),
        timeSeries({
          title: 'Open detections',
          description: 'Suspicious activity that nobody has acknowledged or resolved.',
          unit: 'none',
          span: 6,
          queries: { '{{kind}}': sumBy(['kind'], gauge('control_detections_open')) },
        }),
      ],
    },
  ],
};
