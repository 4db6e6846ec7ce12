/** `kill -9` of the server in every step and every undo of a migration: afterwards exactly one shard serves the tenant. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { freePort, signIn, waitFor, type ControlProcess } from './control-process.ts';
import type { Rehearsal } from './crashing-control.ts';
import {
  createTenant,
  ENVIRONMENT,
  startLastingPlatform,
  startMove,
  waitForJob,
  type LastingPlatform,
} from './lasting-platform.ts';

const STEPS = ['check', 'drain', 'place', 'reload', 'acknowledge', 'verify'];
const UNDOS = ['reload', 'place', 'drain'];

test.describe.serial('a server killed in the middle of a migration', () => {
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

  const killPoints = [
    ...STEPS.flatMap((step) =>
      (['before', 'after'] as const).map((when) => ({ step, direction: 'run' as const, when })),
    ),
    ...UNDOS.flatMap((step) =>
      (['before', 'after'] as const).map((when) => ({ step, direction: 'undo' as const, when })),
    ),
  ];
  for (const kill of killPoints) {
    const undoing = kill.direction === 'undo';
    test(`${kill.when} ${undoing ? 'the undo of ' : ''}${kill.step} leaves the tenant on exactly one shard`, async () => {
      const tenant_id = `crash-${++tenants}`;
      const before = await signIn(control.url);
      await createTenant(before, tenant_id);
      await rehearse({ kill, fail: undoing ? 'verify' : null });
      const { job_id, source, target } = await startMove(platform, before, tenant_id);
      expect(await control.ended).toBe('SIGKILL');

      control = await start();
      const after = await signIn(control.url);
      const job = await waitForJob(after, job_id);
      expect(job.state).toBe(undoing ? 'failed_rolled_back' : 'succeeded');
      const home = undoing ? source : target;
      expect(await platform.serving('aggregate', tenant_id)).toEqual([home.node_id]);
      const placed = await waitFor(
        'the index',
        async () =>
          (
            await after.call<{ items: { shard: string; state: string }[] }>(
              'GET',
              `/scale/placements?tenant_id=${tenant_id}&environment=${ENVIRONMENT}&service=aggregate`,
            )
          ).body.items[0],
        (placement) => placement?.state === 'active',
      );
      expect(placed?.shard).toBe(home.shards[0]);
      const tenant = await after.call<{ status: string }>('GET', `/tenants/${tenant_id}`);
      expect(tenant.body.status).toBe('active');
    });
  }
});
