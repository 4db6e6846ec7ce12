import { useMemo } from 'react';
import type { Target } from '#contract/observability.ts';
import { NODE_KINDS } from '#contract/placement-record.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { optionsOf } from './local-list.ts';
import { formatMeasure } from './measure.ts';
import classes from './observability-page.module.css';
import { useObservability, useTargets } from './observability-queries.ts';
import { SourceList } from './source-list.tsx';

const NOUN = { one: 'target', many: 'targets' };
const SILENT = 'The scraper does not say';

const COLUMNS: readonly Column<Target>[] = [
  { id: 'instance', header: 'Target', width: 160, cell: ({ instance }) => <Mono>{instance}</Mono> },
  {
    id: 'health',
    header: 'Health',
    width: 88,
    cell: ({ health }) => <StatusPill of="target" status={health} />,
  },
  { id: 'job', header: 'Job', width: 120, cell: ({ job }) => job },
  {
    id: 'service',
    header: 'Service',
    width: 96,
    cell: ({ service }) => service ?? <Unknown why="It is of no service" />,
  },
  {
    id: 'last',
    header: 'Last scrape',
    width: 104,
    cell: ({ last_scrape_at }) => <RelativeTime iso={last_scrape_at} missing="It was not scraped yet" />,
  },
  {
    id: 'took',
    header: 'Took',
    align: 'right',
    width: 72,
    cell: ({ took_ms }) =>
      took_ms === null ? <Unknown why={SILENT} /> : formatMeasure(took_ms / 1000, 'seconds'),
  },
  {
    id: 'samples',
    header: 'Samples',
    align: 'right',
    width: 80,
    hint: 'How many values the last scrape gave',
    cell: ({ samples }) => <Figure value={samples} missing={SILENT} />,
  },
  {
    id: 'error',
    header: 'Why the last scrape failed',
    grow: true,
    cell: ({ error }) => (
      <span className={classes.summary} title={error ?? undefined}>
        {error}
      </span>
    ),
  },
];

const HEALTH: readonly Target['health'][] = ['down', 'unknown', 'up'];
const fields = ({ health, job, service }: Target) => ({ health, job, service });
const text = ({ instance, job, service, error }: Target) => [instance, job, service, error];
const targetId = ({ job, instance, service, labels }: Target) =>
  [job, service, instance, labels['shard']].filter(Boolean).join(' ');
/** Down first, then by name. */
const byTrouble = (a: Target, b: Target) =>
  HEALTH.indexOf(a.health) - HEALTH.indexOf(b.health) ||
  a.job.localeCompare(b.job) ||
  a.instance.localeCompare(b.instance);

export function TargetsTab() {
  const { environment } = useEnvironment();
  const { part } = useObservability(environment);
  const read = useTargets(environment);
  const items = read.data?.items;
  const filters = useMemo(
    (): ListFilter[] => [
      { name: 'health', label: 'Health', type: 'many', options: optionsOf([...HEALTH]) },
      { name: 'job', label: 'Job', type: 'many', options: optionsOf(items?.map(({ job }) => job) ?? []) },
      {
        name: 'service',
        label: 'Service',
        type: 'many',
        options: optionsOf(items?.map(({ service }) => service) ?? []),
      },
    ],
    [items],
  );
  return (
    <SourceList
      noun={NOUN}
      environment={environment}
      part={part('targets')}
      read={read}
      filters={filters}
      searchPlaceholder="Search by target, job or error"
      fields={fields}
      text={text}
      order={byTrouble}
      columns={COLUMNS}
      rowId={targetId}
      rowLink={({ service, instance }) =>
        (NODE_KINDS as readonly (string | null)[]).includes(service)
          ? { to: '/scale/nodes/$node_id', params: { node_id: instance }, search: { env: environment } }
          : null
      }
      empty={{
        title: `Nothing is scraped in ${environment}`,
        hint: 'The scraper answers, and has no target.',
      }}
    />
  );
}
