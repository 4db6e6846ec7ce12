/**
 * The only way to change anything: one transaction that holds the change, its audit event and its job row, and for a multi-step
 * operation the steps and the enqueue. If any of them cannot be written, nothing happens.
 */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Plan } from '#contract/jobs.ts';
import { auditInsert } from '#server/audit/audit-store.ts';
import { diffOf, redact } from '#server/audit/audit-diff.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { JOB_PROTOCOL_VERSION, JOB_QUEUE, JOB_WORKFLOW } from '#server/jobs/job-protocol.ts';
import { constraintOf, UNIQUE_VIOLATION, type Database, type Tx } from './database.ts';

export interface Mutation {
  /** `domain.noun.verb`; the audit event's action and, for an atomic change, the job's kind. */
  action: string;
  /** What a person reads in the list of jobs: "Change tenant acme-42". */
  title: string;
  /** What the caller needed for it. */
  permission: string;
  target: { type: string; id: string };
  tenant_id?: string | null;
  environment?: string | null;
  reason?: string | null | undefined;
  /** Recorded with the event. */
  details?: unknown;
  /** `'none'`: a session event, not an operation, so no job row. A job id: the change belongs to that job. */
  job?: 'none' | { job_id: string };
  /** The multi-step operation that this change starts. */
  run?: JobRun;
}

export interface JobRun {
  kind: string;
  input: Record<string, unknown>;
  plan: Plan | null;
  steps: {
    name: string;
    title: string;
    undo_title: string | null;
    point_of_no_return: boolean;
    time_box_s: number;
  }[];
}

export interface Changed<R> {
  before?: object | null;
  after?: object | null;
  /** The answer, less its `job_id`. */
  result: R;
  /** What a replay of the same request answers instead, when the answer shows something once. */
  replay?: R;
}

/** Runs `change` in a transaction, records it, and answers its result with the `job_id`. Errors of `change` roll everything back. */
export async function mutate<R extends object>(
  db: Database,
  context: CallContext,
  mutation: Mutation,
  change: (tx: Tx, job_id: string) => Promise<Changed<R>>,
): Promise<R & { job_id: string }> {
  const job_id = typeof mutation.job === 'object' ? mutation.job.job_id : randomUUIDv7();
  try {
    return await db.transaction().execute(async (tx) => {
      const changed = await change(tx, job_id);
      await context.approval?.settle(tx, job_id);
      const answer = { job_id, ...changed.result };
      const audit = auditInsert(context, {
        action: mutation.action,
        outcome: 'succeeded',
        target: mutation.target,
        tenant_id: mutation.tenant_id,
        environment: mutation.environment,
        reason: mutation.reason,
        changes: diffOf(changed.before ?? null, changed.after ?? null),
        details: detailsOf(context, mutation),
        job_id: mutation.job === 'none' ? null : job_id,
      });
      if (mutation.job !== undefined) {
        await audit.execute(tx);
        return answer;
      }
      await sql`with job as (${jobInsert(context, mutation, job_id, { job_id, ...(changed.replay ?? changed.result) })}) ${audit}`.execute(
        tx,
      );
      if (mutation.run) await enqueueRun(tx, job_id, mutation.run);
      return answer;
    });
  } catch (error) {
    const violation = constraintOf(error);
    if (violation?.code === UNIQUE_VIOLATION && violation.constraint === 'jobs_idempotency_key') {
      throw new ControlError(
        'idempotency_in_progress',
        'A request with the same Idempotency-Key finished just now; send it again to read its answer.',
      );
    }
    if (violation?.code === UNIQUE_VIOLATION && violation.constraint === 'jobs_tenant_lock') {
      throw new ControlError(
        'job_conflict',
        `Another job holds tenant ${mutation.tenant_id ?? ''}; wait for it or cancel it first.`,
      );
    }
    if (violation?.code === UNIQUE_VIOLATION && violation.constraint === 'jobs_target_lock') {
      const { type, id } = mutation.target;
      throw new ControlError(
        'job_conflict',
        `Another job holds ${type} ${id}; wait for it or cancel it first.`,
      );
    }
    throw error;
  }
}

/** What was approved names its request. */
function detailsOf({ approval }: CallContext, { details }: Mutation): unknown {
  if (!approval) return details === undefined ? undefined : redact(details);
  return { ...(redact(details ?? {}) as object), approval_id: approval.approval_id };
}

function jobInsert(context: CallContext, mutation: Mutation, job_id: string, response: object) {
  const { principal, idempotency } = context;
  const { run } = mutation;
  return sql`insert into jobs
    (job_id, kind, title, state, permission, environment, tenant_id, target_type, target_id, reason, principal_id, created_by, input, plan, plan_hash,
     step_count, idempotency_key, request_hash, response_status, response_body, request_id, trace_id, started_at, finished_at)
    values (${job_id}::uuid, ${run?.kind ?? mutation.action}, ${mutation.title}, ${run ? 'queued' : 'succeeded'}, ${mutation.permission}, ${mutation.environment ?? null},
      ${mutation.tenant_id ?? null}, ${mutation.target.type}, ${mutation.target.id}, ${mutation.reason ?? null}, ${principal?.principal_id ?? 'system'}, ${principal?.label ?? 'system'},
      ${JSON.stringify(run?.input ?? {})}::jsonb, ${run?.plan ? JSON.stringify(run.plan) : null}::jsonb, ${run?.plan?.plan_hash ?? null},
      ${run?.steps.length ?? 0}, ${idempotency?.key ?? null}, ${idempotency?.request_hash ?? null}, ${idempotency?.response_status ?? null},
      ${idempotency ? JSON.stringify(response) : null}::jsonb, ${context.request_id}, ${context.trace_id},
      ${run ? null : sql`now()`}, ${run ? null : sql`now()`})`;
}

/** Writes the steps of a new job and starts its first run when the transaction commits. */
export async function enqueueRun(tx: Tx, job_id: string, run: JobRun): Promise<void> {
  const steps = run.steps.map((step, step_index) => ({ step_index, ...step }));
  await sql`insert into job_steps (job_id, step_index, name, title, undo_title, point_of_no_return, time_box_s)
    select ${job_id}::uuid, step_index, name, title, undo_title, point_of_no_return, time_box_s
    from jsonb_to_recordset(${JSON.stringify(steps)}::jsonb)
      as step(step_index integer, name text, title text, undo_title text, point_of_no_return boolean, time_box_s double precision)`.execute(
    tx,
  );
  await enqueueWorkflow(tx, job_id, 1);
}

/** Starts a run of a job when the transaction commits: the workflow's id is the job's with its run number. */
export async function enqueueWorkflow(tx: Tx, job_id: string, runNumber: number): Promise<void> {
  await sql`select dbos.enqueue_workflow(workflow_name => ${JOB_WORKFLOW}, queue_name => ${JOB_QUEUE},
    positional_args => array[to_json(${job_id}::text), to_json(${runNumber}::integer)], workflow_id => ${`${job_id}:${runNumber}`}, app_version => ${JOB_PROTOCOL_VERSION})`.execute(
    tx,
  );
}
