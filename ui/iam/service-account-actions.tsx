/** What can be done to a service account, with the reasons against it and the dialogs that ask. */
import { IconBan, IconPlayerPlay, IconTrash, type Icon } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import {
  deleteServiceAccount,
  disableServiceAccount,
  enableServiceAccount,
  listTokens,
  SERVICE_ACCOUNT_ACTIONS,
  type ServiceAccount,
  type ServiceAccountAction,
} from '#contract/iam.ts';
import type { Permission } from '#contract/permissions.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason, type Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { plural } from '#ui/patterns/format.ts';
import { TOUCHED_BY_ASSIGNMENT } from './touched-by-assignment.ts';

interface Change {
  verb: string;
  icon: Icon;
  permission: Permission;
  danger: boolean;
  what: (account: ServiceAccount) => string;
  done: string;
}
const tokensOf = ({ token_count }: ServiceAccount) =>
  token_count === 0 ? 'It has no token that works.' : `${plural(token_count, 'token')} stop working at once.`;
const CHANGES: Record<ServiceAccountAction, Change> = {
  disable: {
    verb: 'Disable',
    icon: IconBan,
    permission: 'iam.service_accounts.update',
    danger: true,
    what: (account) => `${tokensOf(account)} Enabling it lets them in again.`,
    done: 'is disabled',
  },
  enable: {
    verb: 'Enable',
    icon: IconPlayerPlay,
    permission: 'iam.service_accounts.update',
    danger: false,
    what: () => 'Its tokens that have neither expired nor been revoked work again.',
    done: 'is enabled',
  },
  delete: {
    verb: 'Delete',
    icon: IconTrash,
    permission: 'iam.service_accounts.delete',
    danger: true,
    what: (account) =>
      `This cannot be undone. ${tokensOf(account)} A tombstone stays, so that the audit log stays readable, and the name is free again.`,
    done: 'is deleted',
  },
};
const ENDPOINTS = {
  disable: disableServiceAccount,
  enable: enableServiceAccount,
  delete: deleteServiceAccount,
} as const satisfies Record<ServiceAccountAction, unknown>;

export function useServiceAccountActions(): {
  actionsFor: (account: ServiceAccount) => Action[];
  dialog: ReactNode;
} {
  const signedIn = useMe().data;
  const [asked, setAsked] = useState<{ action: ServiceAccountAction; account: ServiceAccount } | null>(null);
  const actionOn = (account: ServiceAccount, action: ServiceAccountAction): Action => {
    const { verb, icon, danger, permission } = CHANGES[action];
    return {
      label: `${verb} service account…`,
      icon,
      danger,
      disabled: firstReason(
        may(signedIn, permission),
        stateReason(SERVICE_ACCOUNT_ACTIONS[action].from, account.status, 'service account'),
      ),
      onSelect: () => setAsked({ action, account }),
    };
  };
  return {
    actionsFor: (account) => [
      actionOn(account, 'enable'),
      actionOn(account, 'disable'),
      { ...actionOn(account, 'delete'), divided: true },
    ],
    dialog: asked && <StatusDialog {...asked} onClose={() => setAsked(null)} />,
  };
}

function StatusDialog({
  action,
  account,
  onClose,
}: {
  action: ServiceAccountAction;
  account: ServiceAccount;
  onClose: () => void;
}) {
  const change = useChange(ENDPOINTS[action], { invalidates: [...TOUCHED_BY_ASSIGNMENT, listTokens] });
  const { verb, danger, what, done } = CHANGES[action];
  return (
    <ConfirmAction
      title={`${verb} ${account.display_name}`}
      what={what(account)}
      verb={`${verb} service account`}
      danger={danger}
      {...(action === 'delete' && { typed: account.email })}
      done={`${account.display_name} ${done}`}
      run={async ({ reason }) => {
        const { data } = await change.mutateAsync({
          params: { user_id: account.user_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}
