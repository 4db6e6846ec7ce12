/** What our own recording rules (`stack/alerts/recording-rules.ts`) and vmalert write back. */
import { metricsOf } from './metric.ts';

/** Windows over which the error ratios of the SLOs are recorded. */
export const SLO_WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;
export type SloWindow = (typeof SLO_WINDOWS)[number];

const ratio = { type: 'gauge', unit: 'ratio', labels: ['slo'] } as const;

export const recordedMetrics = metricsOf(
  { source: 'recording rule', environment: 'env' },
  {
    ALERTS: {
      type: 'gauge',
      unit: 'boolean',
      labels: ['alertname', 'alertstate', 'severity'],
      help: '1 for each alert that is pending or firing.',
    },
    'service:build_info': {
      type: 'gauge',
      unit: 'info',
      labels: ['version', 'git_sha'],
      help: 'Always 1; one series for each instance, whatever its service calls its build_info.',
    },
    'slo:objective:ratio': { ...ratio, help: 'Share of requests that must be good.' },
    'slo:requests:rate5m': {
      type: 'gauge',
      unit: 'requests per second',
      labels: ['slo'],
      help: 'Requests that the objective counts.',
    },
    'slo:error_ratio:rate5m': { ...ratio, help: 'Share of bad requests over 5 minutes.' },
    'slo:error_ratio:rate30m': { ...ratio, help: 'Share of bad requests over 30 minutes.' },
    'slo:error_ratio:rate1h': { ...ratio, help: 'Share of bad requests over one hour.' },
    'slo:error_ratio:rate2h': { ...ratio, help: 'Share of bad requests over two hours.' },
    'slo:error_ratio:rate6h': { ...ratio, help: 'Share of bad requests over six hours.' },
    'slo:error_ratio:rate1d': { ...ratio, help: 'Share of bad requests over one day.' },
    'slo:error_ratio:rate3d': { ...ratio, help: 'Share of bad requests over three days.' },
  },
);
