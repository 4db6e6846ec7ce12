import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  OrchestratorConflictError,
  OrchestratorError,
  type Orchestrator,
  type OrchestratorEvent,
  type OrchestratorHost,
  type OrchestratorService,
  type OrchestratorTask,
  type ServiceChange,
  type UpdatePolicy,
} from './orchestrator.ts';
import { isLive } from './rollout-rules.ts';

/** What an orchestrator's adapter brings to its conformance tests. */
export type OrchestratorHarness = {
  /** A handle on the same orchestrator and environment each time. */
  open(): Promise<Orchestrator>;
  /** A service of the environment, whose tasks run until they are ended. Answers its id; its tasks may not run yet. */
  prepareService(wanted: { replicas: number; update_policy?: Partial<UpdatePolicy> }): Promise<string>;
  /** Removes the service behind the orchestrator's back. Absent where services cannot be removed. */
  removeService?: (service_id: string) => Promise<void>;
  /** A service of another environment of the same orchestrator. Absent where there is none. */
  foreignService?: () => Promise<string>;
  /** Other images than the one that prepared services run: one that runs as well, and one whose tasks fail at once. */
  images: { next: string; broken: string };
  /** Ends the process inside a running task. */
  crashTask(task: OrchestratorTask): Promise<void>;
  /** Removes what the test left behind; all handles are closed by then. */
  dispose(): Promise<void>;
};

/** Generous: other work may go on beside the tests. Nothing waits so long when it works. */
const PATIENCE_MS = 40_000;
const CASE_MS = 90_000;
const UNTIL_SEEN = { timeout: PATIENCE_MS, interval: 50 };

/** Every adapter of the Orchestrator port must pass these tests; `createHarness` runs before each. */
export function describeOrchestrator(name: string, createHarness: () => Promise<OrchestratorHarness>): void {
  describe(`${name} as an orchestrator`, { timeout: CASE_MS }, () => {
    let harness: OrchestratorHarness;
    let opened: Orchestrator[];
    let watching: AbortController;

    beforeEach(async () => {
      harness = await createHarness();
      opened = [];
      watching = new AbortController();
    });
    afterEach(async () => {
      watching.abort();
      for (const orchestrator of opened) await orchestrator.close();
      await harness.dispose();
    });

    const open = async (): Promise<Orchestrator> => {
      const orchestrator = await harness.open();
      opened.push(orchestrator);
      return orchestrator;
    };
    const running = async (orchestrator: Orchestrator, service_id: string, replicas: number) => {
      await expect
        .poll(() => runningTasks(orchestrator, service_id), { timeout: PATIENCE_MS, interval: 100 })
        .toHaveLength(replicas);
      return runningTasks(orchestrator, service_id);
    };
    const change = async (orchestrator: Orchestrator, service_id: string, wanted: ServiceChange) => {
      const { version } = await present(orchestrator, service_id);
      return orchestrator.updateService(service_id, version, wanted);
    };
    /** A handle on a service whose tasks run. */
    const runningService = async (replicas: number, update_policy: Partial<UpdatePolicy> = {}) => {
      const orchestrator = await open();
      const service_id = await harness.prepareService({ replicas, update_policy });
      const tasks = await running(orchestrator, service_id, replicas);
      return { orchestrator, service_id, tasks };
    };

    it('shows a service with its image, replicas, labels and update policy', async () => {
      const { orchestrator, service_id } = await runningService(2, {
        parallelism: 1,
        failure_action: 'pause',
      });
      const service = await present(orchestrator, service_id);
      expect(service).toMatchObject({
        service_id,
        mode: 'replicated',
        replicas_desired: 2,
        update_policy: { parallelism: 1, failure_action: 'pause' },
        update: { state: 'none' },
      });
      expect(service.labels['cloudlysis.environment']).toBeTypeOf('string');
      expect(service.image).not.toBe('');
      expect(service.version).toBeGreaterThan(0);
      expect(Date.parse(service.created_at)).toBeGreaterThan(0);
    });

    it('shows tasks with the host that they run on, and says that they are up to date', async () => {
      const { orchestrator, service_id, tasks } = await runningService(2);
      const service = await present(orchestrator, service_id);
      expect(new Set(tasks.map(({ slot }) => slot))).toEqual(new Set([1, 2]));
      for (const task of tasks) {
        expect(task).toMatchObject({ service_id, desired_state: 'running', image: service.image });
        expect(task.task_spec_digest).toBe(service.task_spec_digest);
        const host = await orchestrator.host(task.host_id ?? '');
        expect(host).toMatchObject({ state: 'ready', availability: 'active' });
      }
    });

    it('answers null for what does not exist, and refuses to change it', async () => {
      const orchestrator = await open();
      expect(await orchestrator.host('nosuchhost')).toBeNull();
      expect(await orchestrator.service('nosuchservice')).toBeNull();
      expect(await orchestrator.tasks('nosuchservice')).toEqual([]);
      await expect(orchestrator.updateService('nosuchservice', 1, { replicas: 1 })).rejects.toMatchObject({
        name: 'OrchestratorError',
        code: 'not_found',
      });
      await expect(orchestrator.setAvailability('nosuchhost', 1, 'pause')).rejects.toMatchObject({
        name: 'OrchestratorError',
        code: 'not_found',
      });
    });

    it('neither shows nor changes a service of another environment', async ({ skip }) => {
      if (!harness.foreignService) return skip('this orchestrator has one environment');
      const orchestrator = await open();
      const service_id = await harness.foreignService();
      expect(await orchestrator.service(service_id)).toBeNull();
      expect(await orchestrator.tasks(service_id)).toEqual([]);
      await expect(orchestrator.updateService(service_id, 1, { replicas: 0 })).rejects.toMatchObject({
        code: 'not_found',
      });
      const picture = await firstPicture(orchestrator, watching.signal);
      expect(picture.services.has(service_id)).toBe(false);
    });

    it('scales a service up and down, which makes no other specification of it', async () => {
      const { orchestrator, service_id } = await runningService(1);
      const before = await present(orchestrator, service_id);
      const up = await change(orchestrator, service_id, { replicas: 3 });
      expect(up).toMatchObject({ replicas_desired: 3, spec_digest: before.spec_digest });
      expect(up.task_spec_digest).toBe(before.task_spec_digest);
      await running(orchestrator, service_id, 3);
      await change(orchestrator, service_id, { replicas: 1 });
      await running(orchestrator, service_id, 1);
    });

    it('refuses a change that was decided on an older version, and changes nothing', async () => {
      const { orchestrator, service_id } = await runningService(1);
      const stale = await present(orchestrator, service_id);
      const other = await open();
      await other.updateService(service_id, stale.version, { replicas: 2 });
      await expect(orchestrator.updateService(service_id, stale.version, { replicas: 5 })).rejects.toThrow(
        OrchestratorConflictError,
      );
      expect((await present(orchestrator, service_id)).replicas_desired).toBe(2);
    });

    it('restarts a service by replacing every task, which makes no other specification of it', async () => {
      const { orchestrator, service_id, tasks } = await runningService(2);
      const before = await present(orchestrator, service_id);
      const changed = await change(orchestrator, service_id, { restart: true });
      expect(changed.spec_digest).toBe(before.spec_digest);
      expect(changed.task_spec_digest).not.toBe(before.task_spec_digest);
      await updateEnds(orchestrator, service_id, 'completed');
      const after = await running(orchestrator, service_id, 2);
      expect(ids(after).filter((id) => ids(tasks).includes(id))).toEqual([]);
      for (const task of after) expect(task.task_spec_digest).toBe(changed.task_spec_digest);
    });

    it('deploys an image and brings an earlier specification back, with the replicas of now', async () => {
      const { orchestrator, service_id } = await runningService(1);
      const before = await present(orchestrator, service_id);
      const deployed = await change(orchestrator, service_id, { image: harness.images.next });
      expect(referenceOf(deployed)).toBe(harness.images.next);
      expect(deployed.spec_digest).not.toBe(before.spec_digest);
      await updateEnds(orchestrator, service_id, 'completed');
      await change(orchestrator, service_id, { replicas: 2 });
      const restored = await change(orchestrator, service_id, { spec: before.spec });
      expect(restored).toMatchObject({
        image: before.image,
        digest: before.digest,
        spec_digest: before.spec_digest,
        replicas_desired: 2,
      });
      await updateEnds(orchestrator, service_id, 'completed');
      for (const task of await running(orchestrator, service_id, 2)) expect(task.image).toBe(before.image);
    });

    it('refuses a specification that it did not hand out', async () => {
      const { orchestrator, service_id } = await runningService(1);
      await expect(change(orchestrator, service_id, { spec: 'made up' })).rejects.toMatchObject({
        name: 'OrchestratorError',
        code: 'refused',
      });
    });

    it('replaces a task that crashed, and shows how the old one ended', async () => {
      const { orchestrator, service_id, tasks } = await runningService(1);
      const [crashed] = tasks;
      if (!crashed) throw new Error('no task');
      await harness.crashTask(crashed);
      await expect
        .poll(async () => ids(await runningTasks(orchestrator, service_id)), { timeout: PATIENCE_MS })
        .not.toContain(crashed.task_id);
      const [replacement] = await running(orchestrator, service_id, 1);
      expect(replacement?.slot).toBe(crashed.slot);
      const ended = (await orchestrator.tasks(service_id)).find(({ task_id }) => task_id === crashed.task_id);
      expect(ended && isLive(ended)).toBe(false);
      expect(ended?.error ?? ended?.message).toBeTypeOf('string');
    });

    it('pauses an update whose tasks fail, where its policy says so', async () => {
      const { orchestrator, service_id } = await runningService(1, { failure_action: 'pause' });
      await change(orchestrator, service_id, { image: harness.images.broken });
      const service = await updateEnds(orchestrator, service_id, 'paused');
      expect(service.update.message).toBeTypeOf('string');
      expect(referenceOf(service)).toBe(harness.images.broken);
    });

    it('takes an update back whose tasks fail, where its policy says so', async () => {
      const { orchestrator, service_id } = await runningService(1, { failure_action: 'rollback' });
      const before = await present(orchestrator, service_id);
      await change(orchestrator, service_id, { image: harness.images.broken });
      const service = await updateEnds(orchestrator, service_id, 'rollback_completed');
      expect(service).toMatchObject({ image: before.image, spec_digest: before.spec_digest });
      await running(orchestrator, service_id, 1);
    });

    it('gives the tasks of a drained host away, and lets it take some when it is active again', async () => {
      const { orchestrator, service_id, tasks } = await runningService(1);
      const host_id = tasks[0]?.host_id ?? '';
      const drained = await orchestrator.setAvailability(
        host_id,
        (await hostOf(orchestrator, host_id)).version,
        'drain',
      );
      try {
        expect(drained.availability).toBe('drain');
        await expect
          .poll(async () => hostsOf(await runningTasks(orchestrator, service_id)), { timeout: PATIENCE_MS })
          .not.toContain(host_id);
      } finally {
        const { version } = await hostOf(orchestrator, host_id);
        await orchestrator.setAvailability(host_id, version, 'active');
      }
      await running(orchestrator, service_id, 1);
    });

    it('leaves the tasks of a paused host where they are, and refuses a stale change of the host', async () => {
      const { orchestrator, service_id, tasks } = await runningService(1);
      const host_id = tasks[0]?.host_id ?? '';
      const before = await hostOf(orchestrator, host_id);
      const paused = await orchestrator.setAvailability(host_id, before.version, 'pause');
      expect(paused).toMatchObject({ host_id, availability: 'pause' });
      await expect(orchestrator.setAvailability(host_id, before.version, 'drain')).rejects.toThrow(
        OrchestratorConflictError,
      );
      expect(ids(await runningTasks(orchestrator, service_id))).toEqual(ids(tasks));
      const { version } = await hostOf(orchestrator, host_id);
      expect(await orchestrator.setAvailability(host_id, version, 'active')).toMatchObject({
        availability: 'active',
      });
    });

    it('gives a watcher the whole picture before it says that it has caught up', async () => {
      const { orchestrator, service_id, tasks } = await runningService(2);
      const picture = await firstPicture(orchestrator, watching.signal);
      expect(picture.services.get(service_id)).toMatchObject({ replicas_desired: 2 });
      for (const task of tasks) {
        expect(picture.tasks.get(task.task_id)).toMatchObject({
          service_id,
          state: 'running',
          slot: task.slot,
        });
        expect(picture.hosts.get(task.host_id ?? '')).toMatchObject({ state: 'ready' });
      }
    });

    it('goes on telling an idle watcher that it has caught up, so that silence is noticed', async () => {
      const orchestrator = await open();
      let heard = 0;
      for await (const event of orchestrator.watch(watching.signal)) {
        if (event.kind === 'caught_up') heard += 1;
        if (heard === 3) break;
      }
      expect(heard).toBe(3);
    });

    it('tells a watcher what others change: replicas, image, tasks that come and go', async () => {
      const { orchestrator, service_id, tasks } = await runningService(1);
      const watched = follow(orchestrator, watching.signal);
      await expect
        .poll(() => watched.shows(({ tasks: seen }) => seen.has(tasks[0]?.task_id ?? '')), UNTIL_SEEN)
        .toBe(true);
      const other = await open();
      await change(other, service_id, { replicas: 2 });
      await expect
        .poll(
          () =>
            watched.shows(
              (picture) =>
                picture.services.get(service_id)?.replicas_desired === 2 &&
                runningIn(picture, service_id).length === 2,
            ),
          UNTIL_SEEN,
        )
        .toBe(true);
      await change(other, service_id, { image: harness.images.next });
      const wanted = await updateEnds(other, service_id, 'completed');
      await expect
        .poll(
          () =>
            watched.shows(
              (picture) =>
                picture.services.get(service_id)?.update.state === 'completed' &&
                runningIn(picture, service_id).filter(
                  (task) => task.task_spec_digest === wanted.task_spec_digest,
                ).length === 2,
            ),
          UNTIL_SEEN,
        )
        .toBe(true);
    });

    it('tells a watcher of a task that crashed and of the one that replaces it', async () => {
      const { orchestrator, service_id, tasks } = await runningService(1);
      const watched = follow(orchestrator, watching.signal);
      const [crashed] = tasks;
      if (!crashed) throw new Error('no task');
      await expect
        .poll(() => watched.shows(({ tasks: seen }) => seen.has(crashed.task_id)), UNTIL_SEEN)
        .toBe(true);
      await harness.crashTask(crashed);
      await expect
        .poll(
          () =>
            watched.shows((picture) => {
              const [now] = runningIn(picture, service_id);
              return now !== undefined && now.task_id !== crashed.task_id;
            }),
          UNTIL_SEEN,
        )
        .toBe(true);
    });

    it('tells a watcher of a host that was paused', async () => {
      const { orchestrator, tasks } = await runningService(1);
      const host_id = tasks[0]?.host_id ?? '';
      const watched = follow(orchestrator, watching.signal);
      const { version } = await hostOf(orchestrator, host_id);
      const paused = await orchestrator.setAvailability(host_id, version, 'pause');
      try {
        await expect
          .poll(() => watched.shows(({ hosts }) => hosts.get(host_id)?.availability === 'pause'), UNTIL_SEEN)
          .toBe(true);
      } finally {
        await orchestrator.setAvailability(host_id, paused.version, 'active');
      }
      await expect
        .poll(() => watched.shows(({ hosts }) => hosts.get(host_id)?.availability === 'active'), UNTIL_SEEN)
        .toBe(true);
    });

    it('tells a watcher of a service that is gone, with its tasks', async ({ skip }) => {
      if (!harness.removeService) return skip('services of this orchestrator cannot be removed');
      const { orchestrator, service_id, tasks } = await runningService(1);
      const watched = follow(orchestrator, watching.signal);
      await expect
        .poll(() => watched.shows(({ tasks: seen }) => seen.has(tasks[0]?.task_id ?? '')), UNTIL_SEEN)
        .toBe(true);
      await harness.removeService(service_id);
      await expect
        .poll(
          () =>
            watched.shows(
              ({ services, tasks: seen }) => !services.has(service_id) && !seen.has(tasks[0]?.task_id ?? ''),
            ),
          UNTIL_SEEN,
        )
        .toBe(true);
    });

    it('ends a watch when its signal aborts', async () => {
      const orchestrator = await open();
      const watch = orchestrator.watch(watching.signal)[Symbol.asyncIterator]();
      while ((await watch.next()).value?.kind !== 'caught_up');
      const pending = endOf(watch);
      watching.abort();
      expect(await pending).toBe('ended');
    });

    it('fails a watch, and every call, when the handle is closed', async () => {
      const orchestrator = await open();
      const watch = orchestrator.watch(watching.signal)[Symbol.asyncIterator]();
      while ((await watch.next()).value?.kind !== 'caught_up');
      const pending = endOf(watch);
      await orchestrator.close();
      expect(await pending).toBeInstanceOf(OrchestratorError);
      await expect(orchestrator.service('any')).rejects.toMatchObject({ code: 'closed' });
    });
  });
}

type Picture = {
  hosts: Map<string, OrchestratorHost>;
  services: Map<string, OrchestratorService>;
  tasks: Map<string, OrchestratorTask>;
};

function put(picture: Picture, event: OrchestratorEvent): void {
  const set = <T>(map: Map<string, T>, id: string, value: T | null) =>
    value === null ? map.delete(id) : map.set(id, value);
  if (event.kind === 'host') set(picture.hosts, event.id, event.host);
  if (event.kind === 'service') set(picture.services, event.id, event.service);
  if (event.kind === 'task') set(picture.tasks, event.id, event.task);
}

async function firstPicture(orchestrator: Orchestrator, signal: AbortSignal): Promise<Picture> {
  const picture: Picture = { hosts: new Map(), services: new Map(), tasks: new Map() };
  for await (const event of orchestrator.watch(signal)) {
    if (event.kind === 'caught_up') return picture;
    put(picture, event);
  }
  throw new Error('the watch ended before it had caught up');
}

/** Follows a watch in the background; `shows` says whether its picture is as wanted. */
function follow(orchestrator: Orchestrator, signal: AbortSignal) {
  const picture: Picture = { hosts: new Map(), services: new Map(), tasks: new Map() };
  let broken: unknown;
  const reading = (async () => {
    for await (const event of orchestrator.watch(signal)) put(picture, event);
  })().catch((error: unknown) => (broken = error));
  void reading;
  return {
    shows: (condition: (picture: Picture) => boolean): boolean => {
      if (broken !== undefined) throw new Error('the watch broke', { cause: broken });
      return condition(picture);
    },
  };
}

async function endOf(watch: AsyncIterator<OrchestratorEvent>): Promise<unknown> {
  try {
    while ((await watch.next()).done !== true);
    return 'ended';
  } catch (error) {
    return error;
  }
}

async function present(orchestrator: Orchestrator, service_id: string): Promise<OrchestratorService> {
  const service = await orchestrator.service(service_id);
  if (service === null) throw new Error(`there is no service ${service_id}`);
  return service;
}

async function hostOf(orchestrator: Orchestrator, host_id: string): Promise<OrchestratorHost> {
  const host = await orchestrator.host(host_id);
  if (host === null) throw new Error(`there is no host ${host_id}`);
  return host;
}

async function updateEnds(
  orchestrator: Orchestrator,
  service_id: string,
  state: OrchestratorService['update']['state'],
): Promise<OrchestratorService> {
  await expect
    .poll(async () => (await present(orchestrator, service_id)).update.state, {
      timeout: PATIENCE_MS,
      interval: 100,
    })
    .toBe(state);
  return present(orchestrator, service_id);
}

async function runningTasks(orchestrator: Orchestrator, service_id: string): Promise<OrchestratorTask[]> {
  return (await orchestrator.tasks(service_id)).filter(isRunning);
}

const runningIn = ({ tasks }: Picture, service_id: string): OrchestratorTask[] =>
  [...tasks.values()].filter((task) => task.service_id === service_id && isRunning(task));

const isRunning = ({ state, desired_state }: OrchestratorTask): boolean =>
  state === 'running' && desired_state === 'running';

const ids = (tasks: readonly OrchestratorTask[]): string[] => tasks.map(({ task_id }) => task_id);
const hostsOf = (tasks: readonly OrchestratorTask[]): (string | null)[] =>
  tasks.map(({ host_id }) => host_id);

const referenceOf = ({ image, digest }: OrchestratorService): string =>
  digest === null ? image : `${image}@${digest}`;
