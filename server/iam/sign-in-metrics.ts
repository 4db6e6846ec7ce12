/** Figures of operators' sign-ins and sessions for Prometheus, from the audit log and the sessions; what alerts on attacks watch. */
import { Counter, type Registry } from 'prom-client';
import { sql } from 'kysely';
import type { EventCount, EventTally, TallyPeriod } from '#server/audit/event-tally.ts';
import type { Database } from '#server/db/database.ts';
import { SESSION_LIFE } from './session-rules.ts';
import { loginResultOf, LOGIN_RESULTS, type LoginResult } from './sign-in-metric-rules.ts';

export function registerSignInMetrics(
  registry: Registry,
  db: Database,
  tally: Pick<EventTally, 'listen' | 'look'>,
): void {
  const collect = async () => {
    await tally.look().catch(() => undefined);
  };
  const logins = new Counter({
    name: 'control_logins_total',
    help: 'Sign-ins of operators at any replica since this one started; counted by the leader',
    labelNames: ['result'],
    registers: [registry],
    collect,
  });
  const revoked = new Counter({
    name: 'control_sessions_revoked_total',
    help: 'Sessions of operators that were ended by somebody since this replica started, other than by signing out; counted by the leader',
    labelNames: ['cause'],
    registers: [registry],
    collect,
  });
  for (const result of LOGIN_RESULTS) logins.inc({ result }, 0);
  for (const cause of ['user', 'operator']) revoked.inc({ cause }, 0);
  tally.listen(async (counts, period) => {
    const ended = await countRevoked(db, period);
    for (const { result, count } of loginsIn(counts)) logins.inc({ result }, count);
    for (const { cause, count } of ended) revoked.inc({ cause }, count);
  });
}

function loginsIn(counts: EventCount[]): { result: LoginResult; count: number }[] {
  return counts.flatMap((each) => {
    const result = loginResultOf(each);
    return result === null ? [] : [{ result, count: each.count }];
  });
}

/** A session that was ended had not expired, so it is not older than sessions live: an index finds those few. */
async function countRevoked(
  db: Database,
  { after, until }: TallyPeriod,
): Promise<{ cause: 'user' | 'operator'; count: number }[]> {
  const { rows } = await sql<{ cause: 'user' | 'operator'; count: number }>`
    select case when ended_reason in ('Ended by its owner', 'Password changed') then 'user' else 'operator' end as cause, count(*)::int as count
      from sessions where created_at > ${after}::timestamptz - ${SESSION_LIFE} - interval '1 minute'
        and ended_at > ${after}::timestamptz and ended_at <= ${until}::timestamptz and ended_reason <> 'Signed out' group by 1`.execute(
    db,
  );
  return rows;
}
