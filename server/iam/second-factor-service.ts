/** Asks a known person for one factor: an authenticator's code, a recovery code, a passkey. Used to finish signing in and to step up. */
import { sql } from 'kysely';
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import type { SecondFactor } from '#contract/iam.ts';
import { recordEvent } from '#server/audit/audit-store.ts';
import type { Tx } from '#server/db/database.ts';
import { responsibleUserId, type CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { AccountDeps } from './account-deps.ts';
import { verifyAuthentication } from './passkey-service.ts';
import { personOf, type Person } from './personal-session.ts';
import { spendRecoveryCode } from './recovery-codes.ts';
import { acceptedStep } from './totp-rules.ts';

export interface FactorAnswer {
  totp_code?: string | undefined;
  recovery_code?: string | undefined;
  passkey?: AuthenticationResponseJSON | undefined;
}

/** What a wrong answer rolls back by; the caller sees `invalid_credentials` instead. */
class WrongFactor extends Error {
  override readonly cause: string;
  constructor(cause: string) {
    super(cause);
    this.cause = cause;
  }
}

const WRONG: Record<SecondFactor, string> = {
  totp: 'This code is wrong or was used before. Wait for the next one, and check the clock of the device.',
  recovery_code: 'This recovery code is wrong or was used before.',
  passkey: 'This passkey was not accepted; try again, or use another way.',
};

/** Which count wrong answers belong to: not that of the password, which who comes this far has given. */
export const secondFactorKey = (user_id: string): string => `second_factor:${user_id}`;

/** The one factor that an answer gives; `unprocessable` when it gives none or several. */
export function factorOf(answer: FactorAnswer): SecondFactor {
  const given: SecondFactor[] = [];
  if (answer.totp_code !== undefined) given.push('totp');
  if (answer.recovery_code !== undefined) given.push('recovery_code');
  if (answer.passkey !== undefined) given.push('passkey');
  const [factor] = given;
  if (factor === undefined || given.length > 1)
    throw new ControlError(
      'unprocessable',
      'Answer with exactly one of totp_code, recovery_code and passkey.',
    );
  return factor;
}

/**
 * Runs `work`, which calls `prove` in its transaction. A wrong answer rolls it back, counts as a failure and is audited with its cause.
 */
export async function withFactor<T>(
  deps: AccountDeps,
  context: CallContext,
  { action, answer }: { action: string; answer: FactorAnswer },
  work: (prove: (tx: Tx) => Promise<SecondFactor>) => Promise<T>,
): Promise<T> {
  const person = personOf(context);
  const factor = factorOf(answer);
  return deps.throttle.attempt(secondFactorKey(responsibleUserId(person)), context.ip, async (attempt) => {
    try {
      const done = await work(async (tx) => {
        await prove(deps, tx, person, answer);
        return factor;
      });
      await attempt.succeeded();
      return done;
    } catch (error) {
      if (!(error instanceof WrongFactor)) throw error;
      const closed_for_s = await attempt.failed();
      await recordEvent(deps.db, context, {
        action,
        outcome: 'failed',
        target: { type: 'session', id: person.session.session_id },
        details: { cause: error.cause, factor, closed_for_s },
      });
      throw new ControlError('invalid_credentials', WRONG[factor], { cause: error });
    }
  });
}

async function prove(deps: AccountDeps, tx: Tx, person: Person, answer: FactorAnswer): Promise<void> {
  const user_id = responsibleUserId(person);
  const { session } = person;
  if (answer.totp_code !== undefined) return proveTotp(deps, tx, user_id, answer.totp_code);
  if (answer.recovery_code !== undefined) {
    if (await spendRecoveryCode(tx, user_id, answer.recovery_code)) return;
    throw new WrongFactor('wrong_recovery_code');
  }
  if (answer.passkey !== undefined) {
    const { session_id } = session;
    const proven = await verifyAuthentication(
      deps,
      tx,
      'passkey_proof',
      { user_id, session_id },
      answer.passkey,
    );
    if ('fault' in proven) throw new WrongFactor(proven.fault);
  }
}

async function proveTotp({ box }: AccountDeps, tx: Tx, user_id: string, code: string): Promise<void> {
  // The row is locked, so that of two who bring the same code at once the second finds its step taken.
  const factor = await tx
    .selectFrom('totp_factors')
    .select(['factor_id', 'sealed_secret', 'last_step'])
    .where('user_id', '=', user_id)
    .where('confirmed_at', 'is not', null)
    .forUpdate()
    .executeTakeFirst();
  if (!factor) throw new WrongFactor('no_totp');
  if (!box) throw keyMissing();
  const step = acceptedStep(box.open(factor.sealed_secret, user_id), code, Date.now(), factor.last_step);
  if (step === null) throw new WrongFactor('wrong_totp_code');
  await tx
    .updateTable('totp_factors')
    .set({ last_step: sql`${step}::bigint` })
    .where('factor_id', '=', factor.factor_id)
    .execute();
}

export const keyMissing = (): ControlError =>
  new ControlError(
    'not_configured',
    'Authenticator apps need a key to keep their secrets under: whoever runs this control plane has to set CONTROL_SECRET_KEY.',
  );
