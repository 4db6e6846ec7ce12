import { Button, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { createUser, listUsers, type User } from '#contract/iam.ts';
import { fieldErrors, ProblemError } from '#ui/api/errors.ts';
import { useChange } from '#ui/api/queries.ts';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { FormDrawer, ResultDrawer } from './form-drawer.tsx';
import { NewPasswordField } from './new-password-field.tsx';
import { newPasswordFault } from './password-rules.ts';
import { ShownOnce } from './shown-once.tsx';

/** Creates a user with a first password, which is shown once more afterwards, to be handed over. */
export function CreateUserDrawer({ onClose }: { onClose: () => void }) {
  const [created, setCreated] = useState<User | null>(null);
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [reason, setReason] = useState('');
  const create = useChange(createUser, {
    invalidates: [listUsers],
    onSuccess: ({ data }) => setCreated(data.user),
  });
  const faults = fieldErrors(create.error);
  const taken = create.error instanceof ProblemError && create.error.code === 'already_exists';

  if (created)
    return (
      <ResultDrawer title={`${created.display_name} can sign in`} onClose={onClose}>
        <p>Hand these over in a safe way. The password is not shown again; it can be set anew at any time.</p>
        <ShownOnce label="Email" value={created.email} />
        <ShownOnce label="Password" value={password} secret />
        <p>
          Without a role, a user may sign in and do nothing.{' '}
          <Button
            variant="default"
            size="compact-sm"
            renderRoot={(props) => (
              <Link {...props} to="/users/$user_id" params={{ user_id: created.user_id }} />
            )}
          >
            Give a role
          </Button>
        </p>
      </ResultDrawer>
    );
  return (
    <FormDrawer
      title="Create user"
      verb="Create user"
      onClose={onClose}
      pending={create.isPending}
      disabled={
        email.trim() === '' ||
        name.trim() === '' ||
        newPasswordFault(password) !== null ||
        (reason.trim() !== '' && !isReason(reason))
      }
      error={taken || Object.keys(faults).length > 0 ? null : create.error}
      onSubmit={() =>
        create.mutate({
          body: {
            email: email.trim(),
            display_name: name.trim(),
            password,
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
        })
      }
    >
      <TextInput
        label="Email"
        description="They sign in with it"
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
      <NewPasswordField
        label="First password"
        value={password}
        onChange={setPassword}
        error={faults['password']}
      />
      <ReasonField value={reason} onChange={setReason} required={false} />
    </FormDrawer>
  );
}
