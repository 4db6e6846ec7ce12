import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'vitest';
import { testFolder } from '#server/db/test-database.ts';
import type { StepContext } from '#server/jobs/job-definition.ts';
import type { Orchestrator, OrchestratorService, ServiceChange } from '#server/scale/orchestrator.ts';
import type { RolloutFigures } from '#server/scale/rollout-rules.ts';
import { applyServiceChange, awaitRollout } from '#server/scale/service-rollout.ts';
import { TEST_IMAGES } from '#tools/test-docker-image.ts';
import { testSwarm, type TestServiceOptions } from '#tools/test-swarm.ts';
import { openSwarmOrchestrator } from './swarm-orchestrator.ts';

/** What Docker Swarm does to those who take its word for it, on a real engine. */
/** A handle on the shared engine with an environment of its own, which goes with the test. */
function openScene({ onTestFinished }: TestContext) {
  const swarm = testSwarm();
  const orchestrator = openSwarmOrchestrator(swarm.swarmAddress, swarm.environment);
  onTestFinished(async () => {
    await orchestrator.close();
    await swarm.dispose();
  });
  const apply = (service_id: string, change: ServiceChange) =>
    applyServiceChange(orchestrator, service_id, () => change);
  const present = async (service_id: string): Promise<OrchestratorService> => {
    const service = await orchestrator.service(service_id);
    if (service === null) throw new Error('the service is gone');
    return service;
  };
  const tasksUp = async (service_id: string) =>
    (await orchestrator.tasks(service_id)).filter(
      ({ state, desired_state }) => state === 'running' && desired_state === 'running',
    );
  /** Makes a change and waits for it as a job does. */
  const rollOut = async (
    service_id: string,
    change: ServiceChange,
    { monitor_s = 0.5, deadline_s = 40 } = {},
  ): Promise<RolloutFigures> => {
    const { target } = await apply(service_id, change);
    return awaitRollout(step(deadline_s), orchestrator, target, { monitor_s });
  };
  const settledService = async (options: TestServiceOptions): Promise<string> => {
    const service_id = await swarm.createService({ ...options, replicas: 0 });
    await rollOut(service_id, { replicas: options.replicas });
    return service_id;
  };
  const updateState = async (service_id: string) => (await present(service_id)).update.state;
  return { swarm, orchestrator, apply, present, tasksUp, rollOut, settledService, updateState };
}

/** What Docker Swarm does to those who take its word for it, on a real engine. */
describe.concurrent('rollouts over Docker Swarm', { timeout: 90_000 }, () => {
  it('scales, deploys, restarts and goes back, and shows the tasks meanwhile', async (context) => {
    const { expect } = context;
    const { orchestrator, apply, present, tasksUp, rollOut, settledService } = openScene(context);
    const service_id = await settledService({ replicas: 2 });
    const before = await present(service_id);
    const shown: RolloutFigures[] = [];
    const { target } = await apply(service_id, { image: TEST_IMAGES.next });
    const figures = await awaitRollout(step(40, shown), orchestrator, target, { monitor_s: 0.5 });
    expect(figures).toMatchObject({ wanted: 2, running: 2, leaving: 0, failed: [], update: 'completed' });
    expect(shown.some(({ running }) => running < 2)).toBe(true);
    expect((await tasksUp(service_id)).map(({ image }) => image)).toEqual([
      TEST_IMAGES.next,
      TEST_IMAGES.next,
    ]);
    await rollOut(service_id, { restart: true });
    await rollOut(service_id, { spec: before.spec });
    expect((await tasksUp(service_id)).map(({ image }) => image)).toEqual([
      TEST_IMAGES.platform,
      TEST_IMAGES.platform,
    ]);
    await rollOut(service_id, { replicas: 0 });
    expect(await tasksUp(service_id)).toEqual([]);
  });

  it('gives up at its own deadline on a task that finds no host, where Swarm would wait for ever', async (context) => {
    const { expect } = context;
    const { swarm, orchestrator, apply, updateState } = openScene(context);
    const service_id = await swarm.createService({ replicas: 1, constraints: ['node.labels.zone==nowhere'] });
    const { target } = await apply(service_id, { image: TEST_IMAGES.next });
    // The engine takes its time to look for a host, and says only then that there is none.
    await expect.poll(() => updateState(service_id), { timeout: 40_000 }).toBe('updating');
    const searched = async () =>
      (await orchestrator.tasks(service_id)).filter(
        ({ desired_state, image, error }) =>
          desired_state === 'running' && image === TEST_IMAGES.next && /no suitable node/.test(error ?? ''),
      ).length;
    await expect.poll(searched, { timeout: 40_000 }).toBe(1);
    await expect(awaitRollout(step(15), orchestrator, target, { monitor_s: 0.5 })).rejects.toMatchObject({
      code: 'rollout_timed_out',
      message: expect.stringMatching(/0 of 1 tasks run.*task 1 is pending.*no suitable node/),
    });
    expect(await updateState(service_id)).toBe('updating');
  });

  it('counts a failure after Swarm has stopped looking, and names the task and its exit', async (context) => {
    const { expect } = context;
    const { rollOut, settledService, updateState } = openScene(context);
    const service_id = await settledService({ replicas: 1 });
    await expect(rollOut(service_id, { image: TEST_IMAGES.fading }, { monitor_s: 6 })).rejects.toMatchObject({
      code: 'rollout_tasks_failed',
      message: expect.stringMatching(/task 1 failed: .*exit.*8/),
    });
    expect(await updateState(service_id)).toBe('completed');
  });

  it('calls a rollback by Swarm a failure, with what went wrong', async (context) => {
    const { expect } = context;
    const { orchestrator, apply, present, settledService, updateState } = openScene(context);
    const service_id = await settledService({ replicas: 1, update_policy: { failure_action: 'rollback' } });
    const before = await present(service_id);
    const { target } = await apply(service_id, { image: TEST_IMAGES.broken });
    await expect.poll(() => updateState(service_id), { timeout: 40_000 }).toBe('rollback_completed');
    await expect(awaitRollout(step(40), orchestrator, target, { monitor_s: 0.5 })).rejects.toMatchObject({
      code: 'rollout_rolled_back',
      message: expect.stringMatching(/took the change back.*task 1 failed: .*exit.*7/),
    });
    expect(await present(service_id)).toMatchObject({ spec_digest: before.spec_digest });
  });

  it('calls a rollback that fails as well by its name', async (context) => {
    const { expect } = context;
    const { orchestrator, apply, settledService, updateState } = openScene(context);
    // What ran well before does not any more when it is to come back. A task that is restarted while Swarm turns round counts as rolled
    // back already, so two have to fail, and the first of them waits for its restart.
    const folder = await mkdtemp(join(testFolder(), 'flag-'));
    const service_id = await settledService({
      replicas: 3,
      update_policy: {
        failure_action: 'rollback',
        order: 'stop-first',
        parallelism: 1,
        monitor_s: 5,
        max_failure_ratio: 0.5,
      },
      rollback_monitor_s: 5,
      restart_delay_s: 60,
      command: [
        'sh',
        '-c',
        'trap "exit 0" TERM; read variant < /variant; [ "$variant" = broken ] && exit 9; [ -e /flag/set ] && exit 9; sleep 100000 & wait',
      ],
      container: { Mounts: [{ Type: 'bind', Source: folder, Target: '/flag', ReadOnly: true }] },
    });
    await writeFile(join(folder, 'set'), '');
    const { target } = await apply(service_id, { image: TEST_IMAGES.broken });
    await expect.poll(() => updateState(service_id), { timeout: 60_000 }).toBe('rollback_paused');
    await expect(awaitRollout(step(40), orchestrator, target, { monitor_s: 0.5 })).rejects.toMatchObject({
      code: 'rollout_rollback_paused',
    });
  });

  it('calls a paused update a failure', async (context) => {
    const { expect } = context;
    const { orchestrator, apply, settledService, updateState } = openScene(context);
    const service_id = await settledService({
      replicas: 1,
      update_policy: { max_failure_ratio: 0.9, monitor_s: 20 },
    });
    const { target } = await apply(service_id, { image: TEST_IMAGES.broken });
    await expect.poll(() => updateState(service_id), { timeout: 40_000 }).toBe('paused');
    const failed = await awaitRollout(step(40), orchestrator, target, { monitor_s: 0.5 }).catch(
      (error: unknown) => error,
    );
    expect(failed).toMatchObject({
      code: 'rollout_paused',
      message: expect.stringMatching(/paused the update/),
    });
  });

  it('fails where exactly the allowed share of tasks fails, which Swarm calls complete', async (context) => {
    const { expect } = context;
    const { orchestrator, apply, settledService, updateState } = openScene(context);
    // Of two tasks the second fails with the new image: one half, which is not above one half.
    const service_id = await settledService({
      replicas: 2,
      update_policy: { max_failure_ratio: 0.5 },
      env: ['SLOT={{.Task.Slot}}'],
      command: [
        'sh',
        '-c',
        'trap "exit 0" TERM; read variant < /variant; [ "$variant$SLOT" = broken2 ] && exit 9; sleep 100000 & wait',
      ],
    });
    const { target } = await apply(service_id, { image: TEST_IMAGES.broken });
    await expect.poll(() => updateState(service_id), { timeout: 40_000 }).toBe('completed');
    await expect(awaitRollout(step(40), orchestrator, target, { monitor_s: 0.5 })).rejects.toMatchObject({
      code: 'rollout_tasks_failed',
      message: expect.stringMatching(/task 2 failed: .*exit.*9/),
    });
  });

  it('notices that somebody else’s change has cut its own short', async (context) => {
    const { expect } = context;
    const { orchestrator, apply, settledService, updateState } = openScene(context);
    const service_id = await settledService({ replicas: 2, update_policy: { parallelism: 1, delay_s: 5 } });
    const { target } = await apply(service_id, { image: TEST_IMAGES.next });
    await expect.poll(() => updateState(service_id), { timeout: 40_000 }).toBe('updating');
    const rollout = awaitRollout(step(40), orchestrator, target, { monitor_s: 0.5 }).catch(
      (error: unknown) => error,
    );
    await apply(service_id, { image: TEST_IMAGES.fading });
    expect(await rollout).toMatchObject({ code: 'rollout_superseded' });
  });

  it('decides again on a fresh read when the service changed in between', async (context) => {
    const { expect } = context;
    const { swarm, orchestrator, apply, present } = openScene(context);
    const service_id = await swarm.createService({ replicas: 0 });
    let interfered = false;
    const seen: (number | null)[] = [];
    const racing: Orchestrator = {
      ...orchestrator,
      tasks: async (id) => {
        if (!interfered) {
          interfered = true;
          await apply(id, { image: TEST_IMAGES.next });
        }
        return orchestrator.tasks(id);
      },
    };
    const { target } = await applyServiceChange(racing, service_id, ({ version, replicas_desired }) => {
      seen.push(version);
      return { replicas: (replicas_desired ?? 0) + 1 };
    });
    expect(new Set(seen).size).toBe(2);
    expect(target.replicas).toBe(1);
    expect(await present(service_id)).toMatchObject({ image: TEST_IMAGES.next, replicas_desired: 1 });
  });

  it('loses no change of several that come at once', async (context) => {
    const { expect } = context;
    const { swarm, orchestrator, present } = openScene(context);
    const service_id = await swarm.createService({ replicas: 0, constraints: ['node.labels.zone==nowhere'] });
    const more = () =>
      applyServiceChange(orchestrator, service_id, ({ replicas_desired }) => ({
        replicas: (replicas_desired ?? 0) + 1,
      }));
    await Promise.all(Array.from({ length: 5 }, more));
    expect((await present(service_id)).replicas_desired).toBe(5);
  });

  it('does not take what failed before its own change for a failure of it', async (context) => {
    const { expect } = context;
    const { swarm, tasksUp, rollOut, settledService } = openScene(context);
    const service_id = await settledService({ replicas: 1 });
    const [task] = await tasksUp(service_id);
    if (!task) throw new Error('no task runs');
    await swarm.crashTask(task);
    await expect
      .poll(async () => (await tasksUp(service_id)).map(({ task_id }) => task_id), {
        timeout: 40_000,
      })
      .not.toContain(task.task_id);
    expect(await rollOut(service_id, { replicas: 2 })).toMatchObject({ running: 2, failed_count: 0 });
  });
});

/** A job's step with this many seconds, that keeps what it is shown. */
function step(deadline_s: number, shown: unknown[] = []): StepContext<unknown> {
  const started_at = new Date();
  return {
    job_id: 'job',
    input: {},
    outputs: {},
    signal: new AbortController().signal,
    started_at,
    deadline: new Date(started_at.getTime() + deadline_s * 1000),
    request_id: 'request',
    progress: async (figures) => {
      shown.push(figures);
    },
  };
}
