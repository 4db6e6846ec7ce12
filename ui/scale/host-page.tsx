import { useParams } from '@tanstack/react-router';
import type { Host } from '#contract/fleet.ts';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { MiddleTruncate, Mono } from '#ui/patterns/middle-truncate.tsx';
import { Properties, Property } from '#ui/patterns/panel.tsx';
import { StatusPill, Tag } from '#ui/patterns/status-pill.tsx';
import { AVAILABILITY_ICON, useHostActions } from './fleet-actions.tsx';
import { FleetFacts, FleetPage } from './fleet-page.tsx';
import { useHost } from './fleet-queries.ts';
import { AVAILABILITY_VERB } from './fleet-words.ts';
import { Capacity } from './host-columns.tsx';

const PARENT = { label: 'Hosts', link: { to: '/scale/hosts' } } as const;

export function HostPage() {
  const { host_id } = useParams({ from: '/shell/scale/hosts/$host_id' });
  const params = { host_id };
  const read = useHost(host_id);
  const host = read.data;
  const { actionsFor, dialog, ...actions } = useHostActions();
  return (
    <FleetPage
      read={read}
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
      about={host?.region}
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
      actions={host && actionsFor(host)}
      facts={host && <Facts host={host} />}
      tabs={[
        { label: 'Tasks', link: { to: '/scale/hosts/$host_id', params } },
        { label: 'Nodes', link: { to: '/scale/hosts/$host_id/nodes', params } },
      ]}
      dialog={dialog}
    />
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
    <FleetFacts labels={labels}>
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
    </FleetFacts>
  );
}
