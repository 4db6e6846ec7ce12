import { increase, gauge, maxBy, rate, sumBy } from '#stack/queries/promql.ts';
import { type RuleGroup } from './alert.ts';

const group = ['env', 'group'] as const;

/** The observability stack about itself. */
export const pipelineAlerts: RuleGroup = {
  name: 'observability',
  interval: '1m',
  alerts: [
    {
      name: 'RulesFailing',
      severity: 'page',
      expression: sumBy(group, increase('vmalert_alerting_rules_errors_total'))
        .plus(sumBy(group, increase('vmalert_iteration_missed_total')))
        .above(0),
      for: '5m',
      summary:
        'Rules of the group {{ $labels.group }} in {{ $labels.env }} failed or were left out {{ $value | humanize }} times in 5 minutes.',
      dashboard: 'infrastructure',
    },
    {
      name: 'NotificationsFailing',
      severity: 'ticket',
      expression: sumBy(
        ['env', 'integration'],
        increase('alertmanager_notifications_failed_total', {}, '10m'),
      ).above(0),
      for: '5m',
      summary:
        '{{ $value | humanize }} notifications by {{ $labels.integration }} in {{ $labels.env }} have failed in 10 minutes.',
      dashboard: 'infrastructure',
    },
    {
      name: 'SeriesBudgetNearlyUsed',
      severity: 'ticket',
      expression: maxBy(['env', 'instance'], gauge('vmagent_hourly_series_limit_current_series'))
        .dividedBy(maxBy(['env', 'instance'], gauge('vmagent_hourly_series_limit_max_series')))
        .above(0.9),
      for: '5m',
      summary:
        'vmagent {{ $labels.instance }} in {{ $labels.env }} has used {{ $value | humanizePercentage }} of the series that an hour may have.',
      dashboard: 'infrastructure',
    },
    {
      name: 'LogsLost',
      severity: 'ticket',
      expression: sumBy(['env', 'reason'], rate('loki_write_dropped_entries_total'))
        .or(sumBy(['env', 'reason'], rate('loki_discarded_samples_total')))
        .above(0),
      for: '5m',
      summary:
        '{{ $value | humanize }} log lines each second in {{ $labels.env }} have been lost for 5 minutes: {{ $labels.reason }}.',
      dashboard: 'logs',
    },
  ],
};
