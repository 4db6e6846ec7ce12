import { useMemo } from 'react';
import { listTasks } from '#contract/fleet.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { TASK_COLUMNS, TASK_FILTERS, TASK_NOUN, taskId } from './task-columns.tsx';
import { useEmptyFleet } from './use-empty-fleet.ts';

/** Each instance of a service, those that ended lately too. */
export function TasksTab() {
  const { environment } = useEnvironment();
  const query = useMemo(() => ({ environment }), [environment]);
  const empty = useEmptyFleet(
    'task',
    'A task is one instance of a service; the orchestrator names them as soon as a service runs.',
  );
  return (
    <ListPage
      noun={TASK_NOUN}
      endpoint={listTasks}
      query={query}
      columns={TASK_COLUMNS}
      rowId={taskId}
      filters={TASK_FILTERS}
      search="Search tasks"
      defaultSort="service_name"
      refetchInterval={OBSERVED_REFETCH_MS}
      empty={empty}
    />
  );
}
