import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '#contract/jobs.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { driveJob, type DrivenJob } from '#tools/test-job-driver.ts';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import {
  planHostAvailability,
  planServiceRestart,
  planServiceScaling,
  startServiceScaling,
} from './fleet-change-service.ts';
import { hostAvailabilityJob } from './host-availability-job.ts';
import type { HostAvailability } from './orchestrator.ts';
import { restartServiceJob } from './restart-service-job.ts';
import { scaleServiceJob } from './scale-service-job.ts';
import { startScaleWatch, type ScaleWatch } from './scale-watch.ts';

const quiet = { info: () => undefined, warn: () => undefined };
const caller = callerWith();
const environment = 'dev';

describe('jobs on services and hosts', { timeout: 60_000 }, () => {
  let platform: TestPlatform;
  let watch: ScaleWatch;
  beforeAll(async () => {
    platform = await startTestPlatform({ orchestrated: true, speed: 40 });
    watch = startScaleWatch(platform.dependencies, {
      databaseUrl: platform.database.url,
      log: quiet,
      registry: new Registry(),
    });
    await watch.settled();
    await platform.addTenant('acme', { aggregate: 'agg-3' });
    await watch.settled();
  });
  afterEach(() => platform.fleet.faults.clear());
  afterAll(async () => {
    await watch.stop();
    await platform.close();
  });

  const orchestrator = () => platform.dependencies.environments[0]!.orchestrator!;
  const replicas = async (id: string) => (await orchestrator().service(id))?.replicas_desired;
  const running = async (id: string) =>
    (await orchestrator().tasks(id)).filter(
      ({ state, desired_state }) => state === 'running' && desired_state === 'running',
    );
  const scaling = (service_id: string, to: number) =>
    planServiceScaling(platform.dependencies, caller, { environment, service_id, replicas: to });
  const restart = (service_id: string) =>
    planServiceRestart(platform.dependencies, caller, { environment, service_id });
  const availability = (host_id: string, to: HostAvailability) =>
    planHostAvailability(platform.dependencies, caller, { environment, host_id, availability: to });
  const blockers = (plan: Plan) => plan.blockers.map(({ code, message }) => `${code}: ${message}`);
  const warnings = (plan: Plan) => plan.warnings.map(({ code }) => code);
  const DEFINITIONS = {
    scale_service: scaleServiceJob,
    restart_service: restartServiceJob,
    change_host_availability: hostAvailabilityJob,
  };
  function drive(plan: Plan): DrivenJob {
    const definition = DEFINITIONS[plan.kind as keyof typeof DEFINITIONS](platform.dependencies);
    const job = driveJob(platform.database.db, definition, plan.input);
    expect(job.steps.map(({ name }) => name)).toEqual(plan.steps.map(({ name }) => name));
    return job;
  }
  /** Does every step twice, as after a crash at its end. */
  async function carryOut(plan: Plan, times = 2): Promise<DrivenJob> {
    expect(blockers(plan)).toEqual([]);
    const job = drive(plan);
    for (const { name } of job.steps) for (let time = 0; time < times; time += 1) await job.run(name);
    return job;
  }
  async function undoAll(job: DrivenJob): Promise<void> {
    for (const { name, undo } of job.steps.toReversed())
      if (undo) for (let time = 0; time < 2; time += 1) await job.undo(name);
  }
  const settled = (id: string, count: number) =>
    waitUntil(`${count} tasks of ${id}`, async () => {
      await watch.settled();
      return (await running(id)).length === count;
    });

  describe('scaling', () => {
    it('starts another node, and drains and stops it again', async () => {
      await carryOut(await scaling('dev-aggregate', 4));
      expect((await running('dev-aggregate')).length).toBe(4);
      await watch.settled();
      const down = await scaling('dev-aggregate', 3);
      expect(down.steps.map(({ name }) => name)).toEqual(['check', 'drain', 'scale', 'rollout', 'verify']);
      expect(down).toMatchObject({
        input: { stopping: ['dev-agg-4'] },
        blast_radius: { nodes: ['dev-agg-4'], tenants: [] },
      });
      // A node that has been drained and stopped cannot be asked again: only the steps after it are repeated.
      const job = drive(down);
      await job.run('check');
      await job.run('drain');
      await job.run('drain');
      for (const step of ['scale', 'scale', 'rollout', 'rollout', 'verify']) await job.run(step);
      expect((await running('dev-aggregate')).map(({ slot }) => slot)).toEqual([1, 2, 3]);
      await settled('dev-aggregate', 3);
    });

    it('names the node, shard and tenants that scaling down would leave without a home', async () => {
      const plan = await scaling('dev-aggregate', 2);
      expect(blockers(plan)).toEqual([
        'node_holds_tenants: dev-agg-3 would be stopped, but its shard agg-3 holds 1 tenant: rebalance or migrate them first.',
      ]);
      expect(plan.blast_radius.tenants).toMatchObject([{ tenant_id: 'acme' }]);
      const start = {
        environment,
        service_id: 'dev-aggregate',
        replicas: 2,
        plan_hash: plan.plan_hash,
        reason: 'test',
      };
      await expect(startServiceScaling(platform.dependencies, caller, start)).rejects.toMatchObject({
        code: 'plan_blocked',
      });
    });

    it('refuses to leave the platform without a kind of node, above all without a gateway', async () => {
      expect(blockers(await scaling('dev-gateway', 0))).toEqual([
        'kind_left: No gateway would be left, so nobody could reach the platform.',
      ]);
      expect(blockers(await scaling('dev-runner', 0))).toEqual([
        'kind_left: No runner node would be left in dev.',
      ]);
    });

    it('does not stop a node on which a tenant was placed while it drained', async () => {
      await carryOut(await scaling('dev-runner', 3), 1);
      await watch.settled();
      const job = drive(await scaling('dev-runner', 2));
      await job.run('check');
      await job.run('drain');
      await platform.addTenant('late', { runner: 'run-3' });
      await watch.settled();
      await expect(job.run('scale')).rejects.toMatchObject({
        code: 'preflight_blocked',
        message: expect.stringContaining('run-3 holds 1 tenant') as string,
      });
      await undoAll(job);
      expect(await replicas('dev-runner')).toBe(3);
      const node = platform.dependencies.environments[0]!.nodes.find(
        ({ node_id }) => node_id === 'dev-run-3',
      );
      expect((await platform.dependencies.nodes.status(node!)).draining).toBe(false);
    });

    it('goes back to the replicas that there were, and waits for the nodes that it had stopped', async () => {
      const job = await carryOut(await scaling('dev-projection', 2), 1);
      await undoAll(job);
      expect(await replicas('dev-projection')).toBe(3);
      await settled('dev-projection', 3);
    });

    it('leaves alone what somebody else made of it meanwhile', async () => {
      const job = drive(await scaling('dev-gateway', 3));
      await job.run('check');
      const service = await orchestrator().service('dev-gateway');
      await orchestrator().updateService('dev-gateway', service!.version, { replicas: 4 });
      await expect(job.run('scale')).rejects.toMatchObject({ code: 'superseded' });
      await undoAll(job);
      expect(await replicas('dev-gateway')).toBe(4);
      const now = await orchestrator().service('dev-gateway');
      await orchestrator().updateService('dev-gateway', now!.version, { replicas: 2 });
      await settled('dev-gateway', 2);
    });

    it.each([
      ['a service that is not there', 'dev-nothing', 2, 'not_found'],
      ['the number that it runs already', 'dev-gateway', 2, 'unprocessable'],
    ])('refuses %s', async (_case, service_id, to, code) => {
      await expect(scaling(service_id, to)).rejects.toMatchObject({ code });
    });

    it('says that the orchestrator does not answer', async () => {
      platform.fleet.faults.switchOn({ environment, fault: 'orchestrator_unreachable' });
      await expect(scaling('dev-gateway', 3)).rejects.toMatchObject({
        code: 'upstream_failed',
        message: expect.stringContaining('simulated orchestrator of dev does not answer') as string,
      });
    });
  });

  describe('restarting', () => {
    it('replaces every task and waits until the nodes are ready', async () => {
      await waitUntil('it is live again', async () =>
        watch.orchestrators().includes('dev: simulated orchestrator live'),
      );
      const before = (await running('dev-gateway')).map(({ task_id }) => task_id);
      await carryOut(await restart('dev-gateway'));
      const after = (await running('dev-gateway')).map(({ task_id }) => task_id);
      expect(after).toHaveLength(2);
      expect(after.filter((id) => before.includes(id))).toEqual([]);
      await settled('dev-gateway', 2);
    });

    it('warns of a service of one task, and of a restart that nothing takes back', async () => {
      await carryOut(await scaling('dev-gateway', 1), 1);
      await watch.settled();
      const plan = await restart('dev-gateway');
      expect(warnings(plan)).toEqual(['single_replica']);
      expect(plan.steps.find(({ name }) => name === 'restart')).toMatchObject({ point_of_no_return: true });
      await carryOut(await scaling('dev-gateway', 2), 1);
      await settled('dev-gateway', 2);
    });

    it('names the task that does not come back', async () => {
      const job = drive(await restart('dev-projection'));
      await job.run('check');
      platform.fleet.faults.switchOn({ node_id: 'dev-prj-2', fault: 'task_fails' });
      await job.run('restart');
      await expect(job.run('rollout')).rejects.toMatchObject({
        code: expect.stringMatching(/^rollout_/) as string,
        message: expect.stringContaining('task 2') as string,
      });
      platform.fleet.faults.clear();
      await settled('dev-projection', 3);
    });
  });

  describe('the availability of a host', () => {
    it('moves what a drained host runs, and takes it back as a host', async () => {
      await waitUntil(
        'the service is quiet',
        async () => (await restart('dev-projection')).blockers.length === 0,
      );
      const plan = await availability('dev-host-3', 'drain');
      expect(plan.blast_radius).toMatchObject({ nodes: expect.arrayContaining(['dev-agg-3']) as string[] });
      expect(warnings(plan)).toContain('node_moves');
      const job = await carryOut(plan);
      for (const service of ['dev-aggregate', 'dev-projection']) {
        expect((await running(service)).filter(({ host_id }) => host_id === 'dev-host-3')).toEqual([]);
      }
      await undoAll(job);
      expect((await orchestrator().host('dev-host-3'))?.availability).toBe('active');
    });

    it('cordons hosts, warns when no other takes tasks, and does not drain the last', async () => {
      await carryOut(await availability('dev-host-2', 'pause'));
      await carryOut(await availability('dev-host-3', 'pause'));
      await waitUntil('the index has it', async () =>
        warnings(await availability('dev-host-1', 'pause')).includes('hosts_left'),
      );
      const last = await availability('dev-host-1', 'drain');
      expect(blockers(last).join()).toMatch(
        /dev-host-1 is the last host that is ready and active: its \d+ tasks could/,
      );
      await carryOut(await availability('dev-host-2', 'active'));
      await carryOut(await availability('dev-host-3', 'active'));
    });

    it('does not drain the host of every gateway', async () => {
      await waitUntil(
        'the index has it',
        async () => (await availability('dev-host-1', 'pause')).warnings.length === 0,
      );
      const job = await carryOut(await availability('dev-host-2', 'drain'), 1);
      await carryOut(await availability('dev-host-3', 'drain'), 1);
      await undoAll(job);
      await watch.settled();
      const plan = await waitUntil('the gateways are on one host', async () => {
        const made = await availability('dev-host-1', 'drain');
        return made.blockers.some(({ code }) => code === 'only_gateway') && made;
      });
      expect(blockers(plan).join()).toContain('Every gateway that runs is on dev-host-1');
    });
  });

  it('is blocked by another job on the same service', async () => {
    const plan = await scaling('dev-gateway', 3);
    await platform.database.pool.query(
      `insert into jobs (job_id, kind, title, state, permission, environment, target_type, target_id, principal_id, created_by, input, step_count, request_id)
       values (gen_random_uuid(), 'restart_service', 'Restart dev-gateway', 'running', 'ops.restart', 'dev', 'service', 'dev-gateway', 'x', 'x', '{}', 1, 'x')`,
    );
    expect((await scaling('dev-gateway', 3)).blockers.map(({ code }) => code)).toEqual(['job_running']);
    const start = {
      environment,
      service_id: 'dev-gateway',
      replicas: 3,
      plan_hash: plan.plan_hash,
      reason: 'test',
    };
    await expect(startServiceScaling(platform.dependencies, caller, start)).rejects.toMatchObject({
      code: 'job_conflict',
    });
  });
});
