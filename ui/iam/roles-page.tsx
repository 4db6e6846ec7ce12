import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { listRoles, type Role } from '#contract/iam.ts';
import { may, useMe } from '#ui/api/queries.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { plural } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { Tag } from '#ui/patterns/status-pill.tsx';
import { EndpointTable } from './endpoint-table.tsx';
import { grantedPermissions } from './permission-tree.ts';
import { PermissionTable } from './permission-table.tsx';
import { RoleDrawer } from './role-drawer.tsx';
import classes from './roles-page.module.css';
import { SearchTabs, useSearchTab } from './search-tabs.tsx';

const COLUMNS: readonly Column<Role>[] = [
  {
    id: 'role_id',
    header: 'Role',
    sort: 'role_id',
    width: 200,
    cell: ({ title, role_id, built_in }) => (
      <span className={classes.role}>
        {title}
        <span className={classes.id}>
          <Mono>{role_id}</Mono>
        </span>
        {built_in && <Tag>built in</Tag>}
      </span>
    ),
  },
  {
    id: 'description',
    header: 'Description',
    grow: true,
    cell: ({ description }) => (
      <span className={classes.description} title={description}>
        {description}
      </span>
    ),
  },
  {
    id: 'permissions',
    header: 'Permissions',
    align: 'right',
    hint: 'How many of today’s permissions it grants',
    cell: ({ permissions }) => (permissions.includes('*') ? 'all' : grantedPermissions(permissions).length),
  },
  {
    id: 'assignments',
    header: 'Assigned',
    align: 'right',
    hint: 'How often it is given to somebody',
    cell: ({ assignment_count }) =>
      assignment_count === 0 ? (
        <span className={classes.quiet}>nobody</span>
      ) : (
        plural(assignment_count, 'time')
      ),
  },
  { id: 'updated_at', header: 'Changed', cell: ({ updated_at }) => <RelativeTime iso={updated_at} /> },
];

export function RolesPage() {
  const signedIn = useMe().data;
  const [creating, setCreating] = useState(false);
  const tab = useSearchTab(['roles', 'permissions', 'endpoints']);
  return (
    <div className={classes.page}>
      <PageHeader title="Roles & Permissions">
        <GuardedButton
          leftSection={<IconPlus size={16} />}
          against={may(signedIn, 'iam.roles.create').reason}
          onClick={() => setCreating(true)}
        >
          Create role
        </GuardedButton>
      </PageHeader>
      <SearchTabs
        label="Roles and permissions"
        current={tab}
        tabs={[
          { id: 'roles', label: 'Roles' },
          { id: 'permissions', label: 'Permissions' },
          { id: 'endpoints', label: 'Endpoints' },
        ]}
      />
      <div className={classes.body}>
        {tab === 'roles' ? (
          <ListPage
            noun={{ one: 'role', many: 'roles' }}
            endpoint={listRoles}
            columns={COLUMNS}
            rowId={({ role_id }) => role_id}
            rowLink={({ role_id }) => ({ to: '/roles/$role_id', params: { role_id } })}
            search="Search by title or id"
            defaultSort="role_id"
            empty={{
              title: 'No roles',
              hint: 'A role is a set of permissions that is given to people, everywhere or for a tenant or environment.',
              action: may(signedIn, 'iam.roles.create').allowed && (
                <Button onClick={() => setCreating(true)}>Create role</Button>
              ),
            }}
          />
        ) : tab === 'permissions' ? (
          <PermissionTable />
        ) : (
          <EndpointTable />
        )}
      </div>
      {creating && <RoleDrawer onClose={() => setCreating(false)} />}
    </div>
  );
}
