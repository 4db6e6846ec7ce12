import { getTenant, listTenants, planTenantRestore, restoreTenant } from '#contract/tenants.ts';
import { call } from '#ui/api/client.ts';
import { useChange } from '#ui/api/queries.ts';
import { PlanDialog } from '#ui/patterns/plan-dialog.tsx';
import { useTenant } from './use-tenant.ts';

const STALE = [listTenants, getTenant];

/** Brings an archived tenant back to the shards where it was, with the streams and buckets that are kept of it. */
export function RestoreTenantDialog({ tenant_id, onClose }: { tenant_id: string; onClose: () => void }) {
  const { data: tenant } = useTenant(tenant_id);
  const restore = useChange(restoreTenant, { invalidates: STALE });
  return (
    <PlanDialog
      title={`Restore ${tenant_id}`}
      verb="Restore tenant"
      plan={async (signal) => (await call(planTenantRestore, { params: { tenant_id }, signal })).data}
      start={async (body) => (await restore.mutateAsync({ params: { tenant_id }, body })).data}
      environments={tenant?.environments ?? []}
      onClose={onClose}
    />
  );
}
