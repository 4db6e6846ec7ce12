import { useParams } from '@tanstack/react-router';
import { IconEdit } from '@tabler/icons-react';
import { useState } from 'react';
import { getUser, type UserListItem } from '#contract/iam.ts';
import { may, useEndpoint, useMe } from '#ui/api/queries.ts';
import { Activity } from '#ui/audit/activity.tsx';
import { DetailPage } from '#ui/patterns/detail-page.tsx';
import { plural } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { CopyButton, MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { exactTime, RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import { UserPermissions } from './effective-permissions.tsx';
import { EditUserDrawer } from './edit-user-drawer.tsx';
import { SearchTabs, useSearchTab } from './search-tabs.tsx';
import { useUserActions } from './user-actions.tsx';
import { UserAssignments } from './user-assignments.tsx';
import classes from './user-page.module.css';
import { UserDetections } from './user-detections.tsx';
import { UserLinkedAccounts } from './user-linked-accounts.tsx';
import { UserSignInMethods } from './user-sign-in-methods.tsx';
import { UserSessions } from './user-sessions.tsx';

const PARENT = { label: 'Users', link: { to: '/users' } } as const;

export function UserPage() {
  const { user_id } = useParams({ from: '/shell/users/$user_id' });
  const signedIn = useMe().data;
  const {
    data: user,
    etag,
    error,
    refetch,
  } = useEndpoint(getUser, { params: { user_id } }, { refetchInterval: 15_000 });
  const { actionsFor, dialog } = useUserActions();
  const [editing, setEditing] = useState(false);
  const tab = useSearchTab(['overview', 'permissions', 'sessions', 'detections', 'activity']);
  const editReason =
    user?.status === 'deleted' ? 'The user is deleted' : may(signedIn, 'iam.users.update').reason;

  return (
    <DetailPage
      parent={PARENT}
      noun="user"
      title={user?.display_name ?? user_id}
      status={user && <StatusPill of="user" status={user.status} soft />}
      facts={
        user
          ? [
              <span key="email" className={classes.email}>
                {user.email} <CopyButton text={user.email} label="Copy email" always />
              </span>,
              user.user_id === signedIn?.user.user_id && (
                <Tag key="you" tone="progress">
                  you
                </Tag>
              ),
              user.session_count > 0 && plural(user.session_count, 'active session'),
            ]
          : []
      }
      primary={
        <GuardedButton
          variant="default"
          leftSection={<IconEdit size={15} />}
          against={user ? editReason : 'The user is being read'}
          onClick={() => setEditing(true)}
        >
          Edit
        </GuardedButton>
      }
      actions={user ? actionsFor(user) : []}
      loading={user === undefined}
      error={error}
      onRetry={() => void refetch()}
      fill={tab === 'sessions' || tab === 'detections'}
    >
      {user && (
        <>
          <SearchTabs
            label={`Parts of ${user.display_name}`}
            current={tab}
            tabs={[
              { id: 'overview', label: 'Overview' },
              { id: 'permissions', label: 'Permissions' },
              { id: 'sessions', label: 'Sessions', count: user.session_count },
              { id: 'detections', label: 'Detections' },
              { id: 'activity', label: 'Activity' },
            ]}
          />
          {tab === 'overview' && <UserOverview user={user} />}
          {tab === 'permissions' && <UserPermissions user_id={user.user_id} />}
          {tab === 'sessions' && <UserSessions user_id={user.user_id} />}
          {tab === 'detections' && <UserDetections user_id={user.user_id} />}
          {tab === 'activity' && <UserActivity user={user} />}
          {dialog}
          {editing && etag !== null && (
            <EditUserDrawer user={user} etag={etag} onClose={() => setEditing(false)} />
          )}
        </>
      )}
    </DetailPage>
  );
}

function UserOverview({ user }: { user: UserListItem }) {
  return (
    <div className={classes.columns}>
      <UserAssignments user={user} />
      <div className={classes.stack}>
        <UserSignInMethods user={user} />
        <UserLinkedAccounts user={user} />
        <Panel title="User">
          <Properties>
            <Property name="Email">{user.email}</Property>
            <Property name="Name">{user.display_name}</Property>
            <Property name="Tags">{user.tags.length > 0 ? user.tags.join(', ') : '—'}</Property>
            <Property name="User id">
              <MiddleTruncate text={user.user_id} keep={8} label="Copy user id" />
            </Property>
            <Property name="Last sign-in">
              <RelativeTime iso={user.last_sign_in_at} missing="Never signed in" />
            </Property>
            <Property name="Created">{exactTime(user.created_at)}</Property>
            <Property name="Changed">
              <RelativeTime iso={user.updated_at} />, revision {user.revision}
            </Property>
          </Properties>
        </Panel>
      </div>
    </div>
  );
}

function UserActivity({ user }: { user: UserListItem }) {
  return (
    <div className={classes.stack}>
      <Activity
        title={`What ${user.display_name} did`}
        query={{ actor: user.user_id }}
        search={{ actor: user.email }}
        hide={['actor']}
        empty="Nothing yet"
      />
      <Activity
        title={`What was done to ${user.display_name}`}
        query={{ target_type: 'user', target_id: user.user_id }}
        hide={['target', 'environment']}
        empty="Nothing yet"
      />
    </div>
  );
}
