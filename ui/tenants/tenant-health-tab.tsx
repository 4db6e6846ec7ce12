import { ActionIcon, SegmentedControl, Tooltip } from '@mantine/core';
import { IconCheck, IconRefresh, IconX } from '@tabler/icons-react';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { getTenantHealth, type TenantHealth } from '#contract/tenants.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { CheckList } from '#ui/patterns/check-list.tsx';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { plural } from '#ui/patterns/format.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { ObservedAge } from '#ui/patterns/observed-age.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import classes from './tenant-page.module.css';
import { useTenant } from './use-tenant.ts';

type Health = TenantHealth['environments'][number];
type Service = Health['services'][number];

const COLUMNS: readonly Column<Service>[] = [
  { id: 'service', header: 'Service', width: 104, cell: ({ service }) => service },
  {
    id: 'shard',
    header: 'Shard',
    width: 88,
    cell: ({ shard }) => (shard === null ? <Unknown why="Not placed" /> : <Mono>{shard}</Mono>),
  },
  {
    id: 'node',
    header: 'Node',
    cell: ({ node_id }) =>
      node_id === null ? <Unknown why="No node holds the shard" /> : <Mono>{node_id}</Mono>,
  },
  {
    id: 'state',
    header: 'State there',
    width: 112,
    cell: ({ state }) => <StatusPill of="served" status={state} />,
  },
  {
    id: 'inflight',
    header: 'In flight',
    align: 'right',
    cell: ({ inflight, problem }) => <Figure value={inflight} missing={problem ?? 'The node did not say'} />,
  },
  {
    id: 'lag',
    header: 'Lag',
    align: 'right',
    hint: 'Messages that are not yet processed',
    cell: ({ consumer_lag, problem }) => (
      <Figure value={consumer_lag} missing={problem ?? 'The node did not say'} />
    ),
  },
  {
    id: 'checks',
    header: 'Checks of the node',
    grow: true,
    cell: ({ checks, problem }) =>
      problem !== null ? (
        <span className={classes.problem}>{problem}</span>
      ) : (
        <span className={classes.checks}>
          {checks.map(({ name, ok, detail }) => (
            <Tooltip key={name} label={detail}>
              <span className={classes.check} data-failed={ok ? undefined : true}>
                {ok ? <IconCheck size={14} aria-label="passed" /> : <IconX size={14} aria-label="failed" />}
                {name}
                {!ok && `: ${detail}`}
              </span>
            </Tooltip>
          ))}
        </span>
      ),
  },
];

/** What the nodes that serve the tenant say of it, asked now. */
export function TenantHealthTab() {
  const { tenant_id } = useParams({ from: '/shell/tenants/$tenant_id' });
  const { environment } = useEnvironment();
  const { data: tenant } = useTenant(tenant_id);
  const [everywhere, setEverywhere] = useState(false);
  const { data, error, isFetching, refetch } = useEndpoint(
    getTenantHealth,
    { params: { tenant_id }, query: everywhere ? {} : { environment } },
    { refetchInterval: 10_000 },
  );
  if (!tenant) return null;
  if (!everywhere && !tenant.environments.includes(environment))
    return (
      <EmptyState
        title={`${tenant_id} is not in ${environment}`}
        hint={
          tenant.environments.length === 0
            ? 'It is in no environment.'
            : `It is in ${tenant.environments.join(', ')}: choose one of them above.`
        }
      />
    );
  return (
    <div className={classes.stack}>
      <div className={classes.toolbar}>
        <SegmentedControl
          size="xs"
          aria-label="Where"
          value={everywhere ? 'all' : 'one'}
          onChange={(value) => setEverywhere(value === 'all')}
          data={[
            { value: 'one', label: environment },
            { value: 'all', label: 'every environment' },
          ]}
        />
        {data && <ObservedAge observation={data.observation} />}
        <Tooltip label="Ask the nodes again">
          <ActionIcon
            size={28}
            aria-label="Ask the nodes again"
            loading={isFetching && !data}
            onClick={() => void refetch()}
          >
            <IconRefresh size={15} />
          </ActionIcon>
        </Tooltip>
      </div>
      {error && (
        <ProblemAlert error={error} tone={data ? 'attention' : 'failing'} onRetry={() => void refetch()} />
      )}
      {!data && !error && (
        <Panel flush>
          <DataTable
            plain
            label="Health"
            columns={COLUMNS}
            rows={[]}
            rowId={({ service }) => service}
            skeleton={3}
          />
        </Panel>
      )}
      {data?.environments.map((health) => (
        <Panel
          key={health.environment}
          flush
          title={
            <>
              <EnvironmentBadge environment={health.environment} />
              <Findings findings={health.findings} />
            </>
          }
        >
          {health.findings.length > 0 && (
            <div className={classes.findings}>
              <CheckList checks={health.findings} />
            </div>
          )}
          <DataTable
            plain
            label={`Health in ${health.environment}`}
            columns={COLUMNS}
            rows={health.services}
            rowId={({ service }) => service}
            dimmed={error !== null}
          />
        </Panel>
      ))}
    </div>
  );
}

function Findings({ findings }: { findings: Health['findings'] }) {
  const blockers = findings.filter(({ level }) => level === 'blocker').length;
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  if (blockers > 0) return <Tag tone="failing">{plural(blockers, 'fault')}</Tag>;
  if (warnings > 0) return <Tag tone="attention">{plural(warnings, 'warning')}</Tag>;
  return <Tag tone="well">well</Tag>;
}
