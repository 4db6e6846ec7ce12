import { useParams } from '@tanstack/react-router';
import { useMemo } from 'react';
import { listTasks } from '#contract/fleet.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { FleetList } from './fleet-page.tsx';
import { HOST_TASK_COLUMNS, TASK_FILTERS, TASK_NOUN, taskId } from './task-columns.tsx';

/** What runs on a host, and what ran there lately. */
export function HostTasksTab() {
  const { host_id } = useParams({ from: '/shell/scale/hosts/$host_id' });
  const { environment } = useEnvironment();
  const query = useMemo(() => ({ environment, host_id }), [environment, host_id]);
  return (
    <FleetList>
      <ListPage
        noun={TASK_NOUN}
        endpoint={listTasks}
        query={query}
        columns={HOST_TASK_COLUMNS}
        rowId={taskId}
        filters={TASK_FILTERS}
        defaultSort="service_name"
        refetchInterval={OBSERVED_REFETCH_MS}
        empty={{ title: 'No task is on it', hint: 'A drained or cordoned host gets none.' }}
      />
    </FleetList>
  );
}
