import { streamLeader } from '#stack/dashboards/chosen.ts';
import { dataVolumes } from '#stack/dashboards/host-queries.ts';
import {
  aggregate,
  gauge,
  increase,
  maxBy,
  maxOverTime,
  not,
  predicted,
  sumBy,
} from '#stack/queries/promql.ts';
import { type RuleGroup } from './alert.ts';

const volume = ['env', 'instance', 'mountpoint'] as const;
const node = ['env', 'service', 'instance'] as const;
const stream = ['env', 'stream_name'] as const;
const task = 'container_label_com_docker_swarm_service_name';

export const dataSafetyAlerts: RuleGroup = {
  name: 'data-safety',
  interval: '1m',
  alerts: [
    {
      name: 'DiskNearlyFull',
      severity: 'page',
      expression: aggregate('min', volume, gauge('node_filesystem_avail_bytes', dataVolumes))
        .dividedBy(aggregate('min', volume, gauge('node_filesystem_size_bytes', dataVolumes)))
        .below(0.1),
      for: '10m',
      summary:
        '{{ $labels.mountpoint }} of {{ $labels.instance }} in {{ $labels.env }} has {{ $value | humanizePercentage }} left.',
      dashboard: 'storage',
    },
    {
      name: 'DiskFullSoon',
      severity: 'ticket',
      expression: aggregate(
        'min',
        volume,
        predicted('node_filesystem_avail_bytes', 3 * 86_400, dataVolumes, '6h'),
      ).below(0),
      for: '1h',
      summary:
        '{{ $labels.mountpoint }} of {{ $labels.instance }} in {{ $labels.env }} will be full within 3 days, if it fills as in the last 6 hours (then {{ $value | humanize1024 }}B).',
      dashboard: 'storage',
    },
    {
      name: 'StoreNearlyFull',
      severity: 'page',
      expression: maxBy(node, gauge('platform_storage_used_bytes'))
        .dividedBy(maxBy(node, gauge('platform_storage_capacity_bytes')))
        .above(0.85),
      for: '10m',
      summary:
        'The store of {{ $labels.service }} {{ $labels.instance }} in {{ $labels.env }} is {{ $value | humanizePercentage }} full.',
      dashboard: 'storage',
    },
    {
      name: 'StoreUnwritable',
      severity: 'page',
      expression: gauge('platform_storage_ok').equals(0),
      for: '1m',
      summary:
        'The store of {{ $labels.service }} {{ $labels.instance }} in {{ $labels.env }} has refused writes for a minute (ok {{ $value }}).',
      dashboard: 'storage',
    },
    {
      name: 'StreamNearlyFull',
      severity: 'page',
      expression: maxBy(stream, gauge('jetstream_stream_total_bytes', streamLeader))
        .dividedBy(maxBy(stream, gauge('jetstream_stream_limit_bytes', streamLeader)))
        .above(0.85),
      for: '10m',
      summary:
        'Stream {{ $labels.stream_name }} in {{ $labels.env }} is {{ $value | humanizePercentage }} full.',
      dashboard: 'jetstream',
    },
    {
      name: 'RestartLoop',
      severity: 'page',
      expression: aggregate(
        'count',
        ['env', task],
        maxOverTime('container_start_time_seconds', { [task]: not('') }, '15m').above('time() - 900'),
      ).above(2),
      for: '20m',
      summary: `{{ $labels.${task} }} in {{ $labels.env }} has started {{ $value }} containers in 15 minutes, and goes on.`,
      dashboard: 'cluster',
    },
    {
      name: 'KilledForMemory',
      severity: 'ticket',
      expression: sumBy(['env', 'instance'], increase('node_vmstat_oom_kill', {}, '15m')).above(0),
      for: '0s',
      summary:
        '{{ $value | humanize }} processes on {{ $labels.instance }} in {{ $labels.env }} were killed for want of memory in 15 minutes.',
      dashboard: 'infrastructure',
    },
  ],
};
