import { useParams } from '@tanstack/react-router';
import { listShards } from '#contract/scale.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { useNow } from '#ui/patterns/clock.ts';
import { isStale, OBSERVED_REFETCH_MS } from '#ui/patterns/observed-age.tsx';
import { Panel } from '#ui/patterns/panel.tsx';
import classes from './fleet-page.module.css';
import { useNode } from './fleet-queries.ts';
import { NodeChecks, NodeShards } from './node-panels.tsx';

/** What a node holds, and what it says of its readiness. */
export function NodeShardsTab() {
  const { node_id } = useParams({ from: '/shell/scale/nodes/$node_id' });
  const { environment } = useEnvironment();
  const { data: node } = useNode(node_id);
  const shards = useEndpoint(
    listShards,
    { query: { environment } },
    { refetchInterval: OBSERVED_REFETCH_MS },
  );
  const now = useNow();
  if (!node) return null;
  return (
    <>
      {node.kind !== 'gateway' && (
        <NodeShards
          node={node}
          shards={shards.data?.items}
          error={shards.error}
          onRetry={() => void shards.refetch()}
        />
      )}
      <div className={classes.known} data-stale={isStale(node.observation, now) || undefined}>
        <Panel title="Readiness checks" flush>
          <NodeChecks checks={node.checks} />
        </Panel>
      </div>
    </>
  );
}
