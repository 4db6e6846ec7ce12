/** The events of rollouts that are to be marked on dashboards, and which of them are. */
import { sql } from 'kysely';
import type { Database, Tx } from '#server/db/database.ts';

export interface DueAnnotation {
  job_id: string;
  phase: 'started' | 'finished' | 'failed';
  /** Milliseconds since 1970. */
  happened_at_ms: number;
  /** Tries that failed. */
  attempts: number;
  environment: string;
  service: string;
  title: string;
}

/** Notes the events of the last hour that are not noted yet: what is older is no news, and a job lasts no day. */
export async function noteRolloutEvents(db: Database, environments: readonly string[]): Promise<void> {
  await sql`
    insert into rollout_annotations (job_id, phase, happened_at)
    select job_id, phase, happened_at
    from jobs cross join lateral (values
      ('started', started_at),
      (case state when 'succeeded' then 'finished' else 'failed' end,
       case when state = 'stuck' then now() else finished_at end)
    ) as event (phase, happened_at)
    where job_id > uuidv7(interval '-1 day') and target_type = 'service' and step_count > 0
      and environment = any(${[...environments]}::text[]) and happened_at > now() - interval '1 hour'
    on conflict do nothing`.execute(db);
}

/** The event that waits longest, locked against other replicas; null when none is due. */
export async function lockDueAnnotation(
  tx: Tx,
  environments: readonly string[],
): Promise<DueAnnotation | null> {
  const { rows } = await sql<DueAnnotation>`
    select due.job_id, due.phase, due.attempts, jobs.environment, jobs.title,
      extract(epoch from due.happened_at)::float8 * 1000 as happened_at_ms,
      coalesce(jobs.input ->> 'name', jobs.target_id) as service
    from rollout_annotations due join jobs on jobs.job_id = due.job_id
    where due.state = 'waiting' and due.next_attempt_at <= now() and jobs.environment = any(${[...environments]}::text[])
    order by due.next_attempt_at limit 1 for update of due skip locked`.execute(tx);
  return rows[0] ?? null;
}

export async function settleAnnotation(
  tx: Tx,
  { job_id, phase }: Pick<DueAnnotation, 'job_id' | 'phase'>,
  outcome: 'written' | 'given_up' | { retry_in_s: number },
): Promise<void> {
  const retry_in_s = typeof outcome === 'string' ? 0 : outcome.retry_in_s;
  const state = typeof outcome === 'string' ? outcome : 'waiting';
  await sql`
    update rollout_annotations set state = ${state}, next_attempt_at = now() + make_interval(secs => ${retry_in_s}),
      attempts = attempts + ${state === 'written' ? 0 : 1}
    where job_id = ${job_id}::uuid and phase = ${phase}`.execute(tx);
}
