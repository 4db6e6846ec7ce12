import { useState } from 'react';
import { inviteUser, listUsers, type LinkDelivery, type User } from '#contract/iam.ts';
import { useChange } from '#ui/api/queries.ts';
import { ResultDrawer } from './form-drawer.tsx';
import { Delivery } from './link-dialog.tsx';
import { GiveFirstRole, NewUserForm } from './new-user-form.tsx';

/** Invites a user, who chooses a password by a link. */
export function InviteUserDrawer({ onClose }: { onClose: () => void }) {
  const [invited, setInvited] = useState<{ user: User; delivery: LinkDelivery | null } | null>(null);
  const invite = useChange(inviteUser, {
    invalidates: [listUsers],
    onSuccess: ({ data }) => setInvited(data),
  });
  if (invited)
    return (
      <ResultDrawer title={`${invited.user.display_name} is invited`} onClose={onClose}>
        {invited.delivery ? (
          <Delivery delivery={invited.delivery} email={invited.user.email} />
        ) : (
          <p>The link was shown in an answer that got lost; send the invitation again to make a new one.</p>
        )}
        <GiveFirstRole user={invited.user} />
      </ResultDrawer>
    );
  return (
    <NewUserForm
      title="Invite user"
      verb="Send invitation"
      emailHint="They sign in with it; the invitation goes there"
      pending={invite.isPending}
      error={invite.error}
      onSubmit={(body) => invite.mutate({ body })}
      onClose={onClose}
    />
  );
}
