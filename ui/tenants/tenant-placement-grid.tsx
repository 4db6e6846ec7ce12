import { Link } from '@tanstack/react-router';
import { SERVICE_KINDS } from '#contract/placement-record.ts';
import { listPlacements, type Placement } from '#contract/scale.ts';
import type { Tenant } from '#contract/tenants.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { OBSERVED_REFETCH_MS, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import classes from './tenant-page.module.css';

interface Row {
  environment: string;
  placements: readonly Placement[];
}

const SERVICE_COLUMNS: readonly Column<Row>[] = SERVICE_KINDS.map((service) => ({
  id: service,
  header: service.charAt(0).toUpperCase() + service.slice(1),
  cell: ({ placements, environment }) => {
    const placement = placements.find((one) => one.service === service);
    if (!placement) return <Unknown why={`Not placed for ${service} in ${environment}`} />;
    return (
      <span className={classes.shard}>
        <Mono>{placement.shard}</Mono>
        {placement.state !== 'active' && <StatusPill of="placement" status={placement.state} />}
      </span>
    );
  },
}));
const COLUMNS: readonly Column<Row>[] = [
  {
    id: 'environment',
    header: 'Environment',
    width: 120,
    cell: ({ environment }) => <EnvironmentBadge environment={environment} />,
  },
  ...SERVICE_COLUMNS,
];

/** Which shard serves the tenant, by environment and service. */
export function TenantPlacementGrid({ tenant }: { tenant: Tenant }) {
  const { environments } = useEnvironment();
  const { data, error, refetch } = useEndpoint(
    listPlacements,
    { query: { tenant_id: tenant.tenant_id, limit: 200 } },
    { refetchInterval: OBSERVED_REFETCH_MS },
  );
  const rows = environments
    .filter(({ environment }) => tenant.environments.includes(environment))
    .map(({ environment }) => ({
      environment,
      placements: data?.items.filter((one) => one.environment === environment) ?? [],
    }));
  return (
    <Panel
      flush
      title={<>Placement {data?.observation && <ObservedAge observation={data.observation} />}</>}
      actions={
        <Link
          to="/tenants/$tenant_id/placement"
          params={{ tenant_id: tenant.tenant_id }}
          className={classes.more}
        >
          All of it
        </Link>
      }
    >
      {error && <ProblemAlert error={error} onRetry={() => void refetch()} />}
      {(data || !error) && (
        <DataTable
          plain
          label="Placement"
          columns={COLUMNS}
          rows={rows}
          rowId={({ environment }) => environment}
          skeleton={data ? undefined : Math.max(1, tenant.environments.length)}
          dimmed={error !== null}
        />
      )}
    </Panel>
  );
}
