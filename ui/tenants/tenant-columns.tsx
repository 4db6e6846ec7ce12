import type { TenantListItem } from '#contract/tenants.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './tenants-page.module.css';

const shardColumn = (
  service: 'aggregate' | 'projection' | 'runner',
  header: string,
): Column<TenantListItem> => ({
  id: service,
  header,
  width: 96,
  hint: `Shard that serves it for ${service} in the chosen environment`,
  cell: ({ placements }) => {
    const shard = placements?.[service] ?? null;
    return shard === null ? <Unknown why="Not placed in this environment" /> : <Mono>{shard}</Mono>;
  },
});

export const TENANT_COLUMNS: readonly Column<TenantListItem>[] = [
  {
    id: 'tenant_id',
    header: 'Tenant',
    sort: 'tenant_id',
    width: 240,
    grow: true,
    cell: ({ tenant_id, name }) => (
      <span className={classes.tenant}>
        <Mono>{tenant_id}</Mono>
        {name !== tenant_id && <span className={classes.name}>{name}</span>}
      </span>
    ),
  },
  {
    id: 'status',
    header: 'Status',
    width: 128,
    cell: ({ status }) => <StatusPill of="tenant" status={status} />,
  },
  { id: 'plan', header: 'Plan', width: 88, cell: ({ plan }) => plan },
  shardColumn('aggregate', 'Aggregate'),
  shardColumn('projection', 'Projection'),
  shardColumn('runner', 'Runner'),
  {
    id: 'updated_at',
    header: 'Updated',
    sort: 'updated_at',
    width: 104,
    cell: ({ updated_at }) => <RelativeTime iso={updated_at} />,
  },
];
