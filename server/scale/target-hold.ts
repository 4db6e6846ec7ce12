/** Starting a job on something that is no tenant: a node, or an environment. */
import type { Plan, PlanDraft } from '#contract/jobs.ts';
import type { Database } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { confirmPlan } from '#server/jobs/plan-store.ts';
import { findTargetJobs } from './job-facts.ts';

/** `confirmPlan`, but when another job holds the plan's target that is the answer, whatever else its start has changed. */
export async function confirmTargetUnheld(
  db: Database,
  context: CallContext,
  plan_hash: string,
  draft: PlanDraft,
): Promise<Plan> {
  try {
    return await confirmPlan(db, context, plan_hash, draft);
  } catch (error) {
    const { environment, target } = draft;
    const [holder] = environment === null ? [] : await findTargetJobs(db, environment, target);
    if (!holder) throw error;
    throw new ControlError(
      'job_conflict',
      `Another job holds ${target.type} ${target.id}: ${holder.title}. Wait for it or cancel it first.`,
      { details: holder },
    );
  }
}
