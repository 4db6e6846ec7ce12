/**
 * `kill -9` of the server in the steps and undos of drains, resumes, restores and rebalances: afterwards the job has ended as it would have, and
 * tenants, placements and nodes agree.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import type { Job, JobListItem, Plan } from '#contract/jobs.ts';
import type { Placement } from '#contract/scale.ts';
import { placementFilePath } from '#fleet/fleet.ts';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import { freePort, signIn, waitFor, type Caller, type ControlProcess } from './control-process.ts';
import type { Rehearsal } from './crashing-control.ts';
import {
  createTenant,
  ENVIRONMENT,
  startLastingPlatform,
  startPlanned,
  waitForJob,
  type LastingPlatform,
} from './lasting-platform.ts';

type Kill = NonNullable<Rehearsal['kill']>;

const after = (step: string): Kill => ({ step, direction: 'run', when: 'after' });
const before = (step: string): Kill => ({ step, direction: 'run', when: 'before' });
const afterUndo = (step: string): Kill => ({ step, direction: 'undo', when: 'after' });
const beforeUndo = (step: string): Kill => ({ step, direction: 'undo', when: 'before' });
const named = ({ step, direction, when }: Kill): string =>
  `${when} ${direction === 'undo' ? 'the undo of ' : ''}${step}`;

test.describe.serial('a server killed in the middle of', () => {
  let platform: LastingPlatform;
  let control: ControlProcess;
  let port: number;
  let tenants = 0;

  const rehearsalFile = () => path.join(platform.folder, 'rehearsal.json');
  const rehearse = (rehearsal: Rehearsal) => writeFile(rehearsalFile(), JSON.stringify(rehearsal));
  const start = () =>
    platform.start({ program: 'e2e/crashing-control.ts', port, env: { CONTROL_REHEARSAL: rehearsalFile() } });

  test.beforeAll(async () => {
    [platform, port] = await Promise.all([startLastingPlatform(), freePort()]);
    await rehearse({ kill: null, fail: null });
    control = await start();
  });
  test.afterAll(async () => {
    await control?.stop();
    await platform?.stop();
  });

  /** Starts it, waits until the server has died of it, starts the next and waits for the end of the job. */
  async function killedIn(
    kind: string,
    kill: Kill,
    resource: string,
    body?: object,
    {
      killedKind = kind,
      fail = 'verify',
      undone = 'failed_rolled_back',
    }: { killedKind?: string; fail?: string; undone?: Job['state'] } = {},
  ): Promise<{ job: Job; caller: Caller }> {
    const undoing = kill.direction === 'undo';
    await rehearse({ kind: killedKind, kill, fail: undoing ? fail : null });
    const job_id = await startPlanned(await signIn(control.url), resource, body);
    expect(await control.ended).toBe('SIGKILL');
    control = await start();
    const caller = await signIn(control.url);
    const job = await waitForJob(caller, job_id);
    await rehearse({ kill: null, fail: null });
    expect(job).toMatchObject({ kind, state: undoing ? undone : 'succeeded' });
    return { job, caller };
  }

  async function newTenant(): Promise<string> {
    const tenant_id = `moved-${(tenants += 1)}`;
    await createTenant(await signIn(control.url), tenant_id);
    return tenant_id;
  }
  const statusOf = async (caller: Caller, tenant_id: string) =>
    (await caller.call<{ status: string }>('GET', `/tenants/${tenant_id}`)).body.status;
  const servedEverywhere = async (tenant_id: string) =>
    (
      await Promise.all(
        ['aggregate', 'projection', 'runner'].map((kind) => platform.serving(kind, tenant_id)),
      )
    ).map((nodes) => nodes.length);

  for (const kill of [
    before('drain'),
    ...['check', 'drain', 'acknowledge', 'verify'].map(after),
    beforeUndo('drain'),
    afterUndo('drain'),
  ]) {
    test(`the drain of a tenant, ${named(kill)}`, async () => {
      const tenant_id = await newTenant();
      const request = { environment: ENVIRONMENT, tenant_id, action: 'drain' };
      const { caller } = await killedIn('drain_tenant', kill, '/scale/tenant-drains', request);
      const undone = kill.direction === 'undo';
      expect(await statusOf(caller, tenant_id)).toBe(undone ? 'active' : 'draining');
      expect(await servedEverywhere(tenant_id)).toEqual(undone ? [1, 1, 1] : [0, 0, 0]);
    });
  }

  for (const kill of [before('resume'), after('resume'), after('verify'), afterUndo('resume')]) {
    test(`the resume of a tenant, ${named(kill)}`, async () => {
      const tenant_id = await newTenant();
      const caller = await signIn(control.url);
      const request = { environment: ENVIRONMENT, tenant_id };
      const drain = await startPlanned(caller, '/scale/tenant-drains', { ...request, action: 'drain' });
      expect((await waitForJob(caller, drain)).state).toBe('succeeded');
      await killedIn('resume_tenant', kill, '/scale/tenant-drains', { ...request, action: 'resume' });
      const undone = kill.direction === 'undo';
      expect(await statusOf(await signIn(control.url), tenant_id)).toBe(undone ? 'draining' : 'active');
      expect(await servedEverywhere(tenant_id)).toEqual(undone ? [0, 0, 0] : [1, 1, 1]);
    });
  }

  const place = `place_${ENVIRONMENT}`;
  const verify = `verify_${ENVIRONMENT}`;
  for (const kill of [
    after('check'),
    before(place),
    after(place),
    before(verify),
    after(verify),
    beforeUndo(place),
    afterUndo(place),
  ]) {
    test(`the restore of an archived tenant, ${named(kill)}`, async () => {
      const tenant_id = await newTenant();
      const archiving = await startPlanned(await signIn(control.url), `/tenants/${tenant_id}/archive`);
      expect((await waitForJob(await signIn(control.url), archiving)).state).toBe('succeeded');
      expect(await servedEverywhere(tenant_id)).toEqual([0, 0, 0]);
      const { caller } = await killedIn('restore_tenant', kill, `/tenants/${tenant_id}/restore`, undefined, {
        fail: verify,
      });
      const undone = kill.direction === 'undo';
      expect(await statusOf(caller, tenant_id)).toBe(undone ? 'archived' : 'active');
      expect(await servedEverywhere(tenant_id)).toEqual(undone ? [0, 0, 0] : [1, 1, 1]);
    });
  }

  const nodeStatus = async (node_id: string) => {
    const node = platform.nodes.find((each) => each.node_id === node_id);
    const answer = await fetch(`${node?.url}/admin/status`, {
      headers: { authorization: `Bearer ${platform.fleet.manifest.token}` },
    });
    return (await answer.json()) as { draining: boolean; inflight: number };
  };
  const node_id = `${ENVIRONMENT}-prj-3`;

  for (const kill of [before('drain'), after('check'), after('drain'), after('verify'), afterUndo('drain')]) {
    test(`the drain of a node and its resume, ${named(kill)}`, async () => {
      const request = { environment: ENVIRONMENT, node_id };
      await killedIn('drain_node', kill, '/scale/node-drains', { ...request, action: 'drain' });
      if (kill.direction === 'undo') {
        expect(await nodeStatus(node_id)).toMatchObject({ draining: false });
        return;
      }
      expect(await nodeStatus(node_id)).toMatchObject({ draining: true, inflight: 0 });
      const resume = kill.step === 'drain' ? after('resume') : after(kill.step);
      await killedIn('resume_node', resume, '/scale/node-drains', { ...request, action: 'resume' });
      expect(await nodeStatus(node_id)).toMatchObject({ draining: false });
    });
  }

  /** Puts new tenants on the first aggregate shard, past the control plane, until it has more than the others. */
  async function crowd(): Promise<string[]> {
    const crowded: string[] = [];
    for (let index = 0; index < 3; index += 1) crowded.push(await newTenant());
    const store = openPlacementFileStore(placementFilePath(platform.folder, ENVIRONMENT));
    for (const tenant_id of crowded) {
      const entry = await store.get(`aggregate.${tenant_id}`);
      if (!entry || entry.record.shard === 'agg-1') continue;
      const { epoch } = entry.record;
      await store.update({ ...entry.record, shard: 'agg-1', epoch: epoch + 1 }, entry.revision);
    }
    await store.close();
    const caller = await signIn(control.url);
    for (const tenant_id of crowded)
      await waitFor(
        `the control plane sees ${tenant_id} on agg-1`,
        () =>
          caller.call<{ items: Placement[] }>(
            'GET',
            `/scale/placements?environment=${ENVIRONMENT}&service=aggregate&tenant_id=${tenant_id}`,
          ),
        ({ body }) => body.items[0]?.shard === 'agg-1',
      );
    return crowded;
  }

  const rebalance = {
    environment: ENVIRONMENT,
    service: 'aggregate',
    max_moves: 10,
    improvement_threshold: 0,
  };
  for (const [kind, kill] of [
    ['rebalance_shards', before('move')],
    ['rebalance_shards', after('move')],
    ['rebalance_shards', after('verify')],
    ['rebalance_shards', afterUndo('move')],
    ['migrate_tenant', after('place')],
    ['migrate_tenant', before('verify')],
  ] as const) {
    test(`a rebalance, in ${kind} ${named(kill)}`, async () => {
      const crowded = await crowd();
      const { job, caller } = await killedIn('rebalance_shards', kill, '/scale/rebalances', rebalance, {
        killedKind: kind,
        undone: 'failed_kept',
      });
      const { body: moves } = await caller.call<{ items: JobListItem[] }>(
        'GET',
        `/jobs?parent_job_id=${job.job_id}`,
      );
      const moved = moves.items.map(({ tenant_id }) => tenant_id);
      expect(new Set(moved).size).toBe(moved.length);
      expect(moves.items.map(({ state }) => state)).toEqual(moved.map(() => 'succeeded'));
      expect(moved.length).toBe((job.input as { moves: unknown[] }).moves.length);
      for (const tenant_id of crowded) expect(await platform.serving('aggregate', tenant_id)).toHaveLength(1);
      // Nothing is left to even out.
      const again = await caller.call<Plan>('POST', '/scale/rebalances/plan', rebalance);
      expect(again.body.blockers.map(({ code }) => code)).toEqual(['nothing_to_improve']);
    });
  }
});
