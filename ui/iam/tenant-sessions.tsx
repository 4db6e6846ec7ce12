import { IconDoorExit } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { may, mayAnywhere, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { RevokeTenantDialog } from './revoke-all-sessions.tsx';
import { TENANT_SESSION_COLUMNS } from './session-columns.tsx';
import { useTenantSessionFilters } from './session-filters.tsx';
import { SessionList } from './session-list.tsx';

/** The sessions of a tenant's end users, in all environments. */
export function TenantSessions({ tenant_id }: { tenant_id: string }) {
  const signedIn = useMe().data;
  const { environment } = useEnvironment();
  const [ending, setEnding] = useState(false);
  const allowed = mayAnywhere(signedIn, 'iam.sessions.list');
  const filters = useTenantSessionFilters();
  const query = useMemo(() => ({ tenant_id }), [tenant_id]);
  if (!allowed.allowed) return <EmptyState title="You may not see sessions" hint={allowed.reason} />;
  return (
    <>
      <SessionList
        primary={
          <GuardedButton
            variant="default"
            size="compact-sm"
            leftSection={<IconDoorExit size={14} />}
            against={may(signedIn, 'iam.sessions.revoke', { tenant_id, environment }).reason}
            onClick={() => setEnding(true)}
          >
            End all in {environment}…
          </GuardedButton>
        }
        query={query}
        columns={TENANT_SESSION_COLUMNS}
        filters={filters}
        search="Search by end user or address"
        empty="A session begins when an end user of the tenant signs in at a Gateway."
      />
      {ending && (
        <RevokeTenantDialog
          tenant_id={tenant_id}
          environment={environment}
          onClose={() => setEnding(false)}
        />
      )}
    </>
  );
}
