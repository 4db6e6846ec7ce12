import { gauge, increase, maxBy, quantileBy, rate, ratioBy, sumBy } from '#stack/queries/promql.ts';
import { type DashboardSpec } from './dashboard.ts';
import { timeSeries } from './panel.ts';

export const workersDashboard: DashboardSpec = {
  name: 'workers',
  description: 'Do sagas and effects keep up? Outbox, effects, poison messages, schedules.',
  variables: [],
  next: ['jetstream', 'bottlenecks', 'logs'],
  rows: [
    {
      title: 'Outbox',
      panels: [
        timeSeries({
          title: 'Outbox depth',
          description: 'Messages that are not dispatched, by runner.',
          unit: 'none',
          queries: { '{{instance}}': sumBy(['instance'], gauge('runner_outbox_depth')) },
        }),
        timeSeries({
          title: 'Oldest message',
          description: 'Age of the oldest message in the outbox. A short outbox that ages is stuck.',
          unit: 's',
          queries: { '{{instance}}': maxBy(['instance'], gauge('runner_outbox_oldest_age_seconds')) },
        }),
        timeSeries({
          title: 'Share of dispatches that fail',
          description: 'Attempts to dispatch that failed.',
          unit: 'percentunit',
          queries: {
            '{{instance}}': ratioBy(
              ['instance'],
              rate('runner_outbox_dispatches_total', { result: 'failed' }),
              rate('runner_outbox_dispatches_total'),
            ),
          },
        }),
      ],
    },
    {
      title: 'Effects and schedules',
      panels: [
        timeSeries({
          title: 'Effect latency',
          description: 'Time that effects take, by type.',
          unit: 's',
          span: 12,
          queries: {
            '{{effect_type}} p95': quantileBy(0.95, ['effect_type'], 'runner_effect_duration_seconds'),
            '{{effect_type}} p99': quantileBy(0.99, ['effect_type'], 'runner_effect_duration_seconds'),
          },
        }),
        timeSeries({
          title: 'Effects timed out',
          description: 'Effects each second that were given up at their deadline.',
          unit: 'ops',
          span: 12,
          queries: { '{{effect_type}}': sumBy(['effect_type'], rate('runner_effect_timeouts_total')) },
        }),
        timeSeries({
          title: 'Poison messages',
          description: 'Messages that were put aside within an hour, by cause.',
          unit: 'none',
          span: 12,
          queries: { '{{cause}}': sumBy(['cause'], increase('runner_dead_letters_total', {}, '1h')) },
        }),
        timeSeries({
          title: 'Schedules due',
          description: 'Schedules whose time has come and that were not started.',
          unit: 'none',
          span: 12,
          queries: { '{{instance}}': sumBy(['instance'], gauge('runner_schedules_due')) },
        }),
      ],
    },
  ],
};
