import { matching, quantileBy, rate, ratioBy, sumBy } from '#stack/queries/promql.ts';
import { type RuleGroup } from './alert.ts';

const service = ['env', 'service'] as const;
/** With fewer requests each second, one failure is not a ratio. */
const traffic = sumBy(service, rate('http_requests_total')).above(0.1);

export const reliabilityAlerts: RuleGroup = {
  name: 'reliability',
  interval: '30s',
  alerts: [
    {
      name: 'ErrorRatioHigh',
      severity: 'page',
      expression: ratioBy(
        service,
        rate('http_requests_total', { status: matching('5..') }),
        rate('http_requests_total'),
      )
        .above(0.05)
        .and(service, traffic),
      for: '10m',
      summary:
        '{{ $value | humanizePercentage }} of the requests of {{ $labels.service }} in {{ $labels.env }} have failed with 5xx for 10 minutes.',
      dashboard: 'http',
    },
    {
      name: 'LatencyHigh',
      severity: 'ticket',
      expression: quantileBy(0.95, service, 'http_request_duration_seconds').above(1).and(service, traffic),
      for: '10m',
      summary:
        'One in twenty requests of {{ $labels.service }} in {{ $labels.env }} has taken longer than {{ $value | humanizeDuration }} for 10 minutes.',
      dashboard: 'http',
    },
  ],
};
