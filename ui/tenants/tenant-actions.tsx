/** What can be done to a tenant, the same on the list and on its page, and the dialogs that do it (loaded when they are first needed). */
import {
  IconArchive,
  IconArchiveOff,
  IconArrowsExchange,
  IconCopy,
  IconHourglass,
  IconPencil,
  IconPlayerPlay,
  IconWorldPlus,
} from '@tabler/icons-react';
import { lazy, Suspense, useCallback, useState } from 'react';
import type { ServiceKind } from '#contract/placement-record.ts';
import { TENANT_ACTIONS, type TenantStatus } from '#contract/tenants.ts';
import { may, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { firstReason, stateReason, type Action } from '#ui/patterns/action-menu.tsx';

const MigrateTenantDialog = lazy(async () => ({
  default: (await import('#ui/scale/migrate-tenant-dialog.tsx')).MigrateTenantDialog,
}));
const TenantDrainDialog = lazy(async () => ({
  default: (await import('#ui/scale/operation-dialogs.tsx')).TenantDrainDialog,
}));
const ArchiveTenantDialog = lazy(async () => ({
  default: (await import('./archive-tenant-dialog.tsx')).ArchiveTenantDialog,
}));
const RestoreTenantDialog = lazy(async () => ({
  default: (await import('./restore-tenant-dialog.tsx')).RestoreTenantDialog,
}));
const EditTenantDrawer = lazy(async () => ({
  default: (await import('./edit-tenant-drawer.tsx')).EditTenantDrawer,
}));
const AddEnvironmentDialog = lazy(async () => ({
  default: (await import('./add-environment-dialog.tsx')).AddEnvironmentDialog,
}));

/** What the actions need to know of a tenant; a row of the list has it. */
export interface ActionableTenant {
  tenant_id: string;
  status: TenantStatus;
  environments: readonly string[];
}

type Open =
  | { kind: 'migrate'; tenant_id: string; environment: string; service?: ServiceKind | undefined }
  | { kind: 'drain' | 'resume'; tenant_id: string; environment: string }
  | { kind: 'archive' | 'restore' | 'edit' | 'add_environment'; tenant_id: string };

export interface TenantActions {
  actionsFor: (tenant: ActionableTenant) => readonly Action[];
  /** Why it cannot be migrated now; null when it can. */
  migrateReason: (tenant: ActionableTenant, environment: string) => string | null;
  migrate: (tenant_id: string, environment: string, service?: ServiceKind) => void;
  editReason: (tenant: ActionableTenant) => string | null;
  edit: (tenant_id: string) => void;
  /** The open dialog; to be rendered by the page. */
  dialog: React.ReactNode;
}

export function useTenantActions(): TenantActions {
  const { data: me } = useMe();
  const { environment, environments } = useEnvironment();
  const [open, setOpen] = useState<Open | null>(null);
  const close = useCallback(() => setOpen(null), []);

  const migrateReason = useCallback(
    ({ tenant_id, status, environments: placed }: ActionableTenant, where: string) =>
      firstReason(
        may(me, 'scale.migrate', { tenant_id, environment: where }),
        stateReason(TENANT_ACTIONS.migrate.from, status, 'tenant'),
        !placed.includes(where) && `It is not in ${where}`,
      ),
    [me],
  );
  const drainReason = useCallback(
    ({ tenant_id, status, environments: placed }: ActionableTenant, action: 'drain' | 'resume') =>
      firstReason(
        may(me, 'scale.drain', { tenant_id, environment }),
        stateReason(TENANT_ACTIONS[action].from, status, 'tenant'),
        !placed.includes(environment) && `It is not in ${environment}`,
      ),
    [me, environment],
  );
  const editReason = useCallback(
    ({ tenant_id, status }: ActionableTenant) =>
      firstReason(
        may(me, 'tenants.update', { tenant_id }),
        stateReason(TENANT_ACTIONS.update.from, status, 'tenant'),
      ),
    [me],
  );
  const migrate = useCallback(
    (tenant_id: string, where: string, service?: ServiceKind) =>
      setOpen({ kind: 'migrate', tenant_id, environment: where, service }),
    [],
  );
  const edit = useCallback((tenant_id: string) => setOpen({ kind: 'edit', tenant_id }), []);

  const actionsFor = useCallback(
    (tenant: ActionableTenant): readonly Action[] => {
      const { tenant_id, status } = tenant;
      const everywhere =
        environments.length > 0 && environments.every((one) => tenant.environments.includes(one.environment));
      const archiveReason = (action: 'archive' | 'restore') =>
        firstReason(
          may(me, 'tenants.archive', { tenant_id }),
          stateReason(TENANT_ACTIONS[action].from, status, 'tenant'),
        );
      return [
        {
          label: 'Migrate…',
          icon: IconArrowsExchange,
          onSelect: () => migrate(tenant_id, environment),
          disabled: migrateReason(tenant, environment),
        },
        {
          label: `Drain in ${environment}…`,
          icon: IconHourglass,
          onSelect: () => setOpen({ kind: 'drain', tenant_id, environment }),
          disabled: drainReason(tenant, 'drain'),
        },
        {
          label: `Resume in ${environment}…`,
          icon: IconPlayerPlay,
          onSelect: () => setOpen({ kind: 'resume', tenant_id, environment }),
          disabled: drainReason(tenant, 'resume'),
        },
        { label: 'Edit…', icon: IconPencil, onSelect: () => edit(tenant_id), disabled: editReason(tenant) },
        {
          label: 'Add environment…',
          icon: IconWorldPlus,
          onSelect: () => setOpen({ kind: 'add_environment', tenant_id }),
          disabled: editReason(tenant) ?? (everywhere ? 'It is in every environment already' : null),
        },
        {
          label: 'Copy the id',
          icon: IconCopy,
          onSelect: () => void navigator.clipboard.writeText(tenant_id),
        },
        status === 'archived'
          ? {
              label: 'Restore…',
              icon: IconArchiveOff,
              divided: true,
              onSelect: () => setOpen({ kind: 'restore', tenant_id }),
              disabled: archiveReason('restore'),
            }
          : {
              label: 'Archive…',
              icon: IconArchive,
              divided: true,
              danger: true,
              onSelect: () => setOpen({ kind: 'archive', tenant_id }),
              disabled: archiveReason('archive'),
            },
      ];
    },
    [me, environment, environments, migrate, migrateReason, drainReason, edit, editReason],
  );

  const dialog = open && (
    <Suspense fallback={null}>
      {open.kind === 'migrate' && <MigrateTenantDialog {...open} onClose={close} />}
      {(open.kind === 'drain' || open.kind === 'resume') && (
        <TenantDrainDialog
          tenant_id={open.tenant_id}
          environment={open.environment}
          action={open.kind}
          onClose={close}
        />
      )}
      {open.kind === 'archive' && <ArchiveTenantDialog tenant_id={open.tenant_id} onClose={close} />}
      {open.kind === 'restore' && <RestoreTenantDialog tenant_id={open.tenant_id} onClose={close} />}
      {open.kind === 'edit' && <EditTenantDrawer tenant_id={open.tenant_id} onClose={close} />}
      {open.kind === 'add_environment' && <AddEnvironmentDialog tenant_id={open.tenant_id} onClose={close} />}
    </Suspense>
  );
  return { actionsFor, migrateReason, migrate, editReason, edit, dialog };
}
