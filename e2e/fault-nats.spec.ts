/** NATS is cut off, hangs, dies; the leader dies: placements are shown with their age, jobs wait by name, and the index ends up equal to the bucket. */
import { expect, test } from '@playwright/test';
import type { Observation } from '#contract/common.ts';
import type { Job, Plan } from '#contract/jobs.ts';
import type { EnvironmentSummary, Placement } from '#contract/scale.ts';
import { placementKey } from '#contract/placement-record.ts';
import { signIn, waitFor, type Caller, type ControlProcess } from './control-process.ts';
import { checkOf, keepReading, readiness, timedUntil } from './fault-tools.ts';
import { createTenant, ENVIRONMENT, startMove, waitForJob } from './lasting-platform.ts';
import { natsMissing, startNatsPlatform } from './nats-platform.ts';

const READ = [
  '/tenants?limit=50',
  '/scale/placements?environment=prod',
  '/scale/environments',
  '/scale/nodes',
];

test.describe.serial('placements on NATS', () => {
  test.skip(natsMissing !== null, natsMissing ?? '');
  let platform: Awaited<ReturnType<typeof startNatsPlatform>>;
  let servers: ControlProcess[] = [];
  let caller: Caller;

  test.beforeAll(async () => {
    platform = await startNatsPlatform();
    servers = await Promise.all([platform.start(), platform.start()]);
    const [first] = servers;
    if (first) caller = await signIn(first.url);
  });
  test.afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await platform?.stop();
  });

  const stall = () =>
    platform.nodes
      .filter(({ kind }) => kind === 'aggregate')
      .map(({ node_id }) => platform.fleet.faults.switchOn({ fault: 'drain_stalls', node_id }));
  const goOn = (faults: readonly { id: string }[]) =>
    faults.forEach(({ id }) => platform.fleet.faults.switchOff(id));
  const jobOf = async (job_id: string) => (await caller.call<Job>('GET', `/jobs/${job_id}`)).body;
  const stepOf = async (job_id: string, step: string) =>
    (await jobOf(job_id)).steps.find(({ name }) => name === step);
  const summary = async () =>
    (await caller.call<{ items: EnvironmentSummary[] }>('GET', '/scale/environments')).body.items[0];

  /** A migration whose drain holds until `goOn`. */
  async function drainingMove(tenant: string) {
    await createTenant(caller, tenant);
    const stalled = stall();
    const move = await startMove(platform, caller, tenant);
    await waitFor(
      'the drain',
      () => stepOf(move.job_id, 'drain'),
      (step) => step?.state === 'running' && step.progress !== null,
    );
    return { ...move, tenant, goOn: () => goOn(stalled) };
  }

  /** Every placement as the index says and as the bucket does. */
  async function bothPictures() {
    const { body } = await caller.call<{ items: Placement[] }>(
      'GET',
      '/scale/placements?environment=prod&limit=200',
    );
    const indexed = body.items.map(({ service, tenant_id, shard, state, epoch, revision }) => [
      placementKey(service, tenant_id),
      shard,
      state,
      epoch,
      revision,
    ]);
    const stored = [];
    for await (const { record, revision } of (await platform.store.list()).entries)
      stored.push([
        placementKey(record.service, record.tenant_id),
        record.shard,
        record.state,
        record.epoch,
        revision,
      ]);
    return { indexed: indexed.map(String).toSorted(), stored: stored.map(String).toSorted() };
  }
  const untilEqual = (what: string) =>
    timedUntil(
      what,
      async () => ({ ...(await bothPictures()), state: (await summary())?.watcher.state }),
      ({ indexed, stored, state }) =>
        state === 'live' && indexed.length > 0 && indexed.join() === stored.join(),
    );

  async function ended(move: Awaited<ReturnType<typeof drainingMove>>) {
    expect((await waitForJob(caller, move.job_id)).state).toBe('succeeded');
    expect(await platform.serving('aggregate', move.tenant)).toEqual([move.target.node_id]);
  }

  for (const [name, cut] of [
    ['cut off', () => platform.line.cut()],
    ['hanging', () => platform.line.stall()],
  ] as const) {
    test(`${name}: pages say how old they are, plans are refused by name, a migration waits and goes on`, async () => {
      const tenant = `through-${name.replace(' ', '-')}`;
      const move = await drainingMove(tenant);
      const reader = keepReading(caller, READ);
      cut();
      const down = await waitFor('the watcher to be down', summary, (now) => now?.watcher.state === 'down');
      expect(down?.watcher.detail).toContain(`placement store of ${ENVIRONMENT}`);
      const { body: page } = await caller.call<{ observation: Observation }>(
        'GET',
        '/scale/placements?environment=prod',
      );
      expect(page.observation).toEqual(down?.observation);
      const later = await waitFor(
        'the observation to age',
        summary,
        (now) =>
          Date.now() - Date.parse(now?.observation.observed_at ?? '') >
          2_000 * (now?.observation.interval_s ?? 0),
      );
      expect(later?.observation.observed_at).toBe(down?.observation.observed_at);
      for (const server of servers) {
        await waitFor(
          'it to be named',
          () => checkOf(server, 'placement_watcher'),
          ({ detail }) => /prod is down/.test(detail),
        );
        expect(await readiness(server)).toMatchObject({ ready: true });
      }

      // Its drain ends, then it needs the store.
      move.goOn();
      const waiting = await waitFor(
        'the step that waits',
        () => stepOf(move.job_id, 'place'),
        (step) => step?.state === 'running' && step.progress !== null,
      );
      expect(waiting?.progress).toMatchObject({
        problem: expect.stringContaining(`The placement store of ${ENVIRONMENT} fails: `),
      });
      const other = {
        environment: ENVIRONMENT,
        tenant_id: tenant,
        service: 'projection',
        target_shard: 'prj-2',
      };
      expect(await caller.call<Plan>('POST', '/scale/migrations/plan', other)).toMatchObject({
        status: 502,
        body: {
          code: 'upstream_failed',
          detail: expect.stringContaining(`placement store of ${ENVIRONMENT}`),
        },
      });

      platform.line.mend();
      await untilEqual(`${name} → the index equals the bucket`);
      await ended(move);
      await untilEqual(`${name}, after the migration`);
      await reader.stop();
      expect(reader.broken).toEqual([]);
      expect(reader.met.filter(({ status }) => status !== 200)).toEqual([]);
    });
  }

  test('killed and started again in the middle of a migration: it goes on, and nothing of the bucket is missing in the index', async () => {
    const move = await drainingMove('through-a-kill');
    await platform.server.kill();
    move.goOn();
    await waitFor(
      'the step that waits',
      () => stepOf(move.job_id, 'place'),
      (step) => step?.state === 'running' && step.progress !== null,
    );
    await platform.server.start();
    await ended(move);
    await untilEqual('nats-server killed → the index equals the bucket');
  });

  test('the leader killed in the middle of a migration: another one leads and ends it', async () => {
    const move = await drainingMove('through-a-killed-leader');
    const roles = await Promise.all(servers.map((server) => checkOf(server, 'placement_watcher')));
    const leading = roles.findIndex(({ detail }) => detail.startsWith('watches every environment'));
    const [leader, other] = [servers[leading], servers[1 - leading]];
    if (!leader || !other) throw new Error('nobody leads');
    caller = await signIn(other.url);
    const reader = keepReading(caller, READ);
    leader.kill('SIGKILL');
    await leader.ended;
    await timedUntil(
      'leader killed → the other leads',
      () => checkOf(other, 'placement_watcher'),
      ({ detail }) => detail === 'watches every environment',
    );
    move.goOn();
    await ended(move);
    await untilEqual('leader killed → the index equals the bucket');
    await reader.stop();
    expect(reader.broken).toEqual([]);
    expect(reader.met.filter(({ status }) => status !== 200)).toEqual([]);
    servers[leading] = await platform.start();
  });
});
