import { useParams } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { JobListItem } from '#contract/jobs.ts';
import { ObservabilityPanels } from '#ui/observability/observability-panels.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { useService } from './fleet-queries.ts';

/** How all nodes of a service bear their load; marked is what was done to the service. */
export function ServiceObservabilityTab() {
  const { service_id } = useParams({ from: '/shell/scale/services/$service_id' });
  const { data: service } = useService(service_id);
  const about = useMemo(
    () => service && service.kind !== null && { environment: service.environment, service: service.kind },
    [service],
  );
  const concerns = useCallback(({ target_id }: JobListItem) => target_id === service_id, [service_id]);
  if (!service) return null;
  if (!about)
    return (
      <EmptyState
        title="It is no service of the platform"
        hint="Only gateways, aggregates, projections and runners have the metrics that are drawn here. Its hosts are on the dashboards."
      />
    );
  return <ObservabilityPanels about={about} concerns={concerns} />;
}
