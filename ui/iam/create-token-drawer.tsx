import { Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { createToken, listTokens } from '#contract/iam.ts';
import type { ResponseOf } from '#contract/endpoint.ts';
import { fieldErrors } from '#ui/api/errors.ts';
import { useChange } from '#ui/api/queries.ts';
import { useNow } from '#ui/patterns/clock.ts';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { exactTime } from '#ui/patterns/relative-time.tsx';
import classes from './create-token-drawer.module.css';
import { FormDrawer, ResultDrawer } from './form-drawer.tsx';
import { PermissionPicker } from './permission-picker.tsx';
import { ScopeFields } from './scope-fields.tsx';
import { EVERYWHERE, type Scope } from './scope-label.tsx';
import { ShownOnce } from './shown-once.tsx';

const LIFETIMES = [7, 30, 90, 180, 365] as const;
const DAY_MS = 24 * 3600_000;

/** Creates an API token and shows its value, once. */
export function CreateTokenDrawer({ onClose }: { onClose: () => void }) {
  const [created, setCreated] = useState<ResponseOf<typeof createToken> | null>(null);
  const [name, setName] = useState('');
  const [permissions, setPermissions] = useState<string[]>([]);
  const [scope, setScope] = useState<Scope>(EVERYWHERE);
  const [days, setDays] = useState<number>(30);
  const [reason, setReason] = useState('');
  const now = useNow();
  const create = useChange(createToken, {
    invalidates: [listTokens],
    onSuccess: ({ data }) => setCreated(data),
  });
  const faults = fieldErrors(create.error);

  if (created)
    return (
      <ResultDrawer title={`${created.token.name} is ready`} onClose={onClose}>
        {created.value === null ? (
          <p>
            The token was created, but the answer that held its value was lost. Nobody can read it again:
            revoke this token and create another one.
          </p>
        ) : (
          <>
            <p>Copy the token now and keep it where secrets belong. It is shown here and never again.</p>
            <ShownOnce label="Token" value={created.value} secret />
            <div>
              <p className={classes.label}>Try it</p>
              <pre className={classes.example}>
                {`curl -H 'Authorization: Bearer ${created.token.prefix}…' \\\n  ${location.origin}/admin/v1/iam/me`}
              </pre>
            </div>
          </>
        )}
        <p className={classes.quiet}>It works until {exactTime(created.token.expires_at)}.</p>
      </ResultDrawer>
    );
  return (
    <FormDrawer
      wide
      title="Create token"
      verb="Create token"
      onClose={onClose}
      pending={create.isPending}
      disabled={name.trim() === '' || permissions.length === 0 || (reason.trim() !== '' && !isReason(reason))}
      error={Object.keys(faults).length > 0 ? null : create.error}
      onSubmit={() =>
        create.mutate({
          body: {
            name: name.trim(),
            permissions,
            ...scope,
            expires_in_days: days,
            ...(reason.trim() !== '' && { reason: reason.trim() }),
          },
        })
      }
    >
      <p className={classes.quiet}>
        It acts as you, narrowed to what you choose here, and never does more than you may at the time of the
        call.
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
        <Select
          label="Expires"
          description={`On ${new Date(now + days * DAY_MS).toISOString().slice(0, 10)}`}
          data={LIFETIMES.map((count) => ({ value: String(count), label: `in ${count} days` }))}
          value={String(days)}
          onChange={(value) => setDays(Number(value ?? days))}
          allowDeselect={false}
          error={faults['expires_in_days']}
        />
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
