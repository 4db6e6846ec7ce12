/** The MetricSource port over the Prometheus query API of VictoriaMetrics or Prometheus. */
import { createJsonClient, type HttpServer } from '#server/adapters/http/json-client.ts';
import {
  matrixAnswer,
  seriesOfMatrix,
  seriesOfVector,
  vectorAnswer,
} from '#server/adapters/http/prometheus-answer.ts';
import type { MetricSource } from '#server/observability/metric-source.ts';

export function createMetricClient(server: HttpServer): MetricSource {
  const { call, source, address } = createJsonClient('metrics server', server);
  const query: MetricSource['query'] = async (expression, at_s, options = {}) =>
    seriesOfVector(
      await call({
        ...options,
        path: '/api/v1/query',
        query: { query: expression, time: at_s },
        answer: vectorAnswer,
      }),
    );
  return {
    source,
    address,
    query,
    queryRange: async (expression, { from_s, to_s, step_s }, options = {}) =>
      seriesOfMatrix(
        await call({
          ...options,
          path: '/api/v1/query_range',
          query: { query: expression, start: from_s, end: to_s, step: step_s },
          answer: matrixAnswer,
        }),
      ),
    check: async (options) => {
      await query('vector(1)', Math.floor(Date.now() / 1000), options);
    },
  };
}
