import { useState } from 'react';
import {
  getUserSignInMethods,
  listTokenIssuers,
  unlinkUserIdentity,
  USER_UPKEEP,
  type LinkedIdentity,
  type UserListItem,
} from '#contract/iam.ts';
import { may, useChange, useEndpoint, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { LinkAccountDialog } from './link-account-dialog.tsx';
import { accountName, LinkedAccount } from './linked-account.tsx';
import classes from './linked-account.module.css';

/** Accounts elsewhere by which somebody comes in: at identity providers and at token issuers. */
export function UserLinkedAccounts({ user }: { user: UserListItem }) {
  const { user_id, status } = user;
  const signedIn = useMe().data;
  const [linking, setLinking] = useState(false);
  const [unlinking, setUnlinking] = useState<LinkedIdentity | null>(null);
  const { data, error, refetch } = useEndpoint(getUserSignInMethods, { params: { user_id } });
  const issuers = useEndpoint(listTokenIssuers).data?.items;
  const permitted = may(signedIn, 'iam.users.update');
  const unconfigured =
    issuers?.length === 0 ? 'No token issuer is configured (token_issuers of control.yaml)' : null;
  return (
    <Panel
      title="Linked accounts"
      actions={
        <GuardedButton
          variant="default"
          size="xs"
          against={
            firstReason(permitted, stateReason(USER_UPKEEP.edit, status, 'user')) ??
            unconfigured ??
            (issuers ? null : 'The token issuers are being read')
          }
          onClick={() => setLinking(true)}
        >
          Link account…
        </GuardedButton>
      }
    >
      <ProblemAlert error={error} onRetry={() => void refetch()} />
      {data?.identities.length === 0 && (
        <p className={classes.none}>
          None. People link accounts at identity providers themselves; accounts at token issuers are linked
          here.
        </p>
      )}
      {data?.identities.map((account) => (
        <LinkedAccount key={account.identity_id} account={account}>
          <GuardedButton
            variant="default"
            size="xs"
            aria-label={`Unlink… ${accountName(account)}`}
            against={firstReason(permitted, stateReason(USER_UPKEEP.unlink_identity, status, 'user'))}
            onClick={() => setUnlinking(account)}
          >
            Unlink…
          </GuardedButton>
        </LinkedAccount>
      ))}
      {linking && issuers && (
        <LinkAccountDialog user={user} issuers={issuers} onClose={() => setLinking(false)} />
      )}
      {unlinking && <UnlinkDialog user={user} account={unlinking} onClose={() => setUnlinking(null)} />}
    </Panel>
  );
}

function UnlinkDialog({
  user,
  account,
  onClose,
}: {
  user: UserListItem;
  account: LinkedIdentity;
  onClose: () => void;
}) {
  const unlink = useChange(unlinkUserIdentity, { invalidates: [getUserSignInMethods, listTokenIssuers] });
  const name = accountName(account);
  const signsIn = account.opens.includes('sign_in')
    ? `${user.email} can no longer sign in by this account, until they link it again. `
    : '';
  const acts = account.opens.includes('tokens')
    ? `Its tokens are refused from the next request on, those that are out already as well. `
    : '';
  return (
    <ConfirmAction
      title={`Unlink ${name}`}
      what={`${signsIn}${acts}Other ways in stay.`}
      verb="Unlink account"
      danger
      done={`${name} unlinked`}
      run={async ({ reason }) => {
        const { data } = await unlink.mutateAsync({
          params: { user_id: user.user_id, identity_id: account.identity_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}
