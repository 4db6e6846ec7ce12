import { useMemo } from 'react';
import { listNodes } from '#contract/scale.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { ListPage } from '#ui/patterns/list-page.tsx';
import { OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { useNodeActions } from './fleet-actions.tsx';
import { NODE_COLUMNS, NODE_FILTERS, NODE_NOUN, nodeId, nodeLink } from './node-columns.tsx';

/** Every node as it was last observed. */
export function NodesTab() {
  const { environment } = useEnvironment();
  const { actionsFor, dialog } = useNodeActions();
  const query = useMemo(() => ({ environment }), [environment]);
  return (
    <>
      <ListPage
        noun={NODE_NOUN}
        endpoint={listNodes}
        query={query}
        columns={NODE_COLUMNS}
        rowId={nodeId}
        rowLink={nodeLink}
        rowActions={actionsFor}
        filters={NODE_FILTERS}
        search="Search nodes"
        defaultSort="node_id"
        refetchInterval={OBSERVED_REFETCH_MS}
        empty={{
          title: `No node is known in ${environment}`,
          hint: 'Nodes are listed in the configuration of the environment, and asked every few seconds.',
        }}
      />
      {dialog}
    </>
  );
}
