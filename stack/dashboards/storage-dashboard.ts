import { gauge, maxBy, quantileBy, rate, slope, sumBy } from '#stack/queries/promql.ts';
import { chosenServices } from './chosen.ts';
import { type DashboardSpec } from './dashboard.ts';
import { diskFill, writeLatency } from './host-queries.ts';
import { timeSeries } from './panel.ts';

export const storageDashboard: DashboardSpec = {
  name: 'storage',
  description: 'Do the stores grow, stall or fill up?',
  variables: ['service'],
  next: ['bottlenecks', 'infrastructure', 'jetstream'],
  rows: [
    {
      title: 'Size',
      panels: [
        timeSeries({
          title: 'Store fill',
          description: 'Bytes used as a share of what the store can hold, as the node reports it.',
          unit: 'percentunit',
          queries: {
            '{{service}} {{instance}}': maxBy(
              ['service', 'instance'],
              gauge('platform_storage_used_bytes', chosenServices),
            ).dividedBy(
              maxBy(['service', 'instance'], gauge('platform_storage_capacity_bytes', chosenServices)),
            ),
          },
        }),
        timeSeries({
          title: 'Database size',
          description: 'Size of the libmdbx file.',
          unit: 'bytes',
          queries: {
            '{{service}} {{instance}}': maxBy(['service', 'instance'], gauge('db_size', chosenServices)),
          },
        }),
        timeSeries({
          title: 'Growth of the store',
          description: 'Bytes each second, by the straight line through the last hour.',
          unit: 'Bps',
          queries: {
            '{{service}} {{instance}}': maxBy(
              ['service', 'instance'],
              slope('platform_storage_used_bytes', chosenServices, '1h'),
            ),
          },
        }),
      ],
    },
    {
      title: 'Writes',
      panels: [
        timeSeries({
          title: 'Commit p99 by phase',
          description: 'Time of a commit. A write stalls while `total` is long; `sync` is the fsync.',
          unit: 's',
          queries: {
            '{{service}} {{phase}}': quantileBy(
              0.99,
              ['service', 'phase'],
              'db_commit_seconds',
              chosenServices,
            ),
          },
        }),
        timeSeries({
          title: 'fsync p95',
          description:
            'Time of the phase `sync`. Where services do not export it, see the write latency of the disk.',
          unit: 's',
          queries: {
            '{{service}} {{instance}}': quantileBy(0.95, ['service', 'instance'], 'db_commit_seconds', {
              ...chosenServices,
              phase: 'sync',
            }),
          },
        }),
        timeSeries({
          title: 'Dirty space',
          description:
            'Dirty space of the write transaction as a share of its limit: at 1 it spills, and writes stall.',
          unit: 'percentunit',
          queries: {
            '{{service}} {{instance}}': maxBy(
              ['service', 'instance'],
              gauge('tx_dirty', chosenServices),
            ).dividedBy(maxBy(['service', 'instance'], gauge('tx_limit', chosenServices))),
          },
        }),
        timeSeries({
          title: 'Page operations',
          description:
            'Pages each second by operation. `spill` above 0 means transactions that are too large.',
          unit: 'ops',
          span: 12,
          queries: { '{{service}} {{phase}}': sumBy(['service', 'phase'], rate('db_pgops', chosenServices)) },
        }),
        timeSeries({
          title: 'Pages in the garbage list',
          description: 'Pages that a long reader keeps from being used again.',
          unit: 'none',
          span: 12,
          queries: {
            '{{service}} {{instance}}': maxBy(['service', 'instance'], gauge('db_gc_pages', chosenServices)),
          },
        }),
      ],
    },
    {
      title: 'Disks',
      panels: [
        timeSeries({
          title: 'Disk fill',
          description: 'Used share of each file system that holds data.',
          unit: 'percentunit',
          span: 12,
          queries: { '{{instance}} {{mountpoint}}': diskFill },
        }),
        timeSeries({
          title: 'Write latency of the disk',
          description: 'Mean time of a write of the device: a stand-in for fsync.',
          unit: 's',
          span: 12,
          queries: { '{{instance}} {{device}}': writeLatency },
        }),
      ],
    },
  ],
};
