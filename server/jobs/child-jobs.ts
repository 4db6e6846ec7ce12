/** Jobs that a running job starts: each has its own steps, undo and audit events, and names the one that started it. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { JobError, JobState } from '#contract/jobs.ts';
import { diffOf } from '#server/audit/audit-diff.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { enqueueRun, type JobRun } from '#server/db/mutate.ts';

export interface ChildJob {
  /** The audit event's action, as if a person had started it. */
  action: string;
  title: string;
  permission: string;
  tenant_id: string;
  run: JobRun;
}

/** A child as its parent looks at it. */
export interface ChildState {
  job_id: string;
  tenant_id: string;
  state: JobState;
  error: JobError | null;
}

/** The children of a job, in the order of their start. */
export async function readChildJobs(db: Database, parent_job_id: string): Promise<ChildState[]> {
  const { rows } = await sql<ChildState>`select job_id, tenant_id, state, error from jobs
    where parent_job_id = ${parent_job_id}::uuid order by job_id`.execute(db);
  return rows;
}

/**
 * Starts a job on a tenant for the parent, in one transaction with `change` (what `mutate` is for a request): by the executor, on behalf
 * of and for the reason of whoever started the parent. Rejects when the parent has a job on the tenant already, or another holds it.
 */
export async function startChildJob(
  db: Database,
  parent_job_id: string,
  child: ChildJob,
  change: (tx: Tx) => Promise<{ before: object; after: object }>,
): Promise<string> {
  const job_id = randomUUIDv7();
  const { run, tenant_id } = child;
  await db.transaction().execute(async (tx) => {
    const { before, after } = await change(tx);
    await sql`with parent as (
        select environment, reason, principal_id, created_by, request_id, trace_id from jobs where job_id = ${parent_job_id}::uuid
      ), job as (
        insert into jobs (job_id, parent_job_id, kind, title, state, permission, environment, tenant_id, target_type, target_id, reason,
          principal_id, created_by, input, plan, plan_hash, step_count, request_id, trace_id)
        select ${job_id}::uuid, ${parent_job_id}::uuid, ${run.kind}, ${child.title}, 'queued', ${child.permission}, environment, ${tenant_id}, 'tenant', ${tenant_id},
          reason, principal_id, created_by, ${JSON.stringify(run.input)}::jsonb, ${run.plan ? JSON.stringify(run.plan) : null}::jsonb,
          ${run.plan?.plan_hash ?? null}, ${run.steps.length}, request_id, trace_id from parent
      )
      insert into audit_events (actor_type, actor_label, on_behalf_of, action, outcome, target_type, target_id, tenant_id, environment, reason, changes,
          details, request_id, trace_id, job_id)
        select 'system', 'job executor', created_by, ${child.action}, 'succeeded', 'tenant', ${tenant_id}, ${tenant_id}, environment, reason,
          ${JSON.stringify(diffOf(before, after))}::jsonb, ${JSON.stringify({ parent_job_id })}::jsonb, request_id, trace_id, ${job_id}::uuid from parent`.execute(
      tx,
    );
    await enqueueRun(tx, job_id, run);
  });
  return job_id;
}
