/** What people do with jobs: read them, cancel them, and get a stuck one going again. */
import { sql } from 'kysely';
import { JOB_ACTIONS, type Job, type JobAction, type JobEvent, type JobState } from '#contract/jobs.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { enqueueWorkflow, mutate } from '#server/db/mutate.ts';
import {
  allowedScopes,
  principalOf,
  type AllowedScopes,
  type CallContext,
} from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import type { StreamMessage } from '#server/http/route.ts';
import type { JobFeed } from './job-feed.ts';
import { JOB_CHANNEL } from './job-protocol.ts';
import { findJob, listJobRows, type JobFilter } from './job-store.ts';

export async function listJobs(db: Database, context: CallContext, filter: JobFilter) {
  return listJobRows(db, filter, allowedScopes(principalOf(context), 'jobs.view'));
}

export async function readJob(db: Database, context: CallContext, jobId: string): Promise<Job> {
  return existing(db, jobId, allowedScopes(principalOf(context), 'jobs.view'));
}

async function existing(db: Database, jobId: string, scopes: AllowedScopes): Promise<Job> {
  const job = await findJob(db, jobId, scopes);
  if (!job) throw notFound('job', jobId);
  return job;
}

/** Asks the job to stop before its next step and to undo. Rejects when it has ended, or cannot be undone any more. */
export async function cancelJob(db: Database, context: CallContext, jobId: string, reason: string) {
  return act(db, context, 'cancel', jobId, reason, async (tx, job) => {
    const final = job.steps.find((step) => step.point_of_no_return && step.state === 'succeeded');
    if (final)
      throw new ControlError(
        'action_not_allowed',
        `The job has passed its point of no return (${final.title}) and can only go on.`,
      );
    await sql`update jobs set cancel_requested_at = coalesce(cancel_requested_at, now()), cancel_requested_by = ${principalOf(context).label}, cancel_reason = ${reason} where job_id = ${jobId}`.execute(
      tx,
    );
    const already = job.cancel_requested_at !== null;
    return { before: { cancel_requested: already }, after: { cancel_requested: true } };
  });
}

/** Starts the next run of a stuck job, at what it is stuck at (`retry`) or after it (`skip`). */
export async function resolveJob(
  db: Database,
  context: CallContext,
  action: 'retry' | 'skip',
  jobId: string,
  reason: string,
) {
  return act(db, context, action, jobId, reason, async (tx) => {
    const { rows } = await sql<{
      run_number: number;
      state: JobState;
      during: string;
      step_index: number;
    }>`update jobs
      set run_number = run_number + 1, state = case when stuck->>'during' = 'undo' then 'undoing' else 'running' end, stuck = stuck || jsonb_build_object('resume', ${action}::text)
      where job_id = ${jobId} returning run_number, state, stuck->>'during' as during, (stuck->>'step_index')::integer as step_index`.execute(
      tx,
    );
    const [run] = rows;
    if (!run) throw notFound('job', jobId);
    if (action === 'skip' && run.during === 'undo') {
      await sql`update job_steps set state = 'undo_skipped', undo_finished_at = now() where job_id = ${jobId} and step_index = ${run.step_index}`.execute(
        tx,
      );
    }
    await enqueueWorkflow(tx, jobId, run.run_number);
    return { before: { state: 'stuck' }, after: { state: run.state } };
  });
}

/** Does `change`, which answers what it changed for the audit log, if the job's state allows the action. */
async function act(
  db: Database,
  context: CallContext,
  action: JobAction,
  jobId: string,
  reason: string,
  change: (tx: Tx, job: Job) => Promise<{ before: object; after: object }>,
) {
  const permission = action === 'cancel' ? 'jobs.cancel' : 'jobs.resolve';
  const job = await existing(db, jobId, allowedScopes(principalOf(context), permission));
  const mutation = {
    action: `jobs.${action}`,
    title: `${action} ${job.title}`,
    permission,
    target: { type: 'job', id: jobId },
    tenant_id: job.tenant_id,
    environment: job.environment,
    reason,
    job: { job_id: jobId },
  };
  return mutate(db, context, mutation, async (tx) => {
    const { state } = await tx
      .selectFrom('jobs')
      .select('state')
      .where('job_id', '=', jobId)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const allowed: readonly string[] = JOB_ACTIONS[action];
    if (!allowed.includes(state)) {
      throw new ControlError(
        'action_not_allowed',
        `The job is ${state.replaceAll('_', ' ')}; ${action} needs it to be ${allowed.join(' or ')}.`,
      );
    }
    const changed = await change(tx, job);
    await sql`select pg_notify(${JOB_CHANNEL}, ${jobId})`.execute(tx);
    return { ...changed, result: {} };
  });
}

type Trace = Extract<JobEvent, { type: 'trace' }>;

/** The job's trace after a sequence: its audit events, oldest first. */
async function readTrace(db: Database, jobId: string, after: number): Promise<Trace[]> {
  const { rows } = await sql<
    Omit<Trace, 'type' | 'summary'> & {
      details: { title?: string; error?: { message?: string } | null } | null;
      reason: string | null;
    }
  >`
    select sequence, occurred_at, action, outcome, actor_label as actor, details, reason from audit_events where job_id = ${jobId}::uuid and sequence > ${after} order by sequence limit 1000`.execute(
    db,
  );
  return rows.map(({ reason, ...event }) => ({
    type: 'trace' as const,
    ...event,
    summary: [event.details?.title, event.details?.error?.message ?? reason].filter(Boolean).join(': '),
  }));
}

/**
 * The job as it goes: a snapshot whenever it moved, and its trace from `lastEventId` on. Ends when the job has ended, or is not the
 * caller's to see any more. Events of one job
 * are written under its row lock, so a sequence never appears after a higher one.
 */
export async function* watchJob(
  db: Database,
  feed: JobFeed,
  context: CallContext,
  jobId: string,
  lastEventId: number,
  signal: AbortSignal,
): AsyncGenerator<StreamMessage> {
  let sequence = lastEventId;
  const moves = feed.subscribe(jobId, signal)[Symbol.asyncIterator]();
  while (!(await moves.next()).done) {
    // Asked anew each time: a long stream outlives the roles that it began with.
    const scopes = allowedScopes(principalOf(context), 'jobs.view');
    const [job, trace] = [await existing(db, jobId, scopes), await readTrace(db, jobId, sequence)];
    for (const event of trace) yield { event: 'trace', id: String((sequence = event.sequence)), data: event };
    yield { event: 'job', data: { type: 'job', job } };
    if (job.finished_at !== null) return;
  }
}
