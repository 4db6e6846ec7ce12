import { TextInput } from '@mantine/core';
import { useState } from 'react';
import {
  createServiceAccountToken,
  createToken,
  type CreatedToken,
  type ServiceAccount,
} from '#contract/iam.ts';
import { fieldErrors } from '#ui/api/errors.ts';
import { useChange } from '#ui/api/queries.ts';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import classes from './create-token-drawer.module.css';
import { FormDrawer } from './form-drawer.tsx';
import { PermissionPicker } from './permission-picker.tsx';
import { ScopeFields } from './scope-fields.tsx';
import { EVERYWHERE, type Scope } from './scope-label.tsx';
import { TOUCHED_BY_TOKEN } from './token-actions.tsx';
import { TokenLife } from './token-life.tsx';
import { TokenReady } from './token-ready.tsx';

/** Creates an API token, one's own or of a service account, and shows its value, once. */
export function CreateTokenDrawer({
  account,
  onClose,
}: {
  account?: Pick<ServiceAccount, 'user_id' | 'email'>;
  onClose: () => void;
}) {
  const [created, setCreated] = useState<CreatedToken | null>(null);
  const [name, setName] = useState('');
  const [permissions, setPermissions] = useState<string[]>([]);
  const [scope, setScope] = useState<Scope>(EVERYWHERE);
  const [days, setDays] = useState<number>(30);
  const [reason, setReason] = useState('');
  const options = {
    invalidates: TOUCHED_BY_TOKEN,
    onSuccess: ({ data }: { data: CreatedToken }) => setCreated(data),
  };
  const createOwn = useChange(createToken, options);
  const createOf = useChange(createServiceAccountToken, options);
  const create = account ? createOf : createOwn;
  const faults = fieldErrors(create.error);

  if (created) return <TokenReady token={created.token} value={created.value} onClose={onClose} />;
  return (
    <FormDrawer
      wide
      title="Create token"
      verb="Create token"
      onClose={onClose}
      pending={create.isPending}
      disabled={name.trim() === '' || permissions.length === 0 || (reason.trim() !== '' && !isReason(reason))}
      error={Object.keys(faults).length > 0 ? null : create.error}
      onSubmit={() => {
        const body = {
          name: name.trim(),
          permissions,
          ...scope,
          expires_in_days: days,
          ...(reason.trim() !== '' && { reason: reason.trim() }),
        };
        if (account) createOf.mutate({ params: { user_id: account.user_id }, body });
        else createOwn.mutate({ body });
      }}
    >
      <p className={classes.quiet}>
        {account
          ? `It acts as ${account.email}, narrowed to what you choose here. You must hold all of that yourself for as long as the token lasts.`
          : 'It acts as you, narrowed to what you choose here, and never does more than you may at the time of the call.'}
      </p>
      <div className={classes.pair}>
        <TextInput
          label="Name"
          description="What uses it"
          placeholder="ci-migrations"
          value={name}
          maxLength={100}
          onChange={(event) => setName(event.currentTarget.value)}
          error={faults['name']}
          data-autofocus
          required
          withAsterisk={false}
        />
        <TokenLife days={days} onChange={setDays} error={faults['expires_in_days']} />
      </div>
      <ScopeFields value={scope} onChange={setScope} />
      <PermissionPicker
        value={permissions}
        onChange={setPermissions}
        scope={scope}
        error={faults['permissions']}
      />
      <ReasonField value={reason} onChange={setReason} required={false} />
    </FormDrawer>
  );
}
