import { useParams } from '@tanstack/react-router';
import { useMemo } from 'react';
import { listTasks } from '#contract/fleet.ts';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { FleetList } from './fleet-page.tsx';
import { useService } from './fleet-queries.ts';
import { SERVICE_TASK_COLUMNS, TASK_FILTERS, TASK_NOUN, taskId } from './task-columns.tsx';

/** The instances of a service, those that ended lately too. */
export function ServiceTasksTab() {
  const { service_id } = useParams({ from: '/shell/scale/services/$service_id' });
  const { data: service } = useService(service_id);
  const environment = service?.environment;
  const query = useMemo(
    () => ({ service_id, ...(environment !== undefined && { environment }) }),
    [service_id, environment],
  );
  return (
    <FleetList>
      <ListPage
        noun={TASK_NOUN}
        endpoint={listTasks}
        query={query}
        columns={SERVICE_TASK_COLUMNS}
        rowId={taskId}
        filters={TASK_FILTERS}
        defaultSort="-since"
        refetchInterval={OBSERVED_REFETCH_MS}
        empty={{ title: 'It has no task', hint: 'None is wanted, or the orchestrator has not made any yet.' }}
      />
    </FleetList>
  );
}
