import { change, gauge, maxBy, quantileBy, slope, sumBy } from '#stack/queries/promql.ts';
import { consumerLeader, streamLeader } from './chosen.ts';
import { type DashboardSpec } from './dashboard.ts';
import { timeSeries } from './panel.ts';

export const jetstreamDashboard: DashboardSpec = {
  name: 'jetstream',
  description: 'Does the event bus keep up? Only the figures of stream and consumer leaders are counted.',
  variables: [],
  next: ['bottlenecks', 'workers', 'storage'],
  rows: [
    {
      title: 'Consumers',
      panels: [
        timeSeries({
          title: 'Consumer lag',
          description: 'Messages of the stream that the consumer was not sent.',
          unit: 'none',
          queries: {
            '{{stream_name}} {{consumer_name}}': sumBy(
              ['stream_name', 'consumer_name'],
              gauge('jetstream_consumer_num_pending', consumerLeader),
            ),
          },
        }),
        timeSeries({
          title: 'Not acknowledged',
          description:
            'Messages that were sent and not acknowledged. At the consumer’s limit it gets no more.',
          unit: 'none',
          queries: {
            '{{stream_name}} {{consumer_name}}': sumBy(
              ['stream_name', 'consumer_name'],
              gauge('jetstream_consumer_num_ack_pending', consumerLeader),
            ),
          },
        }),
        timeSeries({
          title: 'Redelivered',
          description: 'Messages that are being delivered again now. It is a level, not a counter.',
          unit: 'none',
          queries: {
            '{{stream_name}} {{consumer_name}}': sumBy(
              ['stream_name', 'consumer_name'],
              gauge('jetstream_consumer_num_redelivered', consumerLeader),
            ),
          },
        }),
        timeSeries({
          title: 'Acknowledgement latency p95',
          description:
            'Time from delivery to acknowledgement; from nats-surveyor, for consumers that sample acknowledgements.',
          unit: 's',
          queries: {
            '{{stream}} {{consumer}}': quantileBy(
              0.95,
              ['stream', 'consumer'],
              'nats_jetstream_acknowledgement_duration',
            ),
          },
        }),
        timeSeries({
          title: 'Publish latency p95',
          description: 'Time until JetStream has acknowledged an event, as the aggregates measure it.',
          unit: 's',
          queries: { '{{service}}': quantileBy(0.95, ['service'], 'aggregate_publish_duration_seconds') },
        }),
        timeSeries({
          title: 'Published',
          description: 'Messages each second that a stream takes in.',
          unit: 'ops',
          queries: {
            '{{stream_name}}': maxBy(['stream_name'], slope('jetstream_stream_last_seq', streamLeader)),
          },
        }),
      ],
    },
    {
      title: 'Storage and servers',
      panels: [
        timeSeries({
          title: 'Stream fill',
          description: 'Bytes of a stream as a share of its limit. Streams without limit (-1) are left out.',
          unit: 'percentunit',
          queries: {
            '{{stream_name}}': maxBy(
              ['stream_name'],
              gauge('jetstream_stream_total_bytes', streamLeader),
            ).dividedBy(maxBy(['stream_name'], gauge('jetstream_stream_limit_bytes', streamLeader))),
          },
        }),
        timeSeries({
          title: 'Server storage',
          description: 'Bytes of messages as a share of what the server may use.',
          unit: 'percentunit',
          queries: {
            '{{server_name}}': maxBy(
              ['server_name'],
              gauge('jetstream_server_total_message_bytes'),
            ).dividedBy(maxBy(['server_name'], gauge('jetstream_server_max_storage'))),
          },
        }),
        timeSeries({
          title: 'Slow consumers cut',
          description: 'Connections that were cut because they read too slowly, within 5 minutes.',
          unit: 'none',
          queries: { '{{server_id}}': maxBy(['server_id'], change('gnatsd_varz_slow_consumers', {}, '5m')) },
        }),
        timeSeries({
          title: 'Connections',
          description: 'Clients of each server.',
          unit: 'none',
          span: 12,
          queries: { '{{server_id}}': maxBy(['server_id'], gauge('gnatsd_varz_connections')) },
        }),
        timeSeries({
          title: 'Failed API requests',
          description: 'JetStream API requests that failed, within 5 minutes.',
          unit: 'none',
          span: 12,
          queries: {
            '{{server_id}}': maxBy(['server_id'], change('gnatsd_varz_jetstream_stats_api_errors', {}, '5m')),
          },
        }),
      ],
    },
  ],
};
