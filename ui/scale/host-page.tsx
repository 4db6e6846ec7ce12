import { Outlet, useParams } from '@tanstack/react-router';
import { getHost, type Host } from '#contract/fleet.ts';
import { useEndpoint } from '#ui/api/queries.ts';
import { EnvironmentBadge } from '#ui/app/environment-badge.tsx';
import { useEnvironment } from '#ui/app/environment.tsx';
import { DetailPage } from '#ui/patterns/detail-page.tsx';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { MiddleTruncate, Mono } from '#ui/patterns/middle-truncate.tsx';
import { OBSERVED_REFETCH_MS, ObservedAge } from '#ui/patterns/observed-age.tsx';
import { Properties, Property } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import { AVAILABILITY_ICON, useHostActions } from './fleet-actions.tsx';
import classes from './fleet-page.module.css';
import { AVAILABILITY_VERB } from './fleet-words.ts';
import { Capacity } from './host-columns.tsx';
import { LabelList } from './label-list.tsx';
import { Trouble } from './trouble.tsx';

const PARENT = { label: 'Hosts', link: { to: '/scale/hosts' } } as const;

export function HostPage() {
  const { host_id } = useParams({ from: '/shell/scale/hosts/$host_id' });
  const { environment } = useEnvironment();
  const {
    data: host,
    error,
    refetch,
  } = useEndpoint(
    getHost,
    { params: { host_id }, query: { environment } },
    { refetchInterval: OBSERVED_REFETCH_MS },
  );
  const { actionsFor, dialog, ...actions } = useHostActions();
  const params = { host_id };
  return (
    <DetailPage
      fill
      parent={PARENT}
      noun="host"
      title={host?.hostname ?? host_id}
      status={
        host && (
          <>
            <StatusPill of="host" status={host.state} soft />
            {host.availability !== 'active' && (
              <StatusPill of="availability" status={host.availability} soft />
            )}
          </>
        )
      }
      facts={
        host
          ? [
              <EnvironmentBadge key="environment" environment={host.environment} />,
              host.region,
              <span key="since">
                since <RelativeTime iso={host.since} />
              </span>,
              <ObservedAge key="observed" observation={host.observation} />,
            ]
          : []
      }
      primary={
        host && (
          <>
            <AvailabilityButton
              host={host}
              availability={host.availability === 'active' ? 'pause' : 'active'}
              actions={actions}
            />
            {host.availability !== 'drain' && (
              <AvailabilityButton host={host} availability="drain" actions={actions} />
            )}
          </>
        )
      }
      actions={host ? actionsFor(host) : []}
      tabs={[
        { label: 'Tasks', link: { to: '/scale/hosts/$host_id', params } },
        { label: 'Nodes', link: { to: '/scale/hosts/$host_id/nodes', params } },
      ]}
      loading={host === undefined}
      error={error}
      onRetry={() => void refetch()}
    >
      {host && (
        <>
          <Trouble problem={host.problem} />
          <Facts host={host} />
          <Outlet />
          {dialog}
        </>
      )}
    </DetailPage>
  );
}

function AvailabilityButton({
  host,
  availability,
  actions: { availabilityReason, setAvailability },
}: {
  host: Host;
  availability: Host['availability'];
  actions: Pick<ReturnType<typeof useHostActions>, 'availabilityReason' | 'setAvailability'>;
}) {
  const AvailabilityIcon = AVAILABILITY_ICON[availability];
  return (
    <GuardedButton
      variant="default"
      leftSection={<AvailabilityIcon size={15} />}
      against={availabilityReason(host, availability)}
      onClick={() => setAvailability(host, availability)}
    >
      {AVAILABILITY_VERB[availability]}
    </GuardedButton>
  );
}

function Facts({ host }: { host: Host }) {
  const { role, leader, address, engine_version, cpus, memory_bytes, load, labels, tasks_running } = host;
  const silent = load === null ? 'None of the nodes on it has said it' : 'No source gives it';
  return (
    <div className={classes.facts}>
      <Properties>
        <Property name="CPU">
          <Capacity label="CPU" used={load?.cpu_cores} capacity={cpus} unit="cores" />
        </Property>
        <Property name="Memory">
          <Capacity label="Memory" used={load?.memory_bytes} capacity={memory_bytes} unit="bytes" />
        </Property>
        <Property name="Requests">
          <Figure value={load?.requests_per_s} unit="/s" missing={silent} />
        </Property>
        <Property name="Lag">
          <Figure value={load?.consumer_lag} unit="messages" missing={silent} />
        </Property>
      </Properties>
      <Properties>
        <Property name="Role">
          {role} {leader && <Tag>leader</Tag>}
        </Property>
        <Property name="Availability">
          <StatusPill of="availability" status={host.availability} />
        </Property>
        <Property name="Tasks">{tasks_running} running</Property>
        <Property name="Engine">{engine_version}</Property>
      </Properties>
      <Properties>
        <Property name="Address">
          {address === null ? <Unknown why="The orchestrator does not say it" /> : <Mono>{address}</Mono>}
        </Property>
        <Property name="Region">{host.region ?? <Unknown why="It has no label region" />}</Property>
        <Property name="Host id">
          <MiddleTruncate text={host.host_id} label="Copy the id" />
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
