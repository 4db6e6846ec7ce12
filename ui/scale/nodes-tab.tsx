import { Tooltip } from '@mantine/core';
import { useMemo } from 'react';
import { NODE_KINDS } from '#contract/placement-record.ts';
import { listNodes, NODE_STATES, type Node } from '#contract/scale.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { formatBytes, formatRatio } from '#ui/patterns/format.ts';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { OBSERVED_REFETCH_MS, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useNodeActions } from './fleet-actions.tsx';
import classes from './scale.module.css';

const silent = ({ problem }: Node): string => problem ?? 'The node did not say';

const COLUMNS: readonly Column<Node>[] = [
  {
    id: 'node_id',
    header: 'Node',
    sort: 'node_id',
    width: 132,
    cell: ({ node_id }) => <Mono>{node_id}</Mono>,
  },
  {
    id: 'state',
    header: 'State',
    width: 168,
    grow: true,
    cell: ({ state, since, problem }) => (
      <span className={classes.state}>
        <Tooltip
          label={
            <>
              since <RelativeTime iso={since} />
            </>
          }
        >
          <span>
            <StatusPill of="node" status={state} />
          </span>
        </Tooltip>
        {problem !== null && (
          <Tooltip label={problem}>
            <span className={classes.problem}>{problem}</span>
          </Tooltip>
        )}
      </span>
    ),
  },
  { id: 'kind', header: 'Kind', width: 92, cell: ({ kind }) => kind },
  {
    id: 'shards',
    header: 'Shards',
    width: 80,
    cell: ({ shards, kind }) =>
      shards.length > 0 ? (
        <Mono>{shards.join(', ')}</Mono>
      ) : kind === 'gateway' ? (
        <Unknown why="A gateway reads placements but holds no shard" />
      ) : (
        <Unknown why="It holds no shard" />
      ),
  },
  {
    id: 'inflight',
    header: 'In flight',
    align: 'right',
    width: 76,
    cell: (node) => <Figure value={node.inflight} missing={silent(node)} />,
  },
  {
    id: 'lag',
    header: 'Lag',
    align: 'right',
    width: 72,
    hint: 'Messages that are not yet processed',
    cell: (node) => <Figure value={node.consumer_lag} missing={silent(node)} />,
  },
  {
    id: 'storage',
    header: 'Storage',
    width: 112,
    cell: (node) => {
      if (node.storage === null)
        return <Unknown why={node.kind === 'gateway' ? 'A gateway stores nothing' : silent(node)} />;
      const { used_bytes, capacity_bytes } = node.storage;
      const ratio = capacity_bytes === 0 ? 1 : used_bytes / capacity_bytes;
      return (
        <Tooltip label={`${formatBytes(used_bytes)} of ${formatBytes(capacity_bytes)}`}>
          <span className={classes.load}>
            <LoadBar ratio={ratio} label="Storage" />
            {formatRatio(ratio)}
          </span>
        </Tooltip>
      );
    },
  },
  {
    id: 'revision',
    header: 'Placement',
    align: 'right',
    width: 84,
    hint: 'Revision of the placement store that the node serves by',
    cell: (node) => node.placement_revision ?? <Unknown why={silent(node)} />,
  },
  {
    id: 'version',
    header: 'Version',
    width: 80,
    cell: (node) =>
      node.version === null ? (
        <Unknown why={silent(node)} />
      ) : (
        <Tooltip label={`git ${node.git_sha ?? 'unknown'}`}>
          <span>{node.version}</span>
        </Tooltip>
      ),
  },
  {
    id: 'observed',
    header: 'Observed',
    width: 96,
    cell: ({ observation }) => <ObservedAge observation={observation} bare />,
  },
];

const NOUN = { one: 'node', many: 'nodes' };
const FILTERS: readonly ListFilter[] = [
  {
    type: 'one',
    name: 'kind',
    label: 'Kind',
    options: NODE_KINDS.map((kind) => ({ value: kind, label: kind })),
  },
  {
    type: 'one',
    name: 'state',
    label: 'State',
    options: NODE_STATES.map((state) => ({
      value: state,
      label: state,
      render: <StatusPill of="node" status={state} />,
    })),
  },
];
const nodeId = ({ environment, node_id }: Node): string => `${environment} ${node_id}`;

/** Every node as it was last observed. */
export function NodesTab() {
  const { environment } = useEnvironment();
  const { actionsFor, dialog } = useNodeActions();
  const query = useMemo(() => ({ environment }), [environment]);
  return (
    <>
      <ListPage
        noun={NOUN}
        endpoint={listNodes}
        query={query}
        columns={COLUMNS}
        rowId={nodeId}
        rowActions={actionsFor}
        filters={FILTERS}
        search="Search nodes"
        defaultSort="node_id"
        refetchInterval={OBSERVED_REFETCH_MS}
        empty={{
          title: `No node is known in ${environment}`,
          hint: 'Nodes are listed in the configuration of the environment, and asked every few seconds.',
        }}
      />
      {dialog}
    </>
  );
}
