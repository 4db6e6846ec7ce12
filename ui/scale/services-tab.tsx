import { IconRefresh } from '@tabler/icons-react';
import { lazy, Suspense, useCallback, useMemo, useState } from 'react';
import { listServices, SERVICE_STATES, type Service } from '#contract/fleet.ts';
import { NODE_KINDS } from '#contract/placement-record.ts';
import { may, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import type { ListFilter } from '#ui/patterns/list-search.ts';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useServiceActions } from './fleet-actions.tsx';
import { SERVICE_COLUMNS, serviceId, serviceLink } from './service-columns.tsx';
import { useEmptyFleet } from './use-empty-fleet.ts';

const BulkRestartDialog = lazy(async () => ({
  default: (await import('./bulk-dialogs.tsx')).BulkRestartDialog,
}));

const NOUN = { one: 'service', many: 'services' };
const FILTERS: readonly ListFilter[] = [
  {
    type: 'one',
    name: 'kind',
    label: 'Kind',
    options: NODE_KINDS.map((kind) => ({ value: kind, label: kind })),
  },
  {
    type: 'one',
    name: 'state',
    label: 'State',
    options: SERVICE_STATES.map((state) => ({
      value: state,
      label: state,
      render: <StatusPill of="service" status={state} />,
    })),
  },
];

/** What the orchestrator keeps running. */
export function ServicesTab() {
  const { environment } = useEnvironment();
  const { actionsFor, dialog } = useServiceActions();
  const query = useMemo(() => ({ environment }), [environment]);
  const empty = useEmptyFleet(
    'service',
    'Services of the orchestrator are listed when their label cloudlysis.environment names this environment.',
  );
  const against = may(useMe().data, 'ops.restart', { environment }).reason;
  const [restarting, setRestarting] = useState<readonly Service[]>([]);
  const bulk = useCallback(
    (services: readonly Service[]) => (
      <GuardedButton
        variant="default"
        size="compact-sm"
        leftSection={<IconRefresh size={14} />}
        against={against}
        onClick={() => setRestarting(services)}
      >
        Restart…
      </GuardedButton>
    ),
    [against],
  );
  return (
    <>
      <ListPage
        noun={NOUN}
        endpoint={listServices}
        query={query}
        columns={SERVICE_COLUMNS}
        rowId={serviceId}
        rowLink={serviceLink}
        rowActions={actionsFor}
        bulk={bulk}
        filters={FILTERS}
        search="Search services"
        defaultSort="name"
        refetchInterval={OBSERVED_REFETCH_MS}
        empty={empty}
      />
      {dialog}
      {restarting.length > 0 && (
        <Suspense fallback={null}>
          <BulkRestartDialog
            environment={environment}
            services={restarting}
            onClose={() => setRestarting([])}
          />
        </Suspense>
      )}
    </>
  );
}
