/** Plans a rebalance and starts it. */
import type { Plan } from '#contract/jobs.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { makePlan } from '#server/jobs/plan-store.ts';
import { readRebalanceFacts, type RebalanceRequest } from './rebalance-facts.ts';
import { REBALANCE_SHARDS } from './rebalance-job.ts';
import { planRebalanceDraft } from './rebalance-plan-rules.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import { confirmTargetUnheld } from './target-hold.ts';

/** The plan of a rebalance; changes nothing. */
export async function planRebalancing(
  dependencies: ScaleDependencies,
  context: CallContext,
  request: RebalanceRequest,
): Promise<Plan> {
  const facts = await readRebalanceFacts(dependencies, request, context.request_id);
  return makePlan(dependencies.db, context, planRebalanceDraft(facts).draft);
}

/** Starts the rebalance that was read as `plan_hash`, if it would still be planned the same. */
export async function startRebalancing(
  dependencies: ScaleDependencies,
  context: CallContext,
  { plan_hash, reason, ...request }: RebalanceRequest & { plan_hash: string; reason: string },
): Promise<{ job_id: string }> {
  const facts = await readRebalanceFacts(dependencies, request, context.request_id);
  const { draft, input } = planRebalanceDraft(facts);
  const plan = await confirmTargetUnheld(dependencies.db, context, plan_hash, draft);
  const mutation = {
    action: 'scale.rebalances.start',
    title: plan.title,
    permission: 'scale.migrate',
    target: plan.target,
    environment: request.environment,
    reason,
    details: {
      service: request.service,
      moves: input.moves.length,
      spread_before: input.spread_before,
      spread_after: input.spread_after,
    },
    run: { kind: REBALANCE_SHARDS, input, plan, steps: plan.steps },
  };
  return mutate(dependencies.db, context, mutation, async () => ({ result: {} }));
}
