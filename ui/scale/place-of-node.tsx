/** Where a node runs. A node names its host and service by their ids; the topology has their names. */
import { getTopology } from '#contract/fleet.ts';
import type { Node } from '#contract/scale.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { Unknown } from '#ui/patterns/figure.tsx';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { HostLink, ServiceLink } from './fleet-links.tsx';

type PlacedNode = Pick<Node, 'environment' | 'host_id' | 'service_id'>;
interface Place {
  node: PlacedNode;
  className?: string | undefined;
}

/** Names change rarely. */
const useNames = (environment: string) =>
  useEndpoint(getTopology, { query: { environment } }, { staleTime: 30_000, refetchInterval: 60_000 }).data;

export function HostOfNode({ node: { environment, host_id }, className }: Place) {
  const names = useNames(environment);
  if (host_id === null) return <Unknown why="No orchestrator is known to run it" />;
  const name = names?.hosts.find((host) => host.host_id === host_id)?.hostname;
  return (
    <HostLink host_id={host_id} environment={environment} className={className}>
      {name ?? <MiddleTruncate text={host_id} copy={false} />}
    </HostLink>
  );
}

export function ServiceOfNode({ node: { environment, service_id }, className }: Place) {
  const names = useNames(environment);
  if (service_id === null) return <Unknown why="No orchestrator is known to run it" />;
  const name = names?.services.find((service) => service.service_id === service_id)?.name;
  return (
    <ServiceLink service_id={service_id} environment={environment} className={className}>
      {name ?? <MiddleTruncate text={service_id} copy={false} />}
    </ServiceLink>
  );
}
