import { describe, expect, it } from 'vitest';

import {
  DASHBOARD,
  gauge,
  largest,
  matching,
  quantileBy,
  rate,
  ratioBy,
  ruleScope,
  sumBy,
  withVersion,
} from './promql.ts';

describe('a query', () => {
  const failures = rate('http_requests_total', { status: matching('5..') });
  const all = rate('http_requests_total');

  it('is narrowed to the chosen environment on a dashboard, and to none in a rule', () => {
    expect(all.render(DASHBOARD)).toBe('rate(http_requests_total{env="$environment"}[$__rate_interval])');
    expect(all.render(ruleScope('5m'))).toBe('rate(http_requests_total[5m])');
  });

  it('tells the environment of what the control plane reports by the label that it has', () => {
    expect(gauge('control_nodes', { state: 'ready' }).render(DASHBOARD)).toBe(
      'control_nodes{environment="$environment", state="ready"}',
    );
    expect(gauge('control_leader').render(DASHBOARD)).toBe('control_leader{env="control"}');
  });

  it('answers a ratio of 0 while nothing has failed yet, and nothing without traffic', () => {
    expect(ratioBy(['service'], failures, all).render(ruleScope('5m'))).toBe(
      '((sum by (service) (rate(http_requests_total{status=~"5.."}[5m]))) or ' +
        '((sum by (service) (rate(http_requests_total[5m]))) * 0)) / ' +
        '((sum by (service) (rate(http_requests_total[5m]))) > 0)',
    );
  });

  it('computes quantiles from buckets, grouped by the labels of the histogram', () => {
    expect(
      quantileBy(0.95, ['service', 'path'], 'http_request_duration_seconds').render(ruleScope('5m')),
    ).toBe(
      'histogram_quantile(0.95, sum by (le, service, path) (rate(http_request_duration_seconds_bucket[5m])))',
    );
  });

  it('takes the version from the build info of the instance', () => {
    expect(sumBy(['version'], withVersion(all)).render(ruleScope('5m'))).toBe(
      'sum by (version) ((rate(http_requests_total[5m])) * on (env, service, instance) group_left (version) service:build_info{version=~".+"})',
    );
  });

  it('escapes values', () => {
    expect(gauge('up', { job: 'a"b\\' }).render(ruleScope('5m'))).toBe('up{job="a\\"b\\\\"}');
  });

  it('does not compile with a metric or label that is not in the catalogue', () => {
    // @ts-expect-error: there is no such metric
    expect(() => rate('http_request_total')).toThrow('http_request_total');
    // @ts-expect-error: the metric has no such label
    largest(1, sumBy(['tenant_id'], all));
    // @ts-expect-error: a gauge has no rate
    rate('platform_in_flight');
  });
});
