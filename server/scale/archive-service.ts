/** Plans the archiving of a tenant and starts it; the tenants domain calls this through scale-queries.ts. */
import type { Plan } from '#contract/jobs.ts';
import { TENANT_ACTIONS } from '#contract/tenants.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { makePlan } from '#server/jobs/plan-store.ts';
import { findTenantFacts } from '#server/tenants/tenant-queries.ts';
import { ARCHIVE_TENANT, type ArchiveTenantInput } from './archive-tenant-job.ts';
import { planArchiveDraft } from './archive-rules.ts';
import { readArchiveFacts } from './archive-facts.ts';
import { confirmUnheld, holdTenant } from './migration-service.ts';
import type { ScaleDependencies } from './scale-settings.ts';

async function requireArchivable({ db }: ScaleDependencies, tenant_id: string): Promise<void> {
  const tenant = await findTenantFacts(db, tenant_id);
  if (!tenant) throw notFound('tenant', tenant_id);
  const { from, during } = TENANT_ACTIONS.archive;
  // While another job holds the tenant the plan can still be read; it says which job stands in the way.
  const readable: readonly string[] = [...from, during, TENANT_ACTIONS.migrate.during];
  if (readable.includes(tenant.status)) return;
  throw new ControlError(
    'action_not_allowed',
    `${tenant_id} is ${tenant.status}; to archive it, it has to be ${from.join(' or ')}.`,
  );
}

export async function planArchive(
  dependencies: ScaleDependencies,
  context: CallContext,
  tenant_id: string,
): Promise<Plan> {
  await requireArchivable(dependencies, tenant_id);
  const facts = await readArchiveFacts(dependencies, tenant_id, context.request_id);
  return makePlan(dependencies.db, context, planArchiveDraft(facts));
}

export async function startArchive(
  dependencies: ScaleDependencies,
  context: CallContext,
  { tenant_id, plan_hash, reason }: { tenant_id: string; plan_hash: string; reason: string },
): Promise<{ job_id: string }> {
  await requireArchivable(dependencies, tenant_id);
  const facts = await readArchiveFacts(dependencies, tenant_id, context.request_id);
  const draft = planArchiveDraft(facts);
  const plan = await confirmUnheld(dependencies.db, context, plan_hash, draft);
  const input: ArchiveTenantInput = { ...draft.input, previous_status: facts.tenant.status };
  const mutation = {
    action: 'tenants.archive',
    title: plan.title,
    permission: 'tenants.archive',
    target: { type: 'tenant', id: tenant_id },
    tenant_id,
    reason,
    run: { kind: ARCHIVE_TENANT, input, plan, steps: plan.steps },
  };
  return mutate(dependencies.db, context, mutation, (tx) => holdTenant(tx, facts.tenant, 'archive'));
}
