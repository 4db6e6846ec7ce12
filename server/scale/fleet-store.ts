/** SQL that reads the platform as observed: watches, nodes, shards and placements. */
import { sql, type RawBuilder } from 'kysely';
import type { ServiceKind } from '#contract/placement-record.ts';
import type { Node, Placement } from '#contract/scale.ts';
import type { Database } from '#server/db/database.ts';
import type { AllowedScopes } from '#server/http/call-context.ts';
import {
  boundedTotal,
  keysetPage,
  pageOf,
  scopeCondition,
  TOTAL_BOUND,
  type ListRequest,
} from '#server/http/cursor.ts';
import type { WatchRow } from './watch-rules.ts';

export interface NodeFilter extends ListRequest {
  environment?: string | undefined;
  kind?: Node['kind'] | undefined;
  state?: Node['state'] | undefined;
  host_id?: string | undefined;
  service_id?: string | undefined;
  q?: string | undefined;
}

export interface PlacementFilter extends ListRequest {
  environment?: string | undefined;
  service?: ServiceKind | undefined;
  shard?: string | undefined;
  tenant_id?: string | undefined;
  state?: Placement['state'] | undefined;
  q?: string | undefined;
}

export type NodeRow = Omit<Node, 'observation'> & { observed_at: string | null };

/** What shards are made of. */
export type ShardNodeRow = Pick<
  NodeRow,
  | 'environment'
  | 'node_id'
  | 'kind'
  | 'state'
  | 'shards'
  | 'inflight'
  | 'consumer_lag'
  | 'storage'
  | 'observed_at'
>;

export interface ShardTotalRow {
  environment: string;
  service: ServiceKind;
  shard: string;
  tenant_count: number;
}

const all = (conditions: RawBuilder<unknown>[]): RawBuilder<unknown> =>
  conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);

/** How far each index has come and how long ago that was seen. */
export async function readWatchRows(db: Database): Promise<Map<string, WatchRow>> {
  const { rows } = await sql<WatchRow>`select environment, revision, state, detail, observed_at,
      extract(epoch from clock_timestamp() - observed_at)::float8 as age_s from placement_watch`.execute(db);
  return new Map(rows.map((row) => [row.environment, row]));
}

/** Nodes by environment and state. */
export async function countNodes(
  db: Database,
): Promise<{ environment: string; state: Node['state']; count: number }[]> {
  const { rows } = await sql<{
    environment: string;
    state: Node['state'];
    count: number;
  }>`select environment, state, count(*) as count from node_index group by 1, 2`.execute(db);
  return rows;
}

/** Placements by shard, of the environments. */
export async function readShardTotals(
  db: Database,
  environments: readonly string[],
  filter: Pick<PlacementFilter, 'service' | 'shard'> = {},
): Promise<ShardTotalRow[]> {
  const conditions = [sql`environment = any(${environments}::text[]) and tenant_count > 0`];
  if (filter.service !== undefined) conditions.push(sql`service = ${filter.service}`);
  if (filter.shard !== undefined) conditions.push(sql`shard = ${filter.shard}`);
  const { rows } =
    await sql<ShardTotalRow>`select environment, service, shard, tenant_count from shard_totals where ${all(conditions)}`.execute(
      db,
    );
  return rows;
}

/** The nodes of the environments that may hold shards. */
export async function readShardNodes(
  db: Database,
  environments: readonly string[],
  service?: ServiceKind,
): Promise<ShardNodeRow[]> {
  const kind = service === undefined ? sql`kind <> 'gateway'` : sql`kind = ${service}`;
  const { rows } =
    await sql<ShardNodeRow>`select environment, node_id, kind, state, shards, inflight, consumer_lag, storage, observed_at
    from node_index where environment = any(${environments}::text[]) and ${kind} order by node_id`.execute(
      db,
    );
  return rows;
}

/** What is shown of a node; a load that it does not measure is null. */
const NODE_COLUMNS = sql`node_id, kind, environment, state, shards, labels, version, git_sha, placement_revision, inflight, consumer_lag, storage,
  case when load is not null then load || jsonb_build_object('consumer_lag', consumer_lag) end as load, host_id, service_id, region, checks, problem,
  since, observed_at`;

/** One node; undefined when there is none of that id. */
export async function findNodeRow(
  db: Database,
  environment: string,
  node_id: string,
): Promise<NodeRow | undefined> {
  const { rows } = await sql<NodeRow>`select ${NODE_COLUMNS} from node_index
    where environment = ${environment} and node_id = ${node_id}`.execute(db);
  return rows[0];
}

/** A page of the nodes of these environments. */
export async function listNodeRows(db: Database, filter: NodeFilter, environments: readonly string[]) {
  const tie = { column: sql`environment`, type: 'text' } as const;
  const page = keysetPage(filter, { node_id: { column: sql`node_id`, type: 'text' } }, tie, 'node_id');
  const conditions = [sql`environment = any(${environments}::text[])`];
  if (filter.kind !== undefined) conditions.push(sql`kind = ${filter.kind}`);
  if (filter.state !== undefined) conditions.push(sql`state = ${filter.state}`);
  if (filter.host_id !== undefined) conditions.push(sql`host_id = ${filter.host_id}`);
  if (filter.service_id !== undefined) conditions.push(sql`service_id = ${filter.service_id}`);
  if (filter.q) conditions.push(sql`strpos(lower(node_id), ${filter.q.toLowerCase()}) > 0`);
  const [{ rows }, total] = await Promise.all([
    sql<NodeRow>`select ${NODE_COLUMNS} from node_index where ${all(conditions)} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(
      db,
    ),
    countUpToBound(db, sql`node_index`, all(conditions)),
  ]);
  return { ...pageOf(rows, page, (node) => [node.node_id, node.environment]), total };
}

/** A page of the placements in these scopes. `environments`: those that the scopes reach, for the total that is kept. */
export async function listPlacementRows(
  db: Database,
  filter: PlacementFilter,
  scopes: AllowedScopes,
  environments: readonly string[],
) {
  const { environment, service, shard, tenant_id, state, q } = filter;
  // Every column of the sort is in the order of an index; the tie makes it total whatever is sorted by.
  const tie = { column: sql`(tenant_id || '/' || environment || '/' || service)`, type: 'text' } as const;
  const page = keysetPage(
    filter,
    {
      tenant_id: { column: sql`tenant_id`, type: 'text' },
      updated_at: { column: sql`updated_at`, type: 'timestamptz' },
    },
    tie,
    'tenant_id',
  );
  const conditions: RawBuilder<unknown>[] = [];
  if (environment !== undefined) conditions.push(sql`environment = ${environment}`);
  if (service !== undefined) conditions.push(sql`service = ${service}`);
  if (shard !== undefined) conditions.push(sql`shard = ${shard}`);
  if (tenant_id !== undefined) conditions.push(sql`tenant_id = ${tenant_id}`);
  if (state !== undefined) conditions.push(sql`state = ${state}`);
  if (q) conditions.push(sql`tenant_id like ${`${q.replace(/[\\%_]/g, '\\$&')}%`}`);
  const keepsTotal = seesWholeEnvironments(scopes) && tenant_id === undefined && state === undefined && !q;
  if (!scopes.all) {
    conditions.push(scopeCondition(scopes));
    const tenants = scopes.scopes.map((scope) => scope.tenant_id);
    // Says the same as the scopes, so that the index finds the few tenants.
    if (!tenants.includes(null)) conditions.push(sql`tenant_id = any(${tenants}::text[])`);
  }
  const [{ rows }, total] = await Promise.all([
    sql<Placement>`select environment, service, tenant_id, shard, state, epoch, revision, job_id, updated_at
      from placement_index outside where ${all(conditions)} and ${page.condition} order by ${page.orderBy} limit ${page.limit + 1}`.execute(
      db,
    ),
    keepsTotal
      ? readShardTotals(db, environments, { service, shard }).then((totals) => ({
          count: totals.reduce((sum, { tenant_count }) => sum + tenant_count, 0),
          exact: true,
        }))
      : countUpToBound(db, sql`placement_index outside`, all(conditions)),
  ]);
  const keyOf = (placement: Placement) => [
    page.sort.endsWith('updated_at') ? placement.updated_at : placement.tenant_id,
    `${placement.tenant_id}/${placement.environment}/${placement.service}`,
  ];
  return { ...pageOf(rows, page, keyOf), total };
}

const seesWholeEnvironments = (scopes: AllowedScopes): boolean =>
  scopes.all || scopes.scopes.every((scope) => scope.tenant_id === null);

/** The number of rows, counted up to a bound. */
export async function countUpToBound(
  db: Database,
  table: RawBuilder<unknown>,
  condition: RawBuilder<unknown>,
) {
  const { rows } = await sql<{
    count: number;
  }>`select count(*) as count from (select from ${table} where ${condition} limit ${sql.raw(String(TOTAL_BOUND + 1))}) counted`.execute(
    db,
  );
  return boundedTotal(rows[0]?.count ?? 0);
}
