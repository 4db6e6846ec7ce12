import { Button, TextInput } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { me, updateMyProfile, type Me } from '#contract/iam.ts';
import { fieldErrors } from '#ui/api/errors.ts';
import { useChange, useMe } from '#ui/api/queries.ts';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { toastDone } from '#ui/patterns/toast.tsx';
import { Avatar } from './avatar.tsx';
import { MySessions } from './my-sessions.tsx';
import { MySignInMethods } from './my-sign-in-methods.tsx';
import { ScopeLabel } from './scope-label.tsx';
import classes from './sign-in-methods.module.css';

/** What belongs to the signed-in person: profile, ways to sign in, sessions. */
export function MyAccountPage() {
  const signedIn = useMe();
  return (
    <div className={classes.page}>
      <PageHeader title="My account" />
      <div className={classes.columns}>
        <div className={classes.stack}>
          {signedIn.data && <Profile key={signedIn.data.user.revision} signedIn={signedIn.data} />}
          <MySessions />
        </div>
        <div className={classes.stack}>
          <MySignInMethods />
        </div>
      </div>
    </div>
  );
}

function Profile({ signedIn }: { signedIn: Me }) {
  const { user, grants } = signedIn;
  const [name, setName] = useState(user.display_name);
  const change = useChange(updateMyProfile, {
    invalidates: [me],
    onSuccess: ({ data }) => toastDone('Profile saved', data.job_id),
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    change.mutate({ body: { display_name: name.trim() } });
  };
  const fault = fieldErrors(change.error)['display_name'];
  return (
    <Panel title="Profile" actions={<Avatar name={user.display_name} />}>
      <form className={classes.setup} onSubmit={submit}>
        <TextInput
          label="Name"
          description="As it stands in lists and in the audit log"
          value={name}
          maxLength={100}
          onChange={(event) => setName(event.currentTarget.value)}
          error={fault}
          required
          withAsterisk={false}
        />
        {fault === undefined && <ProblemAlert error={change.error} />}
        <div>
          <Button
            type="submit"
            variant="default"
            loading={change.isPending}
            disabled={name.trim() === '' || name.trim() === user.display_name}
          >
            Save name
          </Button>
        </div>
      </form>
      <Properties>
        <Property name="Email">{user.email}</Property>
        <Property name="Tags">{user.tags.length > 0 ? user.tags.join(', ') : '—'}</Property>
        <Property name="Roles">
          {grants.map((grant) => (
            <div key={`${grant.role_id} ${grant.tenant_id} ${grant.environment}`}>
              {grant.role_id} <ScopeLabel scope={grant} />
            </div>
          ))}
        </Property>
      </Properties>
    </Panel>
  );
}
