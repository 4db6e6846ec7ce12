/** What other domains may read of tenants, and the one thing they may change: the status, while a job of theirs holds the tenant. */
import { sql } from 'kysely';
import type { TenantStatus } from '#contract/tenants.ts';
import type { Database, Tx } from '#server/db/database.ts';

export interface TenantFacts {
  tenant_id: string;
  status: TenantStatus;
  plan: string;
  contact_email: string | null;
  environments: string[];
  revision: number;
}

const facts = sql`tenant_id, status, plan, contact->>'email' as contact_email, environments, revision`;

export async function findTenantFacts(db: Database, tenant_id: string): Promise<TenantFacts | null> {
  const { rows } =
    await sql<TenantFacts>`select ${facts} from tenants where tenant_id = ${tenant_id}`.execute(db);
  return rows[0] ?? null;
}

/** The tenant, held until the transaction ends. */
export async function lockTenant(tx: Tx, tenant_id: string): Promise<TenantFacts | null> {
  const { rows } =
    await sql<TenantFacts>`select ${facts} from tenants where tenant_id = ${tenant_id} for update`.execute(
      tx,
    );
  return rows[0] ?? null;
}

/** Moves the tenant to a status; writes nothing when it has it already, so that a job may settle twice. */
export async function setTenantStatus(tx: Tx, tenant_id: string, status: TenantStatus): Promise<void> {
  await sql`update tenants set status = ${status}, status_since = now(), updated_at = now(), revision = revision + 1
    where tenant_id = ${tenant_id} and status <> ${status}`.execute(tx);
}

/** Adds an environment that the tenant is now served in. */
export async function addEnvironment(tx: Tx, tenant_id: string, environment: string): Promise<void> {
  await sql`update tenants set environments = environments || ${environment}::text, updated_at = now(), revision = revision + 1
    where tenant_id = ${tenant_id} and not environments @> array[${environment}]::text[]`.execute(tx);
}
