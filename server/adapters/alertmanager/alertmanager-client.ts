/** The AlertSource port over Alertmanager's API v2: what fires, and what of it is muted. It knows no pending alerts and no values. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { createJsonClient, Instant, type HttpServer } from '#server/adapters/http/json-client.ts';
import type { AlertSource } from '#server/observability/alert-source.ts';

const Labels = Type.Record(Type.String(), Type.String());
const alertsAnswer = Compile(
  Type.Array(
    Type.Object({
      labels: Labels,
      annotations: Labels,
      startsAt: Instant,
      status: Type.Object({
        state: Type.Enum(['unprocessed', 'active', 'suppressed']),
      }),
    }),
  ),
);
const statusAnswer = Compile(Type.Object({ versionInfo: Type.Object({ version: Type.String() }) }));

export function createAlertmanagerClient(server: HttpServer): AlertSource {
  const { call, source, address } = createJsonClient('Alertmanager', server);
  return {
    source,
    address,
    alerts: async (options = {}) => {
      const alerts = await call({ ...options, path: '/api/v2/alerts', answer: alertsAnswer });
      return alerts.map(({ labels, annotations, startsAt, status }) => ({
        labels,
        annotations,
        state: 'firing' as const,
        value: null,
        active_since: new Date(startsAt).toISOString(),
        silenced: status.state === 'suppressed',
      }));
    },
    check: async (options = {}) => {
      await call({ ...options, path: '/api/v2/status', answer: statusAnswer });
    },
  };
}
