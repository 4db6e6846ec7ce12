import { Button } from '@mantine/core';
import { IconArrowsVertical, IconRefresh } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import type { Service } from '#contract/fleet.ts';
import { mayAnywhere, useMe } from '#ui/api/queries.ts';
import { useEnvironment } from '#ui/app/environment.tsx';
import { EmptyState } from '#ui/patterns/empty-state.tsx';
import { Figure, Unknown } from '#ui/patterns/figure.tsx';
import { GuardedButton } from '#ui/patterns/guarded-button.tsx';
import { MiddleTruncate } from '#ui/patterns/middle-truncate.tsx';
import { Properties, Property } from '#ui/patterns/panel.tsx';
import { RelativeTime } from '#ui/patterns/relative-time.tsx';
import { StatusPill } from '#ui/patterns/status-pill.tsx';
import { useServiceActions } from './fleet-actions.tsx';
import { FleetFacts, FleetPage } from './fleet-page.tsx';
import { useService } from './fleet-queries.ts';
import { Replicas } from './replicas.tsx';

const PARENT = { label: 'Services', link: { to: '/scale/services' } } as const;

export function ServicePage() {
  const { service_id } = useParams({ from: '/shell/scale/services/$service_id' });
  const params = { service_id };
  const { environment } = useEnvironment();
  const read = useService(service_id);
  const { actionsFor, scale, scaleReason, restart, restartReason, dialog } = useServiceActions();
  const observable = mayAnywhere(useMe().data, 'observability.view').allowed;
  const service = read.data;
  if (service && service.environment !== environment) return <Elsewhere service={service} />;
  return (
    <FleetPage
      read={read}
      parent={PARENT}
      noun="service"
      title={service?.name ?? service_id}
      status={service && <StatusPill of="service" status={service.state} soft />}
      about={service?.kind}
      primary={
        service && (
          <>
            <GuardedButton
              variant="default"
              leftSection={<IconRefresh size={15} />}
              against={restartReason(service)}
              onClick={() => restart(service)}
            >
              Restart
            </GuardedButton>
            <GuardedButton
              leftSection={<IconArrowsVertical size={15} />}
              against={scaleReason(service)}
              onClick={() => scale(service)}
            >
              Scale
            </GuardedButton>
          </>
        )
      }
      actions={service && actionsFor(service)}
      facts={service && <Facts service={service} />}
      tabs={[
        { label: 'Tasks', link: { to: '/scale/services/$service_id', params } },
        {
          label: 'Specifications',
          link: { to: '/scale/services/$service_id/specifications', params },
          count: service?.history.length,
        },
        ...(observable
          ? [
              {
                label: 'Observability',
                link: { to: '/scale/services/$service_id/observability', params },
              } as const,
            ]
          : []),
      ]}
      dialog={dialog}
    />
  );
}

/** The chosen environment is another one than the service's: it is not shown as if it were there. */
function Elsewhere({ service: { name, service_id, environment } }: { service: Service }) {
  return (
    <EmptyState
      title={`${name} runs in ${environment}`}
      hint="Another environment is chosen; nothing of this service belongs to it."
    >
      <Button
        variant="default"
        renderRoot={(props) => (
          <Link
            {...props}
            to="/scale/services/$service_id"
            params={{ service_id }}
            search={{ env: environment }}
          />
        )}
      >
        Show it in {environment}
      </Button>
    </EmptyState>
  );
}

function Facts({ service }: { service: Service }) {
  const { image, digest, version, update, load, labels, mode, service_id } = service;
  const silent = load === null ? 'None of its nodes has said it' : 'No source gives it';
  return (
    <FleetFacts labels={labels}>
      <Properties>
        <Property name="Replicas">
          <Replicas service={service} />
        </Property>
        <Property name="Version">{version ?? <Unknown why="The image has no tag" />}</Property>
        <Property name="Image">
          <MiddleTruncate text={image} keep={20} label="Copy the image" />
        </Property>
        <Property name="Digest">
          {digest === null ? (
            <Unknown why="The service was made without a digest: its tag may mean another image on each host" />
          ) : (
            <MiddleTruncate text={digest} keep={12} label="Copy the digest" />
          )}
        </Property>
      </Properties>
      <Properties>
        <Property name="Last update">
          <StatusPill of="update" status={update.state} />
        </Property>
        <Property name="Ended">
          <RelativeTime
            iso={update.completed_at}
            missing={update.started_at === null ? 'It was never updated' : 'It has not ended'}
          />
        </Property>
        {update.message !== null && <Property name="Said">{update.message}</Property>}
        <Property name="Mode">{mode}</Property>
        <Property name="Service id">
          <MiddleTruncate text={service_id} label="Copy the id" />
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
        <Property name="Lag">
          <Figure value={load?.consumer_lag} unit="messages" missing={silent} />
        </Property>
      </Properties>
    </FleetFacts>
  );
}
