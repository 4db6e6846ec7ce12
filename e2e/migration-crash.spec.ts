/** `kill -9` of the server in every step and every undo of a migration: afterwards exactly one shard serves the tenant. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@playwright/test';
import { stringify } from 'yaml';
import type { Job, Plan } from '#contract/jobs.ts';
import { startFleet } from '#fleet/fleet.ts';
import { startEmbeddedPostgres } from '#server/adapters/embedded-postgres/embedded-postgres.ts';
import {
  freePort,
  signIn,
  startControl,
  temporaryFolder,
  waitFor,
  type ControlProcess,
} from './control-process.ts';
import type { Rehearsal } from './crashing-control.ts';

const ENVIRONMENT = 'prod';
const STEPS = ['check', 'drain', 'place', 'reload', 'acknowledge', 'verify'];
const UNDOS = ['reload', 'place', 'drain'];
const ENDED = ['succeeded', 'failed_rolled_back', 'cancelled_rolled_back', 'stuck'];

/** What stays alive while servers are killed: the platform and the database. */
async function startWorld() {
  const { folder, remove } = await temporaryFolder();
  const [fleet, postgres, port] = await Promise.all([
    startFleet({ dataDir: folder, environments: [ENVIRONMENT], speed: 5 }),
    startEmbeddedPostgres({
      dataDir: path.join(folder, 'postgres'),
      settings: { fsync: 'off', synchronous_commit: 'off' },
    }),
    freePort(),
  ]);
  const nodes = fleet.manifest.nodes.map(({ node_id, kind, url, shards, labels }) => ({
    node_id,
    kind,
    url,
    shards,
    labels,
  }));
  const configuration = {
    environments: [
      {
        name: ENVIRONMENT,
        production: true,
        placement: { file: path.join(folder, `placement-${ENVIRONMENT}.db`) },
        nodes,
      },
    ],
  };
  await writeFile(path.join(folder, 'control.yaml'), stringify(configuration));
  const rehearsalFile = path.join(folder, 'rehearsal.json');
  return {
    nodes,
    start: (): Promise<ControlProcess> =>
      startControl({
        program: 'e2e/crashing-control.ts',
        dataDir: folder,
        port,
        env: {
          CONTROL_DATABASE_URL: postgres.url,
          CONTROL_NODE_TOKEN: fleet.manifest.token,
          CONTROL_REHEARSAL: rehearsalFile,
        },
      }),
    rehearse: (rehearsal: Rehearsal) => writeFile(rehearsalFile, JSON.stringify(rehearsal)),
    /** Nodes of the kind that serve the tenant, as they say themselves. */
    serving: async (kind: string, tenantId: string): Promise<string[]> => {
      const answers = await Promise.all(
        nodes
          .filter((node) => node.kind === kind)
          .map(async ({ node_id, url }) => {
            const answer = await fetch(`${url}/admin/tenants/${tenantId}`, {
              headers: { authorization: `Bearer ${fleet.manifest.token}` },
            });
            const { state } = (await answer.json()) as { state: string };
            return state === 'active' ? [node_id] : [];
          }),
      );
      return answers.flat();
    },
    stop: async () => {
      await fleet.close();
      await postgres.stop();
      await remove();
    },
  };
}

test.describe.serial('a server killed in the middle of a migration', () => {
  let world: Awaited<ReturnType<typeof startWorld>>;
  let control: ControlProcess;
  let tenants = 0;

  test.beforeAll(async () => {
    world = await startWorld();
    await world.rehearse({ kill: null, fail: null });
    control = await world.start();
  });
  test.afterAll(async () => {
    await control?.stop();
    await world?.stop();
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
      const created = await before.call<{ job_id: string }>('POST', '/tenants', {
        tenant_id,
        name: tenant_id,
        environments: [ENVIRONMENT],
      });
      expect(created.status).toBe(202);
      await waitFor(
        'the provisioning',
        async () => (await before.call<Job>('GET', `/jobs/${created.body.job_id}`)).body,
        (job) => job.state === 'succeeded',
      );
      const source = (await world.serving('aggregate', tenant_id))[0];
      const sourceShard = world.nodes.find((node) => node.node_id === source)?.shards[0];
      const target = world.nodes.find((node) => node.kind === 'aggregate' && node.node_id !== source);
      const move = {
        environment: ENVIRONMENT,
        tenant_id,
        service: 'aggregate',
        target_shard: target?.shards[0],
      };

      await world.rehearse({ kill, fail: undoing ? 'verify' : null });
      // A node may still be applying what the provisioning wrote; until then it blocks the plan by name.
      const plan = await waitFor(
        'a plan without blockers',
        () => before.call<Plan>('POST', '/scale/migrations/plan', move),
        (answer) => answer.status === 200 && answer.body.blockers.length === 0,
      );
      const start = await before.call<{ job_id: string }>('POST', '/scale/migrations', {
        ...move,
        plan_hash: plan.body.plan_hash,
        reason: 'rehearsal',
      });
      expect(start.status).toBe(202);
      expect(await control.ended).toBe('SIGKILL');

      control = await world.start();
      const after = await signIn(control.url);
      const job = await waitFor(
        'the end of the job',
        async () => (await after.call<Job>('GET', `/jobs/${start.body.job_id}`)).body,
        (found) => ENDED.includes(found.state),
      );
      expect(job.state).toBe(undoing ? 'failed_rolled_back' : 'succeeded');
      expect(await world.serving('aggregate', tenant_id)).toEqual([undoing ? source : target?.node_id]);
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
      expect(placed?.shard).toBe(undoing ? sourceShard : target?.shards[0]);
      const tenant = await after.call<{ status: string }>('GET', `/tenants/${tenant_id}`);
      expect(tenant.body.status).toBe('active');
    });
  }
});
