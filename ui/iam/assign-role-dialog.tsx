import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import {
  createAssignment,
  listRoles,
  listUsers,
  previewAssignment,
  type Role,
  type User,
} from '#contract/iam.ts';
import { useChange, useEndpoint, useMe } from '#ui/api/queries.ts';
import { askedFor } from '#ui/patterns/approval-needs.ts';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { AccessPreviewOf } from './access-preview.tsx';
import classes from './assign-role-dialog.module.css';
import { ExpiryField } from './expiry-field.tsx';
import { notHeld } from './permission-tree.ts';
import { ScopeFields } from './scope-fields.tsx';
import { EVERYWHERE, scopeText, type Scope } from './scope-label.tsx';
import { TOUCHED_BY_ASSIGNMENT } from './touched-by-assignment.ts';

/** Gives a role to a person or a service account; whichever of the two is known stands fast, the other one is chosen. */
export function AssignRoleDialog({
  user,
  role,
  onClose,
}: {
  user?: Pick<User, 'user_id' | 'email' | 'display_name'>;
  role?: Role;
  onClose: () => void;
}) {
  const [chosenUser, setChosenUser] = useState<string | null>(user?.user_id ?? null);
  const [chosenRole, setChosenRole] = useState<Role | null>(role ?? null);
  const [scope, setScope] = useState<Scope>(EVERYWHERE);
  const [expiresAt, setExpiresAt] = useState<string | null>(null);
  const grants = useMe().data?.grants ?? [];
  const beyond = chosenRole ? notHeld(grants, chosenRole.permissions, scope) : [];
  const given = chosenUser !== null &&
    chosenRole !== null && {
      user_id: chosenUser,
      role_id: chosenRole.role_id,
      ...scope,
      expires_at: expiresAt,
    };
  const give = useChange(createAssignment, { invalidates: TOUCHED_BY_ASSIGNMENT });
  return (
    <ConfirmAction
      title={role ? `Give ${role.title}` : `Give ${user?.display_name ?? 'a user'} a role`}
      what="It takes effect on their next request."
      verb="Give role"
      reason="optional"
      approvable={createAssignment}
      environment={scope.environment}
      done={chosenRole && `${chosenRole.title} given, ${scopeText(scope)}`}
      blocked={given === false || beyond.length > 0}
      run={async ({ reason }) => {
        if (given === false) return {};
        const { data } = await give.mutateAsync({
          body: { ...given, ...(reason !== undefined && { reason }) },
        });
        const asked = askedFor(data);
        return asked ? { approval_id: asked } : { job_id: data.job_id };
      }}
      onClose={onClose}
    >
      {!user && <UserSelect value={chosenUser} onChange={setChosenUser} />}
      {!role && <RoleSelect value={chosenRole} onChange={setChosenRole} />}
      <ScopeFields value={scope} onChange={setScope} />
      <ExpiryField onChange={setExpiresAt} />
      {beyond.length > 0 && (
        <p className={classes.beyond} role="alert">
          You cannot give this role {scopeText(scope)}: you do not hold {beyond.join(', ')} there yourself.
        </p>
      )}
      <AccessPreviewOf endpoint={previewAssignment} input={given === false ? null : { body: given }} />
    </ConfirmAction>
  );
}

function RoleSelect({ value, onChange }: { value: Role | null; onChange: (role: Role | null) => void }) {
  const roles = useEndpoint(listRoles, { query: { limit: 200, sort: 'role_id' } });
  const items = roles.data?.items ?? [];
  return (
    <Select
      label="Role"
      placeholder="Choose a role"
      description={value?.description}
      data={items.map(({ role_id, title }) => ({ value: role_id, label: title }))}
      value={value?.role_id ?? null}
      onChange={(role_id) => onChange(items.find((role) => role.role_id === role_id) ?? null)}
      searchable
      nothingFoundMessage={roles.isFetching ? 'Reading roles…' : 'No role matches'}
      error={roles.error && 'The roles could not be read'}
      data-autofocus
    />
  );
}

function UserSelect({
  value,
  onChange,
}: {
  value: string | null;
  onChange: (user_id: string | null) => void;
}) {
  const [text, setText] = useState('');
  const [q] = useDebouncedValue(text, 200);
  const users = useEndpoint(listUsers, {
    query: { q: q === '' ? undefined : q, kind: 'any', limit: 20, sort: 'email' },
  });
  return (
    <Select
      label="User"
      placeholder="Find by email or name"
      data={(users.data?.items ?? [])
        .filter(({ status }) => status !== 'deleted')
        .map(({ user_id, email }) => ({ value: user_id, label: email }))}
      value={value}
      onChange={onChange}
      searchable
      searchValue={text}
      onSearchChange={setText}
      // The server has searched; filtering again would hide what it found by name.
      filter={({ options }) => options}
      nothingFoundMessage={users.isFetching ? 'Searching…' : 'No user matches'}
      error={users.error && 'The users could not be read'}
      data-autofocus
    />
  );
}
