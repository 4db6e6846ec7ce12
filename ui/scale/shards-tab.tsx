import { IconScale } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { SERVICE_KINDS, type ServiceKind } from '#contract/placement-record.ts';
import { listShards, type Shard } from '#contract/scale.ts';
import { may, useEndpoint, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { firstReason } from '#ui/patterns/action-menu.tsx';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { formatCount, formatRatio, sentence } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { OBSERVED_REFETCH_MS, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { NodeLink } from './fleet-links.tsx';
import classes from './scale.module.css';

const RebalanceDialog = lazy(async () => ({
  default: (await import('./rebalance-dialog.tsx')).RebalanceDialog,
}));

const SILENT = 'No node of the shard has said it';

const COLUMNS: readonly Column<Shard>[] = [
  {
    id: 'shard',
    header: 'Shard',
    width: 88,
    cell: ({ shard }) => <Mono>{shard}</Mono>,
  },
  {
    id: 'tenants',
    header: 'Tenants',
    width: 240,
    hint: 'Placed tenants, of the limit in the configuration',
    cell: ({ tenant_count, tenant_capacity }) => {
      const ratio = tenant_capacity === 0 ? 1 : tenant_count / tenant_capacity;
      return (
        <span className={classes.load} data-wide>
          <LoadBar ratio={ratio} label="Tenants" />
          <span>
            {formatCount(tenant_count)} of {formatCount(tenant_capacity)} · {formatRatio(ratio)}
          </span>
        </span>
      );
    },
  },
  {
    id: 'storage',
    header: 'Storage',
    width: 150,
    cell: ({ storage_used_ratio }) =>
      storage_used_ratio === null ? (
        <Unknown why={SILENT} />
      ) : (
        <span className={classes.load}>
          <LoadBar ratio={storage_used_ratio} label="Storage" />
          <span>{formatRatio(storage_used_ratio)}</span>
        </span>
      ),
  },
  {
    id: 'inflight',
    header: 'In flight',
    align: 'right',
    width: 80,
    cell: ({ inflight }) => <Figure value={inflight} missing={SILENT} />,
  },
  {
    id: 'lag',
    header: 'Lag',
    align: 'right',
    width: 80,
    hint: 'Messages that are not yet processed',
    cell: ({ consumer_lag }) => <Figure value={consumer_lag} missing={SILENT} />,
  },
  {
    id: 'nodes',
    header: 'Nodes',
    width: 208,
    grow: true,
    cell: ({ nodes, environment }) =>
      nodes.length === 0 ? (
        <span className={classes.problem}>no node holds it</span>
      ) : (
        <span className={classes.nodes}>
          {nodes.map(({ node_id, state }) => (
            <NodeLink key={node_id} node_id={node_id} environment={environment} className={classes.node}>
              <Mono>{node_id}</Mono>
              <StatusPill of="node" status={state} />
            </NodeLink>
          ))}
        </span>
      ),
  },
  {
    id: 'observed',
    header: 'Observed',
    width: 96,
    cell: ({ observation }) => <ObservedAge observation={observation} bare />,
  },
];

const shardLink = ({ shard, service }: Shard) =>
  ({ to: '/scale/placements', search: { service, shard } }) as const;
const shardId = ({ service, shard }: Shard): string => `${service} ${shard}`;

/** Shards with their load, by service kind. */
export function ShardsTab() {
  const { environment } = useEnvironment();
  const { data: me } = useMe();
  const [rebalancing, setRebalancing] = useState<ServiceKind | null>(null);
  const { data, error, isPlaceholderData, refetch } = useEndpoint(
    listShards,
    { query: { environment } },
    { refetchInterval: OBSERVED_REFETCH_MS },
  );
  return (
    <div className={classes.scroll}>
      <div className={classes.services}>
        {error && (
          <ProblemAlert error={error} tone={data ? 'attention' : 'failing'} onRetry={() => void refetch()} />
        )}
        {(data || !error) &&
          SERVICE_KINDS.map((service) => {
            const shards = data?.items.filter((shard) => shard.service === service) ?? [];
            return (
              <Panel
                key={service}
                title={sentence(service)}
                flush
                actions={
                  <GuardedButton
                    variant="default"
                    size="compact-sm"
                    leftSection={<IconScale size={14} />}
                    against={firstReason(
                      may(me, 'scale.migrate', { environment }),
                      data && shards.length < 2 && 'There are not two shards to even out',
                    )}
                    onClick={() => setRebalancing(service)}
                  >
                    Rebalance…
                  </GuardedButton>
                }
              >
                <DataTable
                  plain
                  label={`${service} shards`}
                  columns={COLUMNS}
                  rows={shards}
                  rowId={shardId}
                  rowLink={shardLink}
                  skeleton={data ? undefined : 3}
                  dimmed={error !== null || isPlaceholderData}
                  empty={
                    <EmptyState
                      title={`No ${service} shard in ${environment}`}
                      hint="A shard is known once a node says that it holds it."
                    />
                  }
                />
              </Panel>
            );
          })}
      </div>
      {rebalancing !== null && (
        <Suspense fallback={null}>
          <RebalanceDialog
            environment={environment}
            service={rebalancing}
            onClose={() => setRebalancing(null)}
          />
        </Suspense>
      )}
    </div>
  );
}
