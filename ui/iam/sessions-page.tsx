import { IconDoorExit } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import type { SessionsToEnd } from '#contract/iam/session-endings.ts';
import { may, useMe } from '#ui/api/queries.ts';
import { firstReason } from '#ui/patterns/action-menu.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { useListSearch } from '#ui/patterns/list-search.ts';
import { SESSION_COLUMNS } from './session-columns.tsx';
import { useSessionFilters } from './session-filters.tsx';
import { SESSION_SORT, SessionList } from './session-list.tsx';

const RevokeMatchingDialog = lazy(() =>
  import('./revoke-matching-dialog.tsx').then(({ RevokeMatchingDialog: component }) => ({
    default: component,
  })),
);

const NOT_PICKED_BY = new Set(['state', 'sort', 'cursor']);

export function SessionsPage() {
  const filters = useSessionFilters();
  const signedIn = useMe().data;
  const { query, incomplete } = useListSearch(filters, SESSION_SORT);
  const [ending, setEnding] = useState<SessionsToEnd | null>(null);
  // Live ones end, whatever state is listed; sort and cursor say only how the list is shown.
  const filter: SessionsToEnd = Object.fromEntries(
    Object.entries(query).filter(([name]) => !NOT_PICKED_BY.has(name)),
  );
  return (
    <>
      <SessionList
        title="Sessions"
        columns={SESSION_COLUMNS}
        filters={filters}
        search="Search by email, end user or address"
        primary={
          <GuardedButton
            variant="default"
            leftSection={<IconDoorExit size={16} />}
            against={firstReason(
              may(signedIn, 'iam.sessions.revoke'),
              incomplete.length > 0 && 'A filter is still being typed',
              Object.keys(filter).length === 0 &&
                'Narrow the list first: what it is narrowed by is what ends',
            )}
            onClick={() => setEnding(filter)}
          >
            End all that match…
          </GuardedButton>
        }
        empty="A session begins when somebody signs in, here or at a tenant’s Gateway."
      />
      {ending && (
        <Suspense>
          <RevokeMatchingDialog filter={ending} onClose={() => setEnding(null)} />
        </Suspense>
      )}
    </>
  );
}
