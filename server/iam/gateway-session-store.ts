/** The index of Gateway sessions as rows: taken in from what a Gateway says, and marked when we ended one there. */
import { sql } from 'kysely';
import type { NodeSession, NodeSessionRevokeRequest } from '#contract/node.ts';
import type { Database, Tx } from '#server/db/database.ts';
import type { GatewayPosition } from './gateway-admin.ts';

/** What the list says of a session that ended by itself. */
const ENDED_WORDS = {
  signed_out: 'Signed out',
  revoked: 'Ended at the Gateway',
  refresh_token_reused: 'A used refresh token came again, so the whole family ended',
} as const;
const UNKNOWN_TO_GATEWAY = 'The Gateway does not know it any more';

/** Sessions that a batch has shown to have ended by the reuse of a refresh token. */
export interface ReusedFamily {
  session_id: string;
  environment: string;
  tenant_id: string;
  end_user_id: string;
  ip: string;
}

/** Where the index is, and what time it is by our clock; null when it is not whole. */
export async function readGatewayPosition(
  db: Database,
  environment: string,
): Promise<(GatewayPosition & { read_at: string }) | null> {
  const { rows } = await sql<{ feed: string | null; revision: number; read_at: string }>`
    select feed, revision, clock_timestamp() as read_at from gateway_session_watch where environment = ${environment}`.execute(
    db,
  );
  const [row] = rows;
  return row?.feed ? { ...row, feed: row.feed } : null;
}

/**
 * Writes what a Gateway said of some sessions; what ended stays ended. `known`: only of sessions that were in the index before, reuse is told.
 * `followed_until`: the index had everything that the Gateway had then, so what is new to it was opened later, whatever its clock says.
 */
export async function writeGatewaySessions(
  tx: Database | Tx,
  environment: string,
  sessions: readonly NodeSession[],
  { known, followed_until }: { known: boolean; followed_until: string | null },
): Promise<ReusedFamily[]> {
  if (sessions.length === 0) return [];
  const rows = sessions.map((session) => ({
    ...session,
    words: session.ended_reason === null ? null : ENDED_WORDS[session.ended_reason],
  }));
  const written = await sql<
    ReusedFamily & { ended_reason: string | null; was_known: boolean; had_ended: boolean }
  >`
    insert into gateway_sessions as g (environment, gateway_session_id, family_id, tenant_id, end_user_id, ip, user_agent,
      created_at, last_seen_at, expires_at, ended_at, ended_reason, ended_seen_at, opened_after)
    select distinct on (session_id) ${environment}, session_id, family_id, tenant_id, user_id, ip, user_agent,
      created_at, last_seen_at, expires_at, ended_at, words, case when ended_at is not null then clock_timestamp() end,
      coalesce(${followed_until}::timestamptz, '-infinity')
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as said(session_id text, family_id text, tenant_id text, user_id text, ip text,
      user_agent text, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, ended_at timestamptz, words text)
    on conflict (environment, gateway_session_id) do update set family_id = excluded.family_id, tenant_id = excluded.tenant_id,
      end_user_id = excluded.end_user_id, ip = excluded.ip, user_agent = excluded.user_agent, created_at = excluded.created_at,
      last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at, ended_at = coalesce(excluded.ended_at, g.ended_at),
      ended_reason = coalesce(g.ended_reason, excluded.ended_reason), ended_seen_at = coalesce(g.ended_seen_at, excluded.ended_seen_at),
      written_at = clock_timestamp()
    returning new.session_id, new.environment, new.tenant_id, new.end_user_id, new.ip, new.ended_reason,
      old.session_id is not null as was_known, old.ended_at is not null as had_ended`.execute(tx);
  return written.rows.filter(
    ({ ended_reason, was_known, had_ended }) =>
      ended_reason === ENDED_WORDS.refresh_token_reused && !had_ended && (was_known || !known),
  );
}

/** Where a move brings the index; `read_at`: null when the Gateway has more, else since when the index has had everything. */
interface GatewayMove {
  from: GatewayPosition;
  to: GatewayPosition;
  read_at: string | null;
}

/** Moves the index on, if it is still where `from` says: null when it is not, and a second writer then takes nothing in. */
export async function moveGatewayPosition(
  tx: Tx,
  environment: string,
  { from, to, read_at }: GatewayMove,
): Promise<{ followed_until: string | null } | null> {
  const { rows } = await sql<{ followed_until: string | null }>`
    update gateway_session_watch set revision = ${to.revision}, state = ${read_at === null ? 'rebuilding' : 'live'},
      detail = ${read_at === null ? 'catches up' : null}, observed_at = coalesce(${read_at}::timestamptz, observed_at)
    where environment = ${environment} and feed = ${from.feed} and revision = ${from.revision}
    returning old.observed_at as followed_until`.execute(tx);
  return rows[0] ?? null;
}

/** Says that the index is filled anew; answers when that began, and up to when it was whole before. */
export async function beginGatewayRebuild(
  db: Database,
  environment: string,
  why: string,
): Promise<{ began: string; followed_until: string | null }> {
  const { rows } = await sql<{
    began: string;
    followed_until: string | null;
  }>`insert into gateway_session_watch (environment, state, detail)
    values (${environment}, 'rebuilding', ${why})
    on conflict (environment) do update set feed = null, revision = 0, state = 'rebuilding', detail = excluded.detail
    returning clock_timestamp() as began, observed_at as followed_until`.execute(db);
  return rows[0] ?? { began: new Date().toISOString(), followed_until: null };
}

/** The index is whole as of the position; what the Gateway did not name since `began` has ended. */
export async function endGatewayRebuild(
  tx: Tx,
  environment: string,
  began: string,
  { feed, revision }: GatewayPosition,
): Promise<void> {
  await sql`update gateway_sessions set ended_at = now(), ended_reason = ${UNKNOWN_TO_GATEWAY}, ended_seen_at = now()
    where environment = ${environment} and ended_at is null and expires_at > now() and written_at < ${began}::timestamptz`.execute(
    tx,
  );
  await sql`update gateway_session_watch set feed = ${feed}, revision = ${revision}, state = 'live', detail = null,
      observed_at = ${began}::timestamptz where environment = ${environment}`.execute(tx);
}

export async function writeGatewayDown(db: Database, environment: string, detail: string): Promise<void> {
  await sql`insert into gateway_session_watch (environment, state, detail) values (${environment}, 'down', ${detail})
    on conflict (environment) do update set state = 'down', detail = excluded.detail`.execute(db);
}

/**
 * Marks sessions that the Gateway has ended for us, which was asked at `since`; answers them. The watcher may have been faster and have
 * written the Gateway's word for it: those too, however long ago that was.
 */
export async function markGatewaySessionsEnded(
  tx: Tx,
  {
    environment,
    which,
    ended_reason,
    since,
  }: { environment: string; which: NodeSessionRevokeRequest; ended_reason: string; since: string },
): Promise<string[]> {
  const fits =
    'session_ids' in which
      ? sql`gateway_session_id = any(${which.session_ids}::text[])`
      : sql`tenant_id = ${which.tenant_id} and (${which.user_id ?? null}::text is null or end_user_id = ${which.user_id ?? null})`;
  const { rows } = await sql<{ session_id: string }>`
    update gateway_sessions set ended_at = coalesce(ended_at, now()), ended_reason = ${ended_reason}, ended_seen_at = coalesce(ended_seen_at, now())
    where environment = ${environment} and ${fits} and expires_at > ${since}::timestamptz
      and (ended_at is null or (ended_reason = ${ENDED_WORDS.revoked} and ended_seen_at >= ${since}::timestamptz))
    returning session_id`.execute(tx);
  return rows.map(({ session_id }) => session_id);
}

/** Forgets environments that are not configured any more. */
export async function forgetOtherGateways(db: Database, environments: readonly string[]): Promise<void> {
  await sql`delete from gateway_session_watch where environment <> all(${environments}::text[])`.execute(db);
  await sql`delete from gateway_sessions where environment <> all(${environments}::text[])`.execute(db);
}
