import { useMemo } from 'react';
import { mayAnywhere, useMe } from '#ui/api/queries.ts';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { USER_SESSION_COLUMNS } from './session-columns.tsx';
import { USER_SESSION_FILTERS } from './session-filters.tsx';
import { SessionList } from './session-list.tsx';

/** The sessions of one user. */
export function UserSessions({ user_id }: { user_id: string }) {
  const allowed = mayAnywhere(useMe().data, 'iam.sessions.list');
  const query = useMemo(() => ({ user_id }), [user_id]);
  if (!allowed.allowed) return <EmptyState title="You may not see sessions" hint={allowed.reason} />;
  return (
    <SessionList
      query={query}
      columns={USER_SESSION_COLUMNS}
      filters={USER_SESSION_FILTERS}
      empty="This user has never signed in."
    />
  );
}
