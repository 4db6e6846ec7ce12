import { consumerLeader } from '#stack/dashboards/chosen.ts';
import { gauge, increase, maxBy, sumBy } from '#stack/queries/promql.ts';
import { type RuleGroup } from './alert.ts';

export const backlogAlerts: RuleGroup = {
  name: 'backlogs',
  interval: '30s',
  alerts: [
    {
      name: 'ConsumerLagHigh',
      severity: 'page',
      expression: sumBy(
        ['env', 'stream_name', 'consumer_name'],
        gauge('jetstream_consumer_num_pending', consumerLeader),
      ).above(10_000),
      for: '10m',
      summary:
        'Consumer {{ $labels.consumer_name }} of {{ $labels.stream_name }} in {{ $labels.env }} has been more than 10,000 messages behind for 10 minutes, now {{ $value | humanize }}.',
      dashboard: 'jetstream',
    },
    {
      name: 'OutboxDeep',
      severity: 'ticket',
      expression: sumBy(['env', 'instance'], gauge('runner_outbox_depth')).above(1_000),
      for: '10m',
      summary:
        'The outbox of {{ $labels.instance }} in {{ $labels.env }} has held more than 1,000 messages for 10 minutes, now {{ $value | humanize }}.',
      dashboard: 'workers',
    },
    {
      name: 'OutboxStuck',
      severity: 'page',
      expression: maxBy(['env', 'instance'], gauge('runner_outbox_oldest_age_seconds')).above(300),
      for: '5m',
      summary:
        'The oldest message in the outbox of {{ $labels.instance }} in {{ $labels.env }} has waited {{ $value | humanizeDuration }}.',
      dashboard: 'workers',
    },
    {
      name: 'DeadLetters',
      severity: 'ticket',
      expression: sumBy(['env', 'cause'], increase('runner_dead_letters_total', {}, '15m')).above(0),
      for: '0s',
      summary:
        '{{ $value | humanize }} messages in {{ $labels.env }} were put aside in 15 minutes: {{ $labels.cause }}.',
      dashboard: 'workers',
    },
    {
      name: 'DrainTimedOut',
      severity: 'ticket',
      expression: sumBy(
        ['kind'],
        increase('control_jobs_ended_total', { error_code: 'drain_timeout' }, '15m'),
      ).above(0),
      for: '0s',
      summary:
        '{{ $value | humanize }} jobs of kind {{ $labels.kind }} were undone in 15 minutes, because a drain exceeded its time-box.',
      dashboard: 'control',
      environment: 'none',
    },
    {
      name: 'JobStuck',
      severity: 'page',
      expression: maxBy(['kind'], gauge('control_jobs', { state: 'stuck' })).above(0),
      for: '1m',
      summary: '{{ $value }} jobs of kind {{ $labels.kind }} are stuck half-way and hold what they change.',
      dashboard: 'control',
      environment: 'none',
    },
  ],
};
