import { IconHourglass, IconPlayerPlay } from '@tabler/icons-react';
import { useParams } from '@tanstack/react-router';
import { getNode } from '#contract/fleet.ts';
import { listShards, type Node } from '#contract/scale.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { useNow } from '#ui/patterns/clock.ts';
import { DetailPage } from '#ui/patterns/detail-page.tsx';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { isStale, OBSERVED_REFETCH_MS, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { Panel, Properties, Property } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useNodeActions } from './fleet-actions.tsx';
import classes from './fleet-page.module.css';
import { LabelList } from './label-list.tsx';
import { NodeChecks, NodeShards } from './node-panels.tsx';
import { HostOfNode, ServiceOfNode } from './place-of-node.tsx';
import { Trouble } from './trouble.tsx';

const PARENT = { label: 'Nodes', link: { to: '/scale/nodes' } } as const;

export function NodePage() {
  const { node_id } = useParams({ from: '/shell/scale/nodes/$node_id' });
  const { environment } = useEnvironment();
  const live = { refetchInterval: OBSERVED_REFETCH_MS };
  const {
    data: node,
    error,
    refetch,
  } = useEndpoint(getNode, { params: { node_id }, query: { environment } }, live);
  const shards = useEndpoint(listShards, { query: { environment } }, live);
  const { actionsFor, drain, drainReason, dialog } = useNodeActions();
  const now = useNow();
  const stale = node !== undefined && isStale(node.observation, now);
  return (
    <DetailPage
      parent={PARENT}
      noun="node"
      title={node_id}
      status={node && <StatusPill of="node" status={node.state} soft />}
      facts={
        node
          ? [
              <EnvironmentBadge key="environment" environment={node.environment} />,
              node.kind,
              <span key="since">
                since <RelativeTime iso={node.since} />
              </span>,
              <ObservedAge key="observed" observation={node.observation} />,
            ]
          : []
      }
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
      actions={node ? actionsFor(node) : []}
      loading={node === undefined}
      error={error}
      onRetry={() => void refetch()}
    >
      {node && (
        <>
          <Trouble
            problem={
              node.problem && stale ? `${node.problem} What follows is its last answer.` : node.problem
            }
          />
          <Facts node={node} stale={stale} />
          {node.kind !== 'gateway' && (
            <NodeShards
              node={node}
              shards={shards.data?.items}
              error={shards.error}
              onRetry={() => void shards.refetch()}
            />
          )}
          <div className={classes.known} data-stale={stale || undefined}>
            <Panel title="Readiness checks" flush>
              <NodeChecks checks={node.checks} />
            </Panel>
          </div>
          {dialog}
        </>
      )}
    </DetailPage>
  );
}

function Facts({ node, stale }: { node: Node; stale: boolean }) {
  const { load, version, git_sha, placement_revision, inflight, consumer_lag, storage, labels } = node;
  const silent = node.problem ?? 'The node did not say';
  return (
    <div className={classes.facts} data-stale={stale || undefined}>
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
      <Properties className={classes.across}>
        <Property name="Labels">
          <LabelList labels={labels} />
        </Property>
      </Properties>
    </div>
  );
}
