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

/** In the order in which one goes: no new tasks, then none at all, then back. */
export const AVAILABILITIES: readonly Host['availability'][] = ['pause', 'drain', 'active'];
