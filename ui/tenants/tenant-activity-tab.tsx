import { useParams } from '@tanstack/react-router';
import { Activity } from '#ui/audit/activity.tsx';

/** What was done to the tenant, by the audit log. */
export function TenantActivityTab() {
  const { tenant_id } = useParams({ from: '/shell/tenants/$tenant_id' });
  return (
    <Activity
      title="Activity"
      query={{ tenant_id }}
      search={{ tenant_id }}
      empty="Nothing has happened to this tenant yet"
    />
  );
}
