/** Pure: whom somebody may act for, and what stands against it. */
import type { ImpersonationPreview, UserStatus } from '#contract/iam.ts';

/** Bounds of what may be configured, and what counts when nothing is. */
export interface BreakGlassSettings {
  /** How long somebody may act as another user. */
  minutes: number;
  /** Within how many days of its end an impersonation is to be reviewed. */
  review_days: number;
}
export const BREAK_GLASS_DEFAULTS: BreakGlassSettings = { minutes: 30, review_days: 3 };
/** Less than a session may idle, so that one's own is still there afterwards. */
export const MOST_MINUTES = 60;
export const MOST_REVIEW_DAYS = 30;

export interface ImpersonationFacts {
  actor_user_id: string;
  /** How the actor's session was proved: password, passkey, totp, … */
  actor_methods: readonly string[];
  user: {
    user_id: string;
    email: string;
    status: UserStatus;
    kind: 'person' | 'service_account';
    mfa_required: boolean;
  };
  /** The actor's review that is overdue the longest. */
  overdue: { user_email: string; review_due_at: string } | null;
}

const SECOND_FACTORS = ['passkey', 'totp', 'recovery_code'];

/** Everything that stands against acting as the user; none of them can be overridden. */
export function impersonationBlockers({
  actor_user_id,
  actor_methods,
  user,
  overdue,
}: ImpersonationFacts): ImpersonationPreview['blockers'] {
  const blockers: ImpersonationPreview['blockers'] = [];
  const { user_id, email, status, kind, mfa_required } = user;
  if (overdue)
    blockers.push({
      code: 'review_overdue',
      message: `What you did as ${overdue.user_email} should have been reviewed by ${overdue.review_due_at.slice(0, 10)}. Ask somebody who may review it; until then you cannot act as anybody.`,
    });
  if (user_id === actor_user_id) blockers.push({ code: 'yourself', message: 'This is you.' });
  if (kind !== 'person')
    blockers.push({
      code: 'service_account',
      message: `${email} is a service account; nobody acts as one. Use a token of your own.`,
    });
  else if (status !== 'active')
    blockers.push({
      code: 'not_active',
      message: `${email} is ${status}; only who may sign in can be acted for.`,
    });
  if (mfa_required && !actor_methods.some((method) => SECOND_FACTORS.includes(method)))
    blockers.push({
      code: 'weaker_sign_in',
      message: `A role of ${email} demands a second factor, and you signed in without one. Sign in with a passkey or a code first.`,
    });
  return blockers;
}
