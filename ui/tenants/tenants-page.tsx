import { Button } from '@mantine/core';
import { IconDownload, IconPlus } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useMemo } from 'react';
import { listShards } from '#contract/scale.ts';
import { listTenants, TENANT_PLANS, TENANT_STATUSES, type TenantListItem } from '#contract/tenants.ts';
import { may, useEndpoint, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { firstReason } from '#ui/patterns/action-menu.tsx';
import { downloadCsv } from '#ui/patterns/csv.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useTenantActions } from './tenant-actions.tsx';
import { TENANT_COLUMNS } from './tenant-columns.tsx';

const CreateTenantDrawer = lazy(async () => ({
  default: (await import('./create-tenant-drawer.tsx')).CreateTenantDrawer,
}));

const NOUN = { one: 'tenant', many: 'tenants' };
const STATUS_FILTER: ListFilter = {
  type: 'many',
  name: 'status',
  label: 'Status',
  options: TENANT_STATUSES.map((status) => ({
    value: status,
    label: status,
    render: <StatusPill of="tenant" status={status} />,
  })),
};
const PLAN_FILTER: ListFilter = {
  type: 'many',
  name: 'plan',
  label: 'Plan',
  options: TENANT_PLANS.map((plan) => ({ value: plan, label: plan })),
};

const tenantId = ({ tenant_id }: TenantListItem): string => tenant_id;
const tenantLink = ({ tenant_id }: TenantListItem) =>
  ({ to: '/tenants/$tenant_id', params: { tenant_id } }) as const;

const exportTenants = (tenants: readonly TenantListItem[]): void =>
  downloadCsv('tenants.csv', tenants, {
    tenant_id: ({ tenant_id }) => tenant_id,
    name: ({ name }) => name,
    status: ({ status }) => status,
    plan: ({ plan }) => plan,
    environments: ({ environments }) => environments.join(' '),
    contact_email: ({ contact_email }) => contact_email,
    aggregate: ({ placements }) => placements?.aggregate ?? null,
    projection: ({ placements }) => placements?.projection ?? null,
    runner: ({ placements }) => placements?.runner ?? null,
    created_at: ({ created_at }) => created_at,
    updated_at: ({ updated_at }) => updated_at,
  });

const bulkActions = (tenants: readonly TenantListItem[]) => (
  <Button
    variant="default"
    size="compact-sm"
    leftSection={<IconDownload size={14} />}
    onClick={() => exportTenants(tenants)}
  >
    Export CSV
  </Button>
);

export function TenantsPage() {
  const me = useMe();
  const navigate = useNavigate();
  const creating = useSearch({ strict: false })['new'] === 'tenant';
  const { environment } = useEnvironment();
  const shards = useEndpoint(listShards, { query: { environment } }, { staleTime: 30_000 });
  const { actionsFor, dialog } = useTenantActions();
  const query = useMemo(() => ({ environment }), [environment]);
  const filters = useMemo(
    (): readonly ListFilter[] => [
      STATUS_FILTER,
      PLAN_FILTER,
      {
        type: 'one',
        name: 'shard',
        label: 'Shard',
        loading: shards.isPending,
        options: (shards.data?.items ?? []).map(({ shard, service }) => ({
          value: shard,
          label: `${shard} · ${service}`,
        })),
      },
    ],
    [shards.data, shards.isPending],
  );
  const against = firstReason(may(me.data, 'tenants.create'));
  const open = () => void navigate({ to: '.', search: (before) => ({ ...before, new: 'tenant' }) });
  const close = () =>
    void navigate({ to: '.', search: (before) => ({ ...before, new: undefined }), replace: true });
  const create = (
    <GuardedButton leftSection={<IconPlus size={15} />} against={against} onClick={open}>
      Create tenant
    </GuardedButton>
  );

  return (
    <>
      <ListPage
        title="Tenants"
        noun={NOUN}
        endpoint={listTenants}
        query={query}
        columns={TENANT_COLUMNS}
        rowId={tenantId}
        rowLink={tenantLink}
        rowActions={actionsFor}
        filters={filters}
        search="Search by id or name"
        defaultSort="tenant_id"
        refetchInterval={15_000}
        primary={create}
        bulk={bulkActions}
        empty={{
          title: 'There are no tenants yet',
          hint: 'A tenant is placed on a shard of each service kind, in each environment that you choose for it.',
          action: create,
        }}
      />
      {creating && (
        <Suspense fallback={null}>
          <CreateTenantDrawer onClose={close} />
        </Suspense>
      )}
      {dialog}
    </>
  );
}
