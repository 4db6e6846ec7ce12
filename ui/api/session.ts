/**
 * The browser's side of the session. The session itself is an HttpOnly cookie that scripts never see; the CSRF token lives in memory
 * only and comes back after a reload with `GET iam/me`.
 */
import type { Me } from '#contract/iam.ts';
import { ProblemError } from './errors.ts';

let csrfToken: string | null = null;

export const readCsrfToken = (): string | null => csrfToken;
export const keepCsrfToken = (token: string | null): void => {
  csrfToken = token;
};

/** Who this page was drawn for: the user, or who acts as them. */
let identity: string | null = null;
export const readIdentity = (): string | null => identity;
/** Keeps it; when another tab has begun or stopped to act as another user, the page starts over. */
export const keepIdentity = ({ user, impersonation }: Partial<Me>): void => {
  const before = identity;
  identity = impersonation?.impersonation_id ?? user?.user_id ?? null;
  if (before !== null && identity !== before) startOver();
};

/** Loads the application afresh, which drops everything that was read as somebody else. */
export const startOver = (): void => location.assign('/');

/** Why somebody stands at the sign-in page again; null = they were not signed in here. */
export type SignedOutWhy = 'revoked' | 'expired' | 'signed_out';

const SIGN_IN_PATH = '/sign-in';

/** A path of this application to go to after signing in; anything that leads elsewhere becomes the start page. */
export function safeReturnTo(value: unknown, origin: string): string {
  if (typeof value !== 'string' || !value.startsWith('/')) return '/';
  if (!URL.canParse(value, origin)) return '/';
  const url = new URL(value, origin);
  // `//host`, `/\host` and the like resolve to another origin.
  if (url.origin !== origin || url.pathname === SIGN_IN_PATH) return '/';
  return `${url.pathname}${url.search}${url.hash}`;
}

/** Address of the sign-in page that leads back to where one was. */
export function signInAddress(from: string, why: SignedOutWhy | null): string {
  const query = new URLSearchParams();
  if (from !== '/' && !from.startsWith(SIGN_IN_PATH)) query.set('return_to', from);
  if (why) query.set('why', why);
  return query.size > 0 ? `${SIGN_IN_PATH}?${query}` : SIGN_IN_PATH;
}

let leaving = false;

/**
 * Goes to the sign-in page by loading it afresh, which also drops everything that the last person's session had read into memory.
 * Several requests fail at once when a session ends; only the first one leads away.
 */
export function leaveToSignIn(why: SignedOutWhy | null): void {
  if (leaving || location.pathname === SIGN_IN_PATH) return;
  leaving = true;
  location.assign(signInAddress(`${location.pathname}${location.search}${location.hash}`, why));
}

/** Whether a refusal means that there is no session (any more), and why. */
export function sessionLoss(error: unknown): { why: SignedOutWhy | null } | null {
  if (!(error instanceof ProblemError)) return null;
  if (error.code === 'session_revoked') return { why: 'revoked' };
  if (error.code === 'unauthenticated') return { why: csrfToken === null ? null : 'expired' };
  return null;
}
