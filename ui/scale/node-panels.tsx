import { IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import type { Node, Shard } from '#contract/scale.ts';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { formatCount, formatRatio } from '#ui/patterns/format.ts';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { NodeLink } from './fleet-links.tsx';
import classes from './fleet-page.module.css';

type NodeCheck = Node['checks'][number];

const CHECK_COLUMNS: readonly Column<NodeCheck>[] = [
  { id: 'name', header: 'Check', width: 160, cell: ({ name }) => name },
  {
    id: 'ok',
    header: 'Verdict',
    width: 96,
    cell: ({ ok }) => (
      <span className={classes.check} data-failed={!ok || undefined}>
        {ok ? <IconCircleCheck size={14} aria-hidden /> : <IconCircleX size={14} aria-hidden />}
        {ok ? 'passed' : 'failed'}
      </span>
    ),
  },
  { id: 'detail', header: 'What it saw', grow: true, cell: ({ detail }) => detail },
];

export const NodeChecks = ({ checks }: { checks: readonly NodeCheck[] }) => (
  <DataTable
    plain
    label="Readiness checks"
    columns={CHECK_COLUMNS}
    rows={checks}
    rowId={({ name }) => name}
    empty={
      <EmptyState
        compact
        title="It named no check"
        hint="A node that answers names the checks behind its readiness."
      />
    }
  />
);

const SILENT = 'No node of the shard has said it';
const SHARD_COLUMNS: readonly Column<Shard>[] = [
  { id: 'shard', header: 'Shard', width: 104, cell: ({ shard }) => <Mono>{shard}</Mono> },
  {
    id: 'tenants',
    header: 'Tenants',
    width: 240,
    hint: 'Placed tenants, of the limit in the configuration',
    cell: ({ tenant_count, tenant_capacity }) => {
      const ratio = tenant_capacity === 0 ? 1 : tenant_count / tenant_capacity;
      return (
        <span className={classes.tenants}>
          <LoadBar ratio={ratio} label="Tenants" />
          <span>
            {formatCount(tenant_count)} of {formatCount(tenant_capacity)} · {formatRatio(ratio)}
          </span>
        </span>
      );
    },
  },
  {
    id: 'lag',
    header: 'Lag',
    align: 'right',
    width: 80,
    cell: ({ consumer_lag }) => <Figure value={consumer_lag} missing={SILENT} />,
  },
  {
    id: 'nodes',
    header: 'Also held by',
    grow: true,
    cell: ({ nodes, environment }) =>
      nodes.length > 1 ? (
        nodes.map(({ node_id }) => (
          <span key={node_id}>
            <NodeLink node_id={node_id} environment={environment} />{' '}
          </span>
        ))
      ) : (
        <Unknown why="No other node holds it" />
      ),
  },
];

/** The shards that a node holds, with the tenants on them. */
export function NodeShards({
  node,
  shards,
  error,
  onRetry,
}: {
  node: Node;
  shards: readonly Shard[] | undefined;
  error: Error | null;
  onRetry: () => void;
}) {
  const held = shards?.filter(({ nodes }) => nodes.some(({ node_id }) => node_id === node.node_id));
  return (
    <Panel title="Shards" flush>
      {error && !shards ? (
        <ProblemAlert error={error} onRetry={onRetry} />
      ) : (
        <DataTable
          plain
          label="Shards"
          columns={SHARD_COLUMNS}
          rows={held ?? []}
          rowId={({ service, shard }) => `${service} ${shard}`}
          rowLink={({ service, shard, environment }) => ({
            to: '/scale/placements',
            search: { env: environment, service, shard },
          })}
          skeleton={held ? undefined : 1}
          dimmed={error !== null}
          empty={
            <EmptyState
              compact
              title="It holds no shard"
              hint="Nothing is lost when it is drained or stopped."
            />
          }
        />
      )}
    </Panel>
  );
}
