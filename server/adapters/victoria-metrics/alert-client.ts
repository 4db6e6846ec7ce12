/** The AlertSource port over the API of vmalert. */
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { createJsonClient, Instant, type HttpServer } from '#server/adapters/http/json-client.ts';
import type { AlertSource } from '#server/observability/alert-source.ts';

const Labels = Type.Record(Type.String(), Type.String());
const alertsAnswer = Compile(
  Type.Object({
    status: Type.Literal('success'),
    data: Type.Object({
      alerts: Type.Array(
        Type.Object({
          // An alert that is over is reported as inactive for a while.
          state: Type.String(),
          name: Type.String(),
          value: Type.String(),
          labels: Labels,
          annotations: Labels,
          activeAt: Instant,
        }),
      ),
    }),
  }),
);

export function createAlertClient(server: HttpServer): AlertSource {
  const { call, source, address } = createJsonClient('vmalert', server);
  const alerts: AlertSource['alerts'] = async (options = {}) => {
    const { data } = await call({ ...options, path: '/api/v1/alerts', answer: alertsAnswer });
    return data.alerts.flatMap(({ state, name, value, labels, annotations, activeAt }) =>
      state === 'firing' || state === 'pending'
        ? [
            {
              labels: { ...labels, alertname: name },
              annotations,
              state,
              value: Number.isFinite(Number(value)) ? Number(value) : null,
              active_since: new Date(activeAt).toISOString(),
              silenced: false,
            },
          ]
        : [],
    );
  };
  return { source, address, alerts, check: async (options) => void (await alerts(options)) };
}
