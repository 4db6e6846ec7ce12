import { IconUserMinus } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import {
  deleteAssignment,
  getRole,
  getServiceAccount,
  getUser,
  listAssignments,
  listRoles,
  listServiceAccounts,
  listUsers,
  me,
  explainUserPermissions,
  previewUnassignment,
  type Assignment,
} from '#contract/iam.ts';
import { may, useChange, useMe } from '#ui/api/queries.ts';
import type { Action } from '#ui/patterns/action-menu.tsx';
import { ConfirmAction } from '#ui/patterns/confirm-action.tsx';
import { AccessPreviewOf } from './access-preview.tsx';
import { scopeText } from './scope-label.tsx';

/** What a changed assignment makes stale; the own permissions too, because it may be one's own role. */
export const TOUCHED_BY_ASSIGNMENT = [
  listAssignments,
  listUsers,
  getUser,
  listServiceAccounts,
  getServiceAccount,
  listRoles,
  getRole,
  explainUserPermissions,
  me,
] as const;

/** Taking a role away: the row action and its dialog. */
export function useTakeRole(): { actionsFor: (assignment: Assignment) => Action[]; dialog: ReactNode } {
  const signedIn = useMe().data;
  const [asked, setAsked] = useState<Assignment | null>(null);
  return {
    actionsFor: (assignment) => [
      {
        label: 'Take role away…',
        icon: IconUserMinus,
        danger: true,
        disabled: may(signedIn, 'iam.roles.assign').reason,
        onSelect: () => setAsked(assignment),
      },
    ],
    dialog: asked && <TakeRoleDialog assignment={asked} onClose={() => setAsked(null)} />,
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
