/**
 * Runs jobs as DBOS workflows.
 *
 * run      one workflow of a job; id `<job_id>:<run_number>`. A retry or skip of a stuck job is the next run.
 * step     one DBOS step: begins in the journal, does its work, answers how it ended. DBOS keeps that answer, so a replay after a crash
 *          takes it and only the step under way runs again.
 * journal  the SQL function `journal_step`: the end of one step and the beginning of the next, with their audit events, in one statement.
 *          It does not wait for the disk: DBOS's own record of the step, written after it, does, and so flushes it too. An entry that a
 *          crash of PostgreSQL took in between is written again before the next.
 *
 * Everything that decides the path (outcomes, cancel) comes out of DBOS steps, so that a replay takes the same path.
 */
import { DBOS } from '@dbos-inc/dbos-sdk';
import type { JobError } from '#contract/jobs.ts';
import type { DatabaseHandle } from '#server/db/database.ts';
import {
  StepFailure,
  StepKept,
  type FinishedJob,
  type JobDefinition,
  type StepContext,
} from './job-definition.ts';
import { JOB_WORKFLOW } from './job-protocol.ts';
import {
  finishJob,
  loadRun,
  saveProgress,
  untilDatabaseAnswers,
  writeJournal,
  type JobRunState,
  type JournalEnd,
  type JournalEntry,
} from './job-journal.ts';

export interface JobLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Told of every ended run: the job's kind, its state and, unless it went well, the code of what went wrong. */
export type JobEnded = (kind: string, state: FinishedJob<unknown>['state'], errorCode: string | null) => void;

interface RunnerDeps {
  /** A few connections that do not wait for the disk at commit. */
  journal: DatabaseHandle;
  definitions: ReadonlyMap<string, JobDefinition>;
  executorId: string;
  log: JobLog;
  onEnded: JobEnded;
}

/** How a step or undo ended, as DBOS keeps it. `not_begun`: a cancel came first. `kept`: taking it back would do harm. */
type Outcome =
  | { ended: 'succeeded'; output: unknown }
  | { ended: 'failed' | 'cancelled' | 'kept'; error: JobError }
  | { ended: 'not_begun' };

/** Tries of an undo before the job is stuck. */
const UNDO_TRIES = 3;
const PROGRESS_EVERY_MS = 200;
/** How long a step that was told to stop may take to do so. */
const ABORT_GRACE_MS = 5_000;

class CancelRequested extends Error {}

/** Registers the workflow that runs jobs; call once, before DBOS is launched. */
export function registerJobWorkflow(deps: RunnerDeps): void {
  DBOS.registerWorkflow((jobId: string, runNumber: number) => runJob(deps, jobId, runNumber), {
    name: JOB_WORKFLOW,
  });
}

async function runJob(deps: RunnerDeps, jobId: string, runNumber: number): Promise<void> {
  const load = () => untilDatabaseAnswers(() => loadRun(deps.journal.db, jobId, runNumber));
  // A first run reads what never changes; where a later one goes on is overwritten as soon as it does.
  const job = runNumber === 1 ? await load() : await DBOS.runStep(load, { name: 'load' });
  const definition = deps.definitions.get(job.kind);
  if (!definition) {
    // While replicas are upgraded in turn an old one may be given what only the new ones know. It holds it until it ends, and leaves it
    // as a crash would: to the replicas that are then left.
    deps.log.warn(
      { job_id: jobId, kind: job.kind },
      'this release does not know the kind of the job, which waits for one that does',
    );
    return new Promise(() => undefined);
  }
  await new JobRun(deps, definition, job).execute();
}

/** One run of one job; its fields are rebuilt from DBOS's record by a replay. */
class JobRun {
  private readonly deps: RunnerDeps;
  private readonly definition: JobDefinition;
  private readonly job: JobRunState;
  private readonly outputs: Record<string, unknown>;
  /** The end of the last step, still to be written with the beginning of the next. */
  private unwritten: JournalEnd | null = null;
  /** What this process wrote last into the journal. */
  private written: JournalEntry | null = null;

  constructor(deps: RunnerDeps, definition: JobDefinition, job: JobRunState) {
    this.deps = deps;
    this.definition = definition;
    this.job = job;
    this.outputs = { ...job.outputs };
  }

  async execute(): Promise<void> {
    const steps = this.definition.steps(this.job.input);
    const { resume } = this.job;
    if (resume?.during === 'undo') return this.undoFrom(resume.step_index, resume.skip, this.job.undo_for);

    for (let index = resume?.step_index ?? 0; index < steps.length; index++) {
      const step = steps[index];
      if (!step || (resume?.skip && index === resume.step_index)) continue;
      const noWayBack = steps.slice(0, index).some((earlier) => earlier.point_of_no_return);
      const outcome = await DBOS.runStep(() => this.attempt(index, 'run', !noWayBack), { name: step.name });
      if (outcome.ended === 'succeeded') {
        this.outputs[step.name] = outcome.output;
        this.unwritten = { step_index: index, state: 'succeeded', output: outcome.output };
        continue;
      }
      if (outcome.ended === 'not_begun')
        return this.undoFrom(index - 1, false, { cancelled: true, error: null });
      const cancelled = outcome.ended === 'cancelled';
      this.unwritten = {
        step_index: index,
        state: cancelled ? 'cancelled' : 'failed',
        error: outcome.error,
      };
      if (noWayBack) return this.stick(index, 'run', outcome.error);
      return this.undoFrom(index, false, { cancelled, error: cancelled ? null : outcome.error });
    }
    await this.finish('succeeded', null);
  }

  /** Undoes the steps from `from` down to the first. */
  private async undoFrom(from: number, skipFirst: boolean, why: JobRunState['undo_for']): Promise<void> {
    const steps = this.definition.steps(this.job.input);
    const kept: JobError[] = [];
    for (let index = from; index >= 0; index--) {
      const step = steps[index];
      if (!step?.undo || (skipFirst && index === from)) continue;
      const outcome = await DBOS.runStep(() => this.attempt(index, 'undo', false), {
        name: `undo ${step.name}`,
      });
      if (outcome.ended === 'succeeded') {
        this.unwritten = { step_index: index, state: 'undone' };
        continue;
      }
      if (outcome.ended === 'kept') {
        kept.push(outcome.error);
        this.unwritten = { step_index: index, state: 'undo_skipped' };
        continue;
      }
      const error = outcome.ended === 'not_begun' ? null : outcome.error;
      this.unwritten = { step_index: index, state: 'undo_failed', error };
      return this.stick(index, 'undo', error, why);
    }
    const stays = kept.length > 0 || steps.slice(0, from + 1).some(({ keeps }) => keeps);
    const how = why?.cancelled ? 'cancelled' : 'failed';
    await this.finish(`${how}_${stays ? 'kept' : 'rolled_back'}`, withKept(why?.error ?? null, kept));
  }

  private async stick(
    index: number,
    during: 'run' | 'undo',
    error: JobError | null,
    why: JobRunState['undo_for'] = null,
  ): Promise<void> {
    const step = this.definition.steps(this.job.input)[index];
    const sentence = this.definition.describeStuck(this.job.input, step?.name ?? '', during);
    await this.finish('stuck', error, {
      sentence,
      step: step?.name ?? '',
      step_index: index,
      during,
      undo_for: why,
    });
  }

  private async finish(
    state: FinishedJob<unknown>['state'],
    error: JobError | null,
    stuck: object | null = null,
  ): Promise<void> {
    const result = state === 'succeeded' ? this.outputs : null;
    const { journal, executorId } = this.deps;
    const finish = { ended: this.unwritten, state, error, stuck, result, executorId };
    const write = () =>
      untilDatabaseAnswers(() => finishJob(journal, this.definition, this.job, finish, this.written));
    if (!(await write())) {
      await this.rewrite();
      await write();
    }
    this.deps.onEnded(this.job.kind, state, error?.code ?? null);
    this.deps.log.info({ job_id: this.job.job_id, kind: this.job.kind, state }, 'job ended');
  }

  /** Does a step or its undo once (an undo a few times) and answers how it ended; never throws what the step throws. */
  private async attempt(index: number, direction: 'run' | 'undo', cancellable: boolean): Promise<Outcome> {
    for (let tryNumber = 1; ; tryNumber++) {
      const beginning = {
        step_index: index,
        state: direction === 'run' ? 'running' : 'undoing',
        cancellable,
      } as const;
      const firstStartedAt = await this.begin({ ended: this.unwritten, begun: beginning });
      if (!firstStartedAt) return { ended: 'not_begun' };
      const outcome = await this.perform(index, direction, new Date(firstStartedAt), cancellable);
      if (outcome.ended !== 'failed' || direction === 'run' || tryNumber >= UNDO_TRIES) return outcome;
      this.deps.log.warn(
        { job_id: this.job.job_id, step_index: index, try: tryNumber, outcome },
        'undo failed, trying again',
      );
      await new Promise((resolve) => setTimeout(resolve, 300 * 2 ** tryNumber));
    }
  }

  /** Writes an entry of the journal; answers when its step first began, or null when a cancel came first. */
  private async begin(entry: JournalEntry): Promise<string | null> {
    let begun = await this.write(entry, this.written);
    if (begun === null) {
      await this.rewrite();
      begun = await this.write(entry, this.written);
    }
    this.written = begun?.first_started_at ? entry : null;
    this.unwritten = null;
    return begun?.first_started_at ?? null;
  }

  private write(entry: JournalEntry, previous: JournalEntry | null) {
    const { journal, executorId } = this.deps;
    return untilDatabaseAnswers(() =>
      writeJournal(journal.pool, this.job.job_id, entry, previous, executorId),
    );
  }

  /** A crash of PostgreSQL loses entries that were not on disk. The process that wrote them lives, so no replay would write them again. */
  private async rewrite(): Promise<void> {
    const { job_id } = this.job;
    this.deps.log.warn({ job_id }, 'PostgreSQL has lost the last entry of the journal; it is written again');
    if (this.written) await this.write(this.written, null);
    this.written = null;
  }

  private async perform(
    index: number,
    direction: 'run' | 'undo',
    startedAt: Date,
    cancellable: boolean,
  ): Promise<Outcome> {
    const step = this.definition.steps(this.job.input)[index];
    if (!step) throw new Error(`Job ${this.job.job_id} has no step ${index}.`);
    // An undo gets its whole time-box at each try: giving up early would leave more half done.
    const from = direction === 'run' ? startedAt : new Date();
    const deadline = new Date(from.getTime() + step.time_box_s * 1000);
    const abort = new AbortController();
    const timeout = new StepFailure('timed_out', `${step.name} did not finish within ${step.time_box_s} s.`);
    const timer = setTimeout(() => abort.abort(timeout), Math.max(0, deadline.getTime() - Date.now()));
    const context: StepContext<Record<string, unknown>> = {
      job_id: this.job.job_id,
      input: this.job.input,
      outputs: this.outputs,
      signal: abort.signal,
      started_at: startedAt,
      deadline,
      request_id: this.job.request_id,
      progress: this.progressOf(index, cancellable, abort),
    };
    try {
      const work = direction === 'run' ? step.run(context) : step.undo?.(context);
      const output = await Promise.race([Promise.resolve(work), afterAbort(abort.signal)]);
      return { ended: 'succeeded', output: output ?? null };
    } catch (error) {
      const cause = abort.signal.aborted ? abort.signal.reason : error;
      if (cause instanceof CancelRequested)
        return {
          ended: 'cancelled',
          error: { code: 'cancelled', message: 'Cancelled while it was under way.', step: step.name },
        };
      const code = cause instanceof StepFailure ? cause.code : 'step_failed';
      return {
        ended: cause instanceof StepKept && direction === 'undo' ? 'kept' : 'failed',
        error: { code, message: cause instanceof Error ? cause.message : String(cause), step: step.name },
      };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes figures at most a few times a second, the last ones always, and stops a running step once a cancel is asked for. */
  private progressOf(
    index: number,
    cancellable: boolean,
    abort: AbortController,
  ): (figures: unknown) => Promise<void> {
    let writtenAt = 0;
    return async (figures) => {
      abort.signal.throwIfAborted();
      if (Date.now() - writtenAt < PROGRESS_EVERY_MS) return;
      writtenAt = Date.now();
      const cancelRequested = await untilDatabaseAnswers(() =>
        saveProgress(this.deps.journal.pool, this.job.job_id, index, figures),
      );
      if (cancelRequested && cancellable) {
        abort.abort(new CancelRequested());
        abort.signal.throwIfAborted();
      }
    };
  }
}

/** What went wrong, with what stays and why. */
const withKept = (error: JobError | null, kept: readonly JobError[]): JobError | null => {
  const [first] = kept;
  if (!first) return error;
  const message = [...(error ? [error] : []), ...kept].map((each) => each.message).join(' ');
  return { ...(error ?? first), message };
};

/** Rejects when a step that was told to stop has had its grace and did not. */
function afterAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener(
      'abort',
      () => setTimeout(() => reject(signal.reason as Error), ABORT_GRACE_MS).unref(),
      { once: true },
    );
  });
}
