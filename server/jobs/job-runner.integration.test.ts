import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Job, JobState } from '#contract/jobs.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { startJobExecutor, type JobExecutor } from './job-executor.ts';
import { defineJob, StepFailure, StepKept, type JobDefinition, type StepContext } from './job-definition.ts';
import { cancelJob, resolveJob } from './job-service.ts';
import { findJob } from './job-store.ts';

const user_id = '019ab000-0000-7000-8000-000000000001';
const context: CallContext = {
  principal: {
    type: 'user',
    principal_id: user_id,
    user_id,
    label: 'ops@example.com',
    session: null,
    token: null,
    grants: [{ role_id: 'owner', permissions: ['*'], tenant_id: null, environment: null, expires_at: null }],
    impersonation: null,
  },
  request_id: 'request-1',
  trace_id: null,
  ip: '127.0.0.1',
  user_agent: 'test',
  idempotency: null,
};

/** What the steps of the test's job do, by step name; every call is logged. */
type Behaviour = (step: StepContext<{ key: string }>) => Promise<unknown>;
const behaviours = new Map<string, Behaviour>();
const calls: string[] = [];
const settled: string[] = [];

const act = (name: string) => async (step: StepContext<{ key: string }>) => {
  calls.push(`${step.input.key} ${name}`);
  return behaviours.get(`${step.input.key} ${name}`)?.(step);
};

const steps = (input: { key: string }) =>
  ['first', 'second', 'third'].map((name) => ({
    name,
    run: act(name),
    undo: async (step: StepContext<{ key: string }>) => void (await act(`undo ${name}`)(step)),
    time_box_s: input.key.startsWith('slow') ? 0.3 : 20,
    ...(input.key.startsWith('final') && name === 'second' && { point_of_no_return: true as const }),
  }));

const job: JobDefinition = defineJob<{ key: string }>({
  kind: 'rehearse',
  permission: 'scale.migrate',
  steps,
  settle: async (_tx, finished) => void settled.push(`${finished.input.key} ${finished.state}`),
  describeStuck: (input, step, during) => `${input.key} is left at ${during} of ${step}`,
});

let test_database: TestDatabase;
let database: DatabaseHandle;
let executor: JobExecutor;

/** Resolves when the executor says that it holds a job whose kind it does not know. */
const { promise: held, resolve: holds } = Promise.withResolvers<void>();
const startExecutor = (definitions: readonly JobDefinition[]) =>
  startJobExecutor({
    database,
    definitions,
    log: {
      info: () => undefined,
      warn: (_fields, message) => message.includes('does not know the kind') && holds(),
    },
  });

beforeAll(async () => {
  test_database = await createTestDatabase();
  database = openDatabase(test_database.url);
  executor = await startExecutor([job]);
});
afterAll(async () => {
  await executor.stop();
  await database.close();
  await test_database.drop();
});

async function start(key: string, kind = 'rehearse'): Promise<string> {
  const run = {
    kind,
    input: { key },
    plan: null,
    steps: steps({ key }).map(({ name, time_box_s, ...step }) => ({
      name,
      title: `Do ${name}`,
      undo_title: `take back ${name}`,
      point_of_no_return: 'point_of_no_return' in step,
      time_box_s,
    })),
  };
  const mutation = {
    action: 'test.start',
    title: `Rehearse ${key}`,
    permission: 'scale.migrate',
    target: { type: 'tenant', id: key },
    tenant_id: key,
    run,
  };
  const { job_id } = await mutate(database.db, context, mutation, async () => ({ result: {} }));
  return job_id;
}

async function until(job_id: string, ...states: JobState[]): Promise<Job> {
  for (const deadline = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const found = await findJob(database.db, job_id, { all: true });
    if (found && states.includes(found.state)) return found;
    if (Date.now() > deadline) throw new Error(`job is ${found?.state}, not ${states.join(' or ')}`);
  }
}
const callsOf = (key: string) =>
  calls.filter((call) => call.startsWith(`${key} `)).map((call) => call.slice(key.length + 1));
const actionsOf = async (job_id: string) => {
  const { rows } = await test_database.pool.query(
    'select action, details from audit_events where job_id = $1 order by sequence',
    [job_id],
  );
  return (rows as { action: string; details: { step?: string } | null }[]).map(
    ({ action, details }) => `${action}${details?.step ? ` ${details.step}` : ''}`,
  );
};

test('a job runs its steps in order, keeps what they return and tells it all to the audit log', async () => {
  behaviours.set('plain first', async () => ({ revision: 7 }));
  let seen: unknown;
  behaviours.set('plain second', async (step) => void (seen = step.outputs['first']));
  const job_id = await start('plain');
  const done = await until(job_id, 'succeeded');
  expect(callsOf('plain')).toEqual(['first', 'second', 'third']);
  expect(seen).toEqual({ revision: 7 });
  expect(done.steps.map((step) => [step.state, step.attempts])).toEqual([
    ['succeeded', 1],
    ['succeeded', 1],
    ['succeeded', 1],
  ]);
  expect(done).toMatchObject({ steps_done: 3, step_count: 3, current_step: null, error: null });
  expect(await actionsOf(job_id)).toEqual([
    'test.start',
    'job.step.started first',
    'job.step.succeeded first',
    'job.step.started second',
    'job.step.succeeded second',
    'job.step.started third',
    'job.step.succeeded third',
    'job.succeeded',
  ]);
  expect(settled).toContain('plain succeeded');
});

test('a failed step is undone too, because it may be half done, and then the ones before it in reverse', async () => {
  behaviours.set('broken second', async () => {
    throw new StepFailure('disk_full', 'node agg-1 has no room');
  });
  const done = await until(await start('broken'), 'failed_rolled_back');
  expect(callsOf('broken')).toEqual(['first', 'second', 'undo second', 'undo first']);
  expect(done.error).toEqual({ code: 'disk_full', message: 'node agg-1 has no room', step: 'second' });
  expect(done.steps.map((step) => step.state)).toEqual(['undone', 'undone', 'pending']);
  expect(settled).toContain('broken failed_rolled_back');
});

test('what an undo leaves, because taking it back would do harm, is kept and said, and the rest is undone', async () => {
  behaviours.set('harm third', async () => {
    throw new StepFailure('disk_full', 'No room.');
  });
  behaviours.set('harm undo second', async () => {
    throw new StepKept('would_harm', 'Both stay.');
  });
  const done = await until(await start('harm'), 'failed_kept');
  expect(callsOf('harm').slice(-3)).toEqual(['undo third', 'undo second', 'undo first']);
  expect(done.error).toEqual({ code: 'disk_full', message: 'No room. Both stay.', step: 'third' });
  expect(done.steps.map((step) => step.state)).toEqual(['undone', 'undo_skipped', 'undone']);
});

test('a cancel stops a waiting step and undoes what was done', async () => {
  behaviours.set('halted second', async (step) => {
    for (;;) {
      await step.progress({ left: 3 });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  const job_id = await start('halted');
  await until(job_id, 'running');
  await expect.poll(() => callsOf('halted')).toContain('second');
  await cancelJob(database.db, context, job_id, 'changed my mind');
  const done = await until(job_id, 'cancelled_rolled_back');
  expect(callsOf('halted')).toEqual(['first', 'second', 'undo second', 'undo first']);
  expect(done.steps[1]?.progress).toEqual({ left: 3 });
  expect(await actionsOf(job_id)).toContain('jobs.cancel');
  await expect(cancelJob(database.db, context, job_id, 'again please')).rejects.toMatchObject({
    code: 'action_not_allowed',
  });
});

test('a step that outlives its time-box is given up and undone', async () => {
  behaviours.set(
    'slow second',
    (step) =>
      new Promise((_resolve, reject) =>
        step.signal.addEventListener('abort', () => reject(step.signal.reason as Error)),
      ),
  );
  const done = await until(await start('slow'), 'failed_rolled_back');
  expect(done.error).toMatchObject({ code: 'timed_out', step: 'second' });
});

test('an undo that keeps failing leaves the job stuck; a retry finishes it', async () => {
  let mended = false;
  behaviours.set('caught third', async () => Promise.reject(new Error('no')));
  behaviours.set('caught undo second', async () =>
    mended ? undefined : Promise.reject(new Error('node gone')),
  );
  const job_id = await start('caught');
  const stuck = await until(job_id, 'stuck');
  expect(stuck.stuck).toMatchObject({
    sentence: 'caught is left at undo of second',
    step: 'second',
    during: 'undo',
  });
  expect(stuck.steps.map((step) => step.state)).toEqual(['succeeded', 'undo_failed', 'undone']);
  expect(callsOf('caught')).not.toContain('undo first');
  mended = true;
  await resolveJob(database.db, context, 'retry', job_id, 'node is back');
  const done = await until(job_id, 'failed_rolled_back');
  expect(done.steps.map((step) => step.state)).toEqual(['undone', 'undone', 'undone']);
  expect(done.error).toMatchObject({ message: 'no', step: 'third' });
});

test('a stuck undo can be skipped, which goes on with the one before it', async () => {
  behaviours.set('skipped third', async () => Promise.reject(new Error('no')));
  behaviours.set('skipped undo second', async () => Promise.reject(new Error('for ever')));
  const job_id = await start('skipped');
  await until(job_id, 'stuck');
  await resolveJob(database.db, context, 'skip', job_id, 'cleaned by hand');
  const done = await until(job_id, 'failed_rolled_back');
  expect(done.steps.map((step) => step.state)).toEqual(['undone', 'undo_skipped', 'undone']);
});

test('past its point of no return a job cannot be cancelled, and a failure makes it stuck instead of undone', async () => {
  let broken = true;
  behaviours.set('final third', async () => (broken ? Promise.reject(new Error('not yet')) : undefined));
  const job_id = await start('final');
  const stuck = await until(job_id, 'stuck');
  expect(stuck.stuck).toMatchObject({ step: 'third', during: 'run' });
  expect(callsOf('final')).toEqual(['first', 'second', 'third']);
  broken = false;
  await resolveJob(database.db, context, 'retry', job_id, 'mended now');
  expect((await until(job_id, 'succeeded')).steps.map((step) => step.state)).toEqual([
    'succeeded',
    'succeeded',
    'succeeded',
  ]);
});

test('one live job holds a tenant', async () => {
  behaviours.set(
    'held first',
    (step) =>
      new Promise((_resolve, reject) => {
        const timer = setInterval(
          () => void step.progress({}).catch((error: Error) => (clearInterval(timer), reject(error))),
          20,
        );
      }),
  );
  const job_id = await start('held');
  await expect(start('held')).rejects.toMatchObject({ code: 'job_conflict' });
  await cancelJob(database.db, context, job_id, 'make room');
  await until(job_id, 'cancelled_rolled_back');
  behaviours.delete('held first');
  await until(await start('held'), 'succeeded');
});

test('the audit log says from which state to which a retry, a skip and a cancel brought the job', async () => {
  const changesOf = async (job_id: string, action: string) =>
    (
      await database.db
        .selectFrom('audit_events')
        .select('changes')
        .where('job_id', '=', job_id)
        .where('action', '=', action)
        .execute()
    ).map(({ changes }) => changes);
  behaviours.set('told third', async () => Promise.reject(new Error('no')));
  behaviours.set('told undo second', async () => Promise.reject(new Error('for ever')));
  const job_id = await start('told');
  await until(job_id, 'stuck');
  await resolveJob(database.db, context, 'retry', job_id, 'perhaps now');
  await until(job_id, 'stuck');
  await resolveJob(database.db, context, 'skip', job_id, 'cleaned by hand');
  await until(job_id, 'failed_rolled_back');
  const transition = [[{ path: 'state', before: 'stuck', after: 'undoing' }]];
  expect(await changesOf(job_id, 'jobs.retry')).toEqual(transition);
  expect(await changesOf(job_id, 'jobs.skip')).toEqual(transition);

  behaviours.set('final third', async () => Promise.reject(new Error('not yet')));
  const final = await start('final');
  await until(final, 'stuck');
  await resolveJob(database.db, context, 'retry', final, 'perhaps now');
  expect(await changesOf(final, 'jobs.retry')).toEqual([
    [{ path: 'state', before: 'stuck', after: 'running' }],
  ]);

  const hanging = (step: StepContext<{ key: string }>) =>
    new Promise((_resolve, reject) => {
      const timer = setInterval(
        () => void step.progress({}).catch((error: Error) => (clearInterval(timer), reject(error))),
        20,
      );
    });
  behaviours.set('told-to-stop first', hanging);
  const cancelled = await start('told-to-stop');
  await cancelJob(database.db, context, cancelled, 'make room');
  await until(cancelled, 'cancelled_rolled_back');
  expect(await changesOf(cancelled, 'jobs.cancel')).toEqual([
    [{ path: 'cancel_requested', before: false, after: true }],
  ]);
});

test('a job of a kind that only a newer release knows waits for one', async () => {
  const job_id = await start('newer', 'rehearse_newer');
  await held;
  expect((await until(job_id, 'queued')).steps_done).toBe(0);
  await executor.stop();
  executor = await startExecutor([job, { ...job, kind: 'rehearse_newer' }]);
  await until(job_id, 'succeeded');
});
