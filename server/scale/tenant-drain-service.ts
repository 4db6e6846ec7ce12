/** Plans the drain or resume of a tenant and starts it. */
import type { Plan } from '#contract/jobs.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { makePlan } from '#server/jobs/plan-store.ts';
import { confirmUnheld, holdTenant } from './migration-service.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import { readTenantDrainFacts, type TenantDrainRequest } from './tenant-drain-facts.ts';
import { planTenantDrainDraft } from './tenant-drain-rules.ts';

/** The plan; changes nothing. */
export async function planTenantDrain(
  dependencies: ScaleDependencies,
  context: CallContext,
  request: TenantDrainRequest,
): Promise<Plan> {
  const facts = await readTenantDrainFacts(dependencies, request, context.request_id);
  return makePlan(dependencies.db, context, planTenantDrainDraft(facts));
}

/** Starts what was read as `plan_hash`, if it would still be planned the same. */
export async function startTenantDrain(
  dependencies: ScaleDependencies,
  context: CallContext,
  { plan_hash, reason, ...request }: TenantDrainRequest & { plan_hash: string; reason: string },
): Promise<{ job_id: string }> {
  const { environment, tenant_id, action } = request;
  const facts = await readTenantDrainFacts(dependencies, request, context.request_id);
  const draft = planTenantDrainDraft(facts);
  const plan = await confirmUnheld(dependencies.db, context, plan_hash, draft);
  const mutation = {
    action: `scale.tenant_drains.${action}`,
    title: plan.title,
    permission: 'scale.drain',
    target: plan.target,
    tenant_id,
    environment,
    reason,
    run: { kind: plan.kind, input: draft.input, plan, steps: plan.steps },
  };
  return mutate(dependencies.db, context, mutation, (tx) => holdTenant(tx, facts.tenant, action));
}
