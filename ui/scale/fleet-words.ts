import type { Host } from '#contract/fleet.ts';

/** What one does to give a host an availability. */
export const AVAILABILITY_VERB = {
  active: 'Activate',
  pause: 'Cordon',
  drain: 'Drain',
} as const satisfies Record<Host['availability'], string>;

/** What the host is then. */
export const AVAILABILITY_STATE = {
  active: 'active',
  pause: 'cordoned',
  drain: 'drained',
} as const satisfies Record<Host['availability'], string>;
