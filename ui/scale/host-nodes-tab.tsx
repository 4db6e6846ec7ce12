import { useParams } from '@tanstack/react-router';
import { getTopology, type Topology } from '#contract/fleet.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Unknown } from '#ui/patterns/figure.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { OBSERVED_REFETCH_MS, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { ServiceLink } from './fleet-links.tsx';
import classes from './fleet-page.module.css';

type Row = Topology['nodes'][number] & {
  environment: string;
  service: Topology['services'][number] | undefined;
};

const COLUMNS: readonly Column<Row>[] = [
  { id: 'node_id', header: 'Node', width: 160, cell: ({ node_id }) => <Mono>{node_id}</Mono> },
  { id: 'state', header: 'State', width: 132, cell: ({ state }) => <StatusPill of="node" status={state} /> },
  { id: 'kind', header: 'Kind', width: 104, cell: ({ kind }) => kind },
  {
    id: 'service',
    header: 'Service',
    width: 160,
    cell: ({ service, environment }) =>
      service ? (
        <ServiceLink service_id={service.service_id} environment={environment}>
          {service.name}
        </ServiceLink>
      ) : (
        <Unknown why="No service of the orchestrator is known to run it" />
      ),
  },
  {
    id: 'shards',
    header: 'Shards',
    grow: true,
    cell: ({ shards }) =>
      shards.length > 0 ? <Mono>{shards.join(', ')}</Mono> : <Unknown why="It holds no shard" />,
  },
];
const nodeId = ({ node_id }: Row): string => node_id;
const nodeLink = ({ node_id, environment }: Row) =>
  ({ to: '/scale/nodes/$node_id', params: { node_id }, search: { env: environment } }) as const;

/** The platform nodes that run on a host. */
export function HostNodesTab() {
  const { host_id } = useParams({ from: '/shell/scale/hosts/$host_id' });
  const { environment } = useEnvironment();
  const { data, error, refetch } = useEndpoint(
    getTopology,
    { query: { environment } },
    { refetchInterval: OBSERVED_REFETCH_MS },
  );
  const rows = (data?.nodes ?? [])
    .filter((node) => node.host_id === host_id)
    .map((node): Row => ({
      ...node,
      environment,
      service: data?.services.find(({ service_id }) => service_id === node.service_id),
    }));
  return (
    <div className={classes.scroll}>
      {error && (
        <ProblemAlert error={error} tone={data ? 'attention' : 'failing'} onRetry={() => void refetch()} />
      )}
      {(data || !error) && (
        <Panel flush title={<>Nodes {data && <ObservedAge observation={data.observation} />}</>}>
          <DataTable
            plain
            label="Nodes"
            columns={COLUMNS}
            rows={rows}
            rowId={nodeId}
            rowLink={nodeLink}
            skeleton={data ? undefined : 3}
            dimmed={error !== null}
            empty={
              <EmptyState
                compact
                title="No platform node runs on it"
                hint="Its tasks may be starting, or be of another kind."
              />
            }
          />
        </Panel>
      )}
    </div>
  );
}
