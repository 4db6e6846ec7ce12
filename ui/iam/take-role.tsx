import { IconClockEdit, IconUserMinus } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { deleteAssignment, previewUnassignment, type Assignment } from '#contract/iam.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import type { Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { AccessPreviewOf } from './access-preview.tsx';
import { ChangeExpiryDialog } from './change-expiry-dialog.tsx';
import { scopeText } from './scope-label.tsx';
import { TOUCHED_BY_ASSIGNMENT } from './touched-by-assignment.ts';

/** What can be done to a role that somebody has: the row actions and their dialogs. */
export function useTakeRole(): { actionsFor: (assignment: Assignment) => Action[]; dialog: ReactNode } {
  const signedIn = useMe().data;
  const [asked, setAsked] = useState<{ what: 'expiry' | 'take'; assignment: Assignment } | null>(null);
  return {
    actionsFor: (assignment) => [
      {
        label: 'Change when it ends…',
        icon: IconClockEdit,
        disabled: may(signedIn, 'iam.roles.assign').reason,
        onSelect: () => setAsked({ what: 'expiry', assignment }),
      },
      {
        label: 'Take role away…',
        icon: IconUserMinus,
        danger: true,
        disabled: may(signedIn, 'iam.roles.assign').reason,
        onSelect: () => setAsked({ what: 'take', assignment }),
      },
    ],
    dialog:
      asked &&
      (asked.what === 'take' ? (
        <TakeRoleDialog assignment={asked.assignment} onClose={() => setAsked(null)} />
      ) : (
        <ChangeExpiryDialog assignment={asked.assignment} onClose={() => setAsked(null)} />
      )),
  };
}

function TakeRoleDialog({ assignment, onClose }: { assignment: Assignment; onClose: () => void }) {
  const take = useChange(deleteAssignment, { invalidates: TOUCHED_BY_ASSIGNMENT });
  const { role_id, user_email, assignment_id } = assignment;
  return (
    <ConfirmAction
      title={`Take ${role_id} away`}
      what={`${user_email} loses the role ${role_id} (${scopeText(assignment)}). It takes effect on their next request.`}
      verb="Take role away"
      danger
      done={`${user_email} no longer has ${role_id}`}
      run={async ({ reason }) => {
        const { data } = await take.mutateAsync({
          params: { assignment_id },
          body: { reason: reason ?? '' },
        });
        return { job_id: data.job_id };
      }}
      onClose={onClose}
    >
      <AccessPreviewOf endpoint={previewUnassignment} input={{ params: { assignment_id } }} />
    </ConfirmAction>
  );
}
