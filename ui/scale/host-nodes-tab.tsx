import { useParams } from '@tanstack/react-router';
import { useMemo } from 'react';
import { listNodes } from '#contract/scale.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { useNodeActions } from './fleet-actions.tsx';
import { FleetList } from './fleet-page.tsx';
import { NODE_COLUMNS, NODE_FILTERS, NODE_NOUN, nodeId, nodeLink } from './node-columns.tsx';

const COLUMNS = NODE_COLUMNS.filter(({ id }) => id !== 'host');

/** The platform nodes that run on a host. */
export function HostNodesTab() {
  const { host_id } = useParams({ from: '/shell/scale/hosts/$host_id' });
  const { environment } = useEnvironment();
  const { actionsFor, dialog } = useNodeActions();
  const query = useMemo(() => ({ environment, host_id }), [environment, host_id]);
  return (
    <FleetList>
      <ListPage
        noun={NODE_NOUN}
        endpoint={listNodes}
        query={query}
        columns={COLUMNS}
        rowId={nodeId}
        rowLink={nodeLink}
        rowActions={actionsFor}
        filters={NODE_FILTERS}
        defaultSort="node_id"
        refetchInterval={OBSERVED_REFETCH_MS}
        empty={{
          title: 'No platform node runs on it',
          hint: 'Its tasks may be starting, or be of another kind.',
        }}
      />
      {dialog}
    </FleetList>
  );
}
