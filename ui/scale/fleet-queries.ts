/** The node, service or host of a page, read once and shared by the page's frame and its tabs. */
import { getHost, getNode, getService } from '#contract/fleet.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';

const LIVE = { refetchInterval: OBSERVED_REFETCH_MS };

/** In the chosen environment: two environments may have nodes of one name. */
export function useNode(node_id: string) {
  const { environment } = useEnvironment();
  return useEndpoint(getNode, { params: { node_id }, query: { environment } }, LIVE);
}

/** A service's id holds everywhere: it may be of another environment than the chosen one. */
export const useService = (service_id: string) => useEndpoint(getService, { params: { service_id } }, LIVE);

/** In the chosen environment: a host may serve several. */
export function useHost(host_id: string) {
  const { environment } = useEnvironment();
  return useEndpoint(getHost, { params: { host_id }, query: { environment } }, LIVE);
}
