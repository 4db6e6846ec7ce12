import { IconDoorExit } from '@tabler/icons-react';
import { listSessions } from '#contract/iam.ts';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { ActionButton } from './action-button.tsx';
import { useRevokeSessions } from './revoke-sessions.tsx';
import { SESSION_COLUMNS, SESSION_FILTERS } from './session-columns.tsx';

export function SessionsPage() {
  const { actionsFor, reasonAgainst, ask, dialog } = useRevokeSessions();
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
        bulk={(sessions, clear) => (
          <ActionButton
            size="compact-sm"
            variant="default"
            leftSection={<IconDoorExit size={14} />}
            disabledReason={reasonAgainst(sessions)}
            onClick={() => ask(sessions, clear)}
          >
            End sessions…
          </ActionButton>
        )}
        empty={{ title: 'No sessions', hint: 'A session begins when somebody signs in.' }}
      />
      {dialog}
    </>
  );
}
