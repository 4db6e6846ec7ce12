/** Opens the session of somebody who has given a first factor, and finishes it by the second. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { SignInMethod, SignInStep } from '#contract/iam.ts';
import type { Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext, Principal } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { AccountDeps } from './account-deps.ts';
import { personOf } from './personal-session.ts';
import { factorOf, withFactor, type FactorAnswer } from './second-factor-service.ts';
import { csrfTokenOf } from './secret-values.ts';
import { completeSession, insertSession } from './session-store.ts';
import { readSignInFacts } from './sign-in-facts.ts';
import { allowedMethods, lackAfter, secondFactorsOf } from './sign-in-policy-rules.ts';
import { readUser, USER_COLUMNS } from './user-store.ts';

/** A step, and the token for the cookie. */
export type TakenStep = SignInStep & { token: string };

export interface Identified {
  user_id: string;
  email: string;
}

/** Whom the audit log names: the request came from nobody. */
export const principalFor = ({ user_id, email }: Identified): Principal => ({
  type: 'user',
  principal_id: user_id,
  user_id,
  label: email,
  session: null,
  token: null,
  grants: [],
  impersonation: null,
});

/**
 * Opens a session: a new token, whatever the browser came with. `claim` runs first in the transaction and throws when the factor does
 * not count any more; `wrong` is what somebody hears who may not come in.
 */
export async function openSession(
  deps: AccountDeps,
  context: CallContext,
  person: Identified,
  method: SignInMethod,
  { action, wrong, claim }: { action: string; wrong: string; claim?: (tx: Tx) => Promise<void> },
): Promise<TakenStep> {
  const session_id = randomUUIDv7();
  const { user_id, email } = person;
  const opened = await mutate(
    deps.db,
    { ...context, principal: principalFor(person) },
    {
      action,
      title: `Sign in ${email}`,
      permission: 'public',
      target: { type: 'session', id: session_id },
      details: { method },
      job: 'none',
    },
    async (tx) => {
      // Suspending and setting a password lock this row and end sessions: whoever is second here sees what the first did.
      const user = await tx
        .selectFrom('users')
        .select(USER_COLUMNS)
        .where('user_id', '=', user_id)
        .where('kind', '=', 'person')
        .where('status', '=', 'active')
        .forUpdate()
        .executeTakeFirst();
      if (!user) throw new ControlError('invalid_credentials', wrong);
      await claim?.(tx);
      const facts = await readSignInFacts(tx, user_id);
      assertAllowed(method, allowedMethods(facts.policies));
      const pending = lackAfter(method, facts);
      const token = await insertSession(tx, context, { session_id, user_id, method, pending });
      if (pending === null)
        await tx
          .updateTable('users')
          .set({ last_sign_in_at: sql`now()` })
          .where('user_id', '=', user_id)
          .execute();
      return {
        after: { method, lacks: pending },
        result: { user, token, next: pending ?? ('done' as const), second_factors: secondFactorsOf(facts) },
      };
    },
  );
  const { user, token, next, second_factors } = opened;
  return { user, token, next, second_factors, csrf_token: csrfTokenOf(token) };
}

const NAMES: Record<SignInMethod, string> = {
  password: 'a password',
  passkey: 'a passkey',
  provider: 'an identity provider',
};

function assertAllowed(method: SignInMethod, allowed: readonly SignInMethod[]): void {
  if (allowed.includes(method)) return;
  const ways = allowed.map((one) => NAMES[one]).join(' or ');
  throw new ControlError(
    'action_not_allowed',
    ways === ''
      ? 'Your roles demand different ways to sign in, and none fits all of them; ask a security admin.'
      : `Your roles do not allow signing in with ${NAMES[method]}; sign in with ${ways}.`,
  );
}

/** Finishes a sign-in that lacks its second factor. The session gets a new token. */
export async function finishSignIn(
  deps: AccountDeps,
  context: CallContext,
  answer: FactorAnswer,
): Promise<TakenStep> {
  const { session, user_id, label } = personOf(context);
  const { session_id } = session;
  if (session.pending !== 'second_factor')
    throw new ControlError('action_not_allowed', 'You are signed in already; there is nothing to finish.');
  const factor = factorOf(answer);
  const action = 'iam.login.second_factor';
  const { token } = await withFactor(deps, context, { action, answer }, (prove) =>
    mutate(
      deps.db,
      context,
      {
        action,
        title: `Finish signing in ${label}`,
        permission: 'authenticated',
        target: { type: 'session', id: session_id },
        details: { factor },
        job: 'none',
      },
      async (tx) => {
        await prove(tx);
        const completed = await completeSession(tx, session_id, 'second_factor', factor);
        if (completed === null)
          throw new ControlError(
            'session_revoked',
            'This sign-in has expired or was finished elsewhere; sign in again.',
          );
        return { before: { signed_in: false }, after: { signed_in: true }, result: { token: completed } };
      },
    ),
  );
  const user = await readUser(deps.db, user_id);
  return { user, token, next: 'done', second_factors: [], csrf_token: csrfTokenOf(token) };
}
