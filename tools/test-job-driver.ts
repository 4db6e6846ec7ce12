/** For integration tests: does the steps of a job as the runner does, one at a time and as often as the test likes. */
import { randomUUIDv7 } from 'node:crypto';
import type { Database } from '#server/db/database.ts';
import type { FinishedJob, JobDefinition, StepContext, StepDefinition } from '#server/jobs/job-definition.ts';

type Input = Record<string, unknown>;

export interface DrivenJob {
  job_id: string;
  /** What was shown, newest last, by step. */
  progress: Map<string, unknown[]>;
  outputs: Record<string, unknown>;
  run(step: string): Promise<unknown>;
  undo(step: string): Promise<void>;
  /** Cancels when the given step shows its next figures. */
  cancelAt(step: string): void;
  /** Ends the job, in a transaction of its own. */
  settle(state: FinishedJob<unknown>['state']): Promise<void>;
  steps: StepDefinition<Input>[];
}

export class Cancelled extends Error {}

export function driveJob(
  db: Database,
  definition: JobDefinition,
  input: Input,
  job_id: string = randomUUIDv7(),
): DrivenJob {
  const steps = definition.steps(input);
  const progress = new Map<string, unknown[]>();
  const outputs: Record<string, unknown> = {};
  const begun = new Map<string, Date>();
  let cancelled: string | null = null;

  async function perform(name: string, direction: 'run' | 'undo'): Promise<unknown> {
    const step = steps.find((each) => each.name === name);
    if (!step) throw new Error(`the job has no step ${name}`);
    const started_at = direction === 'undo' ? new Date() : (begun.get(name) ?? new Date());
    if (direction === 'run') begun.set(name, started_at);
    const deadline = new Date(started_at.getTime() + step.time_box_s * 1000);
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error('time-box')), step.time_box_s * 1000);
    const context: StepContext<Input> = {
      job_id,
      input,
      outputs: { ...outputs },
      signal: abort.signal,
      started_at,
      deadline,
      request_id: 'test-job',
      progress: async (figures) => {
        progress.set(name, [...(progress.get(name) ?? []), figures]);
        if (cancelled === name && direction === 'run') abort.abort(new Cancelled());
        abort.signal.throwIfAborted();
      },
    };
    try {
      if (direction === 'undo') return await step.undo?.(context);
      // As through the database: an output is JSON.
      const output: unknown = JSON.parse(JSON.stringify((await step.run(context)) ?? null));
      outputs[name] = output;
      return output;
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    job_id,
    progress,
    outputs,
    steps,
    run: (name) => perform(name, 'run'),
    undo: async (name) => {
      await perform(name, 'undo');
    },
    cancelAt: (name) => {
      cancelled = name;
    },
    settle: async (state) => {
      const tenant_id = typeof input['tenant_id'] === 'string' ? input['tenant_id'] : null;
      await db
        .transaction()
        .execute(async (tx) =>
          definition.settle?.(tx, { job_id, input, state, tenant_id, half_done: false }),
        );
    },
  };
}
