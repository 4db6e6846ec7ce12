/** The dialogs of operations that leave nothing to choose: the plan, the reason, the job. */
import { planNodeDrain, planTenantDrain, startNodeDrain, startTenantDrain } from '#contract/drains.ts';
import {
  planHostAvailability,
  planServiceRestart,
  startHostAvailability,
  startServiceRestart,
  type Host,
} from '#contract/fleet.ts';
import { call } from '#ui/api/client.ts';
import { useChange } from '#ui/api/queries.ts';
import { PlanDialog } from '#ui/patterns/plan-dialog.tsx';
import { AVAILABILITY_VERB } from './fleet-words.ts';
import { STALE_FLEET, STALE_PLACEMENTS } from './stale-fleet.ts';

type DrainAction = 'drain' | 'resume';

export function RestartServiceDialog({
  environment,
  service_id,
  name,
  onClose,
}: {
  environment: string;
  service_id: string;
  name: string;
  onClose: () => void;
}) {
  const restart = useChange(startServiceRestart, { invalidates: STALE_FLEET });
  const input = { environment, service_id };
  return (
    <PlanDialog
      title={`Restart ${name}`}
      verb="Restart service"
      environments={[environment]}
      plan={async (signal) => (await call(planServiceRestart, { body: input, signal })).data}
      start={async (approved) => (await restart.mutateAsync({ body: { ...input, ...approved } })).data}
      onClose={onClose}
    />
  );
}

export function HostAvailabilityDialog({
  environment,
  host_id,
  hostname,
  availability,
  onClose,
}: Pick<Host, 'environment' | 'host_id' | 'hostname' | 'availability'> & { onClose: () => void }) {
  const change = useChange(startHostAvailability, { invalidates: STALE_FLEET });
  const input = { environment, host_id, availability };
  const verb = AVAILABILITY_VERB[availability];
  return (
    <PlanDialog
      title={`${verb} ${hostname}`}
      verb={`${verb} host`}
      environments={[environment]}
      plan={async (signal) => (await call(planHostAvailability, { body: input, signal })).data}
      start={async (approved) => (await change.mutateAsync({ body: { ...input, ...approved } })).data}
      onClose={onClose}
    />
  );
}

export function NodeDrainDialog({
  environment,
  node_id,
  action,
  onClose,
}: {
  environment: string;
  node_id: string;
  action: DrainAction;
  onClose: () => void;
}) {
  const change = useChange(startNodeDrain, { invalidates: STALE_FLEET });
  const input = { environment, node_id, action };
  return (
    <PlanDialog
      title={`${action === 'drain' ? 'Drain' : 'Resume'} ${node_id}`}
      verb={action === 'drain' ? 'Drain node' : 'Resume node'}
      environments={[environment]}
      plan={async (signal) => (await call(planNodeDrain, { body: input, signal })).data}
      start={async (approved) => (await change.mutateAsync({ body: { ...input, ...approved } })).data}
      onClose={onClose}
    />
  );
}

export function TenantDrainDialog({
  environment,
  tenant_id,
  action,
  onClose,
}: {
  environment: string;
  tenant_id: string;
  action: DrainAction;
  onClose: () => void;
}) {
  const change = useChange(startTenantDrain, { invalidates: STALE_PLACEMENTS });
  const input = { environment, tenant_id, action };
  return (
    <PlanDialog
      title={`${action === 'drain' ? 'Drain' : 'Resume'} ${tenant_id}`}
      verb={action === 'drain' ? 'Drain tenant' : 'Resume tenant'}
      environments={[environment]}
      plan={async (signal) => (await call(planTenantDrain, { body: input, signal })).data}
      start={async (approved) => (await change.mutateAsync({ body: { ...input, ...approved } })).data}
      onClose={onClose}
    />
  );
}
