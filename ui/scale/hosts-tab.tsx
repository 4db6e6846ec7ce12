import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { HOST_AVAILABILITIES, HOST_STATES, listHosts, type Host } from '#contract/fleet.ts';
import { may, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { AVAILABILITY_ICON, useHostActions } from './fleet-actions.tsx';
import { AVAILABILITIES, AVAILABILITY_VERB } from './fleet-words.ts';
import { HOST_COLUMNS, hostId, hostLink } from './host-columns.tsx';
import { useEmptyFleet } from './use-empty-fleet.ts';

const BulkAvailabilityDialog = lazy(async () => ({
  default: (await import('./bulk-dialogs.tsx')).BulkAvailabilityDialog,
}));

const NOUN = { one: 'host', many: 'hosts' };
const FILTERS: readonly ListFilter[] = [
  {
    type: 'one',
    name: 'state',
    label: 'State',
    options: HOST_STATES.map((state) => ({
      value: state,
      label: state,
      render: <StatusPill of="host" status={state} />,
    })),
  },
  {
    type: 'one',
    name: 'availability',
    label: 'Availability',
    options: HOST_AVAILABILITIES.map((availability) => ({
      value: availability,
      label: availability,
      render: <StatusPill of="availability" status={availability} />,
    })),
  },
];

/** The machines of the orchestrator. */
export function HostsTab() {
  const { environment } = useEnvironment();
  const { actionsFor, dialog } = useHostActions();
  const query = useMemo(() => ({ environment }), [environment]);
  const empty = useEmptyFleet(
    'host',
    'The orchestrator of the environment names its machines; none has been named yet.',
  );
  const against = may(useMe().data, 'ops.drain', { environment }).reason;
  const [changing, setChanging] = useState<{
    hosts: readonly Host[];
    availability: Host['availability'];
  } | null>(null);
  const bulk = useCallback(
    (hosts: readonly Host[]) =>
      AVAILABILITIES.map((availability) => {
        const AvailabilityIcon = AVAILABILITY_ICON[availability];
        return (
          <GuardedButton
            key={availability}
            variant="default"
            size="compact-sm"
            leftSection={<AvailabilityIcon size={14} />}
            against={against}
            onClick={() => setChanging({ hosts, availability })}
          >
            {AVAILABILITY_VERB[availability]}…
          </GuardedButton>
        );
      }),
    [against],
  );
  return (
    <>
      <ListPage
        noun={NOUN}
        endpoint={listHosts}
        query={query}
        columns={HOST_COLUMNS}
        rowId={hostId}
        rowLink={hostLink}
        rowActions={actionsFor}
        bulk={bulk}
        filters={FILTERS}
        search="Search hosts"
        defaultSort="hostname"
        refetchInterval={OBSERVED_REFETCH_MS}
        empty={empty}
      />
      {dialog}
      {changing && (
        <Suspense fallback={null}>
          <BulkAvailabilityDialog {...changing} environment={environment} onClose={() => setChanging(null)} />
        </Suspense>
      )}
    </>
  );
}
