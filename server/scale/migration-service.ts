/** Plans a migration and starts it. */
import { TENANT_ACTIONS, type TenantAction } from '#contract/tenants.ts';
import type { Plan, PlanDraft } from '#contract/jobs.ts';
import { mutate } from '#server/db/mutate.ts';
import type { Database, Tx } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { confirmPlan, makePlan } from '#server/jobs/plan-store.ts';
import { lockTenant, setTenantStatus, type TenantFacts } from '#server/tenants/tenant-queries.ts';
import { findLiveJobs } from './job-facts.ts';
import { MIGRATE_TENANT, type MigrateTenantInput } from './migrate-tenant-job.ts';
import { readMigrationFacts, type MigrationRequest } from './migration-facts.ts';
import { planMigrationDraft } from './placement-rules.ts';
import type { ScaleDependencies } from './scale-settings.ts';

/** The plan of a migration; changes nothing. */
export async function planMigration(
  dependencies: ScaleDependencies,
  context: CallContext,
  request: MigrationRequest,
): Promise<Plan> {
  const facts = await readMigrationFacts(dependencies, request, context.request_id);
  return makePlan(dependencies.db, context, planMigrationDraft(facts));
}

/** Starts the migration that was read as `plan_hash`, if it would still be planned the same. */
export async function startMigration(
  dependencies: ScaleDependencies,
  context: CallContext,
  request: MigrationRequest & { plan_hash: string; reason: string },
): Promise<{ job_id: string }> {
  const { environment, tenant_id, plan_hash, reason } = request;
  const facts = await readMigrationFacts(dependencies, request, context.request_id);
  const draft = planMigrationDraft(facts);
  const plan = await confirmUnheld(dependencies.db, context, plan_hash, draft);
  const input: MigrateTenantInput = { ...draft.input, previous_status: facts.tenant.status };
  const mutation = {
    action: 'scale.migrations.start',
    title: plan.title,
    permission: 'scale.migrate',
    target: { type: 'tenant', id: tenant_id },
    tenant_id,
    environment,
    reason,
    run: { kind: MIGRATE_TENANT, input, plan, steps: plan.steps },
  };
  return mutate(dependencies.db, context, mutation, (tx) => holdTenant(tx, facts.tenant, 'migrate'));
}

/**
 * `confirmPlan`, but when another job holds the tenant that is the answer, whatever else its start has changed: also when it started
 * while the facts were being read.
 */
export async function confirmUnheld(
  db: Database,
  context: CallContext,
  plan_hash: string,
  draft: PlanDraft,
): Promise<Plan> {
  try {
    return await confirmPlan(db, context, plan_hash, draft);
  } catch (error) {
    const [holder] = await findLiveJobs(db, draft.target.id);
    throw holder ? jobConflict(draft.target.id, holder) : error;
  }
}

/** Moves the tenant to the status of the action's job, if it is still as it was planned. */
export async function holdTenant(
  tx: Tx,
  planned: Pick<TenantFacts, 'tenant_id' | 'revision' | 'status'>,
  action: Exclude<TenantAction, 'update'>,
) {
  const { tenant_id } = planned;
  const tenant = await lockTenant(tx, tenant_id);
  if (tenant?.revision !== planned.revision || tenant.status !== planned.status) {
    const [holder] = await findLiveJobs(tx, tenant_id);
    if (holder) throw jobConflict(tenant_id, holder);
    throw new ControlError(
      'plan_drifted',
      `${tenant_id} was changed just now; make the plan again and read it.`,
    );
  }
  const status = TENANT_ACTIONS[action].during;
  await setTenantStatus(tx, tenant_id, status);
  return { before: { status: tenant.status }, after: { status }, result: {} };
}

/** `job_conflict` that names the job which holds the tenant. */
const jobConflict = (tenant_id: string, holder: { job_id: string; title: string }) =>
  new ControlError(
    'job_conflict',
    `Another job holds ${tenant_id}: ${holder.title}. Wait for it or cancel it first.`,
    { details: holder },
  );
