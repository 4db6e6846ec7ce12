import { Button } from '@mantine/core';
import { IconMail, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { listUsers, USER_STATUSES, type UserListItem } from '#contract/iam.ts';
import { may, useMe } from '#ui/api/queries.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { CreateUserDrawer } from './create-user-drawer.tsx';
import { InviteUserDrawer } from './invite-user-drawer.tsx';
import { RoleBadges } from './role-badges.tsx';
import { useUserActions } from './user-actions.tsx';
import classes from './users-page.module.css';

const COLUMNS: readonly Column<UserListItem>[] = [
  {
    id: 'email',
    header: 'User',
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
  { id: 'roles', header: 'Roles', cell: ({ roles }) => <RoleBadges roles={roles} /> },
  {
    id: 'sessions',
    header: 'Sessions',
    hint: 'Active sessions',
    align: 'right',
    cell: ({ session_count }) => session_count,
  },
  {
    id: 'last_sign_in_at',
    header: 'Last sign-in',
    sort: 'last_sign_in_at',
    cell: ({ last_sign_in_at }) => <RelativeTime iso={last_sign_in_at} missing="Never signed in" />,
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
    options: USER_STATUSES.map((status) => ({
      value: status,
      label: status,
      render: <StatusPill of="user" status={status} />,
    })),
  },
  { type: 'text', name: 'tag', label: 'Tag', placeholder: 'night-shift' },
];

export function UsersPage() {
  const signedIn = useMe().data;
  const { actionsFor, dialog } = useUserActions();
  const [creating, setCreating] = useState(false);
  const [inviting, setInviting] = useState(false);
  const create = (
    <>
      <GuardedButton
        variant="default"
        leftSection={<IconMail size={16} />}
        against={may(signedIn, 'iam.users.create').reason}
        onClick={() => setInviting(true)}
      >
        Invite user
      </GuardedButton>
      <GuardedButton
        leftSection={<IconPlus size={16} />}
        against={may(signedIn, 'iam.users.create').reason}
        onClick={() => setCreating(true)}
      >
        Create user
      </GuardedButton>
    </>
  );
  return (
    <>
      <ListPage
        title="Users"
        noun={{ one: 'user', many: 'users' }}
        endpoint={listUsers}
        columns={COLUMNS}
        rowId={({ user_id }) => user_id}
        rowLink={({ user_id }) => ({ to: '/users/$user_id', params: { user_id } })}
        rowActions={actionsFor}
        filters={FILTERS}
        search="Search by email or name"
        defaultSort="email"
        primary={create}
        empty={{
          title: 'No users',
          hint: 'People who operate the platform sign in as users; what they may do follows from their roles.',
          action: may(signedIn, 'iam.users.create').allowed && (
            <Button onClick={() => setCreating(true)}>Create user</Button>
          ),
        }}
      />
      {dialog}
      {inviting && <InviteUserDrawer onClose={() => setInviting(false)} />}
      {creating && <CreateUserDrawer onClose={() => setCreating(false)} />}
    </>
  );
}
