import { IconArrowsExchange, IconPencil } from '@tabler/icons-react';
import { Outlet, useMatchRoute, useParams } from '@tanstack/react-router';
import { mayAnywhere, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { DetailPage, type DetailTab } from '#ui/patterns/detail-page.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useTenantActions } from './tenant-actions.tsx';
import { useTenant } from './use-tenant.ts';

const PARENT = { label: 'Tenants', link: { to: '/tenants' } } as const;

export function TenantPage() {
  const { tenant_id } = useParams({ from: '/shell/tenants/$tenant_id' });
  const me = useMe();
  const { environment } = useEnvironment();
  const { data: tenant, error, refetch } = useTenant(tenant_id);
  const { actionsFor, migrate, migrateReason, edit, editReason, dialog } = useTenantActions();
  const params = { tenant_id };
  const scrollsInside = useMatchRoute()({ to: '/tenants/$tenant_id/sessions' }) !== false;
  const tabs: DetailTab[] = [
    { label: 'Overview', link: { to: '/tenants/$tenant_id', params } },
    ...(mayAnywhere(me.data, 'scale.view').allowed
      ? [{ label: 'Placement', link: { to: '/tenants/$tenant_id/placement', params } } as const]
      : []),
    { label: 'Health', link: { to: '/tenants/$tenant_id/health', params } },
    ...(mayAnywhere(me.data, 'iam.sessions.list').allowed
      ? [{ label: 'Sessions', link: { to: '/tenants/$tenant_id/sessions', params } } as const]
      : []),
    ...(mayAnywhere(me.data, 'audit.view').allowed
      ? [{ label: 'Activity', link: { to: '/tenants/$tenant_id/activity', params } } as const]
      : []),
    ...(mayAnywhere(me.data, 'observability.view').allowed
      ? [{ label: 'Observability', link: { to: '/tenants/$tenant_id/observability', params } } as const]
      : []),
  ];

  return (
    <DetailPage
      parent={PARENT}
      noun="tenant"
      title={tenant_id}
      status={tenant && <StatusPill of="tenant" status={tenant.status} soft />}
      facts={
        tenant
          ? [
              tenant.name !== tenant_id && tenant.name,
              tenant.plan,
              tenant.environments.join(', '),
              <span key="since">
                {tenant.status} since <RelativeTime iso={tenant.status_since} />
              </span>,
            ]
          : []
      }
      primary={
        tenant && (
          <>
            <GuardedButton
              variant="default"
              leftSection={<IconPencil size={15} />}
              against={editReason(tenant)}
              onClick={() => edit(tenant_id)}
            >
              Edit
            </GuardedButton>
            <GuardedButton
              leftSection={<IconArrowsExchange size={15} />}
              against={migrateReason(tenant, environment)}
              onClick={() => migrate(tenant_id, environment)}
            >
              Migrate
            </GuardedButton>
          </>
        )
      }
      actions={tenant ? actionsFor(tenant) : []}
      tabs={tabs}
      loading={tenant === undefined}
      error={error}
      onRetry={() => void refetch()}
      fill={scrollsInside}
    >
      <Outlet />
      {dialog}
    </DetailPage>
  );
}
