/**
 * A job kind, as its domain declares it. The runner executes the steps in order; a failure, time-out or cancel undoes what was begun
 * in reverse order. Steps and undos are idempotent: after a crash the one under way runs again from its start.
 */
import type { JobState } from '#contract/jobs.ts';
import type { Permission } from '#contract/permissions.ts';
import type { Tx } from '#server/db/database.ts';

export interface StepContext<I> {
  job_id: string;
  input: I;
  /** What earlier steps returned, by step name. */
  outputs: Readonly<Record<string, unknown>>;
  /** Aborts at the time-box, and when a cancel is asked for while the step calls `progress`. */
  signal: AbortSignal;
  /** When this step first began; a crash does not restart its clock. */
  started_at: Date;
  /** `started_at` plus the time-box. */
  deadline: Date;
  request_id: string;
  /** Shows live figures, at most a few times a second. Throws when the job is to be cancelled: waiting steps call it in their loop. */
  progress(figures: unknown): Promise<void>;
}

export interface StepDefinition<I> {
  name: string;
  /** Does the step; what it returns (JSON) is kept for later steps and undos. Throw `StepFailure` to name what is wrong. */
  run(step: StepContext<I>): Promise<unknown>;
  /** Takes it back, also when it was only half done; throw `StepKept` where that would do harm. Absent on a step that changes nothing. */
  undo?: (step: StepContext<I>) => Promise<void>;
  /** What this step did stays when the job goes back: its undo only brings what is under way to an end. The plan's undo title says so. */
  keeps?: true;
  /** After this step there is no way back: what fails later makes the job stuck instead of undone. */
  point_of_no_return?: true;
  time_box_s: number;
}

type EndState =
  | 'succeeded'
  | 'failed_rolled_back'
  | 'cancelled_rolled_back'
  | 'failed_kept'
  | 'cancelled_kept'
  | 'stuck';

export interface FinishedJob<I> {
  job_id: string;
  input: I;
  state: Extract<JobState, EndState>;
  tenant_id: string | null;
  /** A person skipped what was stuck: the target is not as the state says until somebody has put it right. */
  half_done: boolean;
}

export interface JobDefinition<I = Record<string, unknown>> {
  kind: string;
  permission: Permission;
  /** The steps for an input; the same input must always give the same list. Titles come with the plan. */
  steps(input: I): StepDefinition<I>[];
  /** Runs in the transaction that ends the job: sets what its target is afterwards. */
  settle?: (tx: Tx, job: FinishedJob<I>) => Promise<void>;
  /** One sentence: what is left half done, and where, when this step or its undo will not go through. */
  describeStuck(input: I, step: string, during: 'run' | 'undo'): string;
}

/** A step's failure with a stable code. */
export class StepFailure extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StepFailure';
    this.code = code;
  }
}

/** Thrown by an undo: what its step did stays, because taking it back would do harm. The job goes on undoing and says so at its end. */
export class StepKept extends StepFailure {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'StepKept';
  }
}

/** Keeps a definition's input type where it is made; the runner reads inputs back as JSON. */
export const defineJob = <I>(definition: JobDefinition<I>): JobDefinition =>
  definition as unknown as JobDefinition;
