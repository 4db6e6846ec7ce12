import { IconHourglass, IconPlayerPlay } from '@tabler/icons-react';
import { useParams } from '@tanstack/react-router';
import type { Node } from '#contract/scale.ts';
import { mayAnywhere, useMe } from '#ui/api/queries.ts';
import { useNow } from '#ui/patterns/clock.ts';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { isStale } from '#ui/patterns/observed-age.tsx';
import { Properties, Property } from '#ui/patterns/panel.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useNodeActions } from './fleet-actions.tsx';
import { FleetFacts, FleetPage } from './fleet-page.tsx';
import classes from './fleet-page.module.css';
import { useNode } from './fleet-queries.ts';
import { HostOfNode, ServiceOfNode } from './place-of-node.tsx';

const PARENT = { label: 'Nodes', link: { to: '/scale/nodes' } } as const;

export function NodePage() {
  const { node_id } = useParams({ from: '/shell/scale/nodes/$node_id' });
  const params = { node_id };
  const { actionsFor, drain, drainReason, dialog } = useNodeActions();
  const read = useNode(node_id);
  const node = read.data;
  const now = useNow();
  const observable = mayAnywhere(useMe().data, 'observability.view').allowed;
  const stale = node !== undefined && isStale(node.observation, now);
  return (
    <FleetPage
      read={read}
      parent={PARENT}
      noun="node"
      title={node_id}
      status={node && <StatusPill of="node" status={node.state} soft />}
      about={node?.kind}
      primary={
        node && (
          <>
            <GuardedButton
              variant="default"
              leftSection={<IconPlayerPlay size={15} />}
              against={drainReason(node, 'resume')}
              onClick={() => drain(node, 'resume')}
            >
              Resume
            </GuardedButton>
            <GuardedButton
              variant="default"
              leftSection={<IconHourglass size={15} />}
              against={drainReason(node, 'drain')}
              onClick={() => drain(node, 'drain')}
            >
              Drain
            </GuardedButton>
          </>
        )
      }
      actions={node && actionsFor(node)}
      trouble={node?.problem && stale ? `${node.problem} What follows is its last answer.` : node?.problem}
      facts={node && <Facts node={node} stale={stale} />}
      tabs={[
        { label: 'Shards & checks', link: { to: '/scale/nodes/$node_id', params } },
        ...(observable
          ? [{ label: 'Observability', link: { to: '/scale/nodes/$node_id/observability', params } } as const]
          : []),
      ]}
      dialog={dialog}
    />
  );
}

function Facts({ node, stale }: { node: Node; stale: boolean }) {
  const { load, version, git_sha, placement_revision, inflight, consumer_lag, storage, labels } = node;
  const silent = node.problem ?? 'The node did not say';
  return (
    <FleetFacts labels={labels} stale={stale}>
      <Properties>
        <Property name="Host">
          <HostOfNode node={node} className={classes.link} />
        </Property>
        <Property name="Service">
          <ServiceOfNode node={node} className={classes.link} />
        </Property>
        <Property name="Region">
          {node.region ?? <Unknown why="Neither it nor its host has a label region" />}
        </Property>
        <Property name="Version">
          {version ?? <Unknown why={silent} />}{' '}
          {git_sha !== null && <MiddleTruncate text={git_sha} label="Copy the git hash" />}
        </Property>
      </Properties>
      <Properties>
        <Property name="Placement revision">{placement_revision ?? <Unknown why={silent} />}</Property>
        <Property name="In flight">
          <Figure value={inflight} missing={silent} />
        </Property>
        <Property name="Lag">
          <Figure value={consumer_lag} unit="messages" missing={silent} />
        </Property>
        <Property name="Storage">
          {storage === null ? (
            <Unknown why={node.kind === 'gateway' ? 'A gateway stores nothing' : silent} />
          ) : (
            <>
              <Figure value={storage.used_bytes} unit="bytes" /> of{' '}
              <Figure value={storage.capacity_bytes} unit="bytes" />
              {!storage.ok && ', not well'}
            </>
          )}
        </Property>
      </Properties>
      <Properties>
        <Property name="CPU">
          <Figure value={load?.cpu_cores} unit="cores" missing={silent} />
        </Property>
        <Property name="Memory">
          <Figure value={load?.memory_bytes} unit="bytes" missing={silent} />
        </Property>
        <Property name="Requests">
          <Figure value={load?.requests_per_s} unit="/s" missing={silent} />
        </Property>
      </Properties>
    </FleetFacts>
  );
}
