/** What prometheus-nats-exporter (run with `-jsz=all -varz`, without `-prefix`) and nats-surveyor export. The exporter makes a gauge of everything. */
import { metricsOf } from './metric.ts';

const exporter = metricsOf(
  { source: 'prometheus-nats-exporter', environment: 'env' },
  {
    jetstream_consumer_num_pending: {
      type: 'gauge',
      unit: 'messages',
      labels: ['stream_name', 'consumer_name', 'is_consumer_leader', 'account_name'],
      help: 'Messages of the stream that the consumer has not been sent.',
    },
    jetstream_consumer_num_ack_pending: {
      type: 'gauge',
      unit: 'messages',
      labels: ['stream_name', 'consumer_name', 'is_consumer_leader', 'account_name'],
      help: 'Messages sent and not acknowledged.',
    },
    jetstream_consumer_num_redelivered: {
      type: 'gauge',
      unit: 'messages',
      labels: ['stream_name', 'consumer_name', 'is_consumer_leader', 'account_name'],
      help: 'Messages that are being delivered again now; not a counter.',
    },
    jetstream_stream_total_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['stream_name', 'is_stream_leader', 'account_name'],
      help: 'Bytes in the stream.',
    },
    jetstream_stream_limit_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['stream_name', 'is_stream_leader', 'account_name'],
      help: 'Most bytes that the stream may hold; -1 is no limit.',
    },
    jetstream_stream_total_messages: {
      type: 'gauge',
      unit: 'messages',
      labels: ['stream_name', 'is_stream_leader', 'account_name'],
      help: 'Messages in the stream.',
    },
    jetstream_stream_last_seq: {
      type: 'gauge',
      unit: 'messages',
      labels: ['stream_name', 'is_stream_leader', 'account_name'],
      help: 'Sequence of the last message: grows by one for each one published.',
    },
    jetstream_server_max_storage: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['server_name'],
      help: 'Storage that the server may use for streams.',
    },
    jetstream_server_total_message_bytes: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['server_name'],
      help: 'Bytes of messages that the server holds.',
    },
    gnatsd_varz_slow_consumers: {
      type: 'gauge',
      unit: 'connections',
      labels: ['server_id'],
      help: 'Connections that were cut since the start because they read too slowly.',
    },
    gnatsd_varz_connections: {
      type: 'gauge',
      unit: 'connections',
      labels: ['server_id'],
      help: 'Client connections.',
    },
    gnatsd_varz_in_msgs: {
      type: 'gauge',
      unit: 'messages',
      labels: ['server_id'],
      help: 'Messages received since the start.',
    },
    gnatsd_varz_out_msgs: {
      type: 'gauge',
      unit: 'messages',
      labels: ['server_id'],
      help: 'Messages sent since the start.',
    },
    gnatsd_varz_jetstream_stats_storage: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['server_id'],
      help: 'File storage that streams use.',
    },
    gnatsd_varz_jetstream_config_max_storage: {
      type: 'gauge',
      unit: 'bytes',
      labels: ['server_id'],
      help: 'File storage that streams may use.',
    },
    gnatsd_varz_jetstream_stats_api_errors: {
      type: 'gauge',
      unit: 'requests',
      labels: ['server_id'],
      help: 'JetStream API requests that failed since the start.',
    },
  },
);

const surveyor = metricsOf(
  { source: 'nats-surveyor', environment: 'env' },
  {
    nats_jetstream_acknowledgement_duration: {
      type: 'histogram',
      unit: 'seconds',
      labels: ['account', 'stream', 'consumer'],
      help: 'Time from delivery to acknowledgement; needs ack sampling on the consumer.',
    },
  },
);

export const natsMetrics = { ...exporter, ...surveyor };
