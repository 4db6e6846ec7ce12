/**
 * The executor of this process: DBOS with our workflow, and the watch over the other executors. Each holds a session lock on its own
 * id for as long as it lives; whose lock can be taken in two looks running is dead, and what it had begun is resumed. One look is not
 * enough: after a restart of PostgreSQL all locks are free until their owners, who live, have connected again.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DBOS } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import type { JobDefinition } from './job-definition.ts';
import { JOB_PROTOCOL_VERSION, JOB_QUEUE } from './job-protocol.ts';
import { registerJobWorkflow, type JobEnded, type JobLog } from './job-runner.ts';

export interface JobExecutor {
  executorId: string;
  /** False when the executor cannot work; `detail` says why. */
  ready(): { ok: boolean; detail: string };
  stop(): Promise<void>;
}

interface ExecutorOptions {
  database: DatabaseHandle;
  definitions: readonly JobDefinition[];
  log: JobLog;
  onEnded?: JobEnded;
  /** Jobs that run at the same time in this process. */
  concurrency?: number;
}

/** First key of the executors' advisory locks; the second is a hash of the executor's id. */
const EXECUTOR_LOCK = 7_070_002;
/** How often the engine looks for queued jobs; a job starts after half of it on average. Each look takes three round trips, idle or not. */
const POLL_EVERY_MS = 70;
const WATCH_EVERY_MS = 1_000;
/** How soon a lost lock is asked for again: well before anybody looks a second time. */
const LOCK_AGAIN_MS = 200;

/** Starts the executor; one a process, because DBOS is one a process. */
export async function startJobExecutor({
  database,
  definitions,
  log,
  onEnded = () => undefined,
  concurrency = 20,
}: ExecutorOptions): Promise<JobExecutor> {
  const executorId = randomUUID();
  const journal = openDatabase(database.url, { max: 6, waitForDisk: false });
  let lock = await holdExecutorLock(database.url, executorId);
  const known = new Map(definitions.map((definition) => [definition.kind, definition]));
  registerJobWorkflow({ journal, definitions: known, executorId, log, onEnded });
  DBOS.setConfig({
    name: 'cloudlysis-control',
    systemDatabaseUrl: database.url,
    systemDatabasePoolSize: 10,
    applicationVersion: JOB_PROTOCOL_VERSION,
    executorID: executorId,
    runMigrations: false,
    listenQueues: [JOB_QUEUE],
    logger: quietLogger(log),
  });
  await DBOS.launch();
  await DBOS.registerQueue(JOB_QUEUE, {
    workerConcurrency: concurrency,
    minPollingIntervalMs: POLL_EVERY_MS,
    onConflict: 'always_update',
  });

  let problem: string | null = null;
  const stopping = new AbortController();
  let suspects: ReadonlySet<string> = new Set();
  const watch = async () => {
    try {
      if (lock.lost.aborted) {
        suspects = new Set();
        lock = await holdExecutorLock(database.url, executorId);
      }
      suspects = await resumeOrphans(lock.client, executorId, suspects, log);
      problem = null;
    } catch (error) {
      problem = `cannot watch over other executors: ${error instanceof Error ? error.message : String(error)}`;
    }
  };
  const keepWatch = async () => {
    while (!stopping.signal.aborted) {
      const lost = lock.lost.aborted;
      const wake = lost ? stopping.signal : AbortSignal.any([stopping.signal, lock.lost]);
      await pause(lost ? LOCK_AGAIN_MS : WATCH_EVERY_MS, undefined, { signal: wake }).catch(() => undefined);
      if (!stopping.signal.aborted) await watch();
    }
  };
  await watch();
  const watching = keepWatch();
  return {
    executorId,
    ready: () => ({ ok: problem === null && DBOS.isInitialized(), detail: problem ?? 'takes jobs' }),
    stop: async () => {
      stopping.abort();
      await watching;
      // A step under way is left as after a crash: the next executor runs it again. Waiting for a drain would hold the shutdown for a minute.
      await DBOS.shutdown({ deregister: true });
      await journal.close();
      await lock.client.end();
    },
  };
}

interface ExecutorLock {
  client: pg.Client;
  /** Aborts when the connection, and with it the lock, is gone. */
  lost: AbortSignal;
}

async function holdExecutorLock(url: string, executorId: string): Promise<ExecutorLock> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'cloudlysis-control executor lock',
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
  });
  const gone = new AbortController();
  client.on('error', () => gone.abort());
  client.on('end', () => gone.abort());
  await client.connect();
  await client.query('select pg_advisory_lock($1, hashtext($2))', [EXECUTOR_LOCK, executorId]);
  return { client, lost: gone.signal };
}

const ORPHANS = `select executor_id, array_agg(workflow_uuid) as workflow_ids from dbos.workflow_status
  where status = 'PENDING' and application_version = $1 and executor_id <> $2 group by executor_id`;

/** Takes over what executors had begun whose lock is free now and was so at the last look; answers those whose lock is free for the first time. */
async function resumeOrphans(
  client: pg.Client,
  executorId: string,
  suspects: ReadonlySet<string>,
  log: JobLog,
): Promise<Set<string>> {
  const read = async (owner: string | null) => {
    const text = owner === null ? ORPHANS : `select * from (${ORPHANS}) orphans where executor_id = $3`;
    const values = [JOB_PROTOCOL_VERSION, executorId, ...(owner === null ? [] : [owner])];
    return (await client.query<{ executor_id: string; workflow_ids: string[] }>(text, values)).rows;
  };
  const newSuspects = new Set<string>();
  for (const { executor_id } of await read(null)) {
    const { rows } = await client.query<{ taken: boolean }>(
      'select pg_try_advisory_lock($1, hashtext($2)) as taken',
      [EXECUTOR_LOCK, executor_id],
    );
    if (!rows[0]?.taken) continue;
    try {
      if (!suspects.has(executor_id)) {
        newSuspects.add(executor_id);
        continue;
      }
      // Read again under the lock: another replica may just have resumed them.
      const workflow_ids = (await read(executor_id)).flatMap((orphans) => orphans.workflow_ids);
      if (workflow_ids.length === 0) continue;
      log.info({ executor_id, jobs: workflow_ids }, 'resuming the jobs of an executor that is gone');
      await DBOS.resumeWorkflows(workflow_ids, { queueName: JOB_QUEUE });
    } finally {
      await client.query('select pg_advisory_unlock($1, hashtext($2))', [EXECUTOR_LOCK, executor_id]);
    }
  }
  return newSuspects;
}

/** DBOS logs each launch and dequeue at info; only what goes wrong is ours to show. */
function quietLogger(log: JobLog) {
  const warn = (entry: unknown) =>
    log.warn({ dbos: entry instanceof Error ? entry.message : String(entry) }, 'job engine');
  return { info: () => undefined, debug: () => undefined, warn, error: warn };
}
