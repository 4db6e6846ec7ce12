import {
  aggregate,
  gauge,
  increase,
  matching,
  maxBy,
  not,
  rate,
  ratioBy,
  sumBy,
} from '#stack/queries/promql.ts';
import { type DashboardSpec } from './dashboard.ts';
import { diskFill, diskQueue, readLatency, startedContainers, writeLatency } from './host-queries.ts';
import { timeSeries } from './panel.ts';

const host = ['instance'] as const;

export const infrastructureDashboard: DashboardSpec = {
  name: 'infrastructure',
  description: 'What runs out next: CPU, memory, disk, or our own sight?',
  variables: [],
  next: ['cluster', 'storage', 'logs', 'bottlenecks'],
  rows: [
    {
      title: 'Pressure',
      panels: [
        timeSeries({
          title: 'CPU pressure',
          description: 'Share of time in which some task waited for a CPU (PSI). Earlier than CPU per cent.',
          unit: 'percentunit',
          queries: { '{{instance}}': sumBy(host, rate('node_pressure_cpu_waiting_seconds_total')) },
        }),
        timeSeries({
          title: 'Memory pressure',
          description: 'Share of time in which some, or all, tasks waited for memory.',
          unit: 'percentunit',
          queries: {
            '{{instance}} some': sumBy(host, rate('node_pressure_memory_waiting_seconds_total')),
            '{{instance}} all': sumBy(host, rate('node_pressure_memory_stalled_seconds_total')),
          },
        }),
        timeSeries({
          title: 'I/O pressure',
          description: 'Share of time in which some, or all, tasks waited for a disk.',
          unit: 'percentunit',
          queries: {
            '{{instance}} some': sumBy(host, rate('node_pressure_io_waiting_seconds_total')),
            '{{instance}} all': sumBy(host, rate('node_pressure_io_stalled_seconds_total')),
          },
        }),
        timeSeries({
          title: 'Load for each CPU',
          description: 'Load average over a minute, divided by the number of CPUs. Above 1, tasks wait.',
          unit: 'short',
          queries: {
            '{{instance}}': maxBy(host, gauge('node_load1')).dividedBy(
              aggregate('count', host, rate('node_cpu_seconds_total', { mode: 'idle' })),
            ),
          },
        }),
        timeSeries({
          title: 'CPU used',
          description: 'Share of CPU time that was not idle.',
          unit: 'percentunit',
          queries: {
            '{{instance}}': aggregate(
              'avg',
              host,
              rate('node_cpu_seconds_total', { mode: 'idle' }),
            ).complement(),
          },
        }),
        timeSeries({
          title: 'Memory used',
          description: 'Share of memory that cannot be had without swapping.',
          unit: 'percentunit',
          queries: {
            '{{instance}}': maxBy(host, gauge('node_memory_MemAvailable_bytes'))
              .dividedBy(maxBy(host, gauge('node_memory_MemTotal_bytes')))
              .complement(),
          },
        }),
        timeSeries({
          title: 'Kills for want of memory',
          description:
            'Processes killed within 15 minutes, by host, and by container where cAdvisor sees it.',
          unit: 'none',
          span: 12,
          queries: {
            '{{instance}}': sumBy(host, increase('node_vmstat_oom_kill', {}, '15m')),
            '{{container_label_com_docker_swarm_task_name}}': sumBy(
              ['container_label_com_docker_swarm_task_name'],
              increase(
                'container_oom_events_total',
                { container_label_com_docker_swarm_task_name: not('') },
                '15m',
              ),
            ),
          },
        }),
        timeSeries({
          title: 'CPU held back',
          description: 'Share of periods in which a service’s containers reached their CPU limit.',
          unit: 'percentunit',
          span: 12,
          queries: {
            '{{container_label_com_docker_swarm_service_name}}': ratioBy(
              ['container_label_com_docker_swarm_service_name'],
              rate('container_cpu_cfs_throttled_periods_total'),
              rate('container_cpu_cfs_periods_total'),
            ),
          },
        }),
      ],
    },
    {
      title: 'Disks',
      panels: [
        timeSeries({
          title: 'Disk fill',
          description: 'Used share of each file system that holds data: stores, Loki, VictoriaMetrics.',
          unit: 'percentunit',
          queries: { '{{instance}} {{mountpoint}}': diskFill },
        }),
        timeSeries({
          title: 'Latency',
          description: 'Mean time of an operation.',
          unit: 's',
          queries: {
            '{{instance}} {{device}} read': readLatency,
            '{{instance}} {{device}} write': writeLatency,
          },
        }),
        timeSeries({
          title: 'Queue',
          description: 'Operations that wait or run at a time.',
          unit: 'none',
          queries: { '{{instance}} {{device}}': diskQueue },
        }),
      ],
    },
    {
      title: 'Collecting metrics',
      panels: [
        timeSeries({
          title: 'Share of scrapes that fail',
          description: 'Scrapes of vmagent that failed.',
          unit: 'percentunit',
          queries: {
            '{{instance}}': ratioBy(
              host,
              rate('vm_promscrape_scrapes_failed_total'),
              rate('vm_promscrape_scrapes_total'),
            ),
          },
        }),
        timeSeries({
          title: 'Writes to the store',
          description: 'Write requests each second that were tried again or given up.',
          unit: 'ops',
          queries: {
            '{{instance}} again': sumBy(host, rate('vmagent_remotewrite_retries_count_total')),
            '{{instance}} given up': sumBy(host, rate('vmagent_remotewrite_packets_dropped_total')),
          },
        }),
        timeSeries({
          title: 'Waiting for the store',
          description: 'Bytes that vmagent holds back until the store takes them.',
          unit: 'bytes',
          queries: { '{{instance}}': sumBy(host, gauge('vmagent_remotewrite_pending_data_bytes')) },
        }),
        timeSeries({
          title: 'Active series',
          description:
            'Series with a sample in this hour, and series made each second. A rise without more targets is a label gone wild.',
          unit: 'short',
          queries: {
            'active {{instance}}': sumBy(
              host,
              gauge('vm_cache_entries', { type: 'storage/hour_metric_ids' }),
            ),
            'made per second {{instance}}': sumBy(host, rate('vm_new_timeseries_created_total')),
          },
        }),
        timeSeries({
          title: 'Rows not stored',
          description: 'Samples each second that the store ignored, by reason.',
          unit: 'ops',
          queries: { '{{reason}}': sumBy(['reason'], rate('vm_rows_ignored_total')) },
        }),
        timeSeries({
          title: 'Rules',
          description: 'Evaluations each second that failed or were left out. Alerts are blind meanwhile.',
          unit: 'ops',
          queries: {
            '{{group}} failed': sumBy(['group'], rate('vmalert_alerting_rules_errors_total')),
            '{{group}} left out': sumBy(['group'], rate('vmalert_iteration_missed_total')),
          },
        }),
      ],
    },
    {
      title: 'Collecting logs',
      panels: [
        timeSeries({
          title: 'Lines given up by Alloy',
          description: 'Lines each second that never reached Loki, by reason.',
          unit: 'ops',
          queries: {
            '{{reason}}': sumBy(['reason'], rate('loki_write_dropped_entries_total')),
            'dropped by a stage: {{reason}}': sumBy(['reason'], rate('loki_process_dropped_lines_total')),
          },
        }),
        timeSeries({
          title: 'Lines refused by Loki',
          description: 'Lines each second that Loki did not take, by reason.',
          unit: 'ops',
          queries: { '{{reason}}': sumBy(['reason'], rate('loki_discarded_samples_total')) },
        }),
        timeSeries({
          title: 'Loki',
          description:
            'Share of Loki’s requests that failed with 5xx, and chunks each second that could not be stored.',
          unit: 'short',
          queries: {
            'failed requests': ratioBy(
              [],
              rate('loki_request_duration_seconds_count', { status_code: matching('5..') }),
              rate('loki_request_duration_seconds_count'),
            ),
            'chunks lost': sumBy([], rate('loki_ingester_chunks_flush_failures_total')),
          },
        }),
      ],
    },
    {
      title: 'Tasks of the Swarm',
      panels: [
        timeSeries({
          title: 'Wanted and not running',
          description: 'Tasks that should run, by the state that they are in instead.',
          unit: 'none',
          queries: {
            '{{service}} {{state}}': sumBy(
              ['service', 'state'],
              gauge('swarm_tasks', { desired_state: 'running', state: not('running') }),
            ),
          },
        }),
        timeSeries({
          title: 'Running and not wanted',
          description: 'Orphans: tasks that run though they should have ended, or whose host is gone.',
          unit: 'none',
          queries: {
            '{{service}} {{node}}': sumBy(
              ['service', 'node'],
              gauge('swarm_tasks', { desired_state: not('running'), state: matching('running|orphaned') }),
            ),
          },
        }),
        timeSeries({
          title: 'Restarts',
          description:
            'Containers of a service that were started in the last 15 minutes. A level that stays is a loop.',
          unit: 'none',
          queries: startedContainers,
        }),
      ],
    },
  ],
};
