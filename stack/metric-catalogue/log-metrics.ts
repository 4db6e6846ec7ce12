/** What Loki, Alloy and Grafana export. */
import { metricsOf } from './metric.ts';

const loki = metricsOf(
  { source: 'Loki', environment: 'env' },
  {
    loki_discarded_samples_total: {
      type: 'counter',
      unit: 'lines',
      labels: ['reason', 'tenant'],
      help: 'Lines that Loki refused.',
    },
    loki_distributor_lines_received_total: {
      type: 'counter',
      unit: 'lines',
      labels: ['tenant'],
      help: 'Lines received.',
    },
    loki_distributor_bytes_received_total: {
      type: 'counter',
      unit: 'bytes',
      labels: ['tenant'],
      help: 'Bytes received.',
    },
    loki_request_duration_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: ['route', 'status_code'],
      help: 'Time to answer a request.',
    },
    loki_ingester_memory_streams: {
      type: 'gauge',
      unit: 'streams',
      labels: ['tenant'],
      help: 'Streams in memory.',
    },
    loki_ingester_chunks_flush_failures_total: {
      type: 'counter',
      unit: 'chunks',
      labels: [],
      help: 'Chunks that could not be stored.',
    },
    loki_panic_total: {
      type: 'counter',
      unit: 'panics',
      labels: [],
      help: 'Requests that ended in a panic.',
    },
  },
);

const alloy = metricsOf(
  { source: 'Alloy', environment: 'env' },
  {
    loki_write_dropped_entries_total: {
      type: 'counter',
      unit: 'lines',
      labels: ['host', 'tenant', 'reason'],
      help: 'Lines that were given up.',
    },
    loki_write_batch_retries_total: {
      type: 'counter',
      unit: 'batches',
      labels: ['host', 'tenant'],
      help: 'Batches that were sent again.',
    },
    loki_process_dropped_lines_total: {
      type: 'counter',
      unit: 'lines',
      labels: ['reason'],
      help: 'Lines that a stage dropped.',
    },
    loki_source_docker_target_entries_total: {
      type: 'counter',
      unit: 'lines',
      labels: [],
      help: 'Lines read from containers.',
    },
    loki_source_docker_target_parsing_errors_total: {
      type: 'counter',
      unit: 'lines',
      labels: [],
      help: 'Lines that could not be read.',
    },
    alloy_config_last_load_successful: {
      type: 'gauge',
      unit: 'boolean',
      labels: [],
      help: '1 when the configuration was taken over.',
    },
  },
);

const grafana = metricsOf(
  { source: 'Grafana', environment: 'env' },
  {
    grafana_http_request_duration_seconds: {
      type: 'histogram',
      unit: 'seconds',
      labels: ['handler', 'status_code'],
      help: 'Time to answer a request.',
    },
  },
);

export const logMetrics = { ...loki, ...alloy, ...grafana };
