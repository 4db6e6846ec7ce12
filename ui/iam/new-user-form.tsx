/** What creating and inviting a user have in common: who it is, and the way on to a first role. */
import { Button, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import type { User } from '#contract/iam.ts';
import { fieldErrors, ProblemError } from '#ui/api/errors.ts';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { FormDrawer } from './form-drawer.tsx';

export interface NewUser {
  email: string;
  display_name: string;
  reason?: string;
}

/** The drawer with email, name and reason; `children` are further fields. */
export function NewUserForm({
  title,
  verb,
  emailHint,
  pending,
  error,
  complete = true,
  onSubmit,
  onClose,
  children,
}: {
  title: string;
  verb: string;
  emailHint: string;
  pending: boolean;
  error: unknown;
  /** The fields in `children` are. */
  complete?: boolean;
  onSubmit: (user: NewUser) => void;
  onClose: () => void;
  children?: ReactNode;
}) {
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [reason, setReason] = useState('');
  const faults = fieldErrors(error);
  const taken = error instanceof ProblemError && error.code === 'already_exists';
  const given = reason.trim();
  return (
    <FormDrawer
      title={title}
      verb={verb}
      onClose={onClose}
      pending={pending}
      disabled={!complete || email.trim() === '' || name.trim() === '' || (given !== '' && !isReason(reason))}
      error={taken || Object.keys(faults).length > 0 ? null : error}
      onSubmit={() =>
        onSubmit({
          email: email.trim(),
          display_name: name.trim(),
          ...(given !== '' && { reason: given }),
        })
      }
    >
      <TextInput
        label="Email"
        description={emailHint}
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
      {children}
      <ReasonField value={reason} onChange={setReason} required={false} />
    </FormDrawer>
  );
}

/** Said when the user exists: nothing is allowed yet. */
export const GiveFirstRole = ({ user: { user_id } }: { user: User }) => (
  <p>
    Without a role, a user may sign in and do nothing.{' '}
    <Button
      variant="default"
      size="compact-sm"
      renderRoot={(props) => <Link {...props} to="/users/$user_id" params={{ user_id }} />}
    >
      Give a role
    </Button>
  </p>
);
