import { useMemo } from 'react';
import { HOST_AVAILABILITIES, HOST_STATES, listHosts } from '#contract/fleet.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useHostActions } from './fleet-actions.tsx';
import { HOST_COLUMNS, hostId, hostLink } from './host-columns.tsx';

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
        filters={FILTERS}
        search="Search hosts"
        defaultSort="hostname"
        refetchInterval={OBSERVED_REFETCH_MS}
        empty={{
          title: `No host is known in ${environment}`,
          hint: 'The orchestrator of the environment names its machines; none has been named yet.',
        }}
      />
      {dialog}
    </>
  );
}
