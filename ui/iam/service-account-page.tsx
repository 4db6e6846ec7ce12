import { TextInput } from '@mantine/core';
import { IconEdit } from '@tabler/icons-react';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import {
  getServiceAccount,
  listServiceAccounts,
  updateServiceAccount,
  type ServiceAccount,
} from '#contract/iam.ts';
import { may, useChange, useEndpoint, useMe } from '#ui/api/queries.ts';
import { Activity } from '#ui/audit/activity.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { DetailPage } from '#ui/patterns/detail-page.tsx';
import { plural } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { CopyButton, MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { exactTime, RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { UserPermissions } from './effective-permissions.tsx';
import { SearchTabs, useSearchTab } from './search-tabs.tsx';
import { useServiceAccountActions } from './service-account-actions.tsx';
import { ServiceAccountTokens } from './service-account-tokens.tsx';
import { UserAssignments } from './user-assignments.tsx';
import classes from './user-page.module.css';

const PARENT = { label: 'Service Accounts', link: { to: '/service-accounts' } } as const;

export function ServiceAccountPage() {
  const { user_id } = useParams({ from: '/shell/service-accounts/$user_id' });
  const signedIn = useMe().data;
  const {
    data: account,
    etag,
    error,
    refetch,
  } = useEndpoint(getServiceAccount, { params: { user_id } }, { refetchInterval: 15_000 });
  const { actionsFor, dialog } = useServiceAccountActions();
  const [renaming, setRenaming] = useState(false);
  const tab = useSearchTab(['overview', 'permissions', 'activity']);
  const against =
    account?.status === 'deleted'
      ? 'The service account is deleted'
      : may(signedIn, 'iam.service_accounts.update').reason;
  return (
    <DetailPage
      parent={PARENT}
      noun="service account"
      title={account?.display_name ?? user_id}
      status={account && <StatusPill of="user" status={account.status} soft />}
      facts={
        account
          ? [
              <span key="email" className={classes.email}>
                {account.email} <CopyButton text={account.email} label="Copy name" always />
              </span>,
              plural(account.token_count, 'working token'),
            ]
          : []
      }
      primary={
        <GuardedButton
          variant="default"
          leftSection={<IconEdit size={15} />}
          against={account ? against : 'The service account is being read'}
          onClick={() => setRenaming(true)}
        >
          Edit
        </GuardedButton>
      }
      actions={account ? actionsFor(account) : []}
      loading={account === undefined}
      error={error}
      onRetry={() => void refetch()}
    >
      {account && (
        <>
          <SearchTabs
            label={`Parts of ${account.display_name}`}
            current={tab}
            tabs={[
              { id: 'overview', label: 'Overview' },
              { id: 'permissions', label: 'Permissions' },
              { id: 'activity', label: 'Activity' },
            ]}
          />
          {tab === 'overview' && <Overview account={account} />}
          {tab === 'permissions' && <UserPermissions user_id={user_id} />}
          {tab === 'activity' && (
            <div className={classes.stack}>
              <Activity
                title={`What ${account.display_name} did`}
                query={{ actor: user_id }}
                hide={[]}
                empty="Nothing yet"
              />
              <Activity
                title={`What was done to ${account.display_name}`}
                query={{ target_type: 'service_account', target_id: user_id }}
                hide={['target', 'environment']}
                empty="Nothing yet"
              />
            </div>
          )}
          {dialog}
          {renaming && etag !== null && (
            <RenameDialog account={account} etag={etag} onClose={() => setRenaming(false)} />
          )}
        </>
      )}
    </DetailPage>
  );
}

const Overview = ({ account }: { account: ServiceAccount }) => (
  <div className={classes.stack}>
    <ServiceAccountTokens account={account} />
    <div className={classes.columns}>
      <UserAssignments user={{ ...account, kind: 'service_account' }} />
      <Panel title="Service account">
        <Properties>
          <Property name="Name">{account.email}</Property>
          <Property name="What it is for">{account.display_name}</Property>
          <Property name="Id">
            <MiddleTruncate text={account.user_id} keep={8} label="Copy id" />
          </Property>
          <Property name="Last used">
            <RelativeTime iso={account.last_used_at} missing="Never used" />
          </Property>
          <Property name="Created">{exactTime(account.created_at)}</Property>
          <Property name="Changed">
            <RelativeTime iso={account.updated_at} />, revision {account.revision}
          </Property>
        </Properties>
      </Panel>
    </div>
  </div>
);

function RenameDialog({
  account,
  etag,
  onClose,
}: {
  account: ServiceAccount;
  etag: string;
  onClose: () => void;
}) {
  // The revision that was read when the dialog opened: what changed since is refused, not overwritten.
  const [if_match] = useState(etag);
  const [title, setTitle] = useState(account.display_name);
  const update = useChange(updateServiceAccount, { invalidates: [getServiceAccount, listServiceAccounts] });
  return (
    <ConfirmAction
      title={`Edit ${account.display_name}`}
      what={`Its name, ${account.email}, stays: scripts and the audit log know it by that.`}
      verb="Save changes"
      reason="optional"
      done="Service account changed"
      blocked={title.trim() === '' || title.trim() === account.display_name}
      run={async ({ reason }) => {
        const { data } = await update.mutateAsync({
          params: { user_id: account.user_id },
          body: { display_name: title.trim(), ...(reason !== undefined && { reason }) },
          if_match,
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    >
      <TextInput
        label="What it is for"
        value={title}
        maxLength={100}
        onChange={(event) => setTitle(event.currentTarget.value)}
        data-autofocus
        required
        withAsterisk={false}
      />
    </ConfirmAction>
  );
}
