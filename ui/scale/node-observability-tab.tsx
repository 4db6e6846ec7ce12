import { useParams } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { JobListItem } from '#contract/jobs.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { ObservabilityPanels } from '#ui/observability/observability-panels.tsx';
import { useNode } from './fleet-queries.ts';

/** How one node bears its load; marked is what was done to it and to its service. */
export function NodeObservabilityTab() {
  const { node_id } = useParams({ from: '/shell/scale/nodes/$node_id' });
  const { environment } = useEnvironment();
  const service_id = useNode(node_id).data?.service_id;
  const about = useMemo(() => ({ environment, node_id }), [environment, node_id]);
  const concerns = useCallback(
    ({ target_id }: JobListItem) => target_id === node_id || target_id === service_id,
    [node_id, service_id],
  );
  return <ObservabilityPanels about={about} concerns={concerns} />;
}
