import { SESSION_COLUMNS } from './session-columns.tsx';
import { useSessionFilters } from './session-filters.tsx';
import { SessionList } from './session-list.tsx';

export function SessionsPage() {
  const filters = useSessionFilters();
  return (
    <SessionList
      title="Sessions"
      columns={SESSION_COLUMNS}
      filters={filters}
      search="Search by email, end user or address"
      empty="A session begins when somebody signs in, here or at a tenant’s Gateway."
    />
  );
}
