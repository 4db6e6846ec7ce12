/** The list over both kinds of sessions, and ending them, against simulated gateways that sign real tokens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { createGatewayAdminClient } from '#server/adapters/nodes/gateway-admin-client.ts';
import type { JobDefinition } from '#server/jobs/job-definition.ts';
import { driveJob } from '#tools/test-job-driver.ts';
import { startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { startGatewaySessionWatch, type GatewaySessionWatch } from './gateway-session-watch.ts';
import { openScene, type Scene } from './iam-test-scene.ts';
import { revokeMatchingJob } from './session-ending-job.ts';

interface Tokens {
  access_token: string;
  refresh_token: string;
  session_id: string;
}

let platform: TestPlatform;
let watch: GatewaySessionWatch;
let scene: Scene;
let admin: string;
let definition: JobDefinition;
const log = { info: () => undefined, warn: () => undefined };
const reason = 'stolen device';

beforeAll(async () => {
  platform = await startTestPlatform({ environments: ['dev', 'prod'] });
  await platform.addTenant('acme', { aggregate: 'agg-1' }, ['dev', 'prod']);
  await platform.addTenant('globex', { aggregate: 'agg-2' }, ['dev']);
  const { db } = platform.database;
  await seedRoleTemplates(db);
  const gateways = platform.dependencies.environments.map(({ environment, nodes }) =>
    createGatewayAdminClient({
      environment,
      gateways: () => nodes.filter(({ kind }) => kind === 'gateway'),
      token: platform.fleet.manifest.token,
    }),
  );
  watch = startGatewaySessionWatch({ db, gateways, leads: () => true, log });
  scene = openScene(db, {}, gateways);
  definition = revokeMatchingJob({ db, gateways });
  admin = (await scene.enter('admin@test.example', 'owner')).token;
});
afterAll(async () => {
  await watch.stop();
  await platform.close();
});

const urlOf = (environment: string) =>
  platform.fleet.manifest.nodes.find((node) => node.environment === environment && node.kind === 'gateway')
    ?.url;

const post = (environment: string, path: string, body: object) =>
  fetch(`${urlOf(environment)}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'curl/8.1' },
    body: JSON.stringify(body),
  });

async function signIn(user_id: string, tenant_id = 'acme', environment = 'dev'): Promise<Tokens> {
  return (await (await post(environment, '/sign-in', { tenant_id, user_id })).json()) as Tokens;
}

const mayUse = async (token: string, environment = 'dev') =>
  (await fetch(`${urlOf(environment)}/me`, { headers: { authorization: `Bearer ${token}` } })).ok;

const list = (query: Record<string, unknown>, as = admin) => scene.call(contract.listSessions, { as, query });

/** The session as the list shows it, once it does. */
async function shown(gateway_session_id: string, fits: (session: contract.Session) => boolean = () => true) {
  let found: contract.Session | undefined;
  await waitUntil(`the list shows ${gateway_session_id}`, async () => {
    const { items } = await list({ source: 'gateway', sort: '-last_seen_at', limit: 200 });
    found = items.find((session) => session.gateway_session_id === gateway_session_id && fits(session));
    return found !== undefined;
  });
  if (!found) throw new Error('not shown');
  return found;
}

describe('sessions of tenants and of operators in one list', () => {
  it('show whose they are, where, with what, and as of when', async () => {
    const { session_id } = await signIn('alice');
    expect(await shown(session_id)).toMatchObject({
      source: 'gateway',
      user_id: null,
      end_user_id: 'alice',
      tenant_id: 'acme',
      environment: 'dev',
      ip: '127.0.0.1',
      network: '127.0.0.0/24',
      device: { system: null, browser: 'curl' },
      state: 'active',
      ended_at: null,
      observed_at: expect.stringMatching(/^20/) as string,
    });
    const both = await list({ limit: 200 });
    expect(new Set(both.items.map(({ source }) => source))).toEqual(new Set(['control', 'gateway']));
    expect(both.total).toEqual({ count: both.items.length, exact: true });
  });

  it('are paged without a gap or a repeat across both', async () => {
    const all = (await list({ limit: 200, sort: 'last_seen_at', last_seen_to: new Date().toISOString() }))
      .items;
    const paged: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list({
        limit: 2,
        sort: 'last_seen_at',
        last_seen_to: new Date().toISOString(),
        ...(cursor === null ? {} : { cursor }),
      });
      paged.push(...page.items.map(({ session_id }) => session_id));
      cursor = page.next_cursor;
    } while (cursor !== null && paged.length < 50);
    expect(paged).toEqual(all.map(({ session_id }) => session_id));
  });

  it('are picked by each filter, and by several at once', async () => {
    const { session_id } = await signIn('frank', 'acme', 'prod');
    const frank = await shown(session_id);
    const fits = async (query: Record<string, unknown>) =>
      (await list({ limit: 200, ...query })).items.some(({ session_id: id }) => id === frank.session_id);
    const matching: Record<string, unknown> = {
      source: 'gateway',
      environment: 'prod',
      tenant_id: 'acme',
      end_user_id: 'frank',
      ip: '127.0.0.0/8',
      device_browser: 'curl',
      created_from: frank.created_at,
      last_seen_from: frank.created_at,
      state: 'active',
      q: 'fra',
    };
    for (const [name, value] of Object.entries(matching))
      expect([name, await fits({ [name]: value })]).toEqual([name, true]);
    expect(await fits(matching)).toBe(true);
    const other: Record<string, unknown> = {
      source: 'control',
      environment: 'dev',
      tenant_id: 'globex',
      end_user_id: 'fran',
      ip: '127.0.0.2',
      device_browser: 'Firefox',
      device_system: 'iOS',
      created_to: frank.created_at,
      last_seen_to: frank.created_at,
      state: 'revoked',
      q: 'rank',
    };
    for (const [name, value] of Object.entries(other))
      expect([name, await fits({ [name]: value })]).toEqual([name, false]);
    await expect(list({ ip: '10.0.0.0/33' })).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('show who may see one tenant the sessions there alone, and end no others', async () => {
    const { token, user_id } = await scene.enter('globex-admin@test.example');
    await platform.database.db
      .insertInto('assignments')
      .values({ user_id, role_id: 'security-admin', tenant_id: 'globex', environment: 'dev' })
      .execute();
    const { items, total } = await list({ limit: 200 }, token);
    expect(items.length).toBeGreaterThan(0);
    expect(total.count).toBe(items.length);
    expect(items.every(({ tenant_id, source }) => tenant_id === 'globex' && source === 'gateway')).toBe(true);
    const foreign = await shown((await signIn('alice')).session_id);
    const params = { session_id: foreign.session_id };
    await expect(
      scene.call(contract.revokeSession, { as: token, params, body: { reason } }),
    ).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a session of a tenant', () => {
  it('that is revoked is refused by the gateway at the next request, and stays in the list with the reason', async () => {
    const tokens = await signIn('bob');
    const { session_id } = await shown(tokens.session_id);
    expect(await mayUse(tokens.access_token)).toBe(true);
    const { session } = await scene.call(contract.revokeSession, {
      as: admin,
      params: { session_id },
      body: { reason },
    });
    expect(await mayUse(tokens.access_token)).toBe(false);
    expect(session).toMatchObject({
      state: 'revoked',
      ended_reason: `Ended by admin@test.example: ${reason}`,
    });
    const later = await signIn('later');
    await shown(later.session_id);
    expect(await shown(tokens.session_id)).toMatchObject({
      state: 'revoked',
      ended_reason: session.ended_reason,
    });
    const event = await platform.database.db
      .selectFrom('audit_events')
      .select(['tenant_id', 'environment', 'changes'])
      .where('action', '=', 'iam.sessions.revoke')
      .where('target_id', '=', session_id)
      .executeTakeFirstOrThrow();
    expect(event).toMatchObject({ tenant_id: 'acme', environment: 'dev' });
  });

  it('ends with all of its end user, and with all of its tenant', async () => {
    const [first, second, other] = [await signIn('carol'), await signIn('carol'), await signIn('dave')];
    await shown(other.session_id);
    const revoke = (end_user_id?: string) =>
      scene.call(contract.revokeTenantSessions, {
        as: admin,
        params: { tenant_id: 'acme' },
        body: { environment: 'dev', reason, ...(end_user_id === undefined ? {} : { end_user_id }) },
      });
    expect((await revoke('carol')).sessions_ended).toBe(2);
    expect([await mayUse(first.access_token), await mayUse(second.access_token)]).toEqual([false, false]);
    expect(await mayUse(other.access_token)).toBe(true);
    expect((await revoke()).sessions_ended).toBeGreaterThan(0);
    expect(await mayUse(other.access_token)).toBe(false);
    expect((await list({ tenant_id: 'acme', environment: 'dev', state: 'active' })).items).toEqual([]);
  });

  it('whose used refresh token comes again ends with its family, and is noticed', async () => {
    const tokens = await signIn('erin');
    await shown(tokens.session_id);
    await post('dev', '/refresh', { refresh_token: tokens.refresh_token });
    await post('dev', '/refresh', { refresh_token: tokens.refresh_token });
    const session = await shown(tokens.session_id, ({ state }) => state === 'revoked');
    expect(session.ended_reason).toMatch(/refresh token/);
    await waitUntil('it is noticed', async () => {
      const noticed = await platform.database.db
        .selectFrom('detections')
        .select('kind')
        .where('subject_id', '=', session.session_id)
        .execute();
      return noticed.some(({ kind }) => kind === 'token_reuse');
    });
  });

  it('cannot be ended while every gateway is away, says so, and can be afterwards', async () => {
    const tokens = await signIn('grace');
    const { session_id } = await shown(tokens.session_id);
    const gateways = platform.fleet.manifest.nodes.filter(
      (node) => node.kind === 'gateway' && node.environment === 'dev',
    );
    for (const { node_id } of gateways) platform.fleet.faults.switchOn({ fault: 'error_500', node_id });
    const revoke = () =>
      scene.call(contract.revokeSession, { as: admin, params: { session_id }, body: { reason } });
    await expect(revoke()).rejects.toMatchObject({
      code: 'upstream_failed',
      message: expect.stringContaining('dev') as string,
    });
    await waitUntil('the index says that it cannot be followed', async () => {
      const row = await platform.database.db
        .selectFrom('gateway_session_watch')
        .select('state')
        .where('environment', '=', 'dev')
        .executeTakeFirst();
      return row?.state === 'down';
    });
    platform.fleet.faults.clear();
    expect((await revoke()).session.state).toBe('revoked');
    expect(await mayUse(tokens.access_token)).toBe(false);
  });
});

describe('ending all sessions that fit', () => {
  const asked = { filter: { last_seen_from: '2020-01-01T00:00:00Z' }, include_own: false };

  /** Starts the job and answers it, to be done step by step. */
  async function start(request: { filter: contract.SessionsToEnd; include_own: boolean }) {
    const plan = await scene.call(contract.planRevokeMatching, { as: admin, body: request });
    const body = { ...request, plan_hash: plan.plan_hash, reason };
    const { job_id } = await scene.call(contract.revokeMatching, { as: admin, body });
    const { input } = await platform.database.db
      .selectFrom('jobs')
      .select('input')
      .where('job_id', '=', job_id)
      .executeTakeFirstOrThrow();
    return {
      plan,
      job: driveJob(platform.database.db, definition, input as Record<string, unknown>, job_id),
    };
  }

  it('is planned with how many, whose, a sample, and whether yours is among them, and is refused when none fits', async () => {
    const operator = await scene.enter('planned@test.example');
    const { session_id } = await signIn('heidi');
    await shown(session_id);
    const plan = await scene.call(contract.planRevokeMatching, { as: admin, body: asked });
    expect(plan.matching).toMatchObject({ own: { fits: true, ends: false } });
    expect(plan.matching.sessions).toBe(plan.matching.control + plan.matching.gateway);
    expect(plan.matching.control).toBeGreaterThanOrEqual(2);
    expect(plan.matching.sample[0]).toMatchObject({ end_user_id: 'heidi' });
    expect(plan.steps.map(({ name, point_of_no_return }) => [name, point_of_no_return])).toEqual([
      ['control', true],
      ['gateway', true],
    ]);
    const own = await scene.call(contract.planRevokeMatching, {
      as: admin,
      body: { ...asked, include_own: true },
    });
    expect(own.warnings.map(({ code }) => code)).toEqual(['own_session']);
    expect(own.plan_hash).not.toBe(plan.plan_hash);
    const body = { filter: { end_user_id: 'nobody' }, include_own: false };
    const empty = await scene.call(contract.planRevokeMatching, { as: admin, body });
    expect(empty.blockers.map(({ code }) => code)).toEqual(['no_sessions']);
    await expect(
      scene.call(contract.revokeMatching, {
        as: admin,
        body: { ...body, plan_hash: empty.plan_hash, reason },
      }),
    ).rejects.toMatchObject({ code: 'plan_blocked' });
    expect(await scene.authenticate(operator.token)).toHaveProperty('principal');
  });

  it('ends those of operators and of end users at the next request, leaves the own one, and goes on after a crash', async () => {
    const operator = await scene.enter('ivan@test.example');
    const [dev, prod] = [await signIn('ivan'), await signIn('ivan', 'acme', 'prod')];
    await shown(dev.session_id);
    await shown(prod.session_id);
    const { job } = await start(asked);
    await job.run('control');
    expect(await scene.authenticate(operator.token)).toMatchObject({ rejected: 'revoked' });
    expect(await scene.authenticate(admin)).toHaveProperty('principal');
    expect(await mayUse(dev.access_token)).toBe(true);
    const first = (await job.run('gateway')) as { ended: Record<string, number> };
    expect(first.ended['dev']).toBeGreaterThan(0);
    expect([await mayUse(dev.access_token), await mayUse(prod.access_token, 'prod')]).toEqual([false, false]);
    // What a process does that was killed before it could say that the step is done.
    expect(await job.run('control')).toEqual({ ended: 0 });
    expect(await job.run('gateway')).toEqual({ ended: {} });
    const events = await platform.database.db
      .selectFrom('audit_events')
      .select(['action', 'on_behalf_of', 'reason', 'environment'])
      .where('job_id', '=', job.job_id)
      .where('actor_type', '=', 'system')
      .execute();
    expect(new Set(events.map(({ environment }) => environment))).toEqual(new Set([null, 'dev', 'prod']));
    expect(events[0]).toMatchObject({
      action: 'iam.sessions.revoke',
      on_behalf_of: 'admin@test.example',
      reason,
    });
  });

  it('names a Gateway that is away while it waits for it, and ends its sessions when it is back', async () => {
    const tokens = await signIn('judy');
    await shown(tokens.session_id);
    const { job } = await start({ filter: { end_user_id: 'judy' }, include_own: false });
    const gateways = platform.fleet.manifest.nodes.filter(
      (node) => node.kind === 'gateway' && node.environment === 'dev',
    );
    for (const { node_id } of gateways) platform.fleet.faults.switchOn({ fault: 'error_500', node_id });
    const running = job.run('gateway');
    await waitUntil('it names the Gateway', () =>
      (job.progress.get('gateway') ?? []).some((figures) =>
        JSON.stringify(figures).includes('The Gateway of dev'),
      ),
    );
    expect(job.steps.map(({ name }) => name)).toEqual(['gateway']);
    platform.fleet.faults.clear();
    expect(await running).toEqual({ ended: { dev: 1 } });
    expect(await mayUse(tokens.access_token)).toBe(false);
  });
});
