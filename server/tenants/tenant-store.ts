/** Reads tenants as the contract shows them. The list is the busiest read of the product: one statement answers page and total. */
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { PermissionScope } from '#contract/permission-rules.ts';
import type { Tenant, TenantListItem, TenantStatus } from '#contract/tenants.ts';
import type { Database, Tx } from '#server/db/database.ts';
import type { AllowedScopes } from '#server/http/call-context.ts';
import {
  boundedTotal,
  encodeCursor,
  keysetPage,
  TOTAL_BOUND,
  type ListRequest,
} from '#server/http/cursor.ts';
import { pageText, type JsonText } from '#server/http/json-text.ts';

export interface TenantFilter extends ListRequest {
  q?: string | undefined;
  status?: TenantStatus[] | undefined;
  plan?: string[] | undefined;
  environment?: string | undefined;
  shard?: string | undefined;
}

const shown = sql`tenant_id, status, status_since, environments, name, plan, quotas, feature_flags, contact, billing, revision, created_at, updated_at`;

export async function findTenant(db: Database, tenant_id: string): Promise<Tenant | null> {
  const { rows } = await sql<Tenant>`select ${shown} from tenants where tenant_id = ${tenant_id}`.execute(db);
  return rows[0] ?? null;
}

/** The tenant, held until the transaction ends. */
export async function lockTenantRow(tx: Tx, tenant_id: string): Promise<Tenant | null> {
  const { rows } =
    await sql<Tenant>`select ${shown} from tenants where tenant_id = ${tenant_id} for update`.execute(tx);
  return rows[0] ?? null;
}

const textKey = (column: RawBuilder<unknown>) => ({ column, type: 'text' }) as const;
const timeKey = (column: RawBuilder<unknown>) => ({ column, type: 'timestamptz' }) as const;
const tenantId = textKey(sql`tenants.tenant_id`);
const SORTS = {
  tenant_id: tenantId,
  name: textKey(sql`tenants.name`),
  created_at: timeKey(sql`tenants.created_at`),
  updated_at: timeKey(sql`tenants.updated_at`),
};

/** `shards` of the chosen environment by service kind; null when none was chosen. */
const placements = (environment: string | undefined) =>
  environment === undefined
    ? sql`null`
    : sql`(select jsonb_build_object('aggregate', max(shard) filter (where service = 'aggregate'), 'projection', max(shard) filter (where service = 'projection'),
        'runner', max(shard) filter (where service = 'runner')) from placement_index where placement_index.tenant_id = tenants.tenant_id and placement_index.environment = ${environment})`;

/** A tenant is seen by whoever may see it in one of its environments, or in the one that was asked for: placements are shown of that. */
const visibleTenants = (scopes: readonly PermissionScope[], asked: string | undefined) =>
  sql<boolean>`exists (select from jsonb_to_recordset(${JSON.stringify(scopes)}::jsonb) as allowed(tenant_id text, environment text)
    where (allowed.tenant_id is null or allowed.tenant_id = tenants.tenant_id)
      and (allowed.environment is null or allowed.environment = ${asked === undefined ? sql`any(tenants.environments)` : sql`${asked}`}))`;

/** Tenants in the caller's scopes that fit the filter. */
export async function listTenantRows(
  db: Database,
  filter: TenantFilter,
  scopes: AllowedScopes,
): Promise<JsonText<Page<TenantListItem>>> {
  const page = keysetPage(filter, SORTS, tenantId, 'tenant_id');
  const { q, status, plan, environment, shard } = filter;
  const kept: RawBuilder<boolean>[] = [];
  if (status?.length) kept.push(sql`status = any(${status}::text[])`);
  if (plan?.length) kept.push(sql`plan = any(${plan}::text[])`);
  const scanned: RawBuilder<boolean>[] = [];
  if (q)
    scanned.push(
      sql`(tenants.tenant_id || ' ' || lower(name)) like ${`%${q.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`}`,
    );
  // Totals are kept by environment too, '' for all of them.
  const inEnvironment = environment
    ? sql<boolean>`environments @> array[${environment}]::text[]`
    : sql<boolean>`true`;
  if (shard) {
    scanned.push(sql`exists (select from placement_index where placement_index.tenant_id = tenants.tenant_id and placement_index.shard = ${shard}
      ${environment ? sql`and placement_index.environment = ${environment}` : sql``})`);
  }
  if (!scopes.all) {
    scanned.push(visibleTenants(scopes.scopes, environment));
    const tenant_ids = scopes.scopes.map((scope) => scope.tenant_id);
    // Says the same as the scopes, so that the index finds the few tenants.
    if (!tenant_ids.includes(null)) scanned.push(sql`tenants.tenant_id = any(${tenant_ids}::text[])`);
  }
  const where = sql.join([...kept, inEnvironment, ...scanned], sql` and `);
  const total =
    scanned.length === 0
      ? sql<number>`(select coalesce(sum(count), 0)::bigint from tenant_totals where ${sql.join([sql`environment = ${environment ?? ''}`, ...kept], sql` and `)})`
      : sql<number>`(select count(*) from (select from tenants where ${where} limit ${TOTAL_BOUND + 1}) counted)`;
  // PostgreSQL writes the page as the text that is sent: fifty rows of nine columns, read and written again, cost this process, which is
  // one thread, far more than PostgreSQL, which is many.
  const sortColumn = sql.ref(page.sort.replace(/^-/, ''));
  const { rows } = await sql<{ items: string; last: [string, string] | null; found: number; total: number }>`
    select '[' || coalesce(string_agg(item, ',') filter (where place <= ${page.limit}), '') || ']' as items,
      (array_agg(last) filter (where place = ${page.limit}))[1] as last, count(*) as found, ${total} as total
    from (
      select row_to_json(page)::text as item, json_build_array(${sortColumn}, tenant_id) as last, row_number() over () as place from (
        select tenants.tenant_id, name, status, plan, environments, contact->>'email' as contact_email, ${placements(environment)} as placements,
          created_at, updated_at
        from tenants where ${where} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}
      ) page
    ) numbered`.execute(db);
  const { items, last, found, total: counted } = rows[0] ?? { items: '[]', last: null, found: 0, total: 0 };
  return pageText(items, {
    next_cursor: found > page.limit && last ? encodeCursor({ sort: page.sort, values: last }) : null,
    total: scanned.length === 0 ? { count: counted, exact: true } : boundedTotal(counted),
  });
}
