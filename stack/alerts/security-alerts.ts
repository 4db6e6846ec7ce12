import { gauge, increase, not, ratioBy, sumBy } from '#stack/queries/promql.ts';
import { type RuleGroup } from './alert.ts';

const service = ['env', 'service'] as const;
const failedGateway = sumBy(service, increase('gateway_logins_total', { result: not('ok') }, '10m'));
const failedControl = sumBy(service, increase('control_logins_total', { result: not('ok') }, '10m'));
const attempts = (failed: typeof failedGateway, share: typeof failedGateway, least: number) =>
  failed.above(least).and(service, share.above(0.5));

export const securityAlerts: RuleGroup = {
  name: 'security',
  interval: '1m',
  alerts: [
    {
      name: 'LoginAnomaly',
      severity: 'page',
      expression: attempts(
        failedGateway,
        ratioBy(
          service,
          increase('gateway_logins_total', { result: not('ok') }, '10m'),
          increase('gateway_logins_total', {}, '10m'),
        ),
        50,
      ).or(
        attempts(
          failedControl,
          ratioBy(
            service,
            increase('control_logins_total', { result: not('ok') }, '10m'),
            increase('control_logins_total', {}, '10m'),
          ),
          10,
        ),
      ),
      for: '0s',
      summary:
        '{{ $value | humanize }} sign-ins at {{ $labels.service }} in {{ $labels.env }} have failed in 10 minutes, more than half of all.',
      dashboard: 'control',
    },
    {
      name: 'MfaFailureSpike',
      severity: 'page',
      expression: sumBy(service, increase('gateway_logins_total', { result: 'mfa_failed' }, '10m'))
        .above(20)
        .or(sumBy(service, increase('control_logins_total', { result: 'mfa_failed' }, '10m')).above(5)),
      for: '0s',
      summary:
        '{{ $value | humanize }} sign-ins at {{ $labels.service }} in {{ $labels.env }} had the right password and a wrong second factor in 10 minutes.',
      dashboard: 'control',
    },
    {
      name: 'SessionRevocationSpike',
      severity: 'ticket',
      expression: sumBy(service, increase('gateway_sessions_revoked_total', {}, '10m'))
        .above(100)
        .or(sumBy(service, increase('control_sessions_revoked_total', {}, '10m')).above(20)),
      for: '0s',
      summary:
        '{{ $value | humanize }} sessions at {{ $labels.service }} in {{ $labels.env }} were revoked in 10 minutes.',
      dashboard: 'control',
    },
    {
      name: 'TokenReuse',
      severity: 'page',
      expression: sumBy(service, increase('control_detections_total', { kind: 'token_reuse' }, '10m')).above(
        0,
      ),
      for: '0s',
      summary:
        'Refresh tokens that were used up came back in {{ $value | humanize }} sessions in 10 minutes: somebody else may have copies.',
      dashboard: 'control',
      environment: 'none',
    },
    {
      name: 'DetectionsUnattended',
      severity: 'ticket',
      expression: sumBy(service, gauge('control_detections_open')).above(0),
      for: '1h',
      summary: '{{ $value | humanize }} detections of suspicious activity have been open for an hour.',
      dashboard: 'control',
      environment: 'none',
    },
  ],
};
