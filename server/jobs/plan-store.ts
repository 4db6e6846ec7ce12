/**
 * Plans that were shown, for as long as they are valid. Keeping one changes nothing of the platform, so it is not a mutation: it lets
 * the start call say what moved since the operator read it.
 */
import { sql } from 'kysely';
import type { Plan, PlanDraft } from '#contract/jobs.ts';
import type { Database } from '#server/db/database.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { planDrift, planOf } from './plan-rules.ts';

/** Dates and hashes a draft and keeps it for its reader. */
export async function makePlan(
  db: Database,
  context: CallContext,
  draft: PlanDraft,
  now = new Date(),
): Promise<Plan> {
  const plan = planOf(draft, now);
  const made_for = principalOf(context).user_id;
  await sql`with old as (delete from plans where expires_at < now())
    insert into plans (plan_hash, made_for, plan, expires_at) values (${plan.plan_hash}, ${made_for}, ${JSON.stringify(plan)}::jsonb, ${plan.expires_at}::timestamptz)
    on conflict (plan_hash, made_for) do update set plan = excluded.plan, expires_at = excluded.expires_at`.execute(
    db,
  );
  return plan;
}

/**
 * The plan to start: made again now and equal to the one that was read. Rejects with `plan_expired`, `plan_drifted` (details:
 * `changes` and the new `plan`) or `plan_blocked` (details: `blockers`).
 */
export async function confirmPlan(
  db: Database,
  context: CallContext,
  plan_hash: string,
  fresh: PlanDraft,
  now = new Date(),
): Promise<Plan> {
  const plan = planOf(fresh, now);
  const read = await db
    .selectFrom('plans')
    .select(['plan', 'expires_at'])
    .where('plan_hash', '=', plan_hash)
    .where('made_for', '=', principalOf(context).user_id)
    .executeTakeFirst();
  if (!read || Date.parse(read.expires_at) < now.getTime()) {
    throw new ControlError(
      'plan_expired',
      'This plan was never made for you or is older than 5 minutes; make the plan again and read it.',
    );
  }
  if (plan.plan_hash !== plan_hash) {
    const changes = planDrift(read.plan as unknown as Plan, fresh);
    await makePlan(db, context, fresh, now);
    throw new ControlError(
      'plan_drifted',
      `Since you read the plan, ${changes.map((change) => change.path).join(', ')} changed. Read the new plan and start that one.`,
      { details: { changes, plan } },
    );
  }
  if (plan.blockers.length > 0) {
    throw new ControlError('plan_blocked', plan.blockers.map((blocker) => blocker.message).join(' '), {
      details: { blockers: plan.blockers },
    });
  }
  return plan;
}
