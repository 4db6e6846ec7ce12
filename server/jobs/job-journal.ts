/** What the executor reads and writes of a job while it runs. The counterpart of `mutate` for changes that no request makes. */
import { CompiledQuery, sql } from 'kysely';
import type pg from 'pg';
import type { JobError, StepState } from '#contract/jobs.ts';
import { isDatabaseAway, type Database, type DatabaseHandle } from '#server/db/database.ts';
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

/** The end of one step, if one has just ended, and the beginning of the next. */
export interface JournalEntry {
  ended: JournalEnd | null;
  begun: { step_index: number; state: 'running' | 'undoing'; cancellable: boolean };
}

/** True where what the entry before this one wrote is still there; `$2`, `$3`: the end that is being written, in case this was written already. */
const followsOn = (
  first: number,
) => `($${first}::integer is null or exists (select from job_steps where job_id = $1
  and step_index = $${first} and state in ($${first + 1}, coalesce($3, $${first + 1}))))`;
const followed = (previous: JournalEntry | null) => [
  previous?.begun.step_index ?? null,
  previous?.begun.state ?? null,
];

/**
 * Writes an entry; answers when its step first began, or null for that when a cancel was asked for instead. Answers null and writes
 * nothing when `previous`, the last entry of this process, is gone: then PostgreSQL crashed before it was on disk.
 */
export async function writeJournal(
  pool: pg.Pool,
  jobId: string,
  { ended, begun }: JournalEntry,
  previous: JournalEntry | null,
  executorId: string,
): Promise<{ first_started_at: string | null } | null> {
  const { rows } = await pool.query<{ first_started_at: string | null }>({
    name: 'journal_step',
    text: `select journal_step($1, $2, $3, $4, $5, $6, $7, $8, $9) as first_started_at where ${followsOn(10)}`,
    values: [
      jobId,
      ...endValues(ended),
      begun.step_index,
      begun.state,
      begun.cancellable,
      executorId,
      ...followed(previous),
    ],
  });
  return rows[0] ?? null;
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

const FINISH = `select journal_finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as first, set_config('synchronous_commit', 'on', true),
    exists (select from job_steps where job_id = $1 and state = 'undo_skipped') as half_done
  where ${followsOn(11)}`;

/**
 * Ends a run: last step, final state, its event and what the domain settles, in one transaction. Ending twice changes nothing. Answers
 * false and writes nothing when `previous` is gone, as `writeJournal` does. Other than the journal it waits for the disk: the engine
 * records the ended workflow afterwards, and nobody would ever end this job again.
 */
export async function finishJob(
  journal: DatabaseHandle,
  definition: JobDefinition,
  job: JobRunState,
  { ended, state, error, stuck, result, executorId }: Finish,
  previous: JournalEntry | null,
): Promise<boolean> {
  const values = [
    job.job_id,
    ...endValues(ended),
    state,
    json(error),
    json(stuck),
    json(result),
    executorId,
    ...followed(previous),
  ];
  const { settle } = definition;
  if (!settle) {
    const { rows } = await journal.pool.query({ name: 'journal_finish', text: FINISH, values });
    return rows.length > 0;
  }
  return journal.db.transaction().execute(async (tx) => {
    const query = CompiledQuery.raw(FINISH, values);
    const { rows } = await tx.executeQuery<{ first: boolean; half_done: boolean }>(query);
    const [finished] = rows;
    if (finished?.first) {
      const { job_id, input, tenant_id } = job;
      await settle(tx, { job_id, input, state, tenant_id, half_done: finished.half_done });
    }
    return rows.length > 0;
  });
}

/** Does it again for as long as the database does not answer. A job must not fail because its log could not be written just then. */
export async function untilDatabaseAnswers<T>(work: () => Promise<T>): Promise<T> {
  for (let wait = 100; ; wait = Math.min(wait * 2, 2_000)) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
