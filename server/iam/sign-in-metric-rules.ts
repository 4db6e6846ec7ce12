/** Which audit events are sign-ins, and how each ended. Pure. */
import type { EventCount } from '#server/audit/event-tally.ts';

export const LOGIN_RESULTS = ['ok', 'wrong_credentials', 'locked', 'mfa_failed'] as const;
export type LoginResult = (typeof LOGIN_RESULTS)[number];

const SECOND_FACTOR = 'iam.login.second_factor';

/** Null for what is no sign-in, or not the end of one: the first of two steps that went well. */
export function loginResultOf({
  action,
  outcome,
  cause,
  lacks,
}: Omit<EventCount, 'count'>): LoginResult | null {
  if (action !== 'iam.login' && !action.startsWith('iam.login.')) return null;
  if (outcome === 'succeeded') return lacks === 'second_factor' ? null : 'ok';
  if (action === SECOND_FACTOR) return 'mfa_failed';
  return cause?.startsWith('user_') === true ? 'locked' : 'wrong_credentials';
}
