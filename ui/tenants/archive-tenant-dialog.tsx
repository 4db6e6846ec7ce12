import { archiveTenant, getTenant, listTenants, planTenantArchive } from '#contract/tenants.ts';
import { call } from '#ui/api/client.ts';
import { useChange } from '#ui/api/queries.ts';
import { PlanDialog } from '#ui/patterns/plan-dialog.tsx';
import { useTenant } from './use-tenant.ts';

const STALE = [listTenants, getTenant];

/** Archives a tenant: drains it everywhere and takes it off its shards. */
export function ArchiveTenantDialog({ tenant_id, onClose }: { tenant_id: string; onClose: () => void }) {
  const { data: tenant } = useTenant(tenant_id);
  const archive = useChange(archiveTenant, { invalidates: STALE });
  return (
    <PlanDialog
      title={`Archive ${tenant_id}`}
      verb="Archive tenant"
      plan={async (signal) => (await call(planTenantArchive, { params: { tenant_id }, signal })).data}
      start={async (body) => (await archive.mutateAsync({ params: { tenant_id }, body })).data}
      typed
      environments={tenant?.environments ?? []}
      onClose={onClose}
    />
  );
}
