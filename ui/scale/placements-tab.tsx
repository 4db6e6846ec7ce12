import { IconArrowsExchange, IconCopy } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { ResponseOf } from '#contract/endpoint.ts';
import { SERVICE_KINDS } from '#contract/placement-record.ts';
import { listPlacements, listShards, PLACEMENT_STATES, type Placement } from '#contract/scale.ts';
import { may, useEndpoint, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { firstReason, stateReason, type Action } from '#ui/patterns/action-menu.tsx';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Figure } from '#ui/patterns/figure.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { OBSERVED_REFETCH_MS, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useTenantActions } from '#ui/tenants/tenant-actions.tsx';
import classes from './scale.module.css';

const COLUMNS: readonly Column<Placement>[] = [
  {
    id: 'tenant_id',
    header: 'Tenant',
    sort: 'tenant_id',
    grow: true,
    cell: ({ tenant_id }) => <Mono>{tenant_id}</Mono>,
  },
  { id: 'service', header: 'Service', width: 104, cell: ({ service }) => service },
  { id: 'shard', header: 'Shard', width: 96, cell: ({ shard }) => <Mono>{shard}</Mono> },
  {
    id: 'state',
    header: 'State',
    width: 112,
    cell: ({ state }) => <StatusPill of="placement" status={state} />,
  },
  {
    id: 'epoch',
    header: 'Epoch',
    width: 72,
    align: 'right',
    hint: 'Goes up by one with every move',
    cell: ({ epoch }) => <Figure value={epoch} />,
  },
  {
    id: 'revision',
    header: 'Revision',
    width: 88,
    align: 'right',
    cell: ({ revision }) => revision,
  },
  {
    id: 'job',
    header: 'Held by',
    width: 80,
    cell: ({ job_id }) =>
      job_id && (
        <Link to="/jobs/$job_id" params={{ job_id }} className={classes.link}>
          a job
        </Link>
      ),
  },
  {
    id: 'updated_at',
    header: 'Changed',
    sort: 'updated_at',
    width: 96,
    cell: ({ updated_at }) => <RelativeTime iso={updated_at} />,
  },
];

const NOUN = { one: 'placement', many: 'placements' };
const SERVICE_FILTER: ListFilter = {
  type: 'one',
  name: 'service',
  label: 'Service',
  options: SERVICE_KINDS.map((service) => ({ value: service, label: service })),
};
const STATE_FILTER: ListFilter = {
  type: 'one',
  name: 'state',
  label: 'State',
  options: PLACEMENT_STATES.map((state) => ({
    value: state,
    label: state,
    render: <StatusPill of="placement" status={state} />,
  })),
};

const observationFact = ({ observation }: ResponseOf<typeof listPlacements>) =>
  observation && <ObservedAge observation={observation} />;
const placementId = ({ environment, service, tenant_id }: Placement): string =>
  `${environment} ${service} ${tenant_id}`;
const placementLink = ({ tenant_id }: Placement) =>
  ({ to: '/tenants/$tenant_id/placement', params: { tenant_id } }) as const;

/** Which shard serves which tenant. */
export function PlacementsTab() {
  const { data: me } = useMe();
  const { environment } = useEnvironment();
  const { migrate, dialog } = useTenantActions();
  const shards = useEndpoint(listShards, { query: { environment } }, { staleTime: 30_000 });
  const query = useMemo(() => ({ environment }), [environment]);
  const filters = useMemo(
    (): readonly ListFilter[] => [
      SERVICE_FILTER,
      {
        type: 'one',
        name: 'shard',
        label: 'Shard',
        loading: shards.isPending,
        options: (shards.data?.items ?? []).map(({ shard, service }) => ({
          value: shard,
          label: `${shard} · ${service}`,
        })),
      },
      STATE_FILTER,
    ],
    [shards.data, shards.isPending],
  );
  const actionsFor = useCallback(
    ({ tenant_id, service, state, environment: where }: Placement): readonly Action[] => [
      {
        label: 'Migrate…',
        icon: IconArrowsExchange,
        onSelect: () => migrate(tenant_id, where, service),
        disabled: firstReason(
          may(me, 'scale.migrate', { tenant_id, environment: where }),
          stateReason(['active'], state, 'placement'),
        ),
      },
      {
        label: 'Copy the tenant id',
        icon: IconCopy,
        onSelect: () => void navigator.clipboard.writeText(tenant_id),
      },
    ],
    [me, migrate],
  );
  return (
    <>
      <ListPage
        noun={NOUN}
        endpoint={listPlacements}
        query={query}
        columns={COLUMNS}
        rowId={placementId}
        rowLink={placementLink}
        rowActions={actionsFor}
        filters={filters}
        search="Start of a tenant id"
        defaultSort="tenant_id"
        refetchInterval={OBSERVED_REFETCH_MS}
        facts={observationFact}
        empty={{
          title: `No tenant is placed in ${environment}`,
          hint: 'Creating a tenant in this environment places it.',
        }}
      />
      {dialog}
    </>
  );
}
