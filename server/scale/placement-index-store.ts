/** SQL that writes the index of placements. Revision 0 of a `placement_watch` row says that the index is not whole. */
import type { PlacementRecord } from '#contract/placement-record.ts';
import type { IndexConnection, IndexQuery } from './leader-connection.ts';
import type { PlacementChange, PlacementEntry, PlacementMark } from './placement-store.ts';

export interface WatchPosition {
  revision: number;
  state: 'live' | 'rebuilding' | 'down';
  detail: string | null;
  /** Left out when nothing new is known: the one written before stays. */
  mark?: PlacementMark | undefined;
}

/** How far the index of an environment has come, and what its store looked like then; null when it was never filled. */
export async function readPosition(
  index: IndexConnection,
  environment: string,
): Promise<{ revision: number; mark: PlacementMark } | null> {
  const [row] = await index.query<{ revision: number; mark: PlacementMark }>(
    'select revision::float8 as revision, mark from placement_watch where environment = $1',
    [environment],
  );
  return row ?? null;
}

const WRITE_POSITION = `insert into placement_watch (environment, revision, state, detail, mark, observed_at)
  values ($1, $2::bigint, $3, $4, coalesce($5, ''), clock_timestamp())
  on conflict (environment) do update set revision = excluded.revision, state = excluded.state, detail = excluded.detail,
    mark = coalesce($5, placement_watch.mark), observed_at = excluded.observed_at`;
const positionValues = (environment: string, { revision, state, detail, mark }: WatchPosition) => [
  environment,
  revision,
  state,
  detail,
  mark ?? null,
];

/** Writes how far the index has come, and that this was observed just now. */
export async function writePosition(
  query: IndexQuery,
  environment: string,
  position: WatchPosition,
): Promise<void> {
  await query(WRITE_POSITION, positionValues(environment, position));
}

/** Writes that nothing can be observed; position and time of the last observation stay as they were. */
export async function writeDown(index: IndexConnection, environment: string, detail: string): Promise<void> {
  await index.query(
    `insert into placement_watch (environment, revision, state, detail) values ($1, 0, 'down', $2)
     on conflict (environment) do update set state = excluded.state, detail = excluded.detail`,
    [environment, detail],
  );
}

type IndexRow = Omit<PlacementRecord, 'epoch'> & { epoch: number; revision: number };
const rowOf = ({ record, revision }: PlacementEntry): IndexRow => ({ ...record, revision });

const upsert = (
  rows: string,
) => `insert into placement_index (tenant_id, environment, service, shard, state, epoch, revision, job_id, updated_at)
  select tenant_id, $1, service, shard, state, epoch, revision, job_id, updated_at from json_to_recordset(${rows}::json)
    as entry(tenant_id text, service text, shard text, state text, epoch integer, revision bigint, job_id text, updated_at timestamptz)
  on conflict (tenant_id, environment, service) do update set shard = excluded.shard, state = excluded.state, epoch = excluded.epoch,
    revision = excluded.revision, job_id = excluded.job_id, updated_at = excluded.updated_at`;
const UPSERT_LISTED = `${upsert('$2')} where (placement_index.revision, placement_index.shard, placement_index.state, placement_index.epoch, placement_index.job_id, placement_index.updated_at)
  is distinct from (excluded.revision, excluded.shard, excluded.state, excluded.epoch, excluded.job_id, excluded.updated_at)`;
const REMEMBER_LISTED = `insert into placements_listed
  select $1, service, tenant_id from json_to_recordset($2::json) as entry(service text, tenant_id text)`;
/** One statement, so that a change costs one round trip: it is on the way of every placement that somebody waits for. */
const APPLY = `with written as (${upsert('$6')} where placement_index.revision < excluded.revision),
  gone as (delete from placement_index using json_to_recordset($7::json) as gone(tenant_id text, service text, revision bigint)
    where placement_index.environment = $1 and placement_index.tenant_id = gone.tenant_id and placement_index.service = gone.service
      and placement_index.revision < gone.revision)
  ${WRITE_POSITION}`;

/** Takes changes in, the last one of each key, and the position that they lead to. A row that is newer than its change stays. */
export async function applyChanges(
  index: IndexConnection,
  environment: string,
  changes: readonly PlacementChange[],
  position: WatchPosition,
): Promise<void> {
  const written: IndexRow[] = [];
  const gone: { service: string; tenant_id: string; revision: number }[] = [];
  for (const { key, record, revision } of new Map(changes.map((change) => [change.key, change])).values()) {
    if (record !== null) written.push(rowOf({ record, revision }));
    else {
      const dot = key.indexOf('.');
      gone.push({ service: key.slice(0, dot), tenant_id: key.slice(dot + 1), revision });
    }
  }
  const rows = [JSON.stringify(written), JSON.stringify(gone)];
  await index.query(APPLY, [...positionValues(environment, position), ...rows]);
}

/**
 * Begins to fill the index anew: from here until `endRebuild` it counts as not whole. Answers whether it has rows that the listing may
 * not name; only then the listing has to be remembered.
 */
export async function beginRebuild(
  index: IndexConnection,
  environment: string,
  detail: string,
): Promise<boolean> {
  return index.transaction(async (query) => {
    await query(
      'create temp table if not exists placements_listed (environment text, service text, tenant_id text)',
    );
    await query('delete from placements_listed where environment = $1', [environment]);
    await writePosition(query, environment, { revision: 0, state: 'rebuilding', detail });
    const found = await query('select from placement_index where environment = $1 limit 1', [environment]);
    return found.length > 0;
  });
}

/** Takes a part of the listing in, whatever revision the rows had: the store may be another one than before. */
export async function applyListed(
  index: IndexConnection,
  environment: string,
  entries: readonly PlacementEntry[],
  { detail, remember }: { detail: string; remember: boolean },
): Promise<void> {
  const rows = [
    ...new Map(
      entries.map((entry) => [`${entry.record.service}.${entry.record.tenant_id}`, rowOf(entry)]),
    ).values(),
  ];
  const values = [environment, JSON.stringify(rows)];
  await index.transaction(async (query) => {
    await query(UPSERT_LISTED, values);
    if (remember) await query(REMEMBER_LISTED, values);
    await writePosition(query, environment, { revision: 0, state: 'rebuilding', detail });
  });
}

/** Removes what the listing did not name; the index is then as the store was at `revision` or later. */
export async function endRebuild(
  index: IndexConnection,
  environment: string,
  { revision, mark, remembered }: { revision: number; mark: PlacementMark; remembered: boolean },
): Promise<void> {
  await index.transaction(async (query) => {
    if (remembered) await deleteUnlisted(query, environment);
    await query('delete from placements_listed where environment = $1', [environment]);
    await writePosition(query, environment, { revision, state: 'rebuilding', detail: 'catches up', mark });
  });
  await index.query('analyze placement_index');
}

async function deleteUnlisted(query: IndexQuery, environment: string): Promise<void> {
  await query('analyze placements_listed');
  await query(
    `delete from placement_index where environment = $1 and not exists (select from placements_listed listed
       where listed.environment = $1 and listed.service = placement_index.service and listed.tenant_id = placement_index.tenant_id)`,
    [environment],
  );
}

/** Forgets environments that are not configured any more. */
export async function forgetOtherEnvironments(
  index: IndexConnection,
  environments: readonly string[],
): Promise<void> {
  for (const table of ['placement_index', 'placement_watch', 'node_index']) {
    await index.query(`delete from ${table} where environment <> all($1::text[])`, [environments]);
  }
}
