/** Reads jobs as the contract shows them. */
import { sql, type RawBuilder } from 'kysely';
import { LIVE_JOB_STATES, type Job, type JobListItem, type JobState, type JobStep } from '#contract/jobs.ts';
import type { Page } from '#contract/common.ts';
import type { Database } from '#server/db/database.ts';
import type { AllowedScopes } from '#server/http/call-context.ts';
import {
  boundedTotal,
  keysetPage,
  pageOf,
  scopeCondition,
  TOTAL_BOUND,
  type ListRequest,
} from '#server/http/cursor.ts';

export interface JobFilter extends ListRequest {
  state?: JobState | 'live' | 'ended' | undefined;
  kind?: string | undefined;
  type?: 'planned' | 'atomic' | undefined;
  environment?: string | undefined;
  tenant_id?: string | undefined;
  parent_job_id?: string | undefined;
  q?: string | undefined;
}

const listed = sql`job_id, parent_job_id, kind, title, state, environment, tenant_id, target_type, target_id, reason, created_by, step_count, steps_done, current_step,
  cancel_requested_at, error, created_at, started_at, finished_at`;

export async function listJobRows(
  db: Database,
  filter: JobFilter,
  scopes: AllowedScopes,
): Promise<Page<JobListItem>> {
  const id = { column: sql`job_id`, type: 'uuid' } as const;
  const page = keysetPage(filter, { created_at: { column: sql`job_id`, type: 'uuid' } }, id, '-created_at');
  const conditions: RawBuilder<boolean>[] = [scopeCondition(scopes)];
  if (filter.state === 'live')
    conditions.push(sql`state in (${sql.join(LIVE_JOB_STATES.map((state) => sql.lit(state)))})`);
  else if (filter.state === 'ended')
    conditions.push(sql`state not in (${sql.join(LIVE_JOB_STATES.map((state) => sql.lit(state)))})`);
  else if (filter.state) conditions.push(sql`state = ${filter.state}`);
  if (filter.kind) conditions.push(sql`kind = ${filter.kind}`);
  if (filter.type) conditions.push(filter.type === 'planned' ? sql`step_count > 0` : sql`step_count = 0`);
  if (filter.environment) conditions.push(sql`environment = ${filter.environment}`);
  if (filter.tenant_id) conditions.push(sql`tenant_id = ${filter.tenant_id}`);
  if (filter.parent_job_id) conditions.push(sql`parent_job_id = ${filter.parent_job_id}::uuid`);
  if (filter.q)
    conditions.push(
      sql`(title ilike ${`%${filter.q.replace(/[\\%_]/g, '\\$&')}%`} or job_id::text = ${filter.q.toLowerCase()})`,
    );
  const where = sql.join(conditions, sql` and `);
  const [rows, total] = await Promise.all([
    sql<JobListItem>`select ${listed} from jobs outside where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(
      db,
    ),
    sql<{
      count: number;
    }>`select count(*) from (select from jobs outside where ${where} limit ${TOTAL_BOUND + 1}) counted`.execute(
      db,
    ),
  ]);
  return {
    ...pageOf(rows.rows, page, (row) => [row.job_id, row.job_id]),
    total: boundedTotal(total.rows[0]?.count ?? 0),
  };
}

/** One job with its steps, or null when there is none in these scopes. */
export async function findJob(db: Database, jobId: string, scopes: AllowedScopes): Promise<Job | null> {
  const { rows } = await sql<
    Omit<Job, 'steps'>
  >`select ${listed}, plan, plan_hash, input, result, stuck, request_id, trace_id from jobs outside
    where job_id = ${jobId}::uuid and ${scopeCondition(scopes)}`.execute(db);
  const [job] = rows;
  if (!job) return null;
  const steps = (await db
    .selectFrom('job_steps')
    .select([
      'step_index',
      'name',
      'title',
      'state',
      'attempts',
      'undo_title',
      'undo_attempts',
      'point_of_no_return',
      'time_box_s',
      'progress',
      'error',
      'started_at',
      'finished_at',
      'undo_started_at',
      'undo_finished_at',
    ])
    .where('job_id', '=', jobId)
    .orderBy('step_index')
    .execute()) as unknown as JobStep[];
  return { ...job, stuck: job.state === 'stuck' ? job.stuck : null, steps };
}
