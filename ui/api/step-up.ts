/**
 * Step-up (RFC 9470): the server asks for a fresh proof that it is you before it does something of weight. The client opens the prompt
 * that the shell has registered, and repeats the request once. `recent` raises the whole session; `bound` yields a proof for one body.
 */
import canonicalize from 'canonicalize';
import type { Endpoint } from '#contract/endpoint.ts';
import { StepUpCancelledError } from './errors.ts';

/** A password, a code of an authenticator app, or the wish to use a passkey. */
export type StepUpAnswer = { password: string } | { totp_code: string } | { passkey: true };

export interface StepUpChallenge {
  /** What was about to be done. */
  endpoint: Endpoint;
  level: 'recent' | 'bound';
  /** How fresh the last sign-in has to be, in seconds. */
  max_age: number | null;
  /** Sends what was given; resolves when it was right, throws a `ProblemError` or `PasskeyError` when not. */
  confirm: (answer: StepUpAnswer) => Promise<void>;
}

/** Asks the person; resolves when `confirm` has succeeded, rejects with `StepUpCancelledError` when they would not. */
export type StepUpPrompter = (challenge: StepUpChallenge) => Promise<void>;

let prompter: StepUpPrompter | null = null;

/** The shell registers its prompt once; answers how to take it back. */
export function registerStepUpPrompter(next: StepUpPrompter): () => void {
  prompter = next;
  return () => {
    if (prompter === next) prompter = null;
  };
}

let queue: Promise<unknown> = Promise.resolve();
let pendingRecent: Promise<void> | null = null;

/** Opens the prompt; one at a time, and requests that all need `recent` share one. */
export function askStepUp(challenge: StepUpChallenge): Promise<void> {
  if (challenge.level === 'recent' && pendingRecent) return pendingRecent;
  const asked = queue.then(() => {
    if (!prompter) throw new StepUpCancelledError('There is no prompt to ask with');
    return prompter(challenge);
  });
  queue = asked.catch(() => undefined);
  if (challenge.level === 'recent') {
    pendingRecent = asked.finally(() => {
      pendingRecent = null;
    });
    return pendingRecent;
  }
  return asked;
}

/** sha-256, in hex, of the RFC 8785 canonical form of a body as it goes over the wire. */
export async function requestHash(body: unknown): Promise<string> {
  const sent: unknown = body === undefined ? null : JSON.parse(JSON.stringify(body));
  const bytes = new TextEncoder().encode(canonicalize(sent));
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
