/** A platform and a database that outlive the servers which work with them: servers are killed, restarted and doubled beside it. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Job, Plan } from '#contract/jobs.ts';
import { startFleet } from '#fleet/fleet.ts';
import type { FleetManifest } from '#fleet/manifest.ts';
import { startEmbeddedPostgres } from '#server/adapters/embedded-postgres/embedded-postgres.ts';
import { findPostgresPrograms } from '#server/adapters/embedded-postgres/postgres-programs.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import {
  freePort,
  startControl,
  temporaryFolder,
  waitFor,
  type Caller,
  type ControlProcess,
} from './control-process.ts';

export const ENVIRONMENT = 'prod';
export const ENDED_STATES: readonly string[] = [
  'succeeded',
  'failed_rolled_back',
  'cancelled_rolled_back',
  'failed_kept',
  'cancelled_kept',
  'stuck',
];

export type LastingPlatform = Awaited<ReturnType<typeof startLastingPlatform>>;

interface LastingPlatformOptions {
  /** How much faster than life its nodes work. */
  speed?: number;
  /** Where the nodes read placements, when not in the placement file. */
  openStore?: () => PlacementStore;
  /** What `control.yaml` says of the environment beside its name and nodes, or instead. */
  settings?: (fleet: FleetManifest, folder: string) => object;
}

/** One environment, `prod`, that a `control.yaml` names. */
export async function startLastingPlatform({
  speed = 5,
  openStore,
  settings: settingsOf = () => ({}),
}: LastingPlatformOptions = {}) {
  const { folder, remove } = await temporaryFolder();
  const dataDir = path.join(folder, 'postgres');
  const [fleet, postgres] = await Promise.all([
    startFleet({ dataDir: folder, environments: [ENVIRONMENT], speed, ...(openStore && { openStore }) }),
    // What was committed outlives a crash of PostgreSQL, not one of the machine; what did not wait for the disk is lost for sure.
    startEmbeddedPostgres({ dataDir, settings: { fsync: 'off', wal_writer_delay: '10s' } }),
  ]);
  const runPostgres = async (...args: string[]): Promise<void> => {
    const { run } = await findPostgresPrograms(dataDir);
    const log = path.join(dataDir, 'postgres.log');
    const { exitCode, output } = await run('pg_ctl', [
      ...args,
      '--wait',
      `--pgdata=${dataDir}`,
      `--log=${log}`,
    ]);
    if (exitCode !== 0) throw new Error(`pg_ctl ${args.join(' ')}: ${output}`);
  };
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
        ...settingsOf(fleet.manifest, folder),
      },
    ],
  };
  /** Writes a `control.yaml` of the environment and these settings; answers its path. */
  const writeConfiguration = async (settings: object = {}, name = `control-${randomUUID()}.yaml`) => {
    const file = path.join(folder, name);
    await writeFile(file, stringify({ ...settings, ...configuration }));
    return file;
  };
  await writeConfiguration({}, 'control.yaml');
  return {
    folder,
    fleet,
    nodes,
    postgres,
    /** Takes PostgreSQL away as a crash does, and brings it back on the same port and data. */
    crashPostgres: () => runPostgres('stop', '--mode=immediate'),
    startPostgres: () => runPostgres('start'),
    writeConfiguration,
    /** A server beside the others; on a port of its own unless one is named. */
    start: async (
      options: { program?: string; port?: number; env?: Record<string, string> } = {},
    ): Promise<ControlProcess> =>
      startControl({
        ...(options.program !== undefined && { program: options.program }),
        dataDir: folder,
        port: options.port ?? (await freePort()),
        env: {
          CONTROL_DATABASE_URL: postgres.url,
          CONTROL_NODE_TOKEN: fleet.manifest.token,
          ...options.env,
        },
      }),
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

/** Resolves with the job once it is in one of these states. */
export const waitForJob = (
  caller: Caller,
  jobId: string,
  states: readonly string[] = ENDED_STATES,
): Promise<Job> =>
  waitFor(
    `job ${jobId} to be ${states.join(' or ')}`,
    async () => (await caller.call<Job>('GET', `/jobs/${jobId}`)).body,
    ({ state }) => states.includes(state),
  );

/** Creates a tenant and waits until it is provisioned. */
export async function createTenant(caller: Caller, tenant_id: string): Promise<void> {
  const created = await caller.call<{ job_id: string }>('POST', '/tenants', {
    tenant_id,
    name: tenant_id,
    environments: [ENVIRONMENT],
  });
  if (created.status !== 202) throw new Error(`creating ${tenant_id}: ${JSON.stringify(created.body)}`);
  const { state } = await waitForJob(caller, created.body.job_id);
  if (state !== 'succeeded') throw new Error(`provisioning ${tenant_id} ended ${state}`);
}

/**
 * Plans what `resource` does with the body and starts it; answers the job's id. A node may still be applying an earlier write, and a killed
 * server's observations of nodes be old: until then the plan is blocked by name, and what changes before the start refuses it.
 */
export async function startPlanned(caller: Caller, resource: string, body?: object): Promise<string> {
  const started = await waitFor(
    `a start of ${resource} that nothing stands in the way of`,
    async () => {
      const plan = await caller.call<Plan>('POST', `${resource}/plan`, body);
      if (plan.status !== 200 || plan.body.blockers.length > 0)
        throw new Error(JSON.stringify(plan.body).slice(0, 2000));
      return caller.call<{ job_id: string; code?: string }>('POST', resource, {
        ...body,
        plan_hash: plan.body.plan_hash,
        reason: 'rehearsal',
      });
    },
    ({ body: { code } }) => code !== 'plan_drifted' && code !== 'plan_blocked',
  );
  if (started.status !== 202) throw new Error(`starting ${resource}: ${JSON.stringify(started.body)}`);
  return started.body.job_id;
}

/** Plans and starts the move of the tenant's aggregate to a shard that does not serve it; answers the job and both nodes. */
export async function startMove(platform: LastingPlatform, caller: Caller, tenant_id: string) {
  const aggregates = platform.nodes.filter(({ kind }) => kind === 'aggregate');
  const [serving] = await platform.serving('aggregate', tenant_id);
  const source = aggregates.find(({ node_id }) => node_id === serving);
  const target = aggregates.find(({ node_id }) => node_id !== serving);
  if (!source || !target) throw new Error(`nobody serves ${tenant_id}`);
  const move = { environment: ENVIRONMENT, tenant_id, service: 'aggregate', target_shard: target.shards[0] };
  const job_id = await startPlanned(caller, '/scale/migrations', move);
  return { job_id, source, target };
}
