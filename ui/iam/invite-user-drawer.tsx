import { Button, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { inviteUser, listUsers, type LinkDelivery, type User } from '#contract/iam.ts';
import { fieldErrors, ProblemError } from '#ui/api/errors.ts';
import { useChange } from '#ui/api/queries.ts';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { FormDrawer, ResultDrawer } from './form-drawer.tsx';
import { Delivery } from './link-dialog.tsx';

/** Invites a user, who chooses a password by a link. */
export function InviteUserDrawer({ onClose }: { onClose: () => void }) {
  const [invited, setInvited] = useState<{ user: User; delivery: LinkDelivery | null } | null>(null);
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [reason, setReason] = useState('');
  const invite = useChange(inviteUser, {
    invalidates: [listUsers],
    onSuccess: ({ data }) => setInvited(data),
  });
  const faults = fieldErrors(invite.error);
  const taken = invite.error instanceof ProblemError && invite.error.code === 'already_exists';
  if (invited)
    return (
      <ResultDrawer title={`${invited.user.display_name} is invited`} onClose={onClose}>
        {invited.delivery ? (
          <Delivery delivery={invited.delivery} email={invited.user.email} />
        ) : (
          <p>The link was shown in an answer that got lost; send the invitation again to make a new one.</p>
        )}
        <p>
          Without a role, a user may sign in and do nothing.{' '}
          <Button
            variant="default"
            size="compact-sm"
            renderRoot={(props) => (
              <Link {...props} to="/users/$user_id" params={{ user_id: invited.user.user_id }} />
            )}
          >
            Give a role
          </Button>
        </p>
      </ResultDrawer>
    );
  return (
    <FormDrawer
      title="Invite user"
      verb="Send invitation"
      onClose={onClose}
      pending={invite.isPending}
      disabled={email.trim() === '' || name.trim() === '' || (reason.trim() !== '' && !isReason(reason))}
      error={taken || Object.keys(faults).length > 0 ? null : invite.error}
      onSubmit={() =>
        invite.mutate({
          body: {
            email: email.trim(),
            display_name: name.trim(),
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
        })
      }
    >
      <TextInput
        label="Email"
        description="They sign in with it; the invitation goes there"
        type="email"
        autoComplete="off"
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
        error={taken ? 'A user with this email exists already.' : faults['email']}
        data-autofocus
        required
        withAsterisk={false}
      />
      <TextInput
        label="Name"
        description="As it stands in lists and in the audit log"
        autoComplete="off"
        value={name}
        maxLength={100}
        onChange={(event) => setName(event.currentTarget.value)}
        error={faults['display_name']}
        required
        withAsterisk={false}
      />
      <ReasonField value={reason} onChange={setReason} required={false} />
    </FormDrawer>
  );
}
