/**
 * For integration tests: a database, the simulated platform in this process, and the dependencies of the domains that work with it.
 * A job's steps are run by `runJob`, which does what the runner does, without the queue.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { PermissionScope } from '#contract/permission-rules.ts';
import { SERVICE_KINDS, type PlacementRecord, type ServiceKind } from '#contract/placement-record.ts';
import { placementFilePath, startFleet, type Fleet } from '#fleet/fleet.ts';
import { createNodeAdminClient } from '#server/adapters/nodes/node-admin-client.ts';
import { openPlacementFileStore } from '#server/adapters/placement-file/placement-file-store.ts';
import { openSimulatedOrchestrator } from '#server/adapters/simulated-orchestrator/simulated-orchestrator-client.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase } from '#server/db/test-database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { withOrchestrator } from '#server/scale/node-directory.ts';
import type { PlacementStore } from '#server/scale/placement-store.ts';
import {
  DEFAULT_THRESHOLDS,
  type EnvironmentSettings,
  type ScaleDependencies,
  type ScaleThresholds,
} from '#server/scale/scale-settings.ts';

export interface TestPlatform {
  database: DatabaseHandle;
  fleet: Fleet;
  dependencies: ScaleDependencies;
  /** The store of an environment, the first when none is named. */
  store(environment?: string): PlacementStore;
  /** Makes a tenant with a placement for each given service kind, in the store and the index. */
  addTenant(
    tenant_id: string,
    shards?: Partial<Record<ServiceKind, string>>,
    environments?: string[],
  ): Promise<void>;
  /** Waits until every node has read the placements as they are: until then a plan names those that have not. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

export async function startTestPlatform(
  options: {
    environments?: string[];
    speed?: number;
    thresholds?: Partial<ScaleThresholds>;
    /** Time for one call to a node with all its retries. */
    node_deadline_ms?: number;
    /** Nodes are those of the simulated orchestrator, as the index shows them; without it they are configured one by one. */
    orchestrated?: boolean;
  } = {},
): Promise<TestPlatform> {
  const names = options.environments ?? ['dev'];
  const folder = await mkdtemp(join(tmpdir(), 'platform-'));
  const testDatabase = await createTestDatabase();
  const database = openDatabase(testDatabase.url, { max: 10 });
  const fleet = await startFleet({ dataDir: folder, environments: names, speed: options.speed ?? 20 });
  await fleet.loaded;
  const environments = names.map((environment): EnvironmentSettings => {
    const settings = {
      environment,
      production: environment === 'prod',
      thresholds: { ...DEFAULT_THRESHOLDS, drain_timeout_s: 4, ack_timeout_s: 4, ...options.thresholds },
      store: openPlacementFileStore(placementFilePath(folder, environment)),
    };
    if (options.orchestrated !== true) {
      return { ...settings, nodes: fleet.manifest.nodes.filter((node) => node.environment === environment) };
    }
    const { control_url: url, token } = fleet.manifest;
    const orchestrator = openSimulatedOrchestrator({ url, token, environment });
    return withOrchestrator(settings, { db: database.db, configured: [], orchestrator });
  });
  const nodes = createNodeAdminClient({
    token: fleet.manifest.token,
    deadlineMs: options.node_deadline_ms ?? 2_000,
  });
  const store = (environment = names[0]) => {
    const settings = environments.find((each) => each.environment === environment);
    if (!settings) throw new Error(`the test platform has no environment ${environment}`);
    return settings.store;
  };
  return {
    database,
    fleet,
    dependencies: { db: database.db, pool: database.pool, environments, nodes },
    store,
    addTenant: async (tenant_id, shards = { aggregate: 'agg-3' }, inEnvironments = names.slice(0, 1)) => {
      await sql`insert into tenants (tenant_id, name, status, plan, environments, contact)
        values (${tenant_id}, ${`Tenant ${tenant_id}`}, 'active', 'gold', ${inEnvironments}::text[], ${JSON.stringify({ email: `ops@${tenant_id}.example` })}::jsonb)`.execute(
        database.db,
      );
      for (const environment of inEnvironments) {
        for (const record of recordsOf(tenant_id, shards)) await store(environment).update(record, 0);
        await waitForNodes(fleet, environment, await store(environment).currentRevision());
      }
    },
    caughtUp: async () => {
      for (const environment of names)
        await waitForNodes(fleet, environment, await store(environment).currentRevision());
    },
    close: async () => {
      await fleet.close();
      await Promise.all(
        environments.map(async ({ store: each, orchestrator }) => {
          await each.close();
          await orchestrator?.close();
        }),
      );
      await database.close();
      await testDatabase.drop();
      await rm(folder, { recursive: true });
    },
  };
}

/** What a second control plane on the same database and platform works with: its own list of nodes. */
export function replicaOf({ dependencies }: TestPlatform): ScaleDependencies {
  const environments = dependencies.environments.map((settings) =>
    settings.orchestrator === undefined
      ? settings
      : withOrchestrator(settings, {
          db: dependencies.db,
          configured: [],
          orchestrator: settings.orchestrator,
        }),
  );
  return { ...dependencies, environments };
}

const recordsOf = (tenant_id: string, shards: Partial<Record<ServiceKind, string>>): PlacementRecord[] =>
  SERVICE_KINDS.flatMap((service) => {
    const shard = shards[service];
    return shard === undefined
      ? []
      : [
          {
            tenant_id,
            service,
            shard,
            state: 'active' as const,
            epoch: 17,
            job_id: null,
            updated_at: new Date().toISOString(),
          },
        ];
  });

/** Makes every node of the environment that answers apply the revision. */
async function waitForNodes(fleet: Fleet, environment: string, revision: number): Promise<void> {
  const { token, nodes } = fleet.manifest;
  await Promise.all(
    nodes
      .filter((node) => node.environment === environment)
      .map(async ({ url, node_id }) => {
        const response = await fetch(`${url}/admin/reload`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
        });
        const answer = (await response.json()) as { placement_revision: number };
        if (answer.placement_revision < revision)
          throw new Error(`${node_id} stays at ${answer.placement_revision}, not ${revision}`);
      }),
  );
}

/** A signed-in caller who may do everything, or only this much. */
export function callerWith(permissions: string[] = ['*'], scope: Partial<PermissionScope> = {}): CallContext {
  return {
    principal: {
      type: 'user',
      principal_id: '00000000-0000-7000-8000-000000000001',
      user_id: '00000000-0000-7000-8000-000000000001',
      label: 'someone@test.example',
      session: null,
      token: null,
      grants: [
        { role_id: 'test', permissions, tenant_id: null, environment: null, expires_at: null, ...scope },
      ],
      impersonation: null,
    },
    request_id: 'test-request',
    trace_id: null,
    ip: '127.0.0.1',
    user_agent: 'test',
    idempotency: null,
  };
}
