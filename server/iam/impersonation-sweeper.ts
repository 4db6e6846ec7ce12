/**
 * Writes down impersonations that ended by themselves: their time was over, a session ended, somebody was suspended or lost the
 * permission. They count as over without it, at the next request; this makes the event and the time for the review. Every replica
 * sweeps; the condition on the row lets one of them write.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { sql } from 'kysely';
import type { Database } from '#server/db/database.ts';
import { ENDING_SQL, IMPERSONATION_PARTS } from './impersonation-store.ts';

const EVERY_MS = 10_000;

/** Ends what is over and audits it; answers how many. */
export async function settleImpersonations(db: Database): Promise<number> {
  const { numAffectedRows } = await sql`with over as (
      select i.impersonation_id, least(i.ends_at, now()) as ended_at, ${sql.raw(ENDING_SQL)} as ending, actor.email as actor_email, u.email as user_email
      from ${sql.raw(IMPERSONATION_PARTS)} where i.ended_at is null),
    closed as (
      update impersonations i set ended_at = over.ended_at, ending = over.ending from over
      where i.impersonation_id = over.impersonation_id and i.ended_at is null and over.ending is not null
      returning i.impersonation_id, over.ending, over.actor_email, over.user_email),
    silenced as (
      update sessions s set ended_at = least(s.expires_at, now()), ended_reason = 'Impersonation ended'
      from closed where s.impersonation_id = closed.impersonation_id and s.ended_at is null)
    insert into audit_events (actor_type, actor_label, on_behalf_of, action, outcome, target_type, target_id, changes, details, impersonation_id)
    select 'system', 'control plane', user_email, 'iam.impersonations.end', 'succeeded', 'impersonation', impersonation_id::text,
      jsonb_build_array(jsonb_build_object('path', 'ending', 'before', null, 'after', ending)), jsonb_build_object('actor', actor_email), impersonation_id
    from closed`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

export function startImpersonationSweeper(
  db: Database,
  log: Pick<Logger, 'warn'>,
): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await settleImpersonations(db).catch((error: unknown) =>
        log.warn({ error: String(error) }, 'impersonations that are over could not be written down'),
      );
      await pause(EVERY_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
