/** SQL of what is kept of archived tenants, and until when. */
import { sql } from 'kysely';
import type { KeptResource } from '#contract/tenants.ts';
import type { Database, Tx } from '#server/db/database.ts';
import type { RetiringResource } from './tenant-resource-rules.ts';
import type { TenantResourceId } from './tenant-resource-store.ts';

export interface DueResource {
  environment: string;
  kind: 'stream' | 'bucket';
  name: string;
  tenant_id: string;
  job_id: string;
}

/** Starts the clock, also of what an earlier restore brought back; a job may settle twice. */
export async function insertRetired(
  tx: Tx,
  { tenant_id, job_id }: { tenant_id: string; job_id: string },
  resources: readonly RetiringResource[],
): Promise<void> {
  if (resources.length === 0) return;
  await sql`insert into retired_resources (environment, kind, name, tenant_id, job_id, delete_after)
    select environment, kind, name, ${tenant_id}, ${job_id}::uuid, now() + make_interval(days => retention_days)
    from jsonb_to_recordset(${JSON.stringify(resources)}::jsonb) as resource(environment text, kind text, name text, retention_days integer)
    on conflict (environment, kind, name) do update set tenant_id = excluded.tenant_id, job_id = excluded.job_id, retired_at = excluded.retired_at,
      delete_after = excluded.delete_after, settled_at = null, outcome = null
      where retired_resources.job_id <> excluded.job_id`.execute(tx);
}

export interface RetiredResource extends TenantResourceId {
  environment: string;
  delete_after: string;
  overdue: boolean;
  outcome: 'deleted' | 'absent' | 'kept' | 'restored' | null;
}

/** Everything that an archiving has retired, with what became of it. */
export async function readRetired(
  db: Database,
  { tenant_id, job_id }: { tenant_id: string; job_id: string },
): Promise<RetiredResource[]> {
  const { rows } =
    await sql<RetiredResource>`select environment, kind, name, delete_after, delete_after <= now() as overdue, outcome
    from retired_resources where tenant_id = ${tenant_id} and job_id = ${job_id}::uuid order by environment, kind, name`.execute(
      db,
    );
  return rows;
}

/** Stops the clock of the tenant's resources; answers how many it stopped. A sweep that has one of them under way is waited for. */
export async function stopRetention(tx: Tx, tenant_id: string): Promise<number> {
  const { rows } = await sql`update retired_resources set settled_at = now(), outcome = 'restored'
    where tenant_id = ${tenant_id} and settled_at is null returning name`.execute(tx);
  return rows.length;
}

/** Lets the clocks that `stopRetention` stopped run on, as if nothing had been. */
export async function resumeRetention(tx: Tx, tenant_id: string): Promise<void> {
  await sql`update retired_resources set settled_at = null, outcome = null
    where tenant_id = ${tenant_id} and outcome = 'restored'`.execute(tx);
}

/** Streams and buckets of an archived tenant that still stand, and when they go. */
export async function readKeptResources(db: Database, tenant_id: string): Promise<KeptResource[]> {
  const { rows } = await sql<KeptResource>`select environment, kind, name, retired_at, delete_after
    from retired_resources where tenant_id = ${tenant_id} and settled_at is null order by environment, kind, name`.execute(
    db,
  );
  return rows;
}

/** One resource whose time has come, held by this transaction; those that other replicas hold are passed over. */
export async function lockDue(tx: Tx, except: readonly string[]): Promise<DueResource | null> {
  const { rows } =
    await sql<DueResource>`select environment, kind, name, tenant_id, job_id from retired_resources
    where settled_at is null and delete_after <= now() and not environment = any(${except}::text[])
      and exists (select from tenants where tenants.tenant_id = retired_resources.tenant_id and tenants.status = 'archived')
    order by delete_after limit 1 for update skip locked`.execute(tx);
  return rows[0] ?? null;
}

/** Writes down what became of it, with its audit event. */
export async function settleRetired(
  tx: Tx,
  { environment, kind, name, tenant_id, job_id }: DueResource,
  outcome: 'deleted' | 'absent' | 'kept',
): Promise<void> {
  await sql`with settled as (
      update retired_resources set settled_at = now(), outcome = ${outcome}
      where environment = ${environment} and kind = ${kind} and name = ${name} returning retired_at, delete_after)
    insert into audit_events (actor_type, actor_label, action, outcome, target_type, target_id, tenant_id, environment, details, job_id)
    select 'system', 'retention', ${`scale.tenant_resources.${outcome}`}, 'succeeded', ${kind}, ${name}, ${tenant_id}, ${environment},
      jsonb_build_object('retired_at', retired_at, 'delete_after', delete_after), ${job_id}::uuid from settled`.execute(
    tx,
  );
}
