/**
 * Counts audit events as they come, for metrics. The log is the one place that every replica and every job writes to, so the replica
 * that leads counts for all of them, and sums over replicas are right. The counts begin with the process, as those of any counter do.
 */
import { sql } from 'kysely';
import type { AuditEvent } from '#contract/audit.ts';
import type { Database } from '#server/db/database.ts';
import { sharedByScrape } from '#server/http/shared-scrape.ts';

/** Events of one kind that were written since the last look. */
export interface EventCount {
  action: string;
  outcome: AuditEvent['outcome'];
  /** `details.cause`: why a sign-in failed. */
  cause: string | null;
  /** What a sign-in still lacked (`changes`, path `lacks`). */
  lacks: string | null;
  count: number;
}

/** The moment after which, and up to which, events were counted. */
export interface TallyPeriod {
  after: string;
  until: string;
}

export interface EventTally {
  /** Calls `listener` with what was written since the last look, at most every few seconds. */
  listen(listener: (counts: EventCount[], period: TallyPeriod) => void | Promise<void>): void;
  /** Looks now, unless somebody just did. Rejects when the database does not answer; nothing is lost then. */
  look(): Promise<void>;
}

interface TallyOptions {
  /** Sequence numbers are given before the commit: an event younger than this may have an older neighbour still to come. */
  settleS?: number;
  /** Looks within this time are one. */
  freshMs?: number;
}

const SETTLE_S = 5;

type Mark = { sequence: number; until: string };

/** Opens a tally; `leads` says whether this replica is the one that counts. Events before this call are not counted. */
export async function openEventTally(
  db: Database,
  leads: () => boolean,
  { settleS = SETTLE_S, freshMs }: TallyOptions = {},
): Promise<EventTally> {
  type Listener = Parameters<EventTally['listen']>[0];
  const listeners: Listener[] = [];
  let mark = await readMark(db, settleS);

  async function look(): Promise<void> {
    if (!leads()) {
      // Whoever leads counts these; who leads after it goes on from here.
      mark = await readMark(db, settleS);
      return;
    }
    const { counts, next } = await readCounts(db, mark, settleS);
    const period = { after: mark.until, until: next.until };
    for (const listener of listeners) await listener(counts, period);
    mark = next;
  }

  return { listen: (listener) => void listeners.push(listener), look: sharedByScrape(look, freshMs) };
}

const settled = (settleS: number) => sql`clock_timestamp() - make_interval(secs => ${settleS})`;

async function readMark(db: Database, settleS: number): Promise<Mark> {
  const { rows } = await sql<Mark>`select ${settled(settleS)} as until,
    coalesce((select sequence from audit_events where occurred_at <= ${settled(settleS)} order by sequence desc limit 1), 0) as sequence`.execute(
    db,
  );
  const [mark] = rows;
  if (mark === undefined) throw new Error('the database answered no row to a query that has one');
  return mark;
}

/** The left join keeps one row, with the new mark, where there is no event. */
async function readCounts(
  db: Database,
  { sequence }: Mark,
  settleS: number,
): Promise<{ counts: EventCount[]; next: Mark }> {
  const { rows } = await sql<
    Mark & (EventCount | { action: null })
  >`with clock as (select ${settled(settleS)} as until), written as (
      select action, outcome, details->>'cause' as cause, jsonb_path_query_first(changes, '$[*] ? (@.path == "lacks").after') #>> '{}' as lacks,
          sum(repeat_count)::int as count, max(sequence) as sequence
        from audit_events where sequence > ${sequence} and occurred_at <= (select until from clock) group by 1, 2, 3, 4
    )
    select until, action, outcome, cause, lacks, count, coalesce(sequence, ${sequence}) as sequence from clock left join written on true`.execute(
    db,
  );
  const last = Math.max(sequence, ...rows.map((row) => row.sequence));
  const counts = rows.filter((row): row is Mark & EventCount => row.action !== null);
  return { counts, next: { sequence: last, until: rows[0]?.until ?? '' } };
}
