/** Alerts that are pending or firing now, from vmalert, from Alertmanager, or from both. */
import type { Alert, Answer } from '#contract/observability.ts';
import { alertsShown } from './alert-rules.ts';
import type { AlertSource, ReportedAlert } from './alert-source.ts';
import { dashboardUrl } from './link-rules.ts';
import {
  notConfigured,
  observedEnvironment,
  upstreamFailed,
  type ObservabilityDependencies,
} from './observability-settings.ts';
import { SourceError } from './outside-source.ts';
import { DASHBOARDS } from './stack-registry.ts';

/** When one of the two does not answer, what the other knows is shown, and the answer's source says who is missing. */
export async function listAlerts(
  dependencies: ObservabilityDependencies,
  environment: string,
  signal: AbortSignal,
): Promise<{ items: Alert[]; dropped: number; answer: Answer }> {
  const observed = observedEnvironment(dependencies, environment);
  const sources = [observed.alerts, observed.alertmanager].filter((source) => source !== null);
  if (sources.length === 0) throw notConfigured(environment, 'alerts', 'vmalert or Alertmanager');
  const began = performance.now();
  const answers = await Promise.all(sources.map((source) => ask(source, signal)));
  if (answers.every(({ reported }) => reported === null)) throw upstreamFailed(answers[0]?.error);
  const grafana = observed.grafana_public_url;
  return {
    ...alertsShown(
      environment,
      answers.flatMap(({ reported }) => reported ?? []),
      {
        dashboardUrl: (uid) => {
          const dashboard = DASHBOARDS.find((each) => each.uid === uid);
          return grafana === null || !dashboard ? null : dashboardUrl(grafana, dashboard, { environment });
        },
      },
    ),
    answer: {
      source: answers.map(({ said }) => said).join('; '),
      answered_at: new Date().toISOString(),
      took_ms: Math.round(performance.now() - began),
    },
  };
}

interface AlertAnswer {
  /** Null when it did not answer. */
  reported: ReportedAlert[] | null;
  said: string;
  error?: unknown;
}

async function ask(source: AlertSource, signal: AbortSignal): Promise<AlertAnswer> {
  try {
    return { reported: await source.alerts({ signal }), said: source.source };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof SourceError)) throw error;
    return { reported: null, said: `without ${error.message}`, error };
  }
}
