import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { listAssignments, listRoles, type Assignment, type UserListItem } from '#contract/iam.ts';
import { may, useEndpoint, useMe } from '#ui/api/queries.ts';
import { DataTable, type Column } from '#ui/patterns/data-table.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import { ProblemAlert } from '#ui/patterns/problem-alert.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { AssignRoleDialog } from './assign-role-dialog.tsx';
import { GrantedList } from './granted-list.tsx';
import { ScopeLabel, scopeText } from './scope-label.tsx';
import { useTakeRole } from './take-role.tsx';
import classes from './user-assignments.module.css';

const COLUMNS: readonly Column<Assignment>[] = [
  { id: 'role', header: 'Role', grow: true, width: 140, cell: ({ role_id }) => role_id },
  { id: 'scope', header: 'Where', cell: (assignment) => <ScopeLabel scope={assignment} /> },
  { id: 'created_by', header: 'Given by', cell: ({ created_by }) => created_by ?? 'the system' },
  { id: 'created_at', header: 'Given', cell: ({ created_at }) => <RelativeTime iso={created_at} /> },
];

const LIMIT = 200;

/** The roles of a user: what they allow and where, giving one more, taking one away. */
export function UserAssignments({ user }: { user: UserListItem }) {
  const signedIn = useMe().data;
  const readable = may(signedIn, 'iam.roles.read');
  const options = { enabled: readable.allowed };
  const assignments = useEndpoint(
    listAssignments,
    { query: { user_id: user.user_id, limit: LIMIT } },
    options,
  );
  const roles = useEndpoint(listRoles, { query: { limit: LIMIT } }, options);
  const { actionsFor, dialog } = useTakeRole();
  const [giving, setGiving] = useState(false);
  const rows = assignments.data?.items ?? [];

  if (!readable.allowed)
    return (
      <Panel title="Roles">
        <EmptyState title="You may not see roles" hint={readable.reason} />
      </Panel>
    );
  const giveReason =
    user.status === 'deleted' ? 'The user is deleted' : may(signedIn, 'iam.roles.assign').reason;
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
      <Panel title="Roles" flush actions={give}>
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
                title="No role yet"
                hint={`${user.display_name} may sign in, and do nothing. A role says what they may do, and where.`}
              />
            }
          />
        )}
      </Panel>
      {rows.length > 0 && roles.data && (
        <Panel title="What this allows">
          <div className={classes.scopes}>
            {byScope(rows).map(({ scope, role_ids }) => (
              <div key={scope}>
                <p className={classes.scope}>{scope}</p>
                <GrantedList
                  patterns={(roles.data?.items ?? [])
                    .filter(({ role_id }) => role_ids.includes(role_id))
                    .flatMap(({ permissions }) => permissions)}
                />
              </div>
            ))}
          </div>
        </Panel>
      )}
      {giving && <AssignRoleDialog user={user} onClose={() => setGiving(false)} />}
      {dialog}
    </div>
  );
}

/** The roles of each scope, the widest scope first. */
function byScope(assignments: readonly Assignment[]): { scope: string; role_ids: string[] }[] {
  const scopes = new Map<string, string[]>();
  const width = ({ tenant_id, environment }: Assignment) => (tenant_id ? 2 : 0) + (environment ? 1 : 0);
  for (const assignment of assignments.toSorted((a, b) => width(a) - width(b))) {
    const scope = scopeText(assignment);
    scopes.set(scope, [...(scopes.get(scope) ?? []), assignment.role_id]);
  }
  return [...scopes].map(([scope, role_ids]) => ({ scope, role_ids }));
}
