/** Creating a role, and changing one. A change names the version that it was made from; one that is out of date is shown the new one. */
import { Textarea, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import {
  createRole,
  explainUserPermissions,
  getRole,
  listPermissions,
  listRoles,
  me,
  previewRole,
  updateRole,
  type Role,
} from '#contract/iam.ts';
import { fieldErrors, ProblemError } from '#ui/api/errors.ts';
import { useChange } from '#ui/api/queries.ts';
import { askedFor, needsText, useRequirements } from '#ui/patterns/approval-needs.ts';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { toastAsked, toastDone } from '#ui/patterns/toast.tsx';
import { AccessPreviewOf } from './access-preview.tsx';
import { ConflictNotice, differences } from './conflict-notice.tsx';
import { FormDrawer } from './form-drawer.tsx';
import { PermissionPicker } from './permission-picker.tsx';
import classes from './role-drawer.module.css';
import { isConflict, useVersionedForm } from './use-versioned-form.ts';

const TOUCHED = [listRoles, getRole, listPermissions, explainUserPermissions, me] as const;
const LABELS = { title: 'Title', description: 'Description', permissions: 'Permissions' } as const;

const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one));

/** Without a role it creates one. `from` starts a new role with another one's permissions. */
export function RoleDrawer({ from, onClose }: { from?: Role; onClose: () => void }) {
  const navigate = useNavigate();
  const [title, setTitle] = useState(from ? `${from.title} (copy)` : '');
  const [roleId, setRoleId] = useState<string | null>(null);
  const [description, setDescription] = useState(from?.description ?? '');
  const [permissions, setPermissions] = useState<string[]>(from ? [...from.permissions] : []);
  const [reason, setReason] = useState('');
  const role_id = roleId ?? slugOf(title);
  const create = useChange(createRole, {
    invalidates: TOUCHED,
    onSuccess: ({ data }) => {
      toastDone(`${data.role.title} created`, data.job_id);
      onClose();
      void navigate({ to: '/roles/$role_id', params: { role_id: data.role.role_id } });
    },
  });
  const faults = fieldErrors(create.error);
  const taken = create.error instanceof ProblemError && create.error.code === 'already_exists';
  return (
    <FormDrawer
      wide
      title={from ? `Create role from ${from.title}` : 'Create role'}
      verb="Create role"
      onClose={onClose}
      pending={create.isPending}
      disabled={
        title.trim() === '' ||
        role_id.length < 2 ||
        permissions.length === 0 ||
        (reason.trim() !== '' && !isReason(reason))
      }
      error={taken || Object.keys(faults).length > 0 ? null : create.error}
      onSubmit={() =>
        create.mutate({
          body: {
            role_id,
            title: title.trim(),
            description: description.trim(),
            permissions,
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
        })
      }
    >
      <div className={classes.names}>
        <TextInput
          label="Title"
          value={title}
          maxLength={60}
          onChange={(event) => setTitle(event.currentTarget.value)}
          error={faults['title']}
          data-autofocus
          required
          withAsterisk={false}
        />
        <TextInput
          label="Id"
          value={role_id}
          maxLength={63}
          spellCheck={false}
          onChange={(event) => setRoleId(event.currentTarget.value)}
          error={taken ? 'A role with this id exists already.' : faults['role_id']}
          required
          withAsterisk={false}
          className={classes.id}
        />
      </div>
      <DescriptionField value={description} onChange={setDescription} error={faults['description']} />
      <PermissionPicker value={permissions} onChange={setPermissions} error={faults['permissions']} />
      <ReasonField value={reason} onChange={setReason} required={false} />
    </FormDrawer>
  );
}

export function EditRoleDrawer({ role, etag, onClose }: { role: Role; etag: string; onClose: () => void }) {
  const latest = { data: role, etag };
  const form = useVersionedForm(latest, latest, ({ title, description, permissions }) => ({
    title,
    description,
    permissions: [...permissions],
  }));
  const { fields, base } = form;
  const [reason, setReason] = useState('');
  const update = useChange(updateRole, {
    invalidates: TOUCHED,
    onSuccess: ({ data }) => {
      const asked = askedFor(data);
      if (asked) toastAsked(asked);
      else toastDone(`${data.role.title} changed`, data.job_id);
      onClose();
    },
  });
  const requirements = useRequirements(updateRole, null);
  const faults = fieldErrors(update.error);
  const conflict = isConflict(update.error);
  const unchanged =
    fields.title === base.data.title &&
    fields.description === base.data.description &&
    sameSet(fields.permissions, base.data.permissions);
  const resolve = (how: () => void) => () => {
    how();
    update.reset();
  };
  return (
    <FormDrawer
      wide
      title={`Edit ${role.title}`}
      verb={requirements.length > 0 ? 'Ask for approval' : 'Save role'}
      footnote={requirements.length > 0 ? needsText(requirements) : null}
      onClose={onClose}
      pending={update.isPending}
      disabled={
        unchanged ||
        conflict ||
        fields.title.trim() === '' ||
        fields.permissions.length === 0 ||
        !isReason(reason)
      }
      error={conflict || Object.keys(faults).length > 0 ? null : update.error}
      notice={
        conflict ? (
          <ConflictNotice
            error={update.error}
            changed={form.isNewer ? differences(LABELS, base.data, role) : null}
            onKeep={resolve(form.keep)}
            onDiscard={resolve(form.discard)}
          />
        ) : undefined
      }
      onSubmit={() =>
        update.mutate({
          params: { role_id: role.role_id },
          body: {
            title: fields.title.trim(),
            description: fields.description.trim(),
            permissions: fields.permissions,
            reason: reason.trim(),
          },
          if_match: base.etag,
        })
      }
    >
      <TextInput
        label="Title"
        value={fields.title}
        maxLength={60}
        onChange={(event) => form.change({ title: event.currentTarget.value })}
        error={faults['title']}
        data-autofocus
        required
        withAsterisk={false}
      />
      <DescriptionField
        value={fields.description}
        onChange={(description) => form.change({ description })}
        error={faults['description']}
      />
      <PermissionPicker
        key={base.etag}
        value={fields.permissions}
        onChange={(permissions) => form.change({ permissions })}
        error={faults['permissions']}
      />
      {role.assignment_count > 0 && (
        <AccessPreviewOf
          endpoint={previewRole}
          input={
            fields.permissions.length === 0 || sameSet(fields.permissions, base.data.permissions)
              ? null
              : { params: { role_id: role.role_id }, body: { permissions: fields.permissions } }
          }
        />
      )}
      <ReasonField value={reason} onChange={setReason} />
    </FormDrawer>
  );
}

const DescriptionField = ({
  value,
  onChange,
  error,
}: {
  value: string;
  onChange: (text: string) => void;
  error: string | undefined;
}) => (
  <Textarea
    label="Description"
    description="Who it is for, in a sentence"
    value={value}
    maxLength={300}
    autosize
    minRows={1}
    maxRows={4}
    onChange={(event) => onChange(event.currentTarget.value)}
    error={error}
  />
);
