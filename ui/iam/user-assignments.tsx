import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { listAssignments, type Assignment, type User } from '#contract/iam.ts';
import { may, useEndpoint, useMe } from '#ui/api/queries.ts';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { AssignRoleDialog } from './assign-role-dialog.tsx';
import { EndingFilter, ENDINGS, type Ending } from './ending-filter.tsx';
import { ScopeLabel } from './scope-label.tsx';
import { useTakeRole } from './take-role.tsx';
import classes from './user-assignments.module.css';

const COLUMNS: readonly Column<Assignment>[] = [
  { id: 'role', header: 'Role', grow: true, width: 140, cell: ({ role_id }) => role_id },
  { id: 'scope', header: 'Where', cell: (assignment) => <ScopeLabel scope={assignment} /> },
  {
    id: 'expires_at',
    header: 'Ends',
    cell: ({ state, expires_at }) => (state === 'lasting' ? '—' : <RelativeTime iso={expires_at} />),
  },
  { id: 'created_by', header: 'Given by', cell: ({ created_by }) => created_by ?? 'the system' },
  { id: 'created_at', header: 'Given', cell: ({ created_at }) => <RelativeTime iso={created_at} /> },
];

const LIMIT = 200;

type Holder = Pick<User, 'user_id' | 'email' | 'display_name' | 'status' | 'kind'>;

/** The roles of a person or a service account: where and until when, giving one more, taking one away. */
export function UserAssignments({ user }: { user: Holder }) {
  const signedIn = useMe().data;
  const readable = may(signedIn, 'iam.roles.read');
  const [ending, setEnding] = useState<Ending>('all');
  const options = { enabled: readable.allowed };
  const assignments = useEndpoint(
    listAssignments,
    { query: { user_id: user.user_id, limit: LIMIT, ...ENDINGS[ending].query } },
    options,
  );
  const { actionsFor, dialog } = useTakeRole();
  const [giving, setGiving] = useState(false);
  const rows = assignments.data?.items ?? [];

  if (!readable.allowed)
    return (
      <Panel title="Roles">
        <EmptyState title="You may not see roles" hint={readable.reason} />
      </Panel>
    );
  const noun = user.kind === 'person' ? 'user' : 'service account';
  const giveReason =
    user.status === 'deleted' ? `The ${noun} is deleted` : may(signedIn, 'iam.roles.assign').reason;
  const give = (
    <GuardedButton
      size="compact-sm"
      variant="default"
      leftSection={<IconPlus size={14} />}
      against={giveReason}
      onClick={() => setGiving(true)}
    >
      Give a role
    </GuardedButton>
  );
  return (
    <div className={classes.stack}>
      <Panel
        title="Roles"
        flush
        actions={
          <>
            <EndingFilter value={ending} onChange={setEnding} />
            {give}
          </>
        }
      >
        {assignments.error && (
          <ProblemAlert error={assignments.error} onRetry={() => void assignments.refetch()} />
        )}
        {(assignments.data || !assignments.error) && (
          <DataTable
            plain
            label={`Roles of ${user.display_name}`}
            columns={COLUMNS}
            rows={rows}
            rowId={({ assignment_id }) => assignment_id}
            rowLink={({ role_id }) => ({ to: '/roles/$role_id', params: { role_id } })}
            rowActions={actionsFor}
            skeleton={assignments.data === undefined ? 2 : undefined}
            dimmed={assignments.error !== null}
            empty={
              <EmptyState
                title={ENDINGS[ending].none}
                hint={
                  ending !== 'all'
                    ? undefined
                    : user.kind === 'person'
                      ? `${user.display_name} may sign in, and do nothing. A role says what they may do, and where.`
                      : 'Its tokens may do nothing. A role says what they may do at most, and where.'
                }
              />
            }
          />
        )}
      </Panel>
      {giving && <AssignRoleDialog user={user} onClose={() => setGiving(false)} />}
      {dialog}
    </div>
  );
}
