/** PostgreSQL dies and comes back: what callers hear meanwhile, and that jobs, sessions and indexes go on from where they were. */
import { expect, test } from '@playwright/test';
import pg from 'pg';
import type { AuditEvent } from '#contract/audit.ts';
import type { Job } from '#contract/jobs.ts';
import type { EnvironmentSummary } from '#contract/scale.ts';
import { placementFilePath } from '#fleet/fleet.ts';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import { signIn, waitFor, type Caller, type ControlProcess } from './control-process.ts';
import { followJob, keepReading, readiness, timedUntil, type Met } from './fault-tools.ts';
import {
  createTenant,
  ENVIRONMENT,
  startLastingPlatform,
  startMove,
  waitForJob,
  type LastingPlatform,
} from './lasting-platform.ts';

const READ = [
  '/tenants?limit=50',
  '/scale/nodes',
  '/scale/environments',
  '/jobs',
  '/audit/events',
  '/iam/me',
];

test.describe.serial('PostgreSQL dies', () => {
  let platform: LastingPlatform;
  let control: ControlProcess;
  let other: ControlProcess;
  let caller: Caller;

  test.beforeAll(async () => {
    platform = await startLastingPlatform();
    [control, other] = await Promise.all([platform.start(), platform.start()]);
    caller = await signIn(control.url);
  });
  test.afterAll(async () => {
    await Promise.all([control?.stop(), other?.stop()]);
    await platform?.stop();
  });

  /** What both servers logged of a kind, line by line. */
  const logged = (message: string) =>
    [control, other]
      .flatMap((server) => server.output().split('\n'))
      .filter((line) => line.includes(message));
  const stallDrains = () =>
    platform.nodes
      .filter(({ kind }) => kind === 'aggregate')
      .map(({ node_id }) => platform.fleet.faults.switchOn({ fault: 'drain_stalls', node_id }));
  const stepOf = async (job_id: string, step: string) =>
    (await caller.call<Job>('GET', `/jobs/${job_id}`)).body.steps.find(({ name }) => name === step);
  const refused = (met: readonly Met[]) => met.filter(({ status }) => status !== 200);

  test('in the middle of a migration: callers hear that it is away, and everything goes on when it is back', async () => {
    const tenant = 'through-a-crash';
    await createTenant(caller, tenant);
    const stalls = stallDrains();
    const { job_id, target } = await startMove(platform, caller, tenant);
    await waitFor(
      'the drain',
      () => stepOf(job_id, 'drain'),
      (step) => step?.state === 'running',
    );
    const stream = followJob(control, caller, job_id);
    const readers = [keepReading(caller, READ), keepReading(caller, READ)];
    await waitFor(
      'an open stream',
      async () => stream.streams(),
      (count) => count > 0,
    );

    await platform.crashPostgres();
    const ready = await waitFor(
      '/ready to say so',
      () => readiness(control),
      (now) => !now.ready,
    );
    await waitFor(
      'the stream to break',
      async () => stream.broken(),
      (count) => count > 0,
    );
    expect(ready.checks.find(({ name }) => name === 'postgres')).toMatchObject({ ok: false });
    expect((await fetch(`${control.url}/health`)).status).toBe(200);
    await waitFor(
      'refusals of every address',
      async () => new Set(refused(readers.flatMap(({ met }) => met)).map(({ address }) => address)),
      (addresses) => addresses.size === READ.length,
    );
    const change = { name: 'Renamed while PostgreSQL was away' };
    const renamed = await caller.call('PATCH', `/tenants/${tenant}`, change, { 'if-match': '"1"' });
    expect(renamed).toMatchObject({ status: 503, body: { code: 'unavailable' } });

    await platform.startPostgres();
    await timedUntil(
      'PostgreSQL back → the same session reads again',
      () => caller.call('GET', '/iam/me'),
      ({ status }) => status === 200,
    );
    await timedUntil(
      'PostgreSQL back → ready, and the watch is led again',
      () => Promise.all([readiness(control), readiness(other)]),
      (both) =>
        both.every(({ ready: isReady }) => isReady) &&
        both.some(({ checks }) => checks.some(({ detail }) => detail === 'watches every environment')),
    );
    for (const { id } of stalls) platform.fleet.faults.switchOff(id);
    expect((await waitForJob(caller, job_id)).state).toBe('succeeded');
    await Promise.all(readers.map(({ stop }) => stop()));

    expect(readers.flatMap(({ broken }) => broken)).toEqual([]);
    const refusals = refused(readers.flatMap(({ met }) => met));
    expect([...new Set(refusals.map(({ status, problem }) => `${status} ${problem?.code}`))]).toEqual([
      '503 unavailable',
    ]);
    expect(refusals.filter(({ retry_after }) => !(Number(retry_after) > 0))).toEqual([]);
    expect(await platform.serving('aggregate', tenant)).toEqual([target.node_id]);
    // Neither server took the other for dead.
    expect(logged('resuming the jobs of an executor')).toEqual([]);
    expect(logged('job ended').filter((line) => line.includes(job_id))).toHaveLength(1);
    expect((await caller.call<{ name: string }>('GET', `/tenants/${tenant}`)).body.name).toBe(tenant);

    const { body: job } = await caller.call<Job>('GET', `/jobs/${job_id}`);
    expect(job.steps.map(({ state }) => state)).toEqual(job.steps.map(() => 'succeeded'));
    expect(job.steps_done).toBe(job.steps.length);
    // What PostgreSQL had not yet on disk was written again: no step of the trace is missing, none stands there twice.
    const { body: trace } = await caller.call<{ items: AuditEvent[] }>(
      'GET',
      `/audit/events?job_id=${job_id}&limit=200`,
    );
    const events = trace.items.toSorted((a, b) => a.sequence - b.sequence);
    const stepEvents = events.filter(({ action }) => action.startsWith('job.step.'));
    expect(
      stepEvents.map(({ action, details }) => `${action} ${(details as { step: string }).step}`),
    ).toEqual(job.steps.flatMap(({ name }) => [`job.step.started ${name}`, `job.step.succeeded ${name}`]));
    await stream.ended();
    expect(stream.broken()).toBeGreaterThan(0);
    expect(new Set(stream.sequences).size).toBe(stream.sequences.length);
    expect(
      events.map(({ sequence }) => sequence).filter((sequence) => !stream.sequences.includes(sequence)),
    ).toEqual([]);
  });

  test('again and again under changes: each change is made once, and answered as it went', async () => {
    const tenant = 'changed-through-crashes';
    await createTenant(caller, tenant);
    let changes = 0;
    let stopped = false;
    const unexpected: string[] = [];
    const changing = (async () => {
      while (!stopped) {
        const { body, status } = await caller.call<{ revision: number }>('GET', `/tenants/${tenant}`);
        if (status !== 200) continue;
        const headers = { 'if-match': `"${body.revision}"`, 'idempotency-key': `change-${changes}` };
        // Repeated with its key until it is answered, as clients do.
        for (let answered = false; !answered;) {
          const answer = await caller.call(
            'PATCH',
            `/tenants/${tenant}`,
            { name: `Change ${changes + 1}` },
            headers,
          );
          answered = answer.status === 200;
          if (!answered && answer.body['code'] !== 'unavailable') {
            unexpected.push(JSON.stringify(answer.body));
            return;
          }
        }
        changes += 1;
      }
    })();
    const { body: before } = await caller.call<{ revision: number }>('GET', `/tenants/${tenant}`);
    for (const goal of [10, 30, 50, 70]) {
      await waitFor(
        'changes',
        async () => changes + unexpected.length,
        (count) => count >= goal || unexpected.length > 0,
      );
      await platform.crashPostgres();
      await platform.startPostgres();
    }
    await waitFor(
      'changes after the last crash',
      async () => changes,
      (count) => count >= 90 || unexpected.length > 0,
    );
    stopped = true;
    await changing;
    expect(unexpected).toEqual([]);
    const { body } = await caller.call<{ name: string; revision: number }>('GET', `/tenants/${tenant}`);
    expect(body.name).toBe(`Change ${changes}`);
    expect(body.revision).toBe(before.revision + changes);
  });

  test('over and over: one connection of each sort is left, and the index equals the store', async () => {
    for (let crash = 0; crash < 3; crash += 1) {
      await platform.crashPostgres();
      await waitFor(
        '/ready to say so',
        () => readiness(control),
        (now) => !now.ready,
      );
      await platform.startPostgres();
      await waitFor(
        '/ready',
        () => readiness(control),
        (now) => now.ready,
      );
    }
    await createTenant(caller, 'after-it-all');
    const store = openPlacementFileStore(placementFilePath(platform.folder, ENVIRONMENT));
    const revision = await store.currentRevision();
    await store.close();
    await expect
      .poll(
        async () =>
          (await caller.call<{ items: EnvironmentSummary[] }>('GET', '/scale/environments')).body.items[0],
      )
      .toMatchObject({ watcher: { state: 'live' }, placement_count: 9, placement_revision: revision });
    const count = async () => {
      const client = new pg.Client({ connectionString: platform.postgres.url });
      await client.connect();
      const { rows } = await client.query<{ name: string; count: number }>(
        `select application_name as name, count(*)::integer as count from pg_stat_activity where application_name like 'cloudlysis-control %' group by 1 order by 1`,
      );
      await client.end();
      return rows;
    };
    const each = ['executor lock', 'job feed', 'scale watch'].map((name) => ({
      name: `cloudlysis-control ${name}`,
      count: 2,
    }));
    await expect.poll(count).toEqual(each);
  });
});
