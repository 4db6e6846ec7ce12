/** Plans the restore of an archived tenant and starts it; the tenants domain calls this through scale-queries.ts. */
import type { Plan } from '#contract/jobs.ts';
import { TENANT_ACTIONS } from '#contract/tenants.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { makePlan } from '#server/jobs/plan-store.ts';
import { confirmUnheld, holdTenant } from './migration-service.ts';
import { readRestoreFacts } from './restore-facts.ts';
import { planRestoreDraft, type RestoreFacts } from './restore-rules.ts';
import { RESTORE_TENANT } from './restore-tenant-job.ts';
import { stopRetention } from './retired-resource-store.ts';
import type { ScaleDependencies } from './scale-settings.ts';

function requireRestorable({ tenant: { tenant_id, status } }: RestoreFacts): void {
  const { from, during } = TENANT_ACTIONS.restore;
  // While another job holds the tenant the plan can still be read; it says which job stands in the way.
  const readable: readonly string[] = [...from, during];
  if (readable.includes(status)) return;
  throw new ControlError(
    'action_not_allowed',
    `${tenant_id} is ${status}; to restore it, it has to be ${from.join(' or ')}.`,
  );
}

export async function planRestore(
  dependencies: ScaleDependencies,
  context: CallContext,
  tenant_id: string,
): Promise<Plan> {
  const facts = await readRestoreFacts(dependencies, tenant_id, context.request_id);
  requireRestorable(facts);
  return makePlan(dependencies.db, context, planRestoreDraft(facts));
}

export async function startRestore(
  dependencies: ScaleDependencies,
  context: CallContext,
  { tenant_id, plan_hash, reason }: { tenant_id: string; plan_hash: string; reason: string },
): Promise<{ job_id: string }> {
  const facts = await readRestoreFacts(dependencies, tenant_id, context.request_id);
  requireRestorable(facts);
  const draft = planRestoreDraft(facts);
  const plan = await confirmUnheld(dependencies.db, context, plan_hash, draft);
  const mutation = {
    action: 'tenants.restore',
    title: plan.title,
    permission: 'tenants.archive',
    target: { type: 'tenant', id: tenant_id },
    tenant_id,
    reason,
    run: { kind: RESTORE_TENANT, input: draft.input, plan, steps: plan.steps },
  };
  const running = facts.resources.filter(({ outcome }) => outcome === null).length;
  return mutate(dependencies.db, context, mutation, async (tx) => {
    const held = await holdTenant(tx, facts.tenant, 'restore');
    if ((await stopRetention(tx, tenant_id)) === running) return held;
    throw new ControlError(
      'plan_drifted',
      `The time of something that was kept of ${tenant_id} was over just now; make the plan again and read it.`,
    );
  });
}
