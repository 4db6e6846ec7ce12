/** Fills a development platform with tenants that look like real ones, the same ones every time. */
import { sql } from 'kysely';
import { TENANT_PLANS } from '#contract/tenants.ts';
import { SERVICE_KINDS, type PlacementRecord, type ServiceKind } from '#contract/placement-record.ts';
import type { Database } from '#server/db/database.ts';

/** What seeding needs of an environment: its name, its shards by service kind, and where placements are written. */
export interface SeedEnvironment {
  environment: string;
  /** Asked only when there is something to place. */
  shards: () => Promise<Record<ServiceKind, string[]>>;
  putMany(records: Iterable<PlacementRecord>): Promise<number>;
}

const WORDS = [
  'acme',
  'globex',
  'initech',
  'umbrella',
  'hooli',
  'stark',
  'wayne',
  'wonka',
  'cyberdyne',
  'tyrell',
  'aperture',
  'soylent',
  'vandelay',
  'dunder',
  'pied',
  'monarch',
  'massive',
  'oscorp',
  'virtucon',
  'gringotts',
  'nakatomi',
  'sirius',
  'zorg',
  'weyland',
  'octan',
  'duff',
  'krusty',
  'prestige',
  'bluth',
  'sterling',
  'cogswell',
  'spacely',
] as const;
const KINDS = [
  'foods',
  'logistics',
  'health',
  'energy',
  'retail',
  'media',
  'bank',
  'motors',
  'labs',
  'travel',
  'insurance',
  'telecom',
] as const;
/** Of a hundred tenants, how many are of which plan. */
const PLAN_SHARES = [52, 30, 14, 4];
const BATCH = 10_000;

/** A number below `range` that is the same for the same tenant and question (xorshift of an FNV-1a hash). */
function pick(id: string, question: number, range: number): number {
  let hash = 2_166_136_261 ^ question;
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 16_777_619);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 2_246_822_519);
  return ((hash ^ (hash >>> 13)) >>> 0) % range;
}

const at = <T>(values: readonly T[], index: number): T => values[index % values.length] as T;

function planOf(id: string): (typeof TENANT_PLANS)[number] {
  let left = pick(id, 1, 100);
  return TENANT_PLANS.find((_plan, index) => (left -= PLAN_SHARES[index] ?? 0) < 0) ?? 'bronze';
}

function tenantAt(index: number, known: ReadonlySet<string>) {
  const word = at(WORDS, index);
  const kind = at(KINDS, Math.floor(index / WORDS.length));
  const tenant_id =
    index < WORDS.length * KINDS.length
      ? `${word}-${kind}`
      : `${word}-${kind}-${Math.floor(index / (WORDS.length * KINDS.length))}`;
  const status = at(['degraded', 'suspended', ...Array<string>(98).fill('active')], pick(tenant_id, 2, 100));
  const environments = ['dev', 'staging', 'prod'].filter(
    (environment) =>
      known.has(environment) &&
      (environment === 'prod' || pick(tenant_id, 3, 100) < (environment === 'staging' ? 10 : 5)),
  );
  const title = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  const age = pick(tenant_id, 4, 700 * 86_400);
  return {
    tenant_id,
    name: `${title(word)} ${title(kind)}`,
    status,
    plan: planOf(tenant_id),
    environments: environments.length > 0 ? environments : [...known].slice(-1),
    quotas: {
      commands_per_second: 50 * (1 + pick(tenant_id, 5, 40)),
      storage_bytes: (1 + pick(tenant_id, 6, 64)) * 2 ** 30,
    },
    contact: { name: `${title(word)} operations`, email: `ops@${tenant_id}.example` },
    billing: { account: `A-${100_000 + index}`, currency: at(['EUR', 'USD', 'GBP'], pick(tenant_id, 7, 3)) },
    age,
    updated_age: pick(tenant_id, 8, Math.max(1, age)),
  };
}
type SeedTenant = ReturnType<typeof tenantAt>;

/** The shard of a tenant: the first of them a little fuller than the last, as in life. */
const shardOf = (id: string, shards: readonly string[], question: number) =>
  at(shards, Math.floor((pick(id, question, 1000) / 1000) ** 1.25 * shards.length));

function* placementsOf(
  tenants: readonly SeedTenant[],
  environment: string,
  shards: Record<ServiceKind, string[]>,
): Generator<PlacementRecord> {
  const updated_at = new Date().toISOString();
  for (const tenant of tenants) {
    if (!tenant.environments.includes(environment)) continue;
    for (const [index, service] of SERVICE_KINDS.entries()) {
      yield {
        tenant_id: tenant.tenant_id,
        service,
        shard: shardOf(tenant.tenant_id, shards[service], 10 + index),
        state: 'active',
        epoch: 1,
        job_id: null,
        updated_at,
      };
    }
  }
}

/** Adds tenants until there are `count`; answers how many were added. Does nothing when there are as many already. */
export async function seedTenants(
  db: Database,
  environments: readonly SeedEnvironment[],
  count: number,
): Promise<number> {
  const { rows } = await sql<{
    count: number;
  }>`select coalesce(sum(count), 0)::bigint as count from tenant_totals where environment = ''`.execute(db);
  const present = rows[0]?.count ?? 0;
  if (present >= count) return 0;
  const shards = new Map(
    await Promise.all(environments.map(async (each) => [each, await each.shards()] as const)),
  );
  const known = new Set(environments.map(({ environment }) => environment));
  for (let from = present; from < count; from += BATCH) {
    const tenants = Array.from({ length: Math.min(BATCH, count - from) }, (_value, index) =>
      tenantAt(from + index, known),
    );
    // PostgreSQL takes the tenants in while this process writes their placements.
    const inserting =
      sql`insert into tenants (tenant_id, name, status, plan, environments, quotas, contact, billing, created_at, updated_at, status_since)
      select tenant_id, name, status, plan, array(select jsonb_array_elements_text(environments)), quotas, contact, billing,
        now() - make_interval(secs => age), now() - make_interval(secs => updated_age), now() - make_interval(secs => updated_age)
      from jsonb_to_recordset(${JSON.stringify(tenants)}::jsonb) as seed(tenant_id text, name text, status text, plan text, environments jsonb, quotas jsonb, contact jsonb,
        billing jsonb, age double precision, updated_age double precision)
      on conflict (tenant_id) do nothing`.execute(db);
    const placing = async () => {
      for (const [target, held] of shards)
        await target.putMany(placementsOf(tenants, target.environment, held));
    };
    await Promise.all([inserting, placing()]);
  }
  await sql`analyze tenants`.execute(db);
  return count - present;
}
