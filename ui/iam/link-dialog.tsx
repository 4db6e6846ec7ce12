/** Sends a user a link (an invitation again, a password reset) and says how it went; shows it where no mail can carry it. */
import { Button, Group, Modal, Stack } from '@mantine/core';
import { useRef, useState } from 'react';
import {
  getUser,
  listUsers,
  resendInvitation,
  resetUserPassword,
  type LinkDelivery,
  type UserListItem,
} from '#contract/iam.ts';
import { useChange } from '#ui/api/queries.ts';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { ShownOnce } from './shown-once.tsx';

const WORDS = {
  resend_invitation: {
    title: (name: string) => `Invite ${name} again`,
    verb: 'Send invitation',
    what: (email: string) => `${email} gets a new link to choose a password. The one before stops working.`,
  },
  reset_password: {
    title: (name: string) => `Reset the password of ${name}`,
    verb: 'Send link',
    what: (email: string) =>
      `${email} gets a link to choose a new password. Until then the present one works; afterwards all of their sessions end.`,
  },
};
const ENDPOINTS = { resend_invitation: resendInvitation, reset_password: resetUserPassword };

export function SendLinkDialog({
  what,
  user,
  onClose,
}: {
  what: keyof typeof ENDPOINTS;
  user: Pick<UserListItem, 'user_id' | 'email' | 'display_name'>;
  onClose: () => void;
}) {
  const answered = useRef(false);
  const [delivery, setDelivery] = useState<LinkDelivery | null>(null);
  const change = useChange(ENDPOINTS[what], { invalidates: [listUsers, getUser] });
  const words = WORDS[what];
  if (delivery)
    return (
      <Modal
        opened
        onClose={onClose}
        title={words.title(user.display_name)}
        closeOnClickOutside={false}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Stack gap={16}>
          <Delivery delivery={delivery} email={user.email} />
          <Group justify="flex-end">
            <Button onClick={onClose}>Done</Button>
          </Group>
        </Stack>
      </Modal>
    );
  return (
    <ConfirmAction
      title={words.title(user.display_name)}
      what={words.what(user.email)}
      verb={words.verb}
      done={null}
      run={async ({ reason }) => {
        const { data } = await change.mutateAsync({
          params: { user_id: user.user_id },
          body: { reason: reason ?? '' },
        });
        answered.current = data.delivery !== null;
        setDelivery(data.delivery);
        return { job_id: data.job_id };
      }}
      onClose={() => !answered.current && onClose()}
    />
  );
}

/** Where a link is now. */
export function Delivery({ delivery, email }: { delivery: LinkDelivery; email: string }) {
  const { way, link, file, expires_at } = delivery;
  if (way === 'sent')
    return (
      <p role="status">
        The mail server took the mail to {email}. The link in it works once and expires{' '}
        <RelativeTime iso={expires_at} />.
      </p>
    );
  if (way === 'failed')
    return (
      <p role="alert">
        The mail server did not take the mail to {email}. Look after it, then send the link again.
      </p>
    );
  return (
    <>
      <p role="status">
        There is no mail server, so hand this link over in a safe way. It works once and expires{' '}
        <RelativeTime iso={expires_at} />. It is not shown again.
      </p>
      {link && <ShownOnce label="Link" value={link} secret />}
      {file && <p>The mail stands on the server as {file}.</p>}
    </>
  );
}
