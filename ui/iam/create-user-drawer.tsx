import { useState } from 'react';
import { createUser, listUsers, type User } from '#contract/iam.ts';
import { fieldErrors } from '#ui/api/errors.ts';
import { useChange } from '#ui/api/queries.ts';
import { ResultDrawer } from './form-drawer.tsx';
import { NewPasswordField } from './new-password-field.tsx';
import { GiveFirstRole, NewUserForm } from './new-user-form.tsx';
import { newPasswordFault } from './password-rules.ts';
import { ShownOnce } from './shown-once.tsx';

/** Creates a user with a first password, which is shown once more afterwards, to be handed over. */
export function CreateUserDrawer({ onClose }: { onClose: () => void }) {
  const [created, setCreated] = useState<User | null>(null);
  const [password, setPassword] = useState('');
  const create = useChange(createUser, {
    invalidates: [listUsers],
    onSuccess: ({ data }) => setCreated(data.user),
  });
  if (created)
    return (
      <ResultDrawer title={`${created.display_name} can sign in`} onClose={onClose}>
        <p>Hand these over in a safe way. The password is not shown again; it can be set anew at any time.</p>
        <ShownOnce label="Email" value={created.email} />
        <ShownOnce label="Password" value={password} secret />
        <GiveFirstRole user={created} />
      </ResultDrawer>
    );
  return (
    <NewUserForm
      title="Create user"
      verb="Create user"
      emailHint="They sign in with it"
      pending={create.isPending}
      error={create.error}
      complete={newPasswordFault(password) === null}
      onSubmit={(user) => create.mutate({ body: { ...user, password } })}
      onClose={onClose}
    >
      <NewPasswordField
        label="First password"
        value={password}
        onChange={setPassword}
        error={fieldErrors(create.error)['password']}
      />
    </NewUserForm>
  );
}
