import { useParams } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useEnvironment } from '#ui/app/environment.tsx';
import { ObservabilityPanels } from '#ui/observability/observability-panels.tsx';

/** How a tenant's traffic goes in the chosen environment, and what was done to it meanwhile. */
export function TenantObservabilityTab() {
  const { tenant_id } = useParams({ from: '/shell/tenants/$tenant_id' });
  const { environment } = useEnvironment();
  const about = useMemo(() => ({ environment, tenant_id }), [environment, tenant_id]);
  return <ObservabilityPanels about={about} />;
}
