import { getTopology, type Topology } from '#contract/fleet.ts';
import type { Node } from '#contract/scale.ts';
import { useEndpoint } from '#ui/api/queries.ts';

export interface PlaceOfNode {
  host: Topology['hosts'][number] | undefined;
  service: Topology['services'][number] | undefined;
  /** Said where there is none. */
  why: string;
}

/** Which host a node runs on and which service runs it. */
export function usePlaceOfNode({ node_id, environment }: Pick<Node, 'node_id' | 'environment'>): PlaceOfNode {
  const { data, error } = useEndpoint(
    getTopology,
    { query: { environment } },
    { staleTime: 15_000, refetchInterval: 30_000 },
  );
  const node = data?.nodes.find((one) => one.node_id === node_id);
  return {
    host: data?.hosts.find(({ host_id }) => host_id === node?.host_id),
    service: data?.services.find(({ service_id }) => service_id === node?.service_id),
    why: data
      ? 'No task of the orchestrator is known to run it'
      : error
        ? 'It could not be read'
        : 'It is being read',
  };
}
