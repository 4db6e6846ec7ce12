import { TagsInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { getUser, listUsers, TAG_PATTERN, updateUser, type UserListItem } from '#contract/iam.ts';
import { fieldErrors, ProblemError } from '#ui/api/errors.ts';
import { useChange } from '#ui/api/queries.ts';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { toastDone } from '#ui/patterns/toast.tsx';
import { ConflictNotice, differences } from './conflict-notice.tsx';
import { FormDrawer } from './form-drawer.tsx';
import { isConflict, useVersionedForm } from './use-versioned-form.ts';

const TAG = new RegExp(TAG_PATTERN);
const LABELS = { email: 'Email', display_name: 'Name', tags: 'Tags' } as const;

export function EditUserDrawer({
  user,
  etag,
  onClose,
}: {
  user: UserListItem;
  etag: string;
  onClose: () => void;
}) {
  const latest = { data: user, etag };
  const form = useVersionedForm(latest, latest, ({ email, display_name, tags }) => ({
    email,
    display_name,
    tags: [...tags],
  }));
  const { fields, base } = form;
  const [reason, setReason] = useState('');
  const update = useChange(updateUser, {
    invalidates: [getUser, listUsers],
    onSuccess: ({ data }) => {
      toastDone(`${data.user.display_name} changed`, data.job_id);
      onClose();
    },
  });
  const faults = fieldErrors(update.error);
  const taken = update.error instanceof ProblemError && update.error.code === 'already_exists';
  const conflict = isConflict(update.error);
  const sameTags = fields.tags.join(' ') === base.data.tags.join(' ');
  const badTag = fields.tags.find((tag) => !TAG.test(tag));
  const unchanged =
    fields.email === base.data.email && fields.display_name === base.data.display_name && sameTags;
  const resolve = (how: () => void) => () => {
    how();
    update.reset();
  };
  return (
    <FormDrawer
      title={`Edit ${user.display_name}`}
      verb="Save changes"
      onClose={onClose}
      pending={update.isPending}
      disabled={
        unchanged ||
        conflict ||
        fields.email.trim() === '' ||
        fields.display_name.trim() === '' ||
        badTag !== undefined ||
        (reason.trim() !== '' && !isReason(reason))
      }
      error={taken || conflict || Object.keys(faults).length > 0 ? null : update.error}
      notice={
        conflict ? (
          <ConflictNotice
            error={update.error}
            changed={form.isNewer ? differences(LABELS, base.data, user) : null}
            onKeep={resolve(form.keep)}
            onDiscard={resolve(form.discard)}
          />
        ) : undefined
      }
      onSubmit={() =>
        update.mutate({
          params: { user_id: user.user_id },
          body: {
            ...(fields.email !== base.data.email && { email: fields.email.trim() }),
            ...(fields.display_name !== base.data.display_name && {
              display_name: fields.display_name.trim(),
            }),
            ...(!sameTags && { tags: fields.tags }),
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
          if_match: base.etag,
        })
      }
    >
      <TextInput
        label="Email"
        description="They sign in with it"
        type="email"
        autoComplete="off"
        value={fields.email}
        onChange={(event) => form.change({ email: event.currentTarget.value })}
        error={taken ? 'Another user has this email.' : faults['email']}
        data-autofocus
        required
        withAsterisk={false}
      />
      <TextInput
        label="Name"
        autoComplete="off"
        value={fields.display_name}
        maxLength={100}
        onChange={(event) => form.change({ display_name: event.currentTarget.value })}
        error={faults['display_name']}
        required
        withAsterisk={false}
      />
      <TagsInput
        label="Tags"
        description="Words to find people by; they grant nothing"
        placeholder={fields.tags.length === 0 ? 'night-shift' : ''}
        value={fields.tags}
        maxTags={20}
        splitChars={[',', ' ']}
        acceptValueOnBlur
        onChange={(tags) => form.change({ tags: tags.map((tag) => tag.toLowerCase()) })}
        error={
          badTag === undefined
            ? faults['tags']
            : `"${badTag}" is no tag: up to 31 letters a to z, digits and hyphens`
        }
      />
      <ReasonField value={reason} onChange={setReason} required={false} />
    </FormDrawer>
  );
}
