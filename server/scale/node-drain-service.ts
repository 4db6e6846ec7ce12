/** Plans the drain or resume of a node and starts it. */
import type { Plan } from '#contract/jobs.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { makePlan } from '#server/jobs/plan-store.ts';
import { readNodeDrainFacts, type NodeDrainRequest } from './node-drain-facts.ts';
import { planNodeDrainDraft } from './node-drain-rules.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import { confirmTargetUnheld } from './target-hold.ts';

/** The plan; changes nothing. */
export async function planNodeDrain(
  dependencies: ScaleDependencies,
  context: CallContext,
  request: NodeDrainRequest,
): Promise<Plan> {
  const facts = await readNodeDrainFacts(dependencies, request, context.request_id);
  return makePlan(dependencies.db, context, planNodeDrainDraft(facts));
}

/** Starts what was read as `plan_hash`, if it would still be planned the same. */
export async function startNodeDrain(
  dependencies: ScaleDependencies,
  context: CallContext,
  { plan_hash, reason, ...request }: NodeDrainRequest & { plan_hash: string; reason: string },
): Promise<{ job_id: string }> {
  const facts = await readNodeDrainFacts(dependencies, request, context.request_id);
  const draft = planNodeDrainDraft(facts);
  const plan = await confirmTargetUnheld(dependencies.db, context, plan_hash, draft);
  const mutation = {
    action: `scale.node_drains.${request.action}`,
    title: plan.title,
    permission: 'ops.drain',
    target: plan.target,
    environment: request.environment,
    reason,
    run: { kind: plan.kind, input: draft.input, plan, steps: plan.steps },
  };
  return mutate(dependencies.db, context, mutation, async () => ({
    before: { draining: request.action === 'resume' },
    after: { draining: request.action === 'drain' },
    result: {},
  }));
}
