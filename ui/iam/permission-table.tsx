import { Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { listPermissions, listRoles, type Role } from '#contract/iam.ts';
import { permissionMatches } from '#contract/permission-rules.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { SearchBox } from '#ui/patterns/filter-bar.tsx';
import { plural } from '#ui/patterns/format.ts';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import classes from './permission-table.module.css';

interface Row {
  permission: string;
  description: string;
  endpoints: string[];
  roles: Role[];
}

const SHOWN_ROLES = 4;

const COLUMNS: readonly Column<Row>[] = [
  { id: 'permission', header: 'Permission', width: 190, cell: ({ permission }) => <Mono>{permission}</Mono> },
  { id: 'description', header: 'Allows', cell: ({ description }) => description },
  {
    id: 'roles',
    header: 'Roles that grant it',
    cell: ({ roles }) => (
      <span className={classes.roles}>
        {roles.length === 0 && <span className={classes.quiet}>none</span>}
        {roles.slice(0, SHOWN_ROLES).map(({ role_id, title }) => (
          <Link key={role_id} to="/roles/$role_id" params={{ role_id }} className={classes.role}>
            {title}
          </Link>
        ))}
        {roles.length > SHOWN_ROLES && (
          <Tooltip
            label={roles
              .slice(SHOWN_ROLES)
              .map(({ title }) => title)
              .join(', ')}
          >
            <span className={classes.quiet}>+{roles.length - SHOWN_ROLES}</span>
          </Tooltip>
        )}
      </span>
    ),
  },
  {
    id: 'endpoints',
    header: 'Endpoints that need it',
    grow: true,
    cell: ({ endpoints }) => (
      <span className={classes.endpoints} title={endpoints.join('\n')}>
        {endpoints.join('  ')}
      </span>
    ),
  },
];

/** Every permission: what it allows, which roles grant it, and which endpoints need it. */
export function PermissionTable() {
  const permissions = useEndpoint(listPermissions);
  const roles = useEndpoint(listRoles, { query: { limit: 200, sort: 'role_id' } });
  const [text, setText] = useState('');
  const rows = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return (permissions.data?.items ?? [])
      .filter(({ permission, description, endpoints }) =>
        [permission, description, ...endpoints].some((one) => one.toLowerCase().includes(wanted)),
      )
      .map((item) => ({
        ...item,
        roles: (roles.data?.items ?? []).filter((role) =>
          role.permissions.some((pattern) => permissionMatches(pattern, item.permission)),
        ),
      }));
  }, [permissions.data, roles.data, text]);
  const error = permissions.error ?? roles.error;
  return (
    <div className={classes.page}>
      <div className={classes.bar}>
        <SearchBox value={text} onChange={setText} placeholder="Search permissions and endpoints" />
        <span className={classes.quiet}>{permissions.data && plural(rows.length, 'permission')}</span>
      </div>
      {error && <ProblemAlert error={error} onRetry={() => void permissions.refetch()} />}
      {(permissions.data || !error) && (
        <DataTable
          label="Permissions"
          columns={COLUMNS}
          rows={rows}
          rowId={({ permission }) => permission}
          skeleton={permissions.data === undefined ? 14 : undefined}
          empty={
            <EmptyState
              title="No permission matches"
              hint="Search by its name, what it allows, or an endpoint."
            />
          }
        />
      )}
    </div>
  );
}
