/** How soon a job starts after its commit, and what a six-step job costs beside the same bare DBOS workflow. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { openDatabase } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { defineJob } from '#server/jobs/job-definition.ts';
import { startJobExecutor } from '#server/jobs/job-executor.ts';
import { JOB_QUEUE } from '#server/jobs/job-protocol.ts';
import { benchContext, median, openBenchDatabase, printTable, quantile } from './bench-tools.ts';

const ROUNDS = 60;
const STEPS = ['one', 'two', 'three', 'four', 'five', 'six'];

const postgres = await openBenchDatabase();
const database = openDatabase(postgres.url);
const firstStepAt = new Map<string, number>();
let jobEnded = () => {};

const definition = defineJob<{ key: string }>({
  kind: 'bench',
  permission: 'scale.migrate',
  steps: () =>
    STEPS.map((name, index) => ({
      name,
      run: async (step) => {
        if (index === 0) firstStepAt.set(step.job_id, performance.now());
      },
      time_box_s: 60,
    })),
  describeStuck: () => '',
});
const bareWorkflow = DBOS.registerWorkflow(
  async () => {
    for (const name of STEPS) await DBOS.runStep(async () => null, { name });
  },
  { name: 'bare' },
);
const silent = { info: () => undefined, warn: () => undefined };
const executor = await startJobExecutor({
  database,
  definitions: [definition],
  log: silent,
  onEnded: () => jobEnded(),
});

async function runJob(): Promise<{ startedAfterMs: number; workflowId: string }> {
  const run = {
    kind: 'bench',
    input: { key: 'x' },
    plan: null,
    steps: STEPS.map((name) => ({
      name,
      title: name,
      undo_title: null,
      point_of_no_return: false,
      time_box_s: 60,
    })),
  };
  const mutation = {
    action: 'bench.start',
    title: 'bench',
    permission: 'scale.migrate',
    target: { type: 'job', id: 'bench' },
    run,
  };
  const end = new Promise<void>((resolve) => (jobEnded = resolve));
  const { job_id } = await mutate(database.db, benchContext, mutation, async () => ({ result: {} }));
  const committedAt = performance.now();
  await end;
  return { startedAfterMs: (firstStepAt.get(job_id) ?? Number.NaN) - committedAt, workflowId: `${job_id}:1` };
}

async function runBare(): Promise<string> {
  const handle = await DBOS.startWorkflow(bareWorkflow, { queueName: JOB_QUEUE })();
  await handle.getResult({ pollingIntervalMs: 20 });
  return handle.workflowID;
}

/** From dequeue to the end, as the engine recorded it. */
async function durationsOf(workflowIds: string[]): Promise<number[]> {
  const query = `select completed_at - started_at_epoch_ms as ms from dbos.workflow_status where workflow_uuid = any($1) and completed_at is not null`;
  for (;;) {
    const { rows } = await database.pool.query<{ ms: string }>(query, [workflowIds]);
    if (rows.length === workflowIds.length) return rows.map((row) => Number(row.ms));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const starts: number[] = [];
const jobs: string[] = [];
const bare: string[] = [];
for (let round = 0; round < ROUNDS + 5; round++) {
  const job = await runJob();
  const workflow = await runBare();
  if (round < 5) continue;
  starts.push(job.startedAfterMs);
  jobs.push(job.workflowId);
  bare.push(workflow);
}
const [jobMs, bareMs] = [await durationsOf(jobs), await durationsOf(bare)];
printTable(
  ['figure', 'measured', 'goal'],
  [
    ['job start after commit, p50', `${median(starts).toFixed(0)} ms`, '≤ 50 ms'],
    ['job start after commit, p95', `${quantile(starts, 0.95).toFixed(0)} ms`, ''],
    ['six-step no-op job, median', `${median(jobMs).toFixed(1)} ms`, ''],
    ['bare six-step DBOS workflow, median', `${median(bareMs).toFixed(1)} ms`, ''],
    ['ratio of means', (mean(jobMs) / mean(bareMs)).toFixed(2), '≤ 1.5'],
  ],
);
await executor.stop();
await database.close();
await postgres.stop();

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
