/** Writes of tenants, each in the transaction of its mutation. */
import { sql } from 'kysely';
import type { Tenant } from '#contract/tenants.ts';
import type { Tx } from '#server/db/database.ts';

type Metadata = Pick<Tenant, 'name' | 'plan' | 'quotas' | 'feature_flags' | 'contact' | 'billing'>;

const columns = sql`tenant_id, status, status_since, environments, name, plan, quotas, feature_flags, contact, billing, revision, created_at, updated_at`;

/** Inserts the tenant as `provisioning`. */
export async function insertTenant(
  tx: Tx,
  tenant: Metadata & Pick<Tenant, 'tenant_id' | 'environments'>,
): Promise<Tenant> {
  const { tenant_id, name, plan, environments, quotas, feature_flags, contact, billing } = tenant;
  const { rows } =
    await sql<Tenant>`insert into tenants (tenant_id, name, status, plan, environments, quotas, feature_flags, contact, billing)
    values (${tenant_id}, ${name}, 'provisioning', ${plan}, ${environments}::text[], ${JSON.stringify(quotas)}::jsonb, ${JSON.stringify(feature_flags)}::jsonb,
      ${JSON.stringify(contact)}::jsonb, ${JSON.stringify(billing)}::jsonb) returning ${columns}`.execute(tx);
  return firstOf(rows);
}

/** Replaces the metadata; raises the revision. */
export async function updateTenantRow(tx: Tx, tenant_id: string, metadata: Metadata): Promise<Tenant> {
  const { name, plan, quotas, feature_flags, contact, billing } = metadata;
  const { rows } =
    await sql<Tenant>`update tenants set name = ${name}, plan = ${plan}, quotas = ${JSON.stringify(quotas)}::jsonb,
      feature_flags = ${JSON.stringify(feature_flags)}::jsonb, contact = ${JSON.stringify(contact)}::jsonb, billing = ${JSON.stringify(billing)}::jsonb,
      revision = revision + 1, updated_at = now()
    where tenant_id = ${tenant_id} returning ${columns}`.execute(tx);
  return firstOf(rows);
}

function firstOf(rows: readonly Tenant[]): Tenant {
  const [row] = rows;
  if (!row) throw new Error('A write of a tenant returned no row.');
  return row;
}
