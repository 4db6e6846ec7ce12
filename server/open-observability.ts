/** Opens what the configuration of an environment says of its observability. Nothing is called until somebody asks. */
import type { ObservabilityPart } from '#contract/observability.ts';
import { createAlertmanagerClient } from '#server/adapters/alertmanager/alertmanager-client.ts';
import { createGrafanaClient } from '#server/adapters/grafana/grafana-client.ts';
import type { HttpServer } from '#server/adapters/http/json-client.ts';
import { createLokiClient } from '#server/adapters/loki/loki-client.ts';
import { createAlertClient } from '#server/adapters/victoria-metrics/alert-client.ts';
import { createMetricClient } from '#server/adapters/victoria-metrics/metric-client.ts';
import { createTargetClient } from '#server/adapters/victoria-metrics/target-client.ts';
import type { ObservedEnvironment } from '#server/observability/observability-settings.ts';
import type { EnvironmentConfiguration } from './configuration.ts';
import { observabilityServer } from './observability-configuration.ts';

export function openObservability(
  { name: environment, observability = {} }: EnvironmentConfiguration,
  env: NodeJS.ProcessEnv,
): ObservedEnvironment {
  const open = <Source>(part: ObservabilityPart, create: (server: HttpServer) => Source): Source | null => {
    const server = observabilityServer(observability, part, env);
    return server === null ? null : create(server);
  };
  const public_url = observability.grafana_public_url ?? observability.grafana_url;
  return {
    environment,
    metrics: open('metrics', createMetricClient),
    alerts: open('alerts', createAlertClient),
    alertmanager: open('alertmanager', createAlertmanagerClient),
    targets: open('targets', createTargetClient),
    logs: open('logs', createLokiClient),
    grafana: open('grafana', createGrafanaClient),
    grafana_public_url: public_url?.replace(/\/+$/, '') ?? null,
  };
}
