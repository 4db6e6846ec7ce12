import { IconCopyPlus, IconEdit, IconTrash, IconUserPlus } from '@tabler/icons-react';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import {
  deleteRole,
  getRole,
  listAssignments,
  listRoles,
  type Assignment,
  type Role,
} from '#contract/iam.ts';
import { may, useChange, useEndpoint, useMe } from '#ui/api/queries.ts';
import { Activity } from '#ui/audit/activity.tsx';
import { firstReason, type Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { DetailPage } from '#ui/patterns/detail-page.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { plural } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { exactTime, RelativeTime } from '#ui/patterns/relative-time.tsx';
import { Tag } from '#ui/patterns/status-pill.tsx';
import { AssignRoleDialog } from './assign-role-dialog.tsx';
import { EndingFilter, ENDINGS, type Ending } from './ending-filter.tsx';
import { GrantedList } from './granted-list.tsx';
import { EditRoleDrawer, RoleDrawer } from './role-drawer.tsx';
import classes from './role-page.module.css';
import { RoleSignInPolicy } from './role-sign-in-policy.tsx';
import { ScopeLabel } from './scope-label.tsx';
import { SearchTabs, useSearchTab } from './search-tabs.tsx';
import { useTakeRole } from './take-role.tsx';

const PARENT = { label: 'Roles & Permissions', link: { to: '/roles' } } as const;

const BUILT_IN = 'Built-in roles cannot be changed; create a copy and change that';

export function RolePage() {
  const { role_id } = useParams({ from: '/shell/roles/$role_id' });
  const signedIn = useMe().data;
  const { data: role, etag, error, refetch } = useEndpoint(getRole, { params: { role_id } });
  const [open, setOpen] = useState<'edit' | 'copy' | 'delete' | 'give' | null>(null);
  const close = () => setOpen(null);
  const tab = useSearchTab(['overview', 'activity']);
  const editReason = role
    ? firstReason(may(signedIn, 'iam.roles.update'), role.built_in && BUILT_IN)
    : 'The role is being read';
  const actions: Action[] = role
    ? [
        {
          label: 'Create a copy…',
          icon: IconCopyPlus,
          disabled: may(signedIn, 'iam.roles.create').reason,
          onSelect: () => setOpen('copy'),
        },
        {
          label: 'Delete role…',
          icon: IconTrash,
          danger: true,
          divided: true,
          disabled: firstReason(
            may(signedIn, 'iam.roles.update'),
            role.built_in && 'Built-in roles cannot be deleted',
            role.assignment_count > 0 &&
              `It is given ${plural(role.assignment_count, 'time')}; take it away from everybody first`,
          ),
          onSelect: () => setOpen('delete'),
        },
      ]
    : [];
  return (
    <DetailPage
      parent={PARENT}
      noun="role"
      title={role?.title ?? role_id}
      status={role?.built_in && <Tag>built in</Tag>}
      facts={
        role
          ? [
              <Mono key="id">{role.role_id}</Mono>,
              role.assignment_count === 0
                ? 'given to nobody'
                : `given ${plural(role.assignment_count, 'time')}`,
            ]
          : []
      }
      primary={
        <>
          <GuardedButton
            variant="default"
            leftSection={<IconEdit size={15} />}
            against={editReason}
            onClick={() => setOpen('edit')}
          >
            Edit
          </GuardedButton>
          <GuardedButton
            leftSection={<IconUserPlus size={15} />}
            against={role ? may(signedIn, 'iam.roles.assign').reason : 'The role is being read'}
            onClick={() => setOpen('give')}
          >
            Give to a user
          </GuardedButton>
        </>
      }
      actions={actions}
      loading={role === undefined}
      error={error}
      onRetry={() => void refetch()}
    >
      {role && (
        <>
          <SearchTabs
            label={`Parts of ${role.title}`}
            current={tab}
            tabs={[
              { id: 'overview', label: 'Overview' },
              { id: 'activity', label: 'Activity' },
            ]}
          />
          {tab === 'overview' && <RoleOverview role={role} />}
          {tab === 'activity' && (
            <Activity
              title={`What was done to ${role.title}`}
              query={{ target_type: 'role', target_id: role.role_id }}
              hide={['target', 'environment']}
              empty="Nothing yet"
            />
          )}
          {open === 'edit' && etag !== null && <EditRoleDrawer role={role} etag={etag} onClose={close} />}
          {open === 'copy' && <RoleDrawer from={role} onClose={close} />}
          {open === 'give' && <AssignRoleDialog role={role} onClose={close} />}
          {open === 'delete' && <DeleteRoleDialog role={role} onClose={close} />}
        </>
      )}
    </DetailPage>
  );
}

const HOLDERS: readonly Column<Assignment>[] = [
  { id: 'user', header: 'User', grow: true, width: 220, cell: ({ user_email }) => user_email },
  { id: 'scope', header: 'Where', cell: (assignment) => <ScopeLabel scope={assignment} /> },
  {
    id: 'expires_at',
    header: 'Ends',
    cell: ({ state, expires_at }) => (state === 'lasting' ? '—' : <RelativeTime iso={expires_at} />),
  },
  { id: 'created_by', header: 'Given by', cell: ({ created_by }) => created_by ?? 'the system' },
  { id: 'created_at', header: 'Given', cell: ({ created_at }) => <RelativeTime iso={created_at} /> },
];
const LIMIT = 200;

function RoleOverview({ role }: { role: Role }) {
  const [ending, setEnding] = useState<Ending>('all');
  const holders = useEndpoint(listAssignments, {
    query: { role_id: role.role_id, limit: LIMIT, ...ENDINGS[ending].query },
  });
  const { actionsFor, dialog } = useTakeRole();
  return (
    <div className={classes.columns}>
      <Panel
        title="Who has it"
        flush
        actions={
          <>
            {holders.data?.next_cursor && (
              <span className={classes.quiet}>the last {LIMIT} times that it was given</span>
            )}
            <EndingFilter value={ending} onChange={setEnding} />
          </>
        }
      >
        {holders.error && <ProblemAlert error={holders.error} onRetry={() => void holders.refetch()} />}
        {(holders.data || !holders.error) && (
          <DataTable
            plain
            label={`Users who have ${role.title}`}
            columns={HOLDERS}
            rows={holders.data?.items ?? []}
            rowId={({ assignment_id }) => assignment_id}
            rowLink={({ user_id, user_kind }) => ({
              to: user_kind === 'person' ? '/users/$user_id' : '/service-accounts/$user_id',
              params: { user_id },
            })}
            rowActions={actionsFor}
            skeleton={holders.data === undefined ? 3 : undefined}
            empty={
              ending === 'all' ? (
                <EmptyState
                  title="Nobody has it"
                  hint="Give it to a user, everywhere or for a tenant or environment."
                />
              ) : (
                <EmptyState title={ENDINGS[ending].none} />
              )
            }
          />
        )}
      </Panel>
      <div className={classes.stack}>
        <Panel title="Role">
          <Properties>
            <Property name="Description">{role.description || '—'}</Property>
            <Property name="Holds">
              <span className={classes.patterns}>
                {role.permissions.map((pattern) => (
                  <code key={pattern}>{pattern}</code>
                ))}
              </span>
            </Property>
            <Property name="Created">{exactTime(role.created_at)}</Property>
            <Property name="Changed">
              <RelativeTime iso={role.updated_at} />, revision {role.revision}
            </Property>
          </Properties>
        </Panel>
        <RoleSignInPolicy role={role} />
        <Panel title="What it allows">
          <GrantedList patterns={role.permissions} />
        </Panel>
      </div>
      {dialog}
    </div>
  );
}

function DeleteRoleDialog({ role, onClose }: { role: Role; onClose: () => void }) {
  const navigate = useNavigate();
  const remove = useChange(deleteRole, { invalidates: [listRoles] });
  return (
    <ConfirmAction
      title={`Delete ${role.title}`}
      what="Nobody has this role. Deleting it cannot be undone; what it held stays readable in the audit log."
      verb="Delete role"
      danger
      typed={role.role_id}
      done={`${role.title} deleted`}
      run={async ({ reason }) => {
        const { data } = await remove.mutateAsync({
          params: { role_id: role.role_id },
          body: { reason: reason ?? '' },
        });
        void navigate({ to: '/roles' });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}
