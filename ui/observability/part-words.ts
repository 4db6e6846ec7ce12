import type { ObservabilityPart } from '#contract/observability.ts';

/** The parts of the stack, as people call them, and what each gives. */
export const PART_WORDS = {
  metrics: { label: 'Metrics', noun: 'metrics server', gives: 'charts and figures' },
  alerts: { label: 'Alerts', noun: 'alerting server', gives: 'the alerts that fire' },
  alertmanager: { label: 'Alertmanager', noun: 'Alertmanager', gives: 'which alerts are silenced' },
  targets: { label: 'Targets', noun: 'scraper', gives: 'what is scraped, and whether it answers' },
  logs: { label: 'Logs', noun: 'log server', gives: 'log lines' },
  grafana: { label: 'Grafana', noun: 'Grafana', gives: 'dashboards to open' },
} satisfies Record<ObservabilityPart, { label: string; noun: string; gives: string }>;
