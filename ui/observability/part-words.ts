import type { ObservabilityPart } from '#contract/observability.ts';

/** Starts the embedded mode with a metrics server, a scraper and an alerting server of its own. */
export const EMBEDDED_METRICS = 'npm start -- --metrics';

/** The parts of the stack, as people call them, what each gives, and whether the embedded mode can start it. */
export const PART_WORDS = {
  metrics: { label: 'Metrics', noun: 'metrics server', gives: 'charts and figures', embedded: true },
  alerts: { label: 'Alerts', noun: 'alerting server', gives: 'the alerts that fire', embedded: true },
  alertmanager: {
    label: 'Alertmanager',
    noun: 'Alertmanager',
    gives: 'which alerts are silenced',
    embedded: false,
  },
  targets: {
    label: 'Targets',
    noun: 'scraper',
    gives: 'what is scraped, and whether it answers',
    embedded: true,
  },
  logs: { label: 'Logs', noun: 'log server', gives: 'log lines', embedded: false },
  grafana: { label: 'Grafana', noun: 'Grafana', gives: 'dashboards to open', embedded: false },
} satisfies Record<ObservabilityPart, { label: string; noun: string; gives: string; embedded: boolean }>;
