import { TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { createServiceAccount, listServiceAccounts, SERVICE_ACCOUNT_DOMAIN } from '#contract/iam.ts';
import { fieldErrors, ProblemError } from '#ui/api/errors.ts';
import { useChange } from '#ui/api/queries.ts';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { toastDone } from '#ui/patterns/toast.tsx';
import { FormDrawer } from './form-drawer.tsx';

const NAME = /^[a-z0-9][a-z0-9-]{1,62}$/;

/** Creates a service account and opens its page, where it gets roles and tokens. */
export function CreateServiceAccountDrawer({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [title, setTitle] = useState('');
  const [reason, setReason] = useState('');
  const create = useChange(createServiceAccount, {
    invalidates: [listServiceAccounts],
    onSuccess: ({ data: { service_account, job_id } }) => {
      toastDone(`${service_account.display_name} created`, job_id);
      onClose();
      void navigate({ to: '/service-accounts/$user_id', params: { user_id: service_account.user_id } });
    },
  });
  const faults = fieldErrors(create.error);
  const taken = create.error instanceof ProblemError && create.error.code === 'already_exists';
  const badName = name !== '' && !NAME.test(name);
  return (
    <FormDrawer
      title="Create service account"
      verb="Create service account"
      onClose={onClose}
      pending={create.isPending}
      disabled={!NAME.test(name) || title.trim() === '' || (reason.trim() !== '' && !isReason(reason))}
      error={taken || Object.keys(faults).length > 0 ? null : create.error}
      onSubmit={() =>
        create.mutate({
          body: {
            name,
            display_name: title.trim(),
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
        })
      }
    >
      <TextInput
        label="Name"
        description={`The audit log knows it as ${NAME.test(name) ? name : 'name'}@${SERVICE_ACCOUNT_DOMAIN}; it cannot be changed`}
        placeholder="ci-deploy"
        autoComplete="off"
        value={name}
        maxLength={63}
        onChange={(event) => setName(event.currentTarget.value.toLowerCase())}
        error={
          taken
            ? 'There is a service account with this name already.'
            : badName
              ? 'At least two of a to z, 0 to 9 and hyphens, and no hyphen first'
              : faults['name']
        }
        data-autofocus
        required
        withAsterisk={false}
      />
      <TextInput
        label="What it is for"
        placeholder="Deploys images from the build pipeline"
        autoComplete="off"
        value={title}
        maxLength={100}
        onChange={(event) => setTitle(event.currentTarget.value)}
        error={faults['display_name']}
        required
        withAsterisk={false}
      />
      <ReasonField value={reason} onChange={setReason} required={false} />
    </FormDrawer>
  );
}
