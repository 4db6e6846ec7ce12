/** What can be done to a user, with the reasons against it and the dialogs that ask. Used by the list and the page of one. */
import {
  IconBan,
  IconDoorExit,
  IconKey,
  IconListNumbers,
  IconMail,
  IconMasksTheater,
  IconMailCode,
  IconPlayerPause,
  IconPlayerPlay,
  IconShieldOff,
  IconTrash,
  type Icon,
} from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import {
  deleteUser,
  disableUser,
  getUser,
  getUserSignInMethods,
  listSessions,
  listUsers,
  reactivateUser,
  resetUserMfa,
  revokeUserRecoveryCodes,
  revokeUserSessions,
  setUserPassword,
  suspendUser,
  USER_ACTIONS,
  USER_UPKEEP,
  type UserAction,
  type UserListItem,
} from '#contract/iam.ts';
import type { Permission } from '#contract/permissions.ts';
import { fieldErrors } from '#ui/api/errors.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import { firstReason, stateReason, type Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { plural } from '#ui/patterns/format.ts';
import { ActAsDialog } from './act-as-dialog.tsx';
import { SendLinkDialog } from './link-dialog.tsx';
import { NewPasswordField } from './new-password-field.tsx';
import { newPasswordFault } from './password-rules.ts';

type Upkeep = 'reset_mfa' | 'revoke_recovery_codes';
type Asked =
  | UserAction
  | Upkeep
  | 'set_password'
  | 'revoke_sessions'
  | 'act_as'
  | 'resend_invitation'
  | 'reset_password';
type Target = Pick<UserListItem, 'user_id' | 'email' | 'display_name' | 'status' | 'session_count'>;

const TOUCHED = [listUsers, getUser, listSessions] as const;

interface StatusChange {
  label: string;
  icon: Icon;
  permission: Permission;
  danger?: true;
  what: (user: Target) => ReactNode;
  done: (user: Target) => string;
}

const sessionsEnd = ({ session_count }: Target) =>
  session_count > 0
    ? ` ${plural(session_count, 'session')} end${session_count === 1 ? 's' : ''} at once.`
    : '';

const STATUS_CHANGES: Record<UserAction, StatusChange> = {
  suspend: {
    label: 'Suspend user',
    icon: IconPlayerPause,
    permission: 'iam.users.suspend',
    what: (user) =>
      `${user.email} can no longer sign in.${sessionsEnd(user)} Reactivating lets them in again.`,
    done: (user) => `${user.display_name} is suspended`,
  },
  reactivate: {
    label: 'Reactivate user',
    icon: IconPlayerPlay,
    permission: 'iam.users.suspend',
    what: (user) => `${user.email} can sign in again, with the password and roles from before.`,
    done: (user) => `${user.display_name} can sign in again`,
  },
  disable: {
    label: 'Disable user',
    icon: IconBan,
    permission: 'iam.users.suspend',
    danger: true,
    what: (user) =>
      `For people who have left: ${user.email} can no longer sign in.${sessionsEnd(user)} Their roles stay on record.`,
    done: (user) => `${user.display_name} is disabled`,
  },
  delete: {
    label: 'Delete user',
    icon: IconTrash,
    permission: 'iam.users.delete',
    danger: true,
    what: (user) =>
      `This cannot be undone.${sessionsEnd(user)} A tombstone stays, so that the audit log stays readable, and ${user.email} is free for a new user.`,
    done: (user) => `${user.display_name} is deleted`,
  },
};

export function useUserActions(): { actionsFor: (user: Target) => Action[]; dialog: ReactNode } {
  const signedIn = useMe().data;
  const [asked, setAsked] = useState<{ what: Asked; user: Target } | null>(null);

  const isOwn = ({ user_id }: Target) => user_id === signedIn?.user.user_id;
  const statusAction = (user: Target, action: UserAction): Action => {
    const { label, icon, permission, danger } = STATUS_CHANGES[action];
    return {
      label: `${label}…`,
      icon,
      danger: danger ?? false,
      disabled: firstReason(
        may(signedIn, permission),
        stateReason(USER_ACTIONS[action].from, user.status, 'user'),
        isOwn(user) && `You cannot ${action} yourself`,
      ),
      onSelect: () => setAsked({ what: action, user }),
    };
  };
  const upkeep = (
    user: Target,
    what: Upkeep | 'resend_invitation' | 'reset_password',
    label: string,
    icon: Icon,
    permission: Permission,
  ): Action => ({
    label,
    icon,
    disabled: firstReason(may(signedIn, permission), stateReason(USER_UPKEEP[what], user.status, 'user')),
    onSelect: () => setAsked({ what, user }),
  });
  const actionsFor = (user: Target): Action[] => [
    {
      label: 'Set password…',
      icon: IconKey,
      disabled: firstReason(
        may(signedIn, 'iam.users.update'),
        stateReason(USER_UPKEEP.set_password, user.status, 'user'),
      ),
      onSelect: () => setAsked({ what: 'set_password', user }),
    },
    upkeep(user, 'resend_invitation', 'Send invitation again…', IconMail, 'iam.users.create'),
    upkeep(user, 'reset_password', 'Send password reset…', IconMailCode, 'iam.users.update'),
    upkeep(user, 'reset_mfa', 'Reset second factors…', IconShieldOff, 'iam.users.update'),
    upkeep(user, 'revoke_recovery_codes', 'Void recovery codes…', IconListNumbers, 'iam.users.update'),
    {
      label: 'End all sessions…',
      icon: IconDoorExit,
      disabled: firstReason(
        may(signedIn, 'iam.sessions.revoke'),
        user.session_count === 0 && 'The user has no active session',
      ),
      onSelect: () => setAsked({ what: 'revoke_sessions', user }),
    },
    {
      label: 'Act as this user…',
      icon: IconMasksTheater,
      disabled: firstReason(
        may(signedIn, 'iam.users.impersonate'),
        user.status !== 'active' && `The user is ${user.status}`,
        isOwn(user) && 'This is you',
      ),
      onSelect: () => setAsked({ what: 'act_as', user }),
      divided: true,
    },
    { ...statusAction(user, 'suspend'), divided: true },
    statusAction(user, 'reactivate'),
    statusAction(user, 'disable'),
    { ...statusAction(user, 'delete'), divided: true },
  ];

  const close = () => setAsked(null);
  const dialog =
    asked === null ? null : asked.what === 'set_password' ? (
      <SetPasswordDialog user={asked.user} onClose={close} />
    ) : asked.what === 'act_as' ? (
      <ActAsDialog user={asked.user} onClose={close} />
    ) : asked.what === 'revoke_sessions' ? (
      <EndSessionsDialog user={asked.user} onClose={close} />
    ) : asked.what === 'resend_invitation' || asked.what === 'reset_password' ? (
      <SendLinkDialog what={asked.what} user={asked.user} onClose={close} />
    ) : asked.what === 'reset_mfa' || asked.what === 'revoke_recovery_codes' ? (
      <UpkeepDialog what={asked.what} user={asked.user} onClose={close} />
    ) : (
      <StatusDialog key={asked.what} action={asked.what} user={asked.user} onClose={close} />
    );
  return { actionsFor, dialog };
}

const STATUS_ENDPOINTS = {
  suspend: suspendUser,
  reactivate: reactivateUser,
  disable: disableUser,
  delete: deleteUser,
} as const satisfies Record<UserAction, unknown>;

function StatusDialog({ action, user, onClose }: { action: UserAction; user: Target; onClose: () => void }) {
  const change = useChange(STATUS_ENDPOINTS[action], { invalidates: TOUCHED });
  const { label, danger, what, done } = STATUS_CHANGES[action];
  return (
    <ConfirmAction
      title={`${label.replace(' user', '')} ${user.display_name}`}
      what={what(user)}
      verb={label}
      danger={danger ?? false}
      {...(action === 'delete' && { typed: user.email })}
      done={done(user)}
      run={async ({ reason }) => {
        const { data } = await change.mutateAsync({
          params: { user_id: user.user_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}

function SetPasswordDialog({ user, onClose }: { user: Target; onClose: () => void }) {
  const [password, setPassword] = useState('');
  const change = useChange(setUserPassword, { invalidates: TOUCHED });
  return (
    <ConfirmAction
      title={`Set the password of ${user.display_name}`}
      what={`All sessions of ${user.email} end. Hand the new password over in a safe way, and ask them to change it.`}
      verb="Set password"
      done={`Password of ${user.display_name} set`}
      blocked={newPasswordFault(password) !== null}
      run={async ({ reason }) => {
        const { data } = await change.mutateAsync({
          params: { user_id: user.user_id },
          body: { new_password: password, reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    >
      <NewPasswordField
        label="New password"
        value={password}
        onChange={setPassword}
        error={fieldErrors(change.error)['new_password']}
        data-autofocus
      />
    </ConfirmAction>
  );
}

const UPKEEP = {
  reset_mfa: {
    endpoint: resetUserMfa,
    title: 'Reset the second factors of',
    verb: 'Reset second factors',
    what: (user: Target) =>
      `Authenticator app, passkeys and recovery codes of ${user.email} are removed.${sessionsEnd(user)} Make sure that it is really them who asked.`,
  },
  revoke_recovery_codes: {
    endpoint: revokeUserRecoveryCodes,
    title: 'Void the recovery codes of',
    verb: 'Void codes',
    what: (user: Target) =>
      `No recovery code of ${user.email} works any more. They can make new ones in their account.`,
  },
};

function UpkeepDialog({ what, user, onClose }: { what: Upkeep; user: Target; onClose: () => void }) {
  const { endpoint, title, verb, what: words } = UPKEEP[what];
  const change = useChange(endpoint, { invalidates: [...TOUCHED, getUserSignInMethods] });
  return (
    <ConfirmAction
      title={`${title} ${user.display_name}`}
      what={words(user)}
      verb={verb}
      danger
      run={async ({ reason }) => {
        const { data } = await change.mutateAsync({
          params: { user_id: user.user_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}

function EndSessionsDialog({ user, onClose }: { user: Target; onClose: () => void }) {
  const change = useChange(revokeUserSessions, { invalidates: TOUCHED });
  return (
    <ConfirmAction
      title={`End all sessions of ${user.display_name}`}
      what={`${plural(user.session_count, 'session')} of ${user.email} end; the next request of each is refused. They may sign in again.`}
      verb="End sessions"
      done={`Sessions of ${user.display_name} ended`}
      run={async ({ reason }) => {
        const { data } = await change.mutateAsync({
          params: { user_id: user.user_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    />
  );
}
