/** Confirms that the signed-in person is still there (RFC 9470), by password. */
import { sql } from 'kysely';
import type { ResponseOf } from '#contract/endpoint.ts';
import type { stepUp } from '#contract/iam.ts';
import type { Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { checkPassword, findAccount, type CredentialDeps } from './credential-service.ts';
import { csrfTokenOf, newSecret, secretHash } from './secret-values.ts';
import { SESSION_LIVE } from './session-rules.ts';

/** Long enough to send the request again, short enough that a lost proof is worth nothing. */
const PROOF_LIFE = sql.raw(`interval '2 minutes'`);

/**
 * Authenticates the session anew and gives it a new token (ASVS 5.0 7.2.4); `token` is for the cookie. With `request_hash` it makes a
 * proof that lets one request with this hash pass, once.
 */
export async function confirmPresence(
  deps: CredentialDeps,
  context: CallContext,
  { password, request_hash }: { password: string; request_hash?: string | undefined },
): Promise<ResponseOf<typeof stepUp> & { token: string }> {
  const { session, user_id, label } = principalOf(context);
  if (!session) {
    throw new ControlError(
      'permission_denied',
      'An API token cannot confirm that a person is there; sign in with a browser for this.',
    );
  }
  const target = { type: 'session', id: session.session_id };
  const account = await checkPassword(
    deps,
    context,
    { action: 'iam.step_up', throttleKey: `step_up:${user_id}`, target, wrong: 'The password is wrong.' },
    await findAccount(deps.db, user_id),
    password,
  );
  const token = newSecret();
  const confirmed = await mutate(
    deps.db,
    context,
    {
      action: 'iam.step_up',
      title: `Confirm ${label}`,
      permission: 'authenticated',
      target,
      details: { level: request_hash === undefined ? 'recent' : 'bound' },
      job: 'none',
    },
    async (tx) => {
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
      const proof =
        request_hash === undefined ? null : await insertProof(tx, session.session_id, request_hash);
      return { result: { authenticated_at: renewed.authenticated_at, proof } };
    },
  );
  await account.succeeded();
  return {
    authenticated_at: confirmed.authenticated_at,
    csrf_token: csrfTokenOf(token),
    proof: confirmed.proof,
    token,
  };
}

async function insertProof(tx: Tx, session_id: string, request_hash: string): Promise<string> {
  const proof = newSecret();
  await sql`with old as (delete from step_up_proofs where expires_at < now())
    insert into step_up_proofs (proof_hash, session_id, request_hash, expires_at)
    values (${secretHash(proof)}, ${session_id}::uuid, ${request_hash}, now() + ${PROOF_LIFE})`.execute(tx);
  return proof;
}
