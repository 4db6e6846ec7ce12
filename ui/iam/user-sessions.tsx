import { useMemo } from 'react';
import { listSessions } from '#contract/iam.ts';
import { mayAnywhere, useMe } from '#ui/api/queries.ts';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { useRevokeSessions } from './revoke-sessions.tsx';
import { OWN_SESSION_COLUMNS, SESSION_FILTERS } from './session-columns.tsx';

/** The sessions of one user. */
export function UserSessions({ user_id }: { user_id: string }) {
  const signedIn = useMe().data;
  const allowed = mayAnywhere(signedIn, 'iam.sessions.list');
  const { actionsFor, bulkAction, dialog } = useRevokeSessions();
  const query = useMemo(() => ({ user_id }), [user_id]);
  if (!allowed.allowed) return <EmptyState title="You may not see sessions" hint={allowed.reason} />;
  return (
    <>
      <ListPage
        noun={{ one: 'session', many: 'sessions' }}
        endpoint={listSessions}
        query={query}
        columns={OWN_SESSION_COLUMNS}
        rowId={({ session_id }) => session_id}
        rowActions={actionsFor}
        filters={SESSION_FILTERS}
        defaultSort="-last_seen_at"
        bulk={bulkAction}
        empty={{ title: 'No sessions', hint: 'This user has never signed in.' }}
      />
      {dialog}
    </>
  );
}
