import { Button, Group, Modal, PasswordInput, Stack } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { changeMyPassword, listSessions } from '#contract/iam.ts';
import { fieldErrors, ProblemError } from '#ui/api/errors.ts';
import { useChange, useMe } from '#ui/api/queries.ts';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { toastDone } from '#ui/patterns/toast.tsx';
import { NewPasswordField } from './new-password-field.tsx';
import { newPasswordFault } from './password-rules.ts';

/** Changes the password of the signed-in person, which ends their other sessions. */
export function ChangePasswordDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Change password"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <ChangePasswordForm onClose={onClose} />
    </Modal>
  );
}

function ChangePasswordForm({ onClose }: { onClose: () => void }) {
  const signedIn = useMe();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const change = useChange(changeMyPassword, {
    invalidates: [listSessions],
    onSuccess: ({ data }) => {
      toastDone('Password changed; your other sessions have ended', data.job_id);
      onClose();
    },
  });
  const wrong = change.error instanceof ProblemError && change.error.code === 'invalid_credentials';
  const refused = fieldErrors(change.error)['new_password'];

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    change.mutate({ body: { current_password: current, new_password: next } });
  };
  return (
    <form onSubmit={submit}>
      <Stack gap={16}>
        <p>Your other sessions end. This one goes on.</p>
        <input
          type="text"
          name="username"
          autoComplete="username"
          value={signedIn.data?.user.email ?? ''}
          readOnly
          hidden
        />
        <PasswordInput
          label="Current password"
          name="current-password"
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
          error={wrong && 'This is not your password.'}
          data-autofocus
          required
          withAsterisk={false}
        />
        <NewPasswordField label="New password" value={next} onChange={setNext} error={refused} />
        {!wrong && refused === undefined && <ProblemAlert error={change.error} />}
        <Group justify="flex-end" gap={8}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={change.isPending}
            disabled={current === '' || newPasswordFault(next) !== null}
          >
            Change password
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
