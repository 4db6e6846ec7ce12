/** What the executor reads and writes of a job while it runs. The counterpart of `mutate` for changes that no request makes. */
import { sql } from 'kysely';
import type pg from 'pg';
import type { JobError, StepState } from '#contract/jobs.ts';
import type { Database } from '#server/db/database.ts';
import type { FinishedJob, JobDefinition } from './job-definition.ts';
import { JOB_CHANNEL } from './job-protocol.ts';

/** A job as its run starts from it. `resume` is where a retry or skip goes on. */
export interface JobRunState {
  job_id: string;
  kind: string;
  input: Record<string, unknown>;
  tenant_id: string | null;
  request_id: string;
  outputs: Record<string, unknown>;
  resume: { step_index: number; during: 'run' | 'undo'; skip: boolean } | null;
  /** Why the job is being undone, kept from the run that got stuck. */
  undo_for: { cancelled: boolean; error: JobError | null } | null;
}

export interface JournalEnd {
  step_index: number;
  state: StepState;
  output?: unknown;
  error?: JobError | null;
}

interface StuckRecord {
  step_index: number;
  during: 'run' | 'undo';
  undo_for: JobRunState['undo_for'];
  resume?: 'retry' | 'skip';
}

export async function loadRun(db: Database, jobId: string): Promise<JobRunState> {
  const job = await db
    .selectFrom('jobs')
    .select(['job_id', 'kind', 'input', 'tenant_id', 'request_id', 'stuck'])
    .where('job_id', '=', jobId)
    .executeTakeFirstOrThrow();
  const steps = await db
    .selectFrom('job_steps')
    .select(['name', 'output'])
    .where('job_id', '=', jobId)
    .where('output', 'is not', null)
    .execute();
  const stuck = job.stuck as unknown as StuckRecord | null;
  return {
    job_id: job.job_id,
    kind: job.kind,
    input: job.input as Record<string, unknown>,
    tenant_id: job.tenant_id,
    request_id: job.request_id,
    outputs: Object.fromEntries(steps.map((step) => [step.name, step.output])),
    resume: stuck
      ? { step_index: stuck.step_index, during: stuck.during, skip: stuck.resume === 'skip' }
      : null,
    undo_for: stuck?.undo_for ?? null,
  };
}

/** Writes the end of one step and the beginning of the next; answers when that first began, or null when a cancel was asked for instead. */
export async function writeJournal(
  pool: pg.Pool,
  jobId: string,
  ended: JournalEnd | null,
  begun: { step_index: number; state: 'running' | 'undoing'; cancellable: boolean },
  executorId: string,
): Promise<{ first_started_at: string | null }> {
  const { rows } = await pool.query<{ first_started_at: string | null }>({
    name: 'journal_step',
    text: 'select journal_step($1, $2, $3, $4, $5, $6, $7, $8, $9) as first_started_at',
    values: [jobId, ...endValues(ended), begun.step_index, begun.state, begun.cancellable, executorId],
  });
  const [row] = rows;
  if (!row) throw new Error(`The journal of job ${jobId} gave no answer.`);
  return row;
}

const json = (value: unknown) => (value === undefined || value === null ? null : JSON.stringify(value));
const endValues = (ended: JournalEnd | null) => [
  ended?.step_index ?? null,
  ended?.state ?? null,
  json(ended?.output),
  json(ended?.error),
];

/** Shows a step's figures; answers whether a cancel was asked for. */
export async function saveProgress(
  pool: pg.Pool,
  jobId: string,
  stepIndex: number,
  figures: unknown,
): Promise<boolean> {
  const { rows } = await pool.query<{ cancel_requested: boolean }>({
    name: 'save_progress',
    text: `with shown as (update job_steps set progress = $3 where job_id = $1 and step_index = $2)
      select cancel_requested_at is not null as cancel_requested, pg_notify('${JOB_CHANNEL}', $1::uuid::text) from jobs where job_id = $1`,
    values: [jobId, stepIndex, JSON.stringify(figures)],
  });
  return rows[0]?.cancel_requested ?? false;
}

interface Finish {
  ended: JournalEnd | null;
  state: FinishedJob<unknown>['state'];
  error: JobError | null;
  stuck: object | null;
  result: unknown;
  executorId: string;
}

/** Ends a run: last step, final state, what the domain settles, and the event of it, in one transaction. Ending twice changes nothing. */
export async function finishJob(
  db: Database,
  definition: JobDefinition,
  job: JobRunState,
  finish: Finish,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const [index, state, output, error] = endValues(finish.ended);
    await sql`select journal_step(${job.job_id}, ${index}, ${state}, ${output}::jsonb, ${error}::jsonb, null, null, false, ${finish.executorId})`.execute(
      tx,
    );
    const { rows } = await sql<{
      created_by: string;
    }>`update jobs set state = ${finish.state}, error = ${json(finish.error)}::jsonb, stuck = ${json(finish.stuck)}::jsonb,
        result = ${json(finish.result)}::jsonb, current_step = null, started_at = coalesce(started_at, now()),
        finished_at = ${finish.state === 'stuck' ? null : sql`now()`}
      where job_id = ${job.job_id} and state in ('queued', 'running', 'undoing') returning created_by`.execute(
      tx,
    );
    if (rows.length === 0) return;
    await definition.settle?.(tx, {
      job_id: job.job_id,
      input: job.input,
      state: finish.state,
      tenant_id: job.tenant_id,
    });
    await sql`insert into audit_events (actor_type, actor_id, actor_label, on_behalf_of, action, outcome, target_type, target_id, tenant_id, environment, details, request_id, trace_id, job_id)
      select 'system', ${finish.executorId}, 'job executor', created_by, ${`job.${finish.state}`}, ${finish.state === 'succeeded' || finish.state === 'cancelled_rolled_back' ? 'succeeded' : 'failed'},
        target_type, target_id, tenant_id, environment, jsonb_build_object('title', title, 'error', ${json(finish.error)}::jsonb, 'stuck', ${json(finish.stuck)}::jsonb), request_id, trace_id, job_id
      from jobs where job_id = ${job.job_id}`.execute(tx);
  });
}
