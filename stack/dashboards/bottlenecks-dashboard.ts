import { gauge, matching, maxBy, quantileBy, rate, ratioBy, sumBy } from '#stack/queries/promql.ts';
import { consumerLeader, streamLeader } from './chosen.ts';
import { type DashboardSpec } from './dashboard.ts';
import { diskFill, diskQueue, readLatency, writeLatency } from './host-queries.ts';
import { timeSeries } from './panel.ts';

const device = ['instance', 'device'] as const;

export const bottlenecksDashboard: DashboardSpec = {
  name: 'bottlenecks',
  description:
    'The API is up, and yet requests time out: which store or stream is full or slow? Read from the bottom up.',
  variables: [],
  next: ['storage', 'jetstream', 'workers', 'infrastructure'],
  rows: [
    {
      title: 'Event bus',
      panels: [
        timeSeries({
          title: 'Stream fill',
          description: 'Bytes of a stream as a share of its limit. Streams without limit are left out.',
          unit: 'percentunit',
          queries: {
            '{{stream_name}}': maxBy(
              ['stream_name'],
              gauge('jetstream_stream_total_bytes', streamLeader),
            ).dividedBy(maxBy(['stream_name'], gauge('jetstream_stream_limit_bytes', streamLeader))),
          },
        }),
        timeSeries({
          title: 'Publish and acknowledgement, p95',
          description: 'Time until JetStream took an event, and until a consumer acknowledged one.',
          unit: 's',
          queries: {
            publish: quantileBy(0.95, [], 'aggregate_publish_duration_seconds'),
            'acknowledge {{consumer}}': quantileBy(
              0.95,
              ['consumer'],
              'nats_jetstream_acknowledgement_duration',
            ),
          },
        }),
        timeSeries({
          title: 'Lag and redeliveries',
          description: 'Messages not yet sent to consumers, and messages being delivered again.',
          unit: 'none',
          queries: {
            '{{consumer_name}} lag': sumBy(
              ['consumer_name'],
              gauge('jetstream_consumer_num_pending', consumerLeader),
            ),
            '{{consumer_name}} again': sumBy(
              ['consumer_name'],
              gauge('jetstream_consumer_num_redelivered', consumerLeader),
            ),
          },
        }),
      ],
    },
    {
      title: 'Projections',
      panels: [
        timeSeries({
          title: 'Lag of projections',
          description: 'Messages that wait to be processed.',
          unit: 'none',
          span: 6,
          queries: {
            '{{instance}}': sumBy(['instance'], gauge('platform_consumer_lag', { service: 'projection' })),
          },
        }),
        timeSeries({
          title: 'Events processed',
          description: 'Events each second by view.',
          unit: 'ops',
          span: 6,
          queries: { '{{view_type}}': sumBy(['view_type'], rate('projection_events_processed_total')) },
        }),
        timeSeries({
          title: 'Processing p95',
          description: 'Time to apply one event, by view.',
          unit: 's',
          span: 6,
          queries: {
            '{{view_type}}': quantileBy(0.95, ['view_type'], 'projection_processing_duration_seconds'),
          },
        }),
        timeSeries({
          title: 'Share of events that fail',
          description: 'Events that could not be applied, of all that were tried.',
          unit: 'percentunit',
          span: 6,
          queries: {
            '{{view_type}}': ratioBy(
              ['view_type'],
              rate('projection_processing_errors_total'),
              rate('projection_events_processed_total'),
            ),
          },
        }),
      ],
    },
    {
      title: 'Write path of aggregates',
      panels: [
        timeSeries({
          title: 'Command duration',
          description: 'Time from taking a command to its events being stored.',
          unit: 's',
          span: 6,
          queries: {
            p95: quantileBy(0.95, [], 'aggregate_command_duration_seconds'),
            p99: quantileBy(0.99, [], 'aggregate_command_duration_seconds'),
          },
        }),
        timeSeries({
          title: 'Version conflicts',
          description: 'Commands each second that lost the race for a version: many mean one hot aggregate.',
          unit: 'ops',
          span: 6,
          queries: { '{{instance}}': sumBy(['instance'], rate('aggregate_version_conflicts_total')) },
        }),
        timeSeries({
          title: 'Commands in flight',
          description: 'Commands begun and not finished, by node.',
          unit: 'none',
          span: 6,
          queries: { '{{instance}}': sumBy(['instance'], gauge('aggregate_in_flight_commands')) },
        }),
        timeSeries({
          title: 'Failed commands of tenants',
          description: 'Commands each second that failed for a reason other than the caller’s.',
          unit: 'ops',
          span: 6,
          leadsTo: { dashboard: 'tenants' },
          queries: { '{{instance}}': sumBy(['instance'], rate('aggregate_tenant_errors_total')) },
        }),
      ],
    },
    {
      title: 'Runners',
      panels: [
        timeSeries({
          title: 'Share of dispatches that fail',
          description: 'Attempts to dispatch from the outbox that failed.',
          unit: 'percentunit',
          queries: {
            '{{instance}}': ratioBy(
              ['instance'],
              rate('runner_outbox_dispatches_total', { result: 'failed' }),
              rate('runner_outbox_dispatches_total'),
            ),
          },
        }),
        timeSeries({
          title: 'Effects timed out',
          description: 'Effects each second that were given up at their deadline.',
          unit: 'ops',
          queries: { '{{effect_type}}': sumBy(['effect_type'], rate('runner_effect_timeouts_total')) },
        }),
        timeSeries({
          title: 'Dead letters',
          description: 'Messages each second that were put aside.',
          unit: 'ops',
          queries: { '{{cause}}': sumBy(['cause'], rate('runner_dead_letters_total')) },
        }),
      ],
    },
    {
      title: 'Disks under the stores',
      panels: [
        timeSeries({
          title: 'Disk fill',
          description: 'Used share of each file system that holds data.',
          unit: 'percentunit',
          queries: { '{{instance}} {{mountpoint}}': diskFill },
        }),
        timeSeries({
          title: 'Read and write latency',
          description: 'Mean time of an operation. Compare its peaks with the last panel.',
          unit: 's',
          queries: {
            '{{instance}} {{device}} read': readLatency,
            '{{instance}} {{device}} write': writeLatency,
          },
        }),
        timeSeries({
          title: 'Operations',
          description: 'Reads and writes each second.',
          unit: 'ops',
          queries: {
            '{{instance}} {{device}} read': sumBy(device, rate('node_disk_reads_completed_total')),
            '{{instance}} {{device}} write': sumBy(device, rate('node_disk_writes_completed_total')),
          },
        }),
        timeSeries({
          title: 'Disk queue',
          description:
            'Operations that wait or run at a time. Above the number of what the device does at once, it is saturated.',
          unit: 'none',
          span: 12,
          queries: { '{{instance}} {{device}}': diskQueue },
        }),
        timeSeries({
          title: 'Commands and queries, p95',
          description: 'What users feel, to be laid beside the latency of the disks.',
          unit: 's',
          span: 12,
          queries: {
            command: quantileBy(0.95, [], 'aggregate_command_duration_seconds'),
            '{{service}} request': quantileBy(0.95, ['service'], 'http_request_duration_seconds', {
              service: matching('gateway|projection'),
            }),
          },
        }),
      ],
    },
    {
      title: 'Database of the control plane',
      panels: [
        timeSeries({
          title: 'Connections of the pool',
          description: 'Connections by state. Requests wait while `waiting` is above 0.',
          unit: 'none',
          span: 24,
          queries: { '{{state}}': sumBy(['state'], gauge('control_database_connections')) },
        }),
      ],
    },
  ],
};
