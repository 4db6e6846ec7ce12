import { useMemo } from 'react';
import { mayAnywhere, useMe } from '#ui/api/queries.ts';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { TENANT_SESSION_COLUMNS } from './session-columns.tsx';
import { useTenantSessionFilters } from './session-filters.tsx';
import { SessionList } from './session-list.tsx';

/** The sessions of a tenant's end users, in all environments. */
export function TenantSessions({ tenant_id }: { tenant_id: string }) {
  const allowed = mayAnywhere(useMe().data, 'iam.sessions.list');
  const filters = useTenantSessionFilters();
  const query = useMemo(() => ({ tenant_id }), [tenant_id]);
  if (!allowed.allowed) return <EmptyState title="You may not see sessions" hint={allowed.reason} />;
  return (
    <SessionList
      query={query}
      columns={TENANT_SESSION_COLUMNS}
      filters={filters}
      search="Search by end user or address"
      empty="A session begins when an end user of the tenant signs in at a Gateway."
    />
  );
}
