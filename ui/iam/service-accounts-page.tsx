import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { listServiceAccounts, SERVICE_ACCOUNT_STATUSES, type ServiceAccount } from '#contract/iam.ts';
import { may, useMe } from '#ui/api/queries.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { CreateServiceAccountDrawer } from './create-service-account-drawer.tsx';
import { RoleBadges } from './role-badges.tsx';
import { useServiceAccountActions } from './service-account-actions.tsx';
import classes from './users-page.module.css';

const COLUMNS: readonly Column<ServiceAccount>[] = [
  {
    id: 'email',
    header: 'Service account',
    sort: 'email',
    width: 280,
    grow: true,
    cell: ({ display_name, email }) => (
      <span className={classes.user}>
        <span className={classes.name}>{display_name}</span>
        <span className={classes.email}>{email}</span>
      </span>
    ),
  },
  { id: 'status', header: 'Status', cell: ({ status }) => <StatusPill of="user" status={status} /> },
  {
    id: 'roles',
    header: 'Roles',
    cell: ({ roles }) => <RoleBadges roles={roles} none="Its tokens may do nothing" />,
  },
  {
    id: 'tokens',
    header: 'Tokens',
    hint: 'Tokens that work now',
    align: 'right',
    cell: ({ token_count }) => token_count,
  },
  {
    id: 'last_used_at',
    header: 'Last used',
    cell: ({ last_used_at }) => <RelativeTime iso={last_used_at} missing="Never used" />,
  },
  {
    id: 'created_at',
    header: 'Created',
    sort: 'created_at',
    cell: ({ created_at }) => <RelativeTime iso={created_at} />,
  },
];

const FILTERS: readonly ListFilter[] = [
  {
    type: 'one',
    name: 'status',
    label: 'Status',
    options: SERVICE_ACCOUNT_STATUSES.map((status) => ({
      value: status,
      label: status,
      render: <StatusPill of="user" status={status} />,
    })),
  },
];

export function ServiceAccountsPage() {
  const signedIn = useMe().data;
  const { actionsFor, dialog } = useServiceAccountActions();
  const [creating, setCreating] = useState(false);
  const mayCreate = may(signedIn, 'iam.service_accounts.create');
  return (
    <>
      <ListPage
        title="Service Accounts"
        noun={{ one: 'service account', many: 'service accounts' }}
        endpoint={listServiceAccounts}
        columns={COLUMNS}
        rowId={({ user_id }) => user_id}
        rowLink={({ user_id }) => ({ to: '/service-accounts/$user_id', params: { user_id } })}
        rowActions={actionsFor}
        filters={FILTERS}
        search="Search by name"
        defaultSort="email"
        primary={
          <GuardedButton
            leftSection={<IconPlus size={16} />}
            against={mayCreate.reason}
            onClick={() => setCreating(true)}
          >
            Create service account
          </GuardedButton>
        }
        empty={{
          title: 'No service accounts',
          hint: 'Scripts and pipelines that outlast people act as a service account: it has roles and API tokens, and nobody can sign in as it.',
          action: mayCreate.allowed && (
            <Button onClick={() => setCreating(true)}>Create service account</Button>
          ),
        }}
      />
      {dialog}
      {creating && <CreateServiceAccountDrawer onClose={() => setCreating(false)} />}
    </>
  );
}
