/** The columns of nodes: the same on the list of all and on a host's page. */
import { Tooltip } from '@mantine/core';
import { NODE_KINDS } from '#contract/placement-record.ts';
import { NODE_STATES, type Node } from '#contract/scale.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { formatBytes, formatRatio } from '#ui/patterns/format.ts';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { LoadBar } from '#ui/patterns/load-bar.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { ObservedAge } from '#ui/patterns/observed-age.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { loadColumns } from './load-columns.tsx';
import { HostOfNode, ServiceOfNode } from './place-of-node.tsx';
import classes from './scale.module.css';
import { StateCell } from './state-cell.tsx';

const silent = ({ problem }: Node): string => problem ?? 'The node did not say';

/** The node's own lag has a column already; what does not fit stands on its page. */
const LOAD_COLUMNS = loadColumns<Node>(silent)
  .filter(({ id }) => id !== 'lag')
  .map((column): Column<Node> => (column.id === 'cpu' ? column : { ...column, wide: true }));

export const NODE_COLUMNS: readonly Column<Node>[] = [
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
    width: 120,
    grow: true,
    cell: ({ state, since, problem }) => (
      <StateCell since={since} problem={problem}>
        <StatusPill of="node" status={state} />
      </StateCell>
    ),
  },
  { id: 'kind', header: 'Kind', wide: true, width: 92, cell: ({ kind }) => kind },
  { id: 'host', header: 'Host', width: 96, cell: (node) => <HostOfNode node={node} /> },
  { id: 'service', header: 'Service', wide: true, width: 104, cell: (node) => <ServiceOfNode node={node} /> },
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
    width: 64,
    cell: (node) => <Figure value={node.inflight} missing={silent(node)} />,
  },
  ...LOAD_COLUMNS,
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
    width: 92,
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
    wide: true,
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

export const NODE_NOUN = { one: 'node', many: 'nodes' };
export const NODE_FILTERS: readonly ListFilter[] = [
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
export const nodeId = ({ environment, node_id }: Node): string => `${environment} ${node_id}`;

export const nodeLink = ({ node_id, environment }: Node) =>
  ({ to: '/scale/nodes/$node_id', params: { node_id }, search: { env: environment } }) as const;
