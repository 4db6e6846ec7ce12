/** Sessions as rows. An ended one stays, so that lists can show it and say why it ended. */
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { PendingSignIn } from '#contract/endpoint.ts';
import type { SecondFactor, Session, SESSION_STATES, SignInMethod } from '#contract/iam.ts';
import type { Database, Tx } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import { newSecret, secretHash } from './secret-values.ts';
import { PENDING_LIFE, SESSION_LIFE, SESSION_LIVE, SESSION_STATE } from './session-rules.ts';
import { containing, startingWith } from './search-patterns.ts';

export interface SessionFilter extends ListRequest {
  user_id?: string | undefined;
  state?: (typeof SESSION_STATES)[number] | undefined;
  q?: string | undefined;
}

const sessionOf = (
  currentSessionId: string | null,
) => sql`s.session_id, s.user_id, u.email as user_email, ${SESSION_STATE} as state,
  s.ended_reason, s.methods, s.ip, s.user_agent, coalesce(s.session_id = ${currentSessionId}::uuid, false) as current,
  s.authenticated_at, s.created_at, s.last_seen_at, s.expires_at, s.ended_at`;

/** A page of sessions that fit the filter; `currentSessionId` is the one that asks. */
export async function listSessionRows(
  db: Database,
  filter: SessionFilter,
  currentSessionId: string | null,
): Promise<Page<Session>> {
  const columns = {
    created_at: { column: sql`s.created_at`, type: 'timestamptz' },
    last_seen_at: { column: sql`s.last_seen_at`, type: 'timestamptz' },
  } as const;
  const page = keysetPage(filter, columns, { column: sql`s.session_id`, type: 'uuid' }, '-created_at');
  const conditions: RawBuilder<boolean>[] = [sql`true`];
  if (filter.user_id) conditions.push(sql`s.user_id = ${filter.user_id}::uuid`);
  if (filter.state) conditions.push(sql`${SESSION_STATE} = ${filter.state}`);
  // The users are looked up first and once: joined, each of many thousand sessions would be compared with the pattern.
  if (filter.q) {
    conditions.push(sql`(s.user_id = any(array(select user_id from users where email ilike ${containing(filter.q)}))
      or s.ip like ${startingWith(filter.q)})`);
  }
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<Session>`select ${sessionOf(currentSessionId)} from sessions s join users u using (user_id)
      where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(db),
    sql<{ count: number }>`select count(*) from (
      select from sessions s where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(db),
  ]);
  const key = page.sort.endsWith('last_seen_at') ? 'last_seen_at' : 'created_at';
  return {
    ...pageOf(rows.rows, page, (row) => [row[key], row.session_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

/** One session, locked until the transaction ends. */
export async function lockSession(
  tx: Tx,
  sessionId: string,
  currentSessionId: string | null,
): Promise<Session | undefined> {
  const { rows } =
    await sql<Session>`select ${sessionOf(currentSessionId)} from sessions s join users u using (user_id)
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
