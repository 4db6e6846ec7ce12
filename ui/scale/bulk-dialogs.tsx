/** Operations on several services or hosts: a plan and a job for each, one after another. */
import {
  planHostAvailability,
  planServiceRestart,
  startHostAvailability,
  startServiceRestart,
  type Host,
  type Service,
} from '#contract/fleet.ts';
import { call } from '#ui/api/client.ts';
import { useChange } from '#ui/api/queries.ts';
import { BulkPlanDialog } from '#ui/patterns/bulk-plan-dialog.tsx';
import { plural } from '#ui/patterns/format.ts';
import { AVAILABILITY_VERB } from './fleet-words.ts';
import { STALE_FLEET } from './stale-fleet.ts';

export function BulkRestartDialog({
  environment,
  services,
  onClose,
}: {
  environment: string;
  services: readonly Pick<Service, 'service_id' | 'name'>[];
  onClose: () => void;
}) {
  const restart = useChange(startServiceRestart, { invalidates: STALE_FLEET });
  return (
    <BulkPlanDialog
      title={`Restart ${plural(services.length, 'service')}`}
      environment={environment}
      verb={(count) => `Restart ${plural(count, 'service')}`}
      items={services.map(({ service_id, name }) => {
        const input = { environment, service_id };
        return {
          id: service_id,
          label: name,
          plan: async (signal) => (await call(planServiceRestart, { body: input, signal })).data,
          start: async (approved) => (await restart.mutateAsync({ body: { ...input, ...approved } })).data,
        };
      })}
      onClose={onClose}
    />
  );
}

export function BulkAvailabilityDialog({
  environment,
  hosts,
  availability,
  onClose,
}: {
  environment: string;
  hosts: readonly Pick<Host, 'host_id' | 'hostname'>[];
  availability: Host['availability'];
  onClose: () => void;
}) {
  const change = useChange(startHostAvailability, { invalidates: STALE_FLEET });
  const verb = AVAILABILITY_VERB[availability];
  return (
    <BulkPlanDialog
      title={`${verb} ${plural(hosts.length, 'host')}`}
      environment={environment}
      verb={(count) => `${verb} ${plural(count, 'host')}`}
      items={hosts.map(({ host_id, hostname }) => {
        const input = { environment, host_id, availability };
        return {
          id: host_id,
          label: hostname,
          plan: async (signal) => (await call(planHostAvailability, { body: input, signal })).data,
          start: async (approved) => (await change.mutateAsync({ body: { ...input, ...approved } })).data,
        };
      })}
      onClose={onClose}
    />
  );
}
