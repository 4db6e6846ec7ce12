/** A list of sessions, of everybody or of one user or tenant: each opens beside the list and can be ended. */
import { useState, type ReactNode } from 'react';
import type { QueryOf } from '#contract/endpoint.ts';
import { listSessions, type Session } from '#contract/iam.ts';
import type { Column } from '#ui/patterns/data-table.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { useRevokeSessions } from './revoke-sessions.tsx';
import { SessionDrawer } from './session-drawer.tsx';

export const SESSION_SORT = '-last_seen_at';

export function SessionList({
  title,
  query,
  columns,
  filters,
  search,
  primary,
  empty,
}: {
  title?: string;
  query?: QueryOf<typeof listSessions>;
  columns: readonly Column<Session>[];
  filters: readonly ListFilter[];
  search?: string;
  primary?: ReactNode;
  /** Why there are none. */
  empty: string;
}) {
  const [opened, setOpened] = useState<Session | null>(null);
  const { actionsFor, bulkAction, dialog } = useRevokeSessions(() => setOpened(null));
  return (
    <>
      <ListPage
        {...(title !== undefined && { title })}
        noun={{ one: 'session', many: 'sessions' }}
        endpoint={listSessions}
        {...(query && { query })}
        columns={columns}
        rowId={({ session_id }) => session_id}
        onOpen={setOpened}
        rowActions={actionsFor}
        filters={filters}
        {...(search !== undefined && { search })}
        defaultSort={SESSION_SORT}
        refetchInterval={15_000}
        bulk={bulkAction}
        primary={primary}
        empty={{ title: 'No sessions', hint: empty }}
      />
      {opened && (
        <SessionDrawer session={opened} actions={actionsFor(opened)} onClose={() => setOpened(null)} />
      )}
      {dialog}
    </>
  );
}
