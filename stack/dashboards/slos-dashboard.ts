import { gauge, maxBy } from '#stack/queries/promql.ts';
import { chosenServices } from './chosen.ts';
import { type DashboardSpec } from './dashboard.ts';
import { figure, timeSeries } from './panel.ts';

const objective = ['service', 'slo'] as const;
const budget = maxBy(objective, gauge('slo:objective:ratio', chosenServices)).complement();
const legend = '{{service}} {{slo}}';
const toHttp = { dashboard: 'http', variables: { service: 'service' } } as const;

export const slosDashboard: DashboardSpec = {
  name: 'slos',
  description:
    'How much may still go wrong, and how fast is that used up? A burn rate of 1 uses the budget up exactly in its time.',
  variables: ['service'],
  next: ['operations', 'http', 'regression'],
  rows: [
    {
      title: 'Error budget',
      panels: [
        figure({
          title: 'Budget left, 3 days',
          description:
            'Share of the allowed failures of the last 3 days that is left. Below 0 the objective is missed.',
          unit: 'percentunit',
          span: 12,
          leadsTo: toHttp,
          queries: {
            [legend]: maxBy(objective, gauge('slo:error_ratio:rate3d', chosenServices))
              .dividedBy(budget)
              .complement(),
          },
        }),
        figure({
          title: 'Objective',
          description: 'Share of requests that must be good.',
          unit: 'percentunit',
          span: 12,
          queries: { [legend]: maxBy(objective, gauge('slo:objective:ratio', chosenServices)) },
        }),
      ],
    },
    {
      title: 'Burn rate',
      panels: [
        timeSeries({
          title: 'Fast: 5 minutes and 1 hour',
          description: 'Above 14.4 in both, somebody is called: a month’s budget would be gone in two days.',
          unit: 'short',
          leadsTo: toHttp,
          queries: {
            [`${legend} 5m`]: maxBy(objective, gauge('slo:error_ratio:rate5m', chosenServices)).dividedBy(
              budget,
            ),
            [`${legend} 1h`]: maxBy(objective, gauge('slo:error_ratio:rate1h', chosenServices)).dividedBy(
              budget,
            ),
          },
        }),
        timeSeries({
          title: 'Middle: 30 minutes and 6 hours',
          description: 'Above 6 in both, somebody is called.',
          unit: 'short',
          leadsTo: toHttp,
          queries: {
            [`${legend} 30m`]: maxBy(objective, gauge('slo:error_ratio:rate30m', chosenServices)).dividedBy(
              budget,
            ),
            [`${legend} 6h`]: maxBy(objective, gauge('slo:error_ratio:rate6h', chosenServices)).dividedBy(
              budget,
            ),
          },
        }),
        timeSeries({
          title: 'Slow: 2 hours to 3 days',
          description: 'Above 3 in 2 hours and a day, or above 1 in 6 hours and 3 days, a ticket is due.',
          unit: 'short',
          leadsTo: toHttp,
          queries: {
            [`${legend} 2h`]: maxBy(objective, gauge('slo:error_ratio:rate2h', chosenServices)).dividedBy(
              budget,
            ),
            [`${legend} 1d`]: maxBy(objective, gauge('slo:error_ratio:rate1d', chosenServices)).dividedBy(
              budget,
            ),
            [`${legend} 3d`]: maxBy(objective, gauge('slo:error_ratio:rate3d', chosenServices)).dividedBy(
              budget,
            ),
          },
        }),
        timeSeries({
          title: 'Requests that count',
          description: 'Requests each second. With too few of them, no alert is raised.',
          unit: 'reqps',
          span: 24,
          queries: { [legend]: maxBy(objective, gauge('slo:requests:rate5m', chosenServices)) },
        }),
      ],
    },
  ],
};
