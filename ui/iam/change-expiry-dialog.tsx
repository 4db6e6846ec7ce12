import { useState } from 'react';
import { changeAssignmentExpiry, previewAssignmentExpiry, type Assignment } from '#contract/iam.ts';
import { useChange } from '#ui/api/queries.ts';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { exactTime } from '#ui/patterns/relative-time.tsx';
import { AccessPreviewOf } from './access-preview.tsx';
import { ExpiryField } from './expiry-field.tsx';
import { scopeText } from './scope-label.tsx';
import { TOUCHED_BY_ASSIGNMENT } from './touched-by-assignment.ts';

/** Lets a role end later, sooner, or not at all. */
export function ChangeExpiryDialog({ assignment, onClose }: { assignment: Assignment; onClose: () => void }) {
  const { assignment_id, role_id, user_email, state } = assignment;
  const [expires_at, setExpiry] = useState(assignment.expires_at);
  const change = useChange(changeAssignmentExpiry, { invalidates: TOUCHED_BY_ASSIGNMENT });
  const now =
    assignment.expires_at === null
      ? 'lasts until it is taken away'
      : `${state === 'expired' ? 'ended' : 'ends'} ${exactTime(assignment.expires_at)}`;
  const input = { params: { assignment_id }, body: { expires_at } };
  const unchanged = expires_at === assignment.expires_at;
  return (
    <ConfirmAction
      title={`Change when ${role_id} ends`}
      what={`The role ${role_id} of ${user_email} (${scopeText(assignment)}) ${now}.`}
      verb="Change end"
      done={`${role_id} of ${user_email} ${expires_at === null ? 'lasts' : `ends ${exactTime(expires_at)}`}`}
      blocked={unchanged}
      run={async ({ reason }) => {
        const { data } = await change.mutateAsync({
          params: { assignment_id },
          body: { expires_at, reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    >
      <ExpiryField from={assignment.expires_at} onChange={setExpiry} />
      <AccessPreviewOf endpoint={previewAssignmentExpiry} input={unchanged ? null : input} />
    </ConfirmAction>
  );
}
