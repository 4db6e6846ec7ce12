import { useParams } from '@tanstack/react-router';
import { TenantSessions } from '#ui/iam/tenant-sessions.tsx';

/** Where the tenant's end users are signed in. */
export function TenantSessionsTab() {
  const { tenant_id } = useParams({ from: '/shell/tenants/$tenant_id' });
  return <TenantSessions tenant_id={tenant_id} />;
}
