/** Confirms that the signed-in person is still there (RFC 9470): by password, by an authenticator's code or by a passkey. */
import { sql } from 'kysely';
import type { BodyOf, ResponseOf } from '#contract/endpoint.ts';
import type { stepUp } from '#contract/iam.ts';
import type { Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { responsibleUserId, type CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { AccountDeps } from './account-deps.ts';
import { checkPassword, findAccount } from './credential-service.ts';
import { personOf, type Person } from './personal-session.ts';
import { withFactor } from './second-factor-service.ts';
import { csrfTokenOf, newSecret, secretHash } from './secret-values.ts';
import { SESSION_LIVE } from './session-rules.ts';

/** Long enough to send the request again, short enough that a lost proof is worth nothing. */
const PROOF_LIFE = sql.raw(`interval '2 minutes'`);
const ACTION = 'iam.step_up';

type Confirmed = ResponseOf<typeof stepUp> & { token: string };

/**
 * Authenticates the session anew and gives it a new token (ASVS 5.0 7.2.4); `token` is for the cookie. With `request_hash` it makes a
 * proof that lets one request with this hash pass, once.
 */
export async function confirmPresence(
  deps: AccountDeps,
  context: CallContext,
  { password, request_hash, ...answer }: BodyOf<typeof stepUp>,
): Promise<Confirmed> {
  const person = personOf(context);
  // Whoever acts as another user confirms that they themselves are still there.
  const user_id = responsibleUserId(person);
  const { session } = person;
  if (session.client === 'cli')
    throw new ControlError(
      'action_not_allowed',
      'A command line session is confirmed in a browser: POST /admin/v1/iam/step-up/device-authorization.',
    );
  const factors = Object.values(answer).filter((value) => value !== undefined).length;
  if (factors + (password === undefined ? 0 : 1) !== 1)
    throw new ControlError('unprocessable', 'Answer with exactly one of password, totp_code and passkey.');
  if (password === undefined) {
    return withFactor(deps, context, { action: ACTION, answer }, (prove) =>
      renew(deps, context, person, request_hash, prove),
    );
  }
  await checkPassword(
    deps,
    context,
    {
      action: ACTION,
      throttleKey: `step_up:${user_id}`,
      target: { type: 'session', id: session.session_id },
      wrong: 'The password is wrong.',
    },
    await findAccount(deps.db, user_id),
    password,
  );
  return renew(deps, context, person, request_hash, async () => 'password');
}

async function renew(
  deps: AccountDeps,
  context: CallContext,
  { session, label }: Person,
  request_hash: string | undefined,
  prove: (tx: Tx) => Promise<string>,
): Promise<Confirmed> {
  const token = newSecret();
  const { authenticated_at, proof } = await mutate(
    deps.db,
    context,
    {
      action: ACTION,
      title: `Confirm ${label}`,
      permission: 'authenticated',
      target: { type: 'session', id: session.session_id },
      details: { level: request_hash === undefined ? 'recent' : 'bound' },
      job: 'none',
    },
    async (tx) => {
      const method = await prove(tx);
      // A second step-up of the same session at the same moment must not replace the cookie that the first one gave.
      const { rows } = await sql<{
        authenticated_at: string;
      }>`update sessions s set authenticated_at = now(), last_seen_at = now(), token_hash = ${secretHash(token)}
        where session_id = ${session.session_id}::uuid and authenticated_at = ${session.authenticated_at}::timestamptz and ${SESSION_LIVE}
        returning authenticated_at`.execute(tx);
      const [renewed] = rows;
      if (!renewed)
        throw new ControlError(
          'session_revoked',
          'This session was ended or renewed by another request just now; reload the page.',
        );
      const given =
        request_hash === undefined ? null : await insertProof(tx, session.session_id, request_hash);
      return { after: { method }, result: { authenticated_at: renewed.authenticated_at, proof: given } };
    },
  );
  return { authenticated_at, csrf_token: csrfTokenOf(token), proof, token };
}

async function insertProof(tx: Tx, session_id: string, request_hash: string): Promise<string> {
  const proof = newSecret();
  await sql`with old as (delete from step_up_proofs where expires_at < now())
    insert into step_up_proofs (proof_hash, session_id, request_hash, expires_at)
    values (${secretHash(proof)}, ${session_id}::uuid, ${request_hash}, now() + ${PROOF_LIFE})`.execute(tx);
  return proof;
}
