/** SQL that writes the index of what the orchestrators run. */
import type { IndexConnection, IndexQuery } from './leader-connection.ts';
import type { PictureChanges } from './orchestrator-picture.ts';
import { recordRevisions } from './service-history-store.ts';

export interface OrchestratorPosition {
  state: 'live' | 'rebuilding' | 'down';
  detail: string | null;
}

const HOST_COLUMNS = `host_id text, hostname text, role text, leader boolean, state text, availability text, address text, region text, labels jsonb,
  engine_version text, cpus float8, memory_bytes float8, tasks_running integer, problem text`;
const SERVICE_COLUMNS = `service_id text, name text, kind text, mode text, state text, image text, digest text, replicas_desired integer,
  replicas_running integer, replicas_current integer, task_spec_digest text, spec_digest text, update jsonb, labels jsonb, problem text`;
const TASK_COLUMNS = `task_id text, service_id text, service_name text, kind text, slot integer, host_id text, hostname text, state text,
  desired_state text, wanted boolean, current boolean, image text, digest text, url text, message text, error text, since timestamptz,
  created_at timestamptz`;

/** Writes the rows that are given, and leaves alone those that are as they were. Without `since` of its own a row keeps it with its state. */
function upsert(table: string, key: string, typed: string): string {
  const columns = typed.split(',').map((column) => column.trim().split(' ')[0] ?? '');
  const own = columns.includes('since');
  const all = own ? columns : [...columns, 'since'];
  const shown = columns.filter((column) => column !== key);
  const set = shown.map((column) => `${column} = excluded.${column}`);
  if (!own)
    set.push('since = case when known.state = excluded.state then known.since else excluded.since end');
  const list = (alias: string) => `(${shown.map((column) => `${alias}.${column}`).join(', ')})`;
  return `insert into ${table} as known (environment, ${all.join(', ')})
    select $1, ${columns.join(', ')}${own ? '' : ', clock_timestamp()'} from jsonb_to_recordset($2::jsonb) as given(${typed})
    on conflict (environment, ${key}) do update set ${set.join(', ')} where ${list('known')} is distinct from ${list('excluded')}`;
}

const TABLES = {
  hosts: { table: 'host_index', key: 'host_id', upsert: upsert('host_index', 'host_id', HOST_COLUMNS) },
  services: {
    table: 'service_index',
    key: 'service_id',
    upsert: upsert('service_index', 'service_id', SERVICE_COLUMNS),
  },
  tasks: { table: 'task_index', key: 'task_id', upsert: upsert('task_index', 'task_id', TASK_COLUMNS) },
} as const;
type Kind = keyof typeof TABLES;
const KINDS: readonly Kind[] = ['hosts', 'services', 'tasks'];

/** Writes changes of an index that is whole. */
export async function writeChanges(
  index: IndexConnection,
  environment: string,
  changes: PictureChanges,
): Promise<void> {
  await index.transaction(async (query) => {
    await writeRows(query, environment, changes);
    for (const kind of KINDS) {
      const { table, key } = TABLES[kind];
      const { gone } = changes[kind];
      if (gone.length > 0) {
        await query(`delete from ${table} where environment = $1 and ${key} = any($2::text[])`, [
          environment,
          gone,
        ]);
      }
    }
    await writeLive(query, environment, true);
  });
}

/** Makes the index equal to a full picture, in one transaction: nobody sees half of it. */
export async function replaceAll(
  index: IndexConnection,
  environment: string,
  { hosts, services, tasks }: PictureChanges,
): Promise<void> {
  await index.transaction(async (query) => {
    await writeRows(query, environment, { hosts, services, tasks });
    const kept = {
      hosts: hosts.written.map(({ host_id }) => host_id),
      services: services.written.map(({ service_id }) => service_id),
      tasks: tasks.written.map(({ task_id }) => task_id),
    };
    for (const kind of KINDS) {
      const { table, key } = TABLES[kind];
      await query(
        `delete from ${table} where environment = $1 and not exists (select from unnest($2::text[]) as kept(id) where kept.id = ${table}.${key})`,
        [environment, kept[kind]],
      );
    }
    await writeLive(query, environment, true);
  });
  for (const { table } of Object.values(TABLES)) await index.query(`analyze ${table}`);
}

/** Writes that the orchestrator was heard of just now; with `changed` that readers have to look again. */
export async function writeLive(query: IndexQuery, environment: string, changed: boolean): Promise<void> {
  await query(
    `update orchestrator_watch set state = 'live', detail = null, observed_at = clock_timestamp(), revision = coalesce(revision, 0) + $2
      where environment = $1`,
    [environment, changed ? 1 : 0],
  );
}

/** Writes why the index is not live; its rows and the time of the last observation stay as they were. */
export async function writePosition(
  index: IndexConnection,
  environment: string,
  source: string,
  { state, detail }: OrchestratorPosition,
): Promise<void> {
  await index.query(
    `insert into orchestrator_watch (environment, source, state, detail) values ($1, $2, $3, $4)
      on conflict (environment) do update set source = excluded.source, state = excluded.state, detail = excluded.detail`,
    [environment, source, state, detail],
  );
}

/** Writes which node answered in a task; readers of the index look again. */
export async function writeNodeIds(
  index: IndexConnection,
  environment: string,
  nodes: readonly { task_id: string; node_id: string }[],
): Promise<void> {
  await index.transaction(async (query) => {
    await query(
      `update task_index set node_id = given.node_id from jsonb_to_recordset($2::jsonb) as given(task_id text, node_id text)
        where task_index.environment = $1 and task_index.task_id = given.task_id`,
      [environment, JSON.stringify(nodes)],
    );
    await query('update orchestrator_watch set revision = revision + 1 where environment = $1', [
      environment,
    ]);
  });
}

/** Forgets environments that have no orchestrator (any more). */
export async function forgetOtherOrchestrators(
  index: IndexConnection,
  environments: readonly string[],
): Promise<void> {
  for (const table of [
    'host_index',
    'service_index',
    'task_index',
    'orchestrator_watch',
    'service_revisions',
  ]) {
    await index.query(`delete from ${table} where environment <> all($1::text[])`, [environments]);
  }
}

async function writeRows(query: IndexQuery, environment: string, changes: PictureChanges): Promise<void> {
  for (const kind of KINDS) {
    const { written } = changes[kind];
    if (written.length > 0) await query(TABLES[kind].upsert, [environment, JSON.stringify(written)]);
  }
  await recordRevisions(query, environment, changes.services.written);
}
