import { useState } from 'react';
import {
  getUserSignInMethods,
  unlinkUserIdentity,
  USER_UPKEEP,
  type SignInMethods,
  type UserListItem,
} from '#contract/iam.ts';
import { may, useChange, useEndpoint, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { plural } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { listOfMethods } from './sign-in-method-names.ts';
import classes from './user-sign-in-methods.module.css';

type Identity = SignInMethods['identities'][number];

const nameOf = ({ provider_id, email }: Identity) =>
  email === null ? provider_id : `${provider_id} · ${email}`;

/** How a user can sign in, as an administrator sees it. */
export function UserSignInMethods({ user }: { user: UserListItem }) {
  const { user_id } = user;
  const signedIn = useMe().data;
  const [unlinking, setUnlinking] = useState<Identity | null>(null);
  const { data, error, refetch } = useEndpoint(getUserSignInMethods, { params: { user_id } });
  return (
    <Panel title="Signing in">
      <ProblemAlert error={error} onRetry={() => void refetch()} />
      {data && (
        <Properties>
          <Property name="Password">{data.password ? 'Set' : 'None'}</Property>
          <Property name="Authenticator app">
            {data.totp ? (
              <>
                since <RelativeTime iso={data.totp.created_at} />
              </>
            ) : (
              'None'
            )}
          </Property>
          <Property name="Passkeys">
            {data.passkeys.length > 0 ? data.passkeys.map(({ name }) => name).join(', ') : 'None'}
          </Property>
          <Property name="Recovery codes">{plural(data.recovery_codes_left, 'code')} left</Property>
          <Property name="Linked accounts">
            {data.identities.length > 0
              ? data.identities.map((identity) => (
                  <div key={identity.identity_id} className={classes.identity}>
                    {nameOf(identity)}
                    <GuardedButton
                      variant="subtle"
                      size="compact-xs"
                      aria-label={`Unlink ${nameOf(identity)}`}
                      against={firstReason(
                        may(signedIn, 'iam.users.update'),
                        stateReason(USER_UPKEEP.unlink_identity, user.status, 'user'),
                      )}
                      onClick={() => setUnlinking(identity)}
                    >
                      Unlink…
                    </GuardedButton>
                  </div>
                ))
              : 'None'}
          </Property>
          <Property name="Demanded">
            {data.policy.mfa_required ? 'a second factor; ' : ''}
            {listOfMethods(data.policy.methods)}
            {data.policy.roles.length > 0 && ` (${data.policy.roles.join(', ')})`}
          </Property>
        </Properties>
      )}
      {unlinking && <UnlinkDialog user={user} identity={unlinking} onClose={() => setUnlinking(null)} />}
    </Panel>
  );
}

function UnlinkDialog({
  user,
  identity,
  onClose,
}: {
  user: UserListItem;
  identity: Identity;
  onClose: () => void;
}) {
  const unlink = useChange(unlinkUserIdentity, { invalidates: [getUserSignInMethods] });
  return (
    <ConfirmAction
      title={`Unlink ${nameOf(identity)}`}
      what={`${user.email} can no longer sign in by this account at ${identity.provider_id}. Other ways in stay, and they can link it again themselves.`}
      verb="Unlink account"
      danger
      done={`${nameOf(identity)} unlinked`}
      run={async ({ reason }) => {
        const { data } = await unlink.mutateAsync({
          params: { user_id: user.user_id, identity_id: identity.identity_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}
