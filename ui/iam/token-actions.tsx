/** What can be done to a token, with the reasons against it and the dialogs that ask. */
import { IconListCheck, IconRefresh, IconTrash } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import {
  getServiceAccount,
  listServiceAccounts,
  listTokens,
  revokeToken,
  TOKEN_ACTIONS,
  type ApiToken,
} from '#contract/iam.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason, type Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { Mono } from '#ui/patterns/middle-truncate.tsx';
import { TokenPermissions } from './effective-permissions.tsx';
import { SideDrawer } from './form-drawer.tsx';
import { RotateTokenDrawer } from './rotate-token-drawer.tsx';
import classes from './token-actions.module.css';

/** What a new, rotated or revoked token makes stale. */
export const TOUCHED_BY_TOKEN = [listTokens, getServiceAccount, listServiceAccounts] as const;

export function useTokenActions(): { actionsFor: (token: ApiToken) => Action[]; dialog: ReactNode } {
  const signedIn = useMe().data;
  const [asked, setAsked] = useState<{ what: 'explain' | 'rotate' | 'revoke'; token: ApiToken } | null>(null);
  const close = () => setAsked(null);
  const actionsFor = (token: ApiToken): Action[] => {
    const others = token.user_kind === 'person' && token.user_id !== signedIn?.user.user_id;
    return [
      {
        label: 'What it may do…',
        icon: IconListCheck,
        disabled: may(signedIn, 'iam.roles.read').reason,
        onSelect: () => setAsked({ what: 'explain', token }),
      },
      {
        label: 'Rotate token…',
        icon: IconRefresh,
        disabled: firstReason(
          may(signedIn, 'iam.tokens.rotate'),
          token.user_kind === 'service_account' && may(signedIn, 'iam.service_accounts.create_tokens'),
          others && `It acts as ${token.user_email}: only they can rotate it`,
          stateReason(TOKEN_ACTIONS.rotate, token.state, 'token'),
        ),
        onSelect: () => setAsked({ what: 'rotate', token }),
      },
      {
        label: 'Revoke token…',
        icon: IconTrash,
        danger: true,
        divided: true,
        disabled: firstReason(
          may(signedIn, 'iam.tokens.revoke'),
          stateReason(TOKEN_ACTIONS.revoke, token.state, 'token'),
        ),
        onSelect: () => setAsked({ what: 'revoke', token }),
      },
    ];
  };
  const dialog =
    asked === null ? null : asked.what === 'revoke' ? (
      <RevokeTokenDialog token={asked.token} onClose={close} />
    ) : asked.what === 'rotate' ? (
      <RotateTokenDrawer token={asked.token} touches={TOUCHED_BY_TOKEN} onClose={close} />
    ) : (
      <SideDrawer title={`What ${asked.token.name} may do`} onClose={close} wide>
        <div className={classes.explained}>
          <p className={classes.quiet}>
            What {asked.token.user_email} may do by its roles, as far as the token names it.
          </p>
          <TokenPermissions token_id={asked.token.token_id} />
        </div>
      </SideDrawer>
    );
  return { actionsFor, dialog };
}

function RevokeTokenDialog({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const revoke = useChange(revokeToken, { invalidates: TOUCHED_BY_TOKEN });
  return (
    <ConfirmAction
      title={`Revoke ${token.name}`}
      what={
        <>
          The next request with <Mono>{token.prefix}…</Mono> is refused, and whatever uses it stops. This
          cannot be undone
          {token.rotated_to === null
            ? '; a new token can take its place.'
            : '. Its successor is not touched.'}
        </>
      }
      verb="Revoke token"
      danger
      done={`${token.name} revoked`}
      run={async ({ reason }) => {
        const { data } = await revoke.mutateAsync({
          params: { token_id: token.token_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}
