/** What people do with tenants. Provisioning and archiving move placements, so their jobs and plans come from the scale domain. */
import type { Plan } from '#contract/jobs.ts';
import type { Page } from '#contract/common.ts';
import type { BodyOf } from '#contract/endpoint.ts';
import type * as contract from '#contract/tenants.ts';
import {
  TENANT_ACTIONS,
  type Tenant,
  type TenantDetail,
  type TenantHealth,
  type TenantListItem,
} from '#contract/tenants.ts';
import { constraintOf, UNIQUE_VIOLATION } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { allowedScopes, mayDo, principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import type { JsonText } from '#server/http/json-text.ts';
import {
  findUnplaced,
  planArchive,
  planRestore,
  provisionRun,
  readKeptResources,
  readTenantHealth,
  requireEnvironment,
  startArchive,
  startRestore,
  type ScaleDependencies,
} from '#server/scale/scale-queries.ts';
import { findTenant, listTenantRows, lockTenantRow, type TenantFilter } from './tenant-store.ts';
import { insertTenant, updateTenantRow } from './tenant-writes.ts';

type Dependencies = ScaleDependencies;

export const listTenants = (
  dependencies: Dependencies,
  context: CallContext,
  filter: TenantFilter,
): Promise<JsonText<Page<TenantListItem>>> =>
  listTenantRows(dependencies.db, filter, allowedScopes(principalOf(context), 'tenants.read'));

export async function readTenant({ db }: Pick<Dependencies, 'db'>, tenant_id: string): Promise<Tenant> {
  const tenant = await findTenant(db, tenant_id);
  if (!tenant) throw notFound('tenant', tenant_id);
  return tenant;
}

/** The tenant, if the caller may see it in one of its environments, and those environments. */
async function readVisibleTenant({ db }: Pick<Dependencies, 'db'>, context: CallContext, tenant_id: string) {
  const tenant = await readTenant({ db }, tenant_id);
  const sees = (environment: string | null) =>
    mayDo(principalOf(context), 'tenants.read', { tenant_id, environment });
  const environments = tenant.environments.filter(sees);
  if (environments.length === 0 && !sees(null)) throw notFound('tenant', tenant_id);
  return { tenant, sees, environments };
}

/** The tenant with what is kept of it since it was archived, where the caller may see it. */
export async function readTenantDetail(
  { db }: Pick<Dependencies, 'db'>,
  context: CallContext,
  tenant_id: string,
): Promise<TenantDetail> {
  const { tenant, sees } = await readVisibleTenant({ db }, context, tenant_id);
  const kept_resources = await readKeptResources(db, tenant_id);
  return { ...tenant, kept_resources: kept_resources.filter(({ environment }) => sees(environment)) };
}

/** Inserts the tenant as `provisioning` and starts the job that places it in each of its environments. */
export async function createTenant(
  dependencies: Dependencies,
  context: CallContext,
  body: BodyOf<typeof contract.createTenant>,
) {
  const { tenant_id, environments, reason } = body;
  for (const environment of environments) requireEnvironment(dependencies, environment);
  const mutation = {
    action: 'tenants.create',
    title: `Create tenant ${tenant_id}`,
    permission: 'tenants.create',
    target: { type: 'tenant', id: tenant_id },
    tenant_id,
    environment: environments.length === 1 ? (environments[0] ?? null) : null,
    reason,
    run: provisionRun(dependencies, { tenant_id, environments, purpose: 'create' }),
  };
  return mutate(dependencies.db, context, mutation, async (tx) => {
    const { name, plan = 'bronze', quotas = {}, feature_flags = {}, contact = {}, billing = {} } = body;
    try {
      const tenant = await insertTenant(tx, {
        tenant_id,
        name,
        plan,
        environments,
        quotas,
        feature_flags,
        contact,
        billing,
      });
      return { before: null, after: tenant, result: { tenant } };
    } catch (error) {
      const violation = constraintOf(error);
      if (violation?.code !== UNIQUE_VIOLATION || violation.constraint !== 'tenants_pkey') throw error;
      throw new ControlError(
        'already_exists',
        `There is a tenant ${tenant_id} already; an id is never used twice.`,
        { cause: error },
      );
    }
  });
}

function requireUpdatable(tenant: Tenant): void {
  const allowed: readonly string[] = TENANT_ACTIONS.update.from;
  if (allowed.includes(tenant.status)) return;
  throw new ControlError(
    'action_not_allowed',
    `${tenant.tenant_id} is ${tenant.status} and cannot be changed any more.`,
  );
}

/** Changes metadata, if the tenant is still at the revision that the caller read. */
export async function updateTenant(
  dependencies: Dependencies,
  context: CallContext,
  tenant_id: string,
  revision: number,
  { reason, ...changes }: BodyOf<typeof contract.updateTenant>,
) {
  const mutation = {
    action: 'tenants.update',
    title: `Change tenant ${tenant_id}`,
    permission: 'tenants.update',
    target: { type: 'tenant', id: tenant_id },
    tenant_id,
    reason,
  };
  return mutate(dependencies.db, context, mutation, async (tx) => {
    const before = await lockTenantRow(tx, tenant_id);
    if (!before) throw notFound('tenant', tenant_id);
    if (before.revision !== revision) {
      throw new ControlError(
        'precondition_failed',
        `${tenant_id} is at revision ${before.revision}, not ${revision}; read it again.`,
      );
    }
    requireUpdatable(before);
    const tenant = await updateTenantRow(tx, tenant_id, { ...before, ...changes });
    return { before, after: tenant, result: { tenant } };
  });
}

/**
 * Starts the job that places the tenant in one more environment; it is listed there once the job has succeeded. For an environment
 * where its provisioning has failed, it is tried again, everywhere where it has.
 */
export async function addTenantEnvironment(
  dependencies: Dependencies,
  context: CallContext,
  tenant_id: string,
  { environment, reason }: BodyOf<typeof contract.addTenantEnvironment>,
) {
  requireEnvironment(dependencies, environment);
  const { environments, status } = await readTenant(dependencies, tenant_id);
  const unplaced = environments.includes(environment)
    ? await findUnplaced(dependencies, tenant_id, environments)
    : [];
  const again = unplaced.includes(environment) && (status === 'degraded' || status === 'provisioning');
  const wanted = {
    environments: again ? unplaced : [environment],
    purpose: again ? ('create' as const) : ('add' as const),
  };
  const mutation = {
    action: 'tenants.environments.add',
    title: `Provision ${tenant_id} in ${wanted.environments.join(' and ')}`,
    permission: 'tenants.update',
    target: { type: 'tenant', id: tenant_id },
    tenant_id,
    environment,
    reason,
    run: provisionRun(dependencies, { tenant_id, ...wanted }),
  };
  return mutate(dependencies.db, context, mutation, async (tx) => {
    const tenant = await lockTenantRow(tx, tenant_id);
    if (!tenant) throw notFound('tenant', tenant_id);
    requireUpdatable(tenant);
    if (tenant.environments.includes(environment) && !unplaced.includes(environment)) {
      throw new ControlError('already_exists', `${tenant_id} is in ${environment} already.`);
    }
    return { before: null, after: null, result: {} };
  });
}

export const planTenantArchive = (
  dependencies: Dependencies,
  context: CallContext,
  tenant_id: string,
): Promise<Plan> => planArchive(dependencies, context, tenant_id);

export const archiveTenant = (
  dependencies: Dependencies,
  context: CallContext,
  tenant_id: string,
  body: BodyOf<typeof contract.archiveTenant>,
): Promise<{ job_id: string }> => startArchive(dependencies, context, { tenant_id, ...body });

export const planTenantRestore = (
  dependencies: Dependencies,
  context: CallContext,
  tenant_id: string,
): Promise<Plan> => planRestore(dependencies, context, tenant_id);

export const restoreTenant = (
  dependencies: Dependencies,
  context: CallContext,
  tenant_id: string,
  body: BodyOf<typeof contract.restoreTenant>,
): Promise<{ job_id: string }> => startRestore(dependencies, context, { tenant_id, ...body });

/** What the nodes say of the tenant now, in one or all of its environments that the caller may see. */
export async function readHealth(
  dependencies: Dependencies,
  context: CallContext,
  tenant_id: string,
  environment?: string,
): Promise<TenantHealth> {
  const visible = await readVisibleTenant(dependencies, context, tenant_id);
  const environments = visible.environments.filter(
    (each) => environment === undefined || each === environment,
  );
  return readTenantHealth(dependencies, tenant_id, environments, context.request_id);
}
