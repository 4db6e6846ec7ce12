/** Our own sessions as rows. An ended one stays, so that lists can show it and say why it ended. */
import { sql } from 'kysely';
import type { PendingSignIn } from '#contract/endpoint.ts';
import type { SecondFactor, Session, SignInMethod } from '#contract/iam.ts';
import type { Tx } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { newSecret, secretHash } from './secret-values.ts';
import { controlSession } from './session-list-store.ts';
import { PENDING_LIFE, SESSION_LIFE, SESSION_LIVE } from './session-rules.ts';

/** One session of ours, locked until the transaction ends. */
export async function lockSession(
  tx: Tx,
  sessionId: string,
  currentSessionId: string | null,
): Promise<Session | undefined> {
  const { rows } =
    await sql<Session>`select ${controlSession(currentSessionId)} from sessions s join users u using (user_id)
    where s.session_id = ${sessionId}::uuid for update of s`.execute(tx);
  return rows[0];
}

/** Opens a session by one sign-in method; answers the token for the cookie, which is kept nowhere. */
export async function insertSession(
  tx: Tx,
  context: CallContext,
  {
    session_id,
    user_id,
    method,
    pending,
  }: { session_id: string; user_id: string; method: SignInMethod; pending: PendingSignIn | null },
): Promise<string> {
  const token = newSecret();
  await tx
    .insertInto('sessions')
    .values({
      session_id,
      token_hash: secretHash(token),
      user_id,
      methods: [method],
      pending,
      ip: context.ip ?? 'unknown',
      user_agent: (context.user_agent ?? '').slice(0, 512),
      authenticated_at: sql`now()`,
      expires_at: sql`now() + ${pending === null ? SESSION_LIFE : PENDING_LIFE}`,
    })
    .execute();
  return token;
}

/**
 * Makes a pending session whole: what it lacked was given by `factor`. It gets a new token (ASVS 5.0 7.2.4); null when it was not
 * pending for this any more.
 */
export async function completeSession(
  tx: Tx,
  sessionId: string,
  lack: PendingSignIn,
  factor: SecondFactor,
): Promise<string | null> {
  const token = newSecret();
  const { rows } = await sql<{ user_id: string }>`update sessions s
    set pending = null, token_hash = ${secretHash(token)}, methods = array_append(methods, ${factor}), authenticated_at = now(),
      last_seen_at = now(), expires_at = now() + ${SESSION_LIFE}
    where session_id = ${sessionId}::uuid and pending = ${lack} and ${SESSION_LIVE} returning user_id`.execute(
    tx,
  );
  const [completed] = rows;
  if (!completed) return null;
  await tx
    .updateTable('users')
    .set({ last_sign_in_at: sql`now()` })
    .where('user_id', '=', completed.user_id)
    .execute();
  return token;
}

/** Ends one live session; false when it was not live any more. */
export async function endSession(tx: Tx, sessionId: string, reason: string): Promise<boolean> {
  const { numAffectedRows } = await sql`update sessions s set ended_at = now(), ended_reason = ${reason}
    where session_id = ${sessionId}::uuid and ${SESSION_LIVE}`.execute(tx);
  return numAffectedRows === 1n;
}

/** Ends a user's live sessions, but for one if asked; answers how many. Lock the user first, so that none opens meanwhile. */
export async function endSessionsOf(
  tx: Tx,
  userId: string,
  reason: string,
  except: string | null = null,
): Promise<number> {
  const { numAffectedRows } = await sql`update sessions s set ended_at = now(), ended_reason = ${reason}
    where user_id = ${userId}::uuid and session_id is distinct from ${except}::uuid and ${SESSION_LIVE}`.execute(
    tx,
  );
  return Number(numAffectedRows ?? 0n);
}
