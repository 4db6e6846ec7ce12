/**
 * Service level objectives: error ratios recorded over seven windows, and alerts on how fast they use the error budget up. A pair of
 * windows must agree: the long one says that it matters, the short one that it still goes on.
 */
import { type SloWindow } from '#stack/metric-catalogue/recorded-metrics.ts';
import {
  bucketRate,
  type Expression,
  gauge,
  matching,
  rate,
  ratioBy,
  ruleScope,
  sumBy,
} from '#stack/queries/promql.ts';
import { type Alert } from './alert.ts';

const service = ['env', 'service'] as const;
type ServiceLabel = (typeof service)[number];

interface Objective {
  slo: string;
  /** Share of requests that must be good, as a decimal. */
  objective: number;
  /** 1 − objective, written out, since floats would not be exact. */
  budget: number;
  /** Bad requests as a share of all, weighted by requests. */
  errorRatio: Expression<ServiceLabel>;
  requests: Expression<ServiceLabel>;
}

const OBJECTIVES: readonly Objective[] = [
  {
    slo: 'availability',
    objective: 0.999,
    budget: 0.001,
    errorRatio: ratioBy(
      service,
      rate('http_requests_total', { status: matching('5..') }),
      rate('http_requests_total'),
    ),
    requests: sumBy(service, rate('http_requests_total')),
  },
  {
    slo: 'latency',
    objective: 0.99,
    budget: 0.01,
    // Bad is what took longer than 0.5 s, a bound of the histogram.
    errorRatio: sumBy(service, bucketRate('http_request_duration_seconds', { le: '0.5' }))
      .dividedBy(sumBy(service, rate('http_request_duration_seconds_count')))
      .complement(),
    requests: sumBy(service, rate('http_request_duration_seconds_count')),
  },
];

/** With fewer requests each second than this, one failure burns the budget and means nothing. */
const LEAST_REQUESTS = 0.1;

export interface RecordingRule {
  record: string;
  expr: string;
  labels?: Record<string, string>;
}

/** One name for the build of whatever service; of two versions that overlap in a restart, one. */
export const buildInfoRule: RecordingRule = {
  record: 'service:build_info',
  expr: `topk by (env, service, instance) (1, ${['gateway', 'aggregate', 'projection', 'runner', 'control'].map((name) => `max by (env, service, instance, version, git_sha) (${name}_build_info)`).join(' or ')})`,
};

/** The recordings of one window. */
export function errorRatioRules(window: SloWindow): RecordingRule[] {
  return OBJECTIVES.map(({ slo, errorRatio }) => ({
    record: `slo:error_ratio:rate${window}`,
    expr: errorRatio.render(ruleScope(window)),
    labels: { slo },
  }));
}

/** Objectives and traffic, for the services that have any. */
export function objectiveRules(): RecordingRule[] {
  return OBJECTIVES.flatMap(({ slo, objective, requests }) => [
    { record: 'slo:requests:rate5m', expr: requests.render(ruleScope('5m')), labels: { slo } },
    {
      record: 'slo:objective:ratio',
      expr: `(${requests.times(0).render(ruleScope('3d'))}) + ${objective}`,
      labels: { slo },
    },
  ]);
}

/** Long windows change slowly and cost more: they are evaluated less often. */
export const SLO_INTERVALS: Record<SloWindow, string> = {
  '5m': '30s',
  '30m': '1m',
  '1h': '1m',
  '2h': '2m',
  '6h': '5m',
  '1d': '10m',
  '3d': '15m',
};

type SloLabel = ServiceLabel | 'slo';
const sloLabels = ['env', 'service', 'slo'] as const;

/** Above `factor` times the budget in both windows. */
function burns(factor: number, short: SloWindow, long: SloWindow): Expression<SloLabel> {
  return OBJECTIVES.map(({ slo, budget }) => {
    const limit = Number((factor * budget).toFixed(6));
    return over(short, slo, limit).and(sloLabels, over(long, slo, limit));
  }).reduce((one, other) => one.or(other));
}

function over(window: SloWindow, slo: string, limit: number): Expression<SloLabel> {
  return sumBy(sloLabels, gauge(`slo:error_ratio:rate${window}`, { slo })).above(limit);
}

const traffic = sumBy(sloLabels, gauge('slo:requests:rate5m')).above(LEAST_REQUESTS);
const summary = (what: string): string =>
  `{{ $labels.service }} in {{ $labels.env }} ${what}: {{ $value | humanizePercentage }} of its requests fail the objective “{{ $labels.slo }}”.`;

export const sloAlerts: readonly Alert[] = [
  {
    name: 'SloBurnFast',
    severity: 'page',
    expression: burns(14.4, '5m', '1h')
      .or(burns(6, '30m', '6h'))
      .and(sloLabels, traffic),
    for: '0s',
    summary: summary('uses a month’s error budget up within five days'),
    dashboard: 'slos',
  },
  {
    name: 'SloBurnSlow',
    severity: 'ticket',
    expression: burns(3, '2h', '1d')
      .or(burns(1, '6h', '3d'))
      .and(sloLabels, traffic),
    for: '0s',
    summary: summary('uses its error budget up before its time'),
    dashboard: 'slos',
  },
];
