/** What can be done to services, hosts and nodes, the same on lists and pages, and the dialogs that do it (loaded when first needed). */
import {
  IconArrowsVertical,
  IconCopy,
  IconHourglass,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
  type Icon,
} from '@tabler/icons-react';
import { lazy, Suspense, useCallback, useState } from 'react';
import type { Host, Service } from '#contract/fleet.ts';
import type { Node } from '#contract/scale.ts';
import { may, useMe } from '#ui/api/queries.ts';
import { firstReason, type Action } from '#ui/patterns/action-menu.tsx';
import { AVAILABILITIES, AVAILABILITY_STATE, AVAILABILITY_VERB } from './fleet-words.ts';

const loadDialogs = () => import('./operation-dialogs.tsx');
const ScaleServiceDialog = lazy(async () => ({
  default: (await import('./scale-service-dialog.tsx')).ScaleServiceDialog,
}));
const RestartServiceDialog = lazy(async () => ({ default: (await loadDialogs()).RestartServiceDialog }));
const HostAvailabilityDialog = lazy(async () => ({ default: (await loadDialogs()).HostAvailabilityDialog }));
const NodeDrainDialog = lazy(async () => ({ default: (await loadDialogs()).NodeDrainDialog }));

type ActionableService = Pick<Service, 'environment' | 'service_id' | 'name' | 'mode' | 'replicas_desired'>;
type ActionableHost = Pick<Host, 'environment' | 'host_id' | 'hostname' | 'availability'>;
type ActionableNode = Pick<Node, 'environment' | 'node_id' | 'state'>;
type DrainAction = 'drain' | 'resume';

const copyAction = (label: string, text: string): Action => ({
  label,
  icon: IconCopy,
  divided: true,
  onSelect: () => void navigator.clipboard.writeText(text),
});

export function useServiceActions() {
  const { data: me } = useMe();
  const [open, setOpen] = useState<{ action: 'scale' | 'restart'; service: ActionableService } | null>(null);
  const close = useCallback(() => setOpen(null), []);
  const scaleReason = useCallback(
    ({ environment, mode }: ActionableService) =>
      firstReason(
        may(me, 'scale.apply', { environment }),
        mode === 'global' && 'It runs once on every host: hosts decide their number',
      ),
    [me],
  );
  const restartReason = useCallback(
    ({ environment, replicas_desired }: ActionableService) =>
      firstReason(may(me, 'ops.restart', { environment }), replicas_desired === 0 && 'It shall run no task'),
    [me],
  );
  const scale = useCallback((service: ActionableService) => setOpen({ action: 'scale', service }), []);
  const restart = useCallback((service: ActionableService) => setOpen({ action: 'restart', service }), []);
  const actionsFor = useCallback(
    (service: ActionableService): readonly Action[] => [
      {
        label: 'Scale…',
        icon: IconArrowsVertical,
        onSelect: () => scale(service),
        disabled: scaleReason(service),
      },
      {
        label: 'Restart…',
        icon: IconRefresh,
        onSelect: () => restart(service),
        disabled: restartReason(service),
      },
      copyAction('Copy the id', service.service_id),
    ],
    [scale, scaleReason, restart, restartReason],
  );
  const dialog = open && (
    <Suspense fallback={null}>
      {open.action === 'scale' ? (
        <ScaleServiceDialog {...open.service} onClose={close} />
      ) : (
        <RestartServiceDialog {...open.service} onClose={close} />
      )}
    </Suspense>
  );
  return { actionsFor, scale, scaleReason, restart, restartReason, dialog };
}

export const AVAILABILITY_ICON = {
  active: IconPlayerPlay,
  pause: IconPlayerPause,
  drain: IconHourglass,
} as const satisfies Record<Host['availability'], Icon>;

export function useHostActions() {
  const { data: me } = useMe();
  const [open, setOpen] = useState<ActionableHost | null>(null);
  const close = useCallback(() => setOpen(null), []);
  const availabilityReason = useCallback(
    ({ environment, availability: now }: ActionableHost, availability: Host['availability']) =>
      firstReason(
        may(me, 'ops.drain', { environment }),
        now === availability && `It is ${AVAILABILITY_STATE[availability]} already`,
      ),
    [me],
  );
  const setAvailability = useCallback(
    (host: ActionableHost, availability: Host['availability']) => setOpen({ ...host, availability }),
    [],
  );
  const actionsFor = useCallback(
    (host: ActionableHost): readonly Action[] => [
      ...AVAILABILITIES.map((availability) => ({
        label: `${AVAILABILITY_VERB[availability]}…`,
        icon: AVAILABILITY_ICON[availability],
        onSelect: () => setAvailability(host, availability),
        disabled: availabilityReason(host, availability),
      })),
      copyAction('Copy the id', host.host_id),
    ],
    [setAvailability, availabilityReason],
  );
  const dialog = open && (
    <Suspense fallback={null}>
      <HostAvailabilityDialog {...open} onClose={close} />
    </Suspense>
  );
  return { actionsFor, setAvailability, availabilityReason, dialog };
}

export function useNodeActions() {
  const { data: me } = useMe();
  const [open, setOpen] = useState<{ node: ActionableNode; action: DrainAction } | null>(null);
  const close = useCallback(() => setOpen(null), []);
  const drainReason = useCallback(
    ({ environment, state }: ActionableNode, action: DrainAction) =>
      firstReason(
        may(me, 'ops.drain', { environment }),
        action === 'drain' && state === 'draining' && 'It is draining already',
        action === 'resume' && state === 'ready' && 'It takes work already',
      ),
    [me],
  );
  const drain = useCallback((node: ActionableNode, action: DrainAction) => setOpen({ node, action }), []);
  const actionsFor = useCallback(
    (node: ActionableNode): readonly Action[] => [
      {
        label: 'Drain…',
        icon: IconHourglass,
        onSelect: () => drain(node, 'drain'),
        disabled: drainReason(node, 'drain'),
      },
      {
        label: 'Resume…',
        icon: IconPlayerPlay,
        onSelect: () => drain(node, 'resume'),
        disabled: drainReason(node, 'resume'),
      },
      copyAction('Copy the id', node.node_id),
    ],
    [drain, drainReason],
  );
  const dialog = open && (
    <Suspense fallback={null}>
      <NodeDrainDialog
        environment={open.node.environment}
        node_id={open.node.node_id}
        action={open.action}
        onClose={close}
      />
    </Suspense>
  );
  return { actionsFor, drain, drainReason, dialog };
}
