import { IconArrowsExchange } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import { listPlacements, type Placement } from '#contract/scale.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Figure } from '#ui/patterns/figure.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { OBSERVED_REFETCH_MS, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useTenantActions } from './tenant-actions.tsx';
import classes from './tenant-page.module.css';
import { useTenant } from './use-tenant.ts';

/** A placement with what can be done to it. */
type Row = Placement & { against: string | null; onMigrate: () => void };

const COLUMNS: readonly Column<Row>[] = [
  { id: 'service', header: 'Service', width: 120, cell: ({ service }) => service },
  {
    id: 'shard',
    header: 'Shard',
    width: 120,
    cell: ({ shard, environment }) => (
      <Link to="/scale/placements" search={{ env: environment, shard }} className={classes.link}>
        <Mono>{shard}</Mono>
      </Link>
    ),
  },
  {
    id: 'state',
    header: 'State',
    width: 120,
    cell: ({ state }) => <StatusPill of="placement" status={state} />,
  },
  {
    id: 'epoch',
    header: 'Epoch',
    align: 'right',
    hint: 'Goes up by one with every move',
    cell: ({ epoch }) => <Figure value={epoch} />,
  },
  {
    id: 'revision',
    header: 'Revision',
    align: 'right',
    hint: 'Of the placement store, when it was written',
    cell: ({ revision }) => revision,
  },
  {
    id: 'updated_at',
    header: 'Changed',
    width: 104,
    cell: ({ updated_at }) => <RelativeTime iso={updated_at} />,
  },
  {
    id: 'job',
    header: 'Held by',
    grow: true,
    cell: ({ job_id }) =>
      job_id && (
        <Link to="/jobs/$job_id" params={{ job_id }} className={classes.link}>
          a job
        </Link>
      ),
  },
  {
    id: 'migrate',
    header: 'Move',
    align: 'right',
    cell: ({ against, onMigrate }) => (
      <GuardedButton
        variant="default"
        size="compact-sm"
        leftSection={<IconArrowsExchange size={14} />}
        against={against}
        onClick={onMigrate}
      >
        Migrate…
      </GuardedButton>
    ),
  },
];

export function TenantPlacementTab() {
  const { tenant_id } = useParams({ from: '/shell/tenants/$tenant_id' });
  const { environments } = useEnvironment();
  const { data: tenant } = useTenant(tenant_id);
  const { data, error, refetch } = useEndpoint(
    listPlacements,
    { query: { tenant_id, limit: 200 } },
    { refetchInterval: OBSERVED_REFETCH_MS },
  );
  const { migrate, migrateReason, dialog } = useTenantActions();
  if (!tenant) return null;
  const rows = (data?.items ?? []).map((placement): Row => ({
    ...placement,
    against: migrateReason(tenant, placement.environment),
    onMigrate: () => migrate(tenant_id, placement.environment, placement.service),
  }));
  if (tenant.environments.length === 0)
    return <EmptyState title="It is in no environment" hint="An archived tenant is placed nowhere." />;
  return (
    <div className={classes.stack}>
      {error && (
        <ProblemAlert error={error} tone={data ? 'attention' : 'failing'} onRetry={() => void refetch()} />
      )}
      {environments
        .filter(({ environment }) => tenant.environments.includes(environment))
        .map(({ environment }) => (
          <Panel
            key={environment}
            flush
            title={
              <>
                <EnvironmentBadge environment={environment} />
                {data?.observation && <ObservedAge observation={data.observation} />}
              </>
            }
          >
            <DataTable
              plain
              label={`Placement in ${environment}`}
              columns={COLUMNS}
              rows={rows.filter((one) => one.environment === environment)}
              rowId={({ service }) => `${environment} ${service}`}
              skeleton={data || error ? undefined : 3}
              dimmed={error !== null}
              empty={
                <EmptyState
                  title={`Not placed in ${environment}`}
                  hint="Its provisioning has not finished, or was undone; the jobs of the tenant say which."
                />
              }
            />
          </Panel>
        ))}
      {dialog}
    </div>
  );
}
