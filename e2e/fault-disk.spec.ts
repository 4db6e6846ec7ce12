/** No room left on the disk of the placement file: writes wait by name, nothing is half written, and it goes on when there is room again. */
import { execFile } from 'node:child_process';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { expect, test } from '@playwright/test';
import type { Job } from '#contract/jobs.ts';
import type { EnvironmentSummary } from '#contract/scale.ts';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import {
  freePort,
  launchControl,
  startControl,
  signIn,
  temporaryFolder,
  waitFor,
  type Caller,
  type ControlProcess,
} from './control-process.ts';
import { keepReading, timed, timedUntil } from './fault-tools.ts';
import {
  createTenant,
  startLastingPlatform,
  startMove,
  waitForJob,
  type LastingPlatform,
} from './lasting-platform.ts';

const run = promisify(execFile);

/** A small disk of its own that can be filled up. */
async function mountDisk(megabytes: number) {
  const { folder, remove } = await temporaryFolder();
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0777`, 'control-test', folder]);
  const filler = path.join(folder, 'filler');
  return {
    folder,
    fill: async () => {
      const file = await open(filler, 'a');
      try {
        for (const size of [65_536, 4_096]) {
          await (async () => {
            for (;;) await file.appendFile(Buffer.alloc(size));
          })().catch((error: NodeJS.ErrnoException) => {
            if (error.code !== 'ENOSPC') throw error;
          });
        }
      } finally {
        await file.close();
      }
    },
    free: () => rm(filler),
    unmount: async () => {
      await run('umount', ['--lazy', folder]);
      await remove();
    },
  };
}

const mountable = await (async () => {
  if (process.getuid?.() !== 0) return 'only root may mount a disk of its own';
  try {
    const disk = await mountDisk(1);
    await disk.unmount();
    return null;
  } catch (error) {
    return `this machine mounts no disk (${error instanceof Error ? error.message.trim() : String(error)})`;
  }
})();
test.skip(mountable !== null, mountable ?? '');

test.describe.serial('a full disk under the placement file', () => {
  let disk: Awaited<ReturnType<typeof mountDisk>>;
  let platform: LastingPlatform;
  let control: ControlProcess;
  let caller: Caller;
  let file: string;

  test.beforeAll(async () => {
    disk = await mountDisk(4);
    file = path.join(disk.folder, 'placement.db');
    platform = await startLastingPlatform({
      openStore: () => openPlacementFileStore(file),
      settings: () => ({ placement: { file } }),
    });
    control = await platform.start();
    caller = await signIn(control.url);
  });
  test.afterAll(async () => {
    await control?.stop();
    await platform?.stop();
    await disk?.unmount();
  });

  /** Until the next write of the placement file needs room that is not there. */
  async function fillUp() {
    const database = new DatabaseSync(file, { timeout: 5_000 });
    await waitFor(
      'the log of the placement file to be empty',
      async () => database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number },
      ({ busy }) => busy === 0,
    );
    database.close();
    await disk.fill();
  }
  const stepOf = async (job_id: string, step: string) =>
    (await caller.call<Job>('GET', `/jobs/${job_id}`)).body.steps.find(({ name }) => name === step);
  const untilStepWaits = (job_id: string, name: string) =>
    waitFor(
      'the step that waits for room',
      () => stepOf(job_id, name),
      (step) =>
        step?.state === 'running' &&
        /no space left to write placement file/.test(JSON.stringify(step.progress)),
    );
  async function stallDrains() {
    const faults = platform.nodes
      .filter(({ kind }) => kind === 'aggregate')
      .map(({ node_id }) => platform.fleet.faults.switchOn({ fault: 'drain_stalls', node_id }));
    return () => faults.forEach(({ id }) => platform.fleet.faults.switchOff(id));
  }
  async function untilIndexIsWhole() {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
    const { integrity_check } = database.prepare('PRAGMA integrity_check').get() as {
      integrity_check: string;
    };
    const { revision } = database.prepare('SELECT revision FROM head').get() as { revision: number };
    const { count } = database.prepare('SELECT count(*) AS count FROM placements').get() as { count: number };
    database.close();
    expect(integrity_check).toBe('ok');
    await waitFor(
      'the index to equal the file',
      async () =>
        (await caller.call<{ items: EnvironmentSummary[] }>('GET', '/scale/environments')).body.items[0],
      (now) =>
        now?.watcher.state === 'live' && now.placement_revision === revision && now.placement_count === count,
    );
  }

  test('a migration waits for room by name, pages go on, and it ends when there is room', async () => {
    await createTenant(caller, 'waits-for-room');
    const goOn = await stallDrains();
    const { job_id, target } = await startMove(platform, caller, 'waits-for-room');
    await waitFor(
      'the drain',
      () => stepOf(job_id, 'drain'),
      (step) => step?.state === 'running' && step.progress !== null,
    );
    const reader = keepReading(caller, ['/scale/placements', '/tenants', '/scale/environments']);
    await fillUp();
    goOn();
    await untilStepWaits(job_id, 'place');
    expect(await platform.serving('aggregate', 'waits-for-room')).toEqual([]);
    await disk.free();
    const job = await timed('room again → the migration has ended', () => waitForJob(caller, job_id));
    expect(job.state).toBe('succeeded');
    expect(await platform.serving('aggregate', 'waits-for-room')).toEqual([target.node_id]);
    await reader.stop();
    expect(reader.met.filter(({ status }) => status !== 200)).toEqual([]);
    await untilIndexIsWhole();
  });

  test('a migration that cannot even begin is cancelled without a trace', async () => {
    await createTenant(caller, 'never-begun');
    const [before] = await platform.serving('aggregate', 'never-begun');
    await fillUp();
    const { job_id } = await startMove(platform, caller, 'never-begun');
    await untilStepWaits(job_id, 'drain');
    expect((await caller.call('POST', `/jobs/${job_id}/cancel`, { reason: 'no room' })).status).toBe(202);
    expect((await waitForJob(caller, job_id)).state).toBe('cancelled_rolled_back');
    expect(await platform.serving('aggregate', 'never-begun')).toEqual([before]);
    await disk.free();
    await untilIndexIsWhole();
  });

  test('a migration that gives up undoes what it did once there is room', async () => {
    await createTenant(caller, 'gives-up');
    const [before] = await platform.serving('aggregate', 'gives-up');
    const goOn = await stallDrains();
    const { job_id } = await startMove(platform, caller, 'gives-up');
    await waitFor(
      'the drain',
      () => stepOf(job_id, 'drain'),
      (step) => step?.state === 'running' && step.progress !== null,
    );
    await fillUp();
    expect((await caller.call('POST', `/jobs/${job_id}/cancel`, { reason: 'no room' })).status).toBe(202);
    await timedUntil(
      'cancelled without room → the undo waits',
      () => stepOf(job_id, 'drain'),
      (step) => step?.state === 'undoing' && /no space left/.test(JSON.stringify(step.progress)),
    );
    goOn();
    await disk.free();
    expect((await waitForJob(caller, job_id)).state).toBe('cancelled_rolled_back');
    expect(await platform.serving('aggregate', 'gives-up')).toEqual([before]);
    await untilIndexIsWhole();
  });

  test('a server that finds no room for a new placement file says so in one sentence', async () => {
    await fillUp();
    const elsewhere = await platform.writeConfiguration({}, 'elsewhere.yaml');
    await writeFile(
      elsewhere,
      (await readFile(elsewhere, 'utf8')).replace(file, path.join(disk.folder, 'other.db')),
    );
    const refused = launchControl({
      dataDir: platform.folder,
      port: await freePort(),
      env: {
        CONTROL_CONFIG: elsewhere,
        CONTROL_DATABASE_URL: platform.postgres.url,
        CONTROL_NODE_TOKEN: platform.fleet.manifest.token,
      },
    });
    expect(await refused.ended).toBe(1);
    expect(refused.output().trim()).toContain(
      `The control plane cannot start: no space left to write placement file ${disk.folder}`,
    );
    await disk.free();
  });
});

test('a start in a full data folder says so in one sentence and leaves nothing running', async () => {
  const disk = await mountDisk(4);
  await disk.fill();
  const control = launchControl({ dataDir: disk.folder, port: await freePort() });
  expect(await control.ended, control.output()).toBe(1);
  expect(control.output().trim().split('\n'), control.output()).toHaveLength(1);
  expect(control.output()).toContain('the disk is full');
  await disk.unmount();
});

test('the embedded mode outlives a full disk, log, database and all, and works again when there is room', async () => {
  const disk = await mountDisk(200);
  const control = await startControl({ args: ['--tenants=5'], dataDir: disk.folder, port: await freePort() });
  const caller = await signIn(control.url);
  const [tenant] = (await caller.call<{ items: { tenant_id: string }[] }>('GET', '/tenants?limit=1')).body
    .items;
  const refused: string[] = [];
  let changes = 0;
  const change = async () => {
    const address = `/tenants/${tenant?.tenant_id}`;
    const read = await caller.call<Record<string, unknown>>('GET', address);
    if (read.status !== 200) return read;
    const body = { name: `Name ${(changes += 1)}` };
    return caller.call('PATCH', address, body, { 'if-match': `"${String(read.body['revision'])}"` });
  };
  await disk.fill();
  // Enough of them that the log has no room for its lines either.
  const refusals = await waitFor(
    'refusals',
    async () => {
      const { status, body } = await change();
      if (status !== 200) refused.push(`${status} ${String(body['code'])}`);
      return refused;
    },
    ({ length }) => length >= 25,
  );
  expect([...new Set(refusals)]).toEqual(['503 unavailable']);
  expect((await fetch(`${control.url}/health`)).status).toBe(200);
  await disk.free();
  await timedUntil('room again → a change is made', change, ({ status }) => status === 200);
  await control.stop();
  await disk.unmount();
});
