/** What plans read of jobs. */
import { sql } from 'kysely';
import type { Database } from '#server/db/database.ts';
import type { DrainHistory } from './drain-rules.ts';

export interface LiveJob {
  job_id: string;
  title: string;
}

/** Jobs that hold the tenant now, other than `exceptJobId`. */
export async function findLiveJobs(
  db: Database,
  tenant_id: string,
  exceptJobId: string | null = null,
): Promise<LiveJob[]> {
  const { rows } = await sql<LiveJob>`select job_id, title from jobs
    where tenant_id = ${tenant_id} and step_count > 0 and state in ('queued', 'running', 'undoing', 'stuck')
      and job_id is distinct from ${exceptJobId}::uuid`.execute(db);
  return rows;
}

/** Jobs that hold this node, service or environment now, other than `exceptJobId`. */
export async function findTargetJobs(
  db: Database,
  environment: string,
  target: { type: string; id: string },
  exceptJobId: string | null = null,
): Promise<LiveJob[]> {
  const { rows } = await sql<LiveJob>`select job_id, title from jobs
    where environment = ${environment} and target_type = ${target.type} and target_id = ${target.id} and tenant_id is null
      and step_count > 0 and state in ('queued', 'running', 'undoing', 'stuck') and job_id is distinct from ${exceptJobId}::uuid`.execute(
    db,
  );
  return rows;
}

/** The last drains in the environment that came to their end, of jobs of this kind whose input contains `like`. */
export async function findDrainHistory(
  db: Database,
  environment: string,
  kind: string,
  like: Record<string, string> = {},
): Promise<DrainHistory> {
  const { rows } = await sql<{ units: number; seconds: number }>`
    select (drain.output->>'units')::float8 as units, (drain.output->>'seconds')::float8 as seconds
    from (select job_id from jobs where step_count > 0 and kind = ${kind} and environment = ${environment}
      and input @> ${JSON.stringify(like)}::jsonb order by job_id desc limit 20) recent
    join job_steps drain on drain.job_id = recent.job_id and drain.name = 'drain' and drain.state = 'succeeded'`.execute(
    db,
  );
  return rows;
}
