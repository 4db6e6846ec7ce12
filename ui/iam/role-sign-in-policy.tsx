/** How those who have a role may sign in, and the form that changes it after showing whom that touches. */
import { Checkbox, Switch } from '@mantine/core';
import { useState } from 'react';
import {
  getSignInPolicy,
  getUserSignInMethods,
  previewSignInPolicy,
  setSignInPolicy,
  SIGN_IN_EFFECTS,
  SIGN_IN_METHODS,
  type Role,
  type SignInEffect,
  type SignInMethod,
  type SignInPolicy,
  type SignInPolicyPreview,
} from '#contract/iam.ts';
import { may, useChange, useEndpoint, useMe } from '#ui/api/queries.ts';
import { plural } from '#ui/patterns/format.ts';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { isReason, ReasonField } from '#ui/patterns/reason-field.tsx';
import { toastDone } from '#ui/patterns/toast.tsx';
import { PreviewOf } from './access-preview.tsx';
import previewClasses from './access-preview.module.css';
import { FormDrawer } from './form-drawer.tsx';
import { listOfMethods, METHOD_NAMES } from './sign-in-method-names.ts';

export function RoleSignInPolicy({ role }: { role: Role }) {
  const signedIn = useMe().data;
  const { data, error, refetch } = useEndpoint(getSignInPolicy, { params: { role_id: role.role_id } });
  const [editing, setEditing] = useState(false);
  return (
    <Panel
      title="Signing in"
      actions={
        <GuardedButton
          variant="default"
          size="compact-sm"
          against={data ? may(signedIn, 'iam.roles.update').reason : 'The sign-in policy is being read'}
          onClick={() => setEditing(true)}
          aria-label="Change sign-in policy"
        >
          Change…
        </GuardedButton>
      }
    >
      {error && <ProblemAlert error={error} onRetry={() => void refetch()} />}
      {data && (
        <Properties>
          <Property name="Allowed with">{listOfMethods(data.methods)}</Property>
          <Property name="Second factor">{data.mfa_required ? 'demanded' : 'each person’s choice'}</Property>
        </Properties>
      )}
      {editing && data && <PolicyDrawer role={role} policy={data} onClose={() => setEditing(false)} />}
    </Panel>
  );
}

function PolicyDrawer({ role, policy, onClose }: { role: Role; policy: SignInPolicy; onClose: () => void }) {
  const [base] = useState(policy);
  const [methods, setMethods] = useState<readonly SignInMethod[]>(base.methods);
  const [mfaRequired, setMfaRequired] = useState(base.mfa_required);
  const [reason, setReason] = useState('');
  const change = useChange(setSignInPolicy, {
    invalidates: [getSignInPolicy, getUserSignInMethods],
    onSuccess: ({ data }) => {
      toastDone(`${role.title} signs in by the new policy`, data.job_id);
      onClose();
    },
  });
  const chosen = SIGN_IN_METHODS.filter((method) => methods.includes(method));
  const unchanged =
    mfaRequired === base.mfa_required &&
    chosen.length === base.methods.length &&
    chosen.every((method) => base.methods.includes(method));
  const asked = { methods: chosen, mfa_required: mfaRequired };
  return (
    <FormDrawer
      title={`How ${role.title} signs in`}
      verb="Save policy"
      onClose={onClose}
      pending={change.isPending}
      disabled={unchanged || chosen.length === 0 || !isReason(reason)}
      error={change.error}
      onSubmit={() =>
        change.mutate({
          params: { role_id: role.role_id },
          body: { ...asked, reason: reason.trim() },
        })
      }
    >
      <Checkbox.Group
        label="Allowed with"
        description="Who has several roles may use only what every one of them allows"
        value={[...methods]}
        onChange={(values) => setMethods(values)}
        error={chosen.length === 0 && 'One way in at least'}
      >
        <div className={previewClasses.choices}>
          {SIGN_IN_METHODS.map((method, index) => (
            <Checkbox
              key={method}
              value={method}
              label={METHOD_NAMES[method]}
              data-autofocus={index === 0 || undefined}
            />
          ))}
        </div>
      </Checkbox.Group>
      <Switch
        label="Demand a second factor"
        description="Who has none enrols one at the next sign-in; a passkey counts as both factors"
        checked={mfaRequired}
        onChange={(event) => setMfaRequired(event.currentTarget.checked)}
      />
      <PreviewOf
        endpoint={previewSignInPolicy}
        input={unchanged || chosen.length === 0 ? null : { params: { role_id: role.role_id }, body: asked }}
        show={showTouched}
      />
      <ReasonField value={reason} onChange={setReason} />
    </FormDrawer>
  );
}

const EFFECTS: Record<SignInEffect, (count: number) => string> = {
  shut_out: (count) => `${plural(count, 'user')} cannot sign in any more`,
  enrols: (count) => `${plural(count, 'user')} ${count === 1 ? 'enrols' : 'enrol'} a second factor first`,
  narrowed: (count) =>
    `${plural(count, 'user')} ${count === 1 ? 'loses' : 'lose'} a way in and ${count === 1 ? 'has' : 'have'} another`,
};
const SHOWN_USERS = 5;

function Touched({ preview: { blockers, users, counts, holder_count } }: { preview: SignInPolicyPreview }) {
  const effects = SIGN_IN_EFFECTS.filter((effect) => counts[effect] > 0);
  return (
    <section className={previewClasses.preview} aria-label="What this changes" aria-live="polite">
      {blockers.map(({ code, detail }) => (
        <p key={code} className={previewClasses.blocker} role="alert">
          {detail}
        </p>
      ))}
      <p>
        {holder_count === 0
          ? 'Nobody has this role.'
          : effects.length === 0
            ? `None of the ${plural(holder_count, 'user')} who have it will notice.`
            : 'At their next sign-in:'}
      </p>
      <ul className={previewClasses.users}>
        {effects.map((effect) => {
          const named = users.filter((user) => user.effect === effect).slice(0, SHOWN_USERS);
          const more = counts[effect] - named.length;
          return (
            <li key={effect} className={previewClasses.effect} data-effect={effect}>
              <span className={previewClasses.email}>{EFFECTS[effect](counts[effect])}</span>
              <p className={previewClasses.permissions}>
                {named.map(({ email }) => email).join(', ')}
                {more > 0 && ` and ${plural(more, 'user')} more`}
              </p>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const showTouched = (preview: SignInPolicyPreview) => <Touched preview={preview} />;
