/** The index of Gateway sessions as rows: taken in from what a Gateway says, and marked when we ended one there. */
import { sql } from 'kysely';
import type { NodeSession } from '#contract/node.ts';
import type { Database, Tx } from '#server/db/database.ts';
import type { GatewayPosition } from './gateway-admin.ts';

/** How long ended and expired sessions stay in the index. */
const KEPT_DAYS = 90;

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

/** Where the index is; null when it is not whole. */
export async function readGatewayPosition(
  db: Database,
  environment: string,
): Promise<GatewayPosition | null> {
  const row = await db
    .selectFrom('gateway_session_watch')
    .select(['feed', 'revision'])
    .where('environment', '=', environment)
    .executeTakeFirst();
  return row?.feed ? { feed: row.feed, revision: row.revision } : null;
}

/** Writes what a Gateway said of some sessions; what ended stays ended. `known`: only of sessions that were in the index before, reuse is told. */
export async function writeGatewaySessions(
  tx: Database | Tx,
  environment: string,
  sessions: readonly NodeSession[],
  { known }: { known: boolean },
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
      created_at, last_seen_at, expires_at, ended_at, ended_reason)
    select distinct on (session_id) ${environment}, session_id, family_id, tenant_id, user_id, ip, user_agent,
      created_at, last_seen_at, expires_at, ended_at, words
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as said(session_id text, family_id text, tenant_id text, user_id text, ip text,
      user_agent text, created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz, ended_at timestamptz, words text)
    on conflict (environment, gateway_session_id) do update set family_id = excluded.family_id, tenant_id = excluded.tenant_id,
      end_user_id = excluded.end_user_id, ip = excluded.ip, user_agent = excluded.user_agent, created_at = excluded.created_at,
      last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at, ended_at = coalesce(excluded.ended_at, g.ended_at),
      ended_reason = coalesce(g.ended_reason, excluded.ended_reason), written_at = clock_timestamp()
    returning new.session_id, new.environment, new.tenant_id, new.end_user_id, new.ip, new.ended_reason,
      old.session_id is not null as was_known, old.ended_at is not null as had_ended`.execute(tx);
  return written.rows.filter(
    ({ ended_reason, was_known, had_ended }) =>
      ended_reason === ENDED_WORDS.refresh_token_reused && !had_ended && (was_known || !known),
  );
}

/** Moves the index on, if it is still where `from` says: a second writer then takes nothing in. */
export async function moveGatewayPosition(
  tx: Tx,
  environment: string,
  from: GatewayPosition,
  to: GatewayPosition,
  whole: boolean,
): Promise<boolean> {
  const { numAffectedRows } =
    await sql`update gateway_session_watch set revision = ${to.revision}, state = ${whole ? 'live' : 'rebuilding'},
      detail = ${whole ? null : 'catches up'}, observed_at = ${whole ? sql`now()` : sql`observed_at`}
    where environment = ${environment} and feed = ${from.feed} and revision = ${from.revision}`.execute(tx);
  return numAffectedRows === 1n;
}

/** Says that the index is filled anew; answers when that began. */
export async function beginGatewayRebuild(db: Database, environment: string, why: string): Promise<string> {
  const { rows } = await sql<{ began: string }>`insert into gateway_session_watch (environment, state, detail)
    values (${environment}, 'rebuilding', ${why})
    on conflict (environment) do update set feed = null, revision = 0, state = 'rebuilding', detail = excluded.detail
    returning clock_timestamp() as began`.execute(db);
  return rows[0]?.began ?? new Date().toISOString();
}

/** The index is whole as of the position; what the Gateway did not name since `began` has ended. */
export async function endGatewayRebuild(
  tx: Tx,
  environment: string,
  began: string,
  { feed, revision }: GatewayPosition,
): Promise<void> {
  await sql`update gateway_sessions set ended_at = now(), ended_reason = ${UNKNOWN_TO_GATEWAY}
    where environment = ${environment} and ended_at is null and expires_at > now() and written_at < ${began}::timestamptz`.execute(
    tx,
  );
  await sql`update gateway_session_watch set feed = ${feed}, revision = ${revision}, state = 'live', detail = null, observed_at = now()
    where environment = ${environment}`.execute(tx);
}

export async function writeGatewayDown(db: Database, environment: string, detail: string): Promise<void> {
  await sql`insert into gateway_session_watch (environment, state, detail) values (${environment}, 'down', ${detail})
    on conflict (environment) do update set state = 'down', detail = excluded.detail`.execute(db);
}

/** Marks sessions that the Gateway has ended for us; the next change that it tells of them keeps our reason. */
export async function markGatewaySessionsEnded(
  tx: Tx,
  which: { environment: string } & (
    | { session_ids: readonly string[] }
    | { tenant_id: string; end_user_id: string | null }
  ),
  reason: string,
): Promise<void> {
  const fits =
    'session_ids' in which
      ? sql`session_id = any(${which.session_ids}::uuid[])`
      : sql`tenant_id = ${which.tenant_id} and (${which.end_user_id}::text is null or end_user_id = ${which.end_user_id})`;
  // The watcher may have been faster and have written the Gateway's word for it.
  await sql`update gateway_sessions set ended_at = coalesce(ended_at, now()), ended_reason = ${reason}
    where environment = ${which.environment} and ${fits} and expires_at > now()
      and (ended_at is null or (ended_reason = ${ENDED_WORDS.revoked} and ended_at > now() - interval '1 minute'))`.execute(
    tx,
  );
}

/** Forgets environments that are not configured any more, and sessions that ended long ago. */
export async function forgetOldGatewaySessions(db: Database, environments: readonly string[]): Promise<void> {
  await sql`delete from gateway_session_watch where environment <> all(${environments}::text[])`.execute(db);
  await sql`delete from gateway_sessions where environment <> all(${environments}::text[])
    or expires_at < now() - ${sql.raw(`interval '${KEPT_DAYS} days'`)}`.execute(db);
}
