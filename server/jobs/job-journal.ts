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

/** A first run has nowhere to go on from, whatever a crash at its very end left in the row. */
export async function loadRun(db: Database, jobId: string, runNumber: number): Promise<JobRunState> {
  const { rows } = await sql<
    Omit<JobRunState, 'resume' | 'undo_for'> & { stuck: StuckRecord | null }
  >`select job_id, kind, input, tenant_id, request_id, stuck,
      coalesce((select jsonb_object_agg(name, output) from job_steps where job_steps.job_id = jobs.job_id and output is not null), '{}') as outputs
    from jobs where job_id = ${jobId}`.execute(db);
  const [row] = rows;
  if (!row) throw new Error(`There is no job ${jobId}.`);
  const { stuck, ...job } = row;
  const from = runNumber === 1 ? null : stuck;
  const resume = from && {
    step_index: from.step_index,
    during: from.during,
    skip: from.resume === 'skip',
  };
  return { ...job, resume, undo_for: from?.undo_for ?? null };
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

/**
 * Ends a run: last step, final state, its event and what the domain settles, in one transaction. Ending twice changes nothing. Like
 * the journal it does not wait for the disk; the engine's record of the ended workflow does.
 */
export async function finishJob(
  journal: Database,
  definition: JobDefinition,
  job: JobRunState,
  { ended, state, error, stuck, result, executorId }: Finish,
): Promise<void> {
  const [index, endedState, output, stepError] = endValues(ended);
  const finish = sql<{
    first: boolean;
  }>`select journal_finish(${job.job_id}, ${index}, ${endedState}, ${output}::jsonb, ${stepError}::jsonb,
    ${state}, ${json(error)}::jsonb, ${json(stuck)}::jsonb, ${json(result)}::jsonb, ${executorId}) as first`;
  const { settle } = definition;
  if (!settle) {
    await finish.execute(journal);
    return;
  }
  await journal.transaction().execute(async (tx) => {
    const { rows } = await finish.execute(tx);
    if (!rows[0]?.first) return;
    await settle(tx, { job_id: job.job_id, input: job.input, state, tenant_id: job.tenant_id });
  });
}

/** PostgreSQL is away: what was to be written is written when it is back. */
const isAway = (error: unknown) => {
  const { code = '' } = error as { code?: string };
  return (
    /^(08|57P|53300)/.test(code) ||
    code.startsWith('E') ||
    /Connection terminated|connection timeout|timeout exceeded when trying to connect/i.test(String(error))
  );
};

/** Does it again for as long as the database does not answer. A job must not fail because its log could not be written just then. */
export async function untilDatabaseAnswers<T>(work: () => Promise<T>): Promise<T> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 2_000)) {
    try {
      return await work();
    } catch (error) {
      if (!isAway(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
