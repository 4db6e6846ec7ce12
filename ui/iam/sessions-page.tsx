import { listSessions } from '#contract/iam.ts';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { useRevokeSessions } from './revoke-sessions.tsx';
import { SESSION_COLUMNS, SESSION_FILTERS } from './session-columns.tsx';

export function SessionsPage() {
  const { actionsFor, bulkAction, dialog } = useRevokeSessions();
  return (
    <>
      <ListPage
        title="Sessions"
        noun={{ one: 'session', many: 'sessions' }}
        endpoint={listSessions}
        columns={SESSION_COLUMNS}
        rowId={({ session_id }) => session_id}
        rowActions={actionsFor}
        filters={SESSION_FILTERS}
        search="Search by email or address"
        defaultSort="-last_seen_at"
        refetchInterval={15_000}
        bulk={bulkAction}
        empty={{ title: 'No sessions', hint: 'A session begins when somebody signs in.' }}
      />
      {dialog}
    </>
  );
}
