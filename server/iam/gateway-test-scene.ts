/** For tests: the domain's routes and the watch of the Gateways beside simulated ones in `dev` and `prod`, with the tenants acme and globex. */
import * as contract from '#contract/iam.ts';
import type { FaultKind } from '#fleet/faults.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { createGatewayAdminClient } from '#server/adapters/nodes/gateway-admin-client.ts';
import { driveJob, type DrivenJob } from '#tools/test-job-driver.ts';
import { startTestPlatform } from '#tools/test-platform.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { startGatewaySessionWatch } from './gateway-session-watch.ts';
import { openScene } from './iam-test-scene.ts';
import { revokeMatchingJob } from './session-ending-job.ts';
import type { RevokeMatchingRequest } from './session-ending-rules.ts';

export interface Tokens {
  access_token: string;
  refresh_token: string;
  session_id: string;
}

export async function openGatewayScene() {
  const platform = await startTestPlatform({ environments: ['dev', 'prod'] });
  await platform.addTenant('acme', { aggregate: 'agg-1' }, ['dev', 'prod']);
  await platform.addTenant('globex', { aggregate: 'agg-2' }, ['dev']);
  const { db } = platform.database;
  await seedRoleTemplates(db);
  const { nodes } = platform.fleet.manifest;
  const gatewaysOf = (environment: string) =>
    nodes.filter((node) => node.environment === environment && node.kind === 'gateway');
  const gateways = platform.dependencies.environments.map(({ environment }) =>
    createGatewayAdminClient({
      environment,
      gateways: () => gatewaysOf(environment),
      token: platform.fleet.manifest.token,
    }),
  );
  const log = { info: () => undefined, warn: () => undefined };
  const watch = startGatewaySessionWatch({ db, gateways, leads: () => true, log });
  const scene = openScene(db, {}, gateways);
  const definition = revokeMatchingJob({ db, gateways });
  const { token: admin } = await scene.enter('admin@test.example', 'owner');

  const post = (environment: string, path: string, body: object) =>
    fetch(`${gatewaysOf(environment)[0]?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'curl/8.1' },
      body: JSON.stringify(body),
    });
  const list = (query: Record<string, unknown>, as = admin) =>
    scene.call(contract.listSessions, { as, query });
  return {
    platform,
    db,
    scene,
    admin,
    post,
    list,
    signIn: async (user_id: string, tenant_id = 'acme', environment = 'dev') =>
      (await (await post(environment, '/sign-in', { tenant_id, user_id })).json()) as Tokens,
    mayUse: async (token: string, environment = 'dev') => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${gatewaysOf(environment)[0]?.url}/me`, { headers })).ok;
    },
    /** The session as the list shows it, once it does. */
    shown: async (
      gateway_session_id: string,
      fits: (session: contract.Session) => boolean = () => true,
    ): Promise<contract.Session> => {
      let found: contract.Session | undefined;
      await waitUntil(`the list shows ${gateway_session_id}`, async () => {
        const { items } = await list({ source: 'gateway', sort: '-last_seen_at', limit: 200 });
        found = items.find((session) => session.gateway_session_id === gateway_session_id && fits(session));
        return found !== undefined;
      });
      if (!found) throw new Error('not shown');
      return found;
    },
    /** Switches a fault on at every gateway of the environment. */
    fault: (fault: FaultKind, environment = 'dev', value?: number) => {
      for (const { node_id } of gatewaysOf(environment))
        platform.fleet.faults.switchOn({ fault, node_id, ...(value !== undefined && { value }) });
    },
    /** Plans and starts the end of all that fit; answers the job, to be done step by step. */
    startEnding: async (request: RevokeMatchingRequest, reason: string): Promise<DrivenJob> => {
      const { plan_hash } = await scene.call(contract.planRevokeMatching, { as: admin, body: request });
      const body = { ...request, plan_hash, reason };
      const { job_id } = await scene.call(contract.revokeMatching, { as: admin, body });
      const { input } = await db
        .selectFrom('jobs')
        .select('input')
        .where('job_id', '=', job_id)
        .executeTakeFirstOrThrow();
      return driveJob(db, definition, input as Record<string, unknown>, job_id);
    },
    close: async () => {
      await watch.stop();
      await platform.close();
    },
  };
}

export type GatewayScene = Awaited<ReturnType<typeof openGatewayScene>>;
