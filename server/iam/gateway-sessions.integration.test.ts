/** The list over both kinds of sessions, and ending them, against simulated gateways that sign real tokens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { openGatewayScene, type GatewayScene } from './gateway-test-scene.ts';

const reason = 'stolen device';
let gatewayScene: GatewayScene;
let { platform, scene, admin, post, list, signIn, mayUse, shown, fault } = {} as GatewayScene;

beforeAll(async () => {
  gatewayScene = await openGatewayScene();
  ({ platform, scene, admin, post, list, signIn, mayUse, shown, fault } = gatewayScene);
});
afterAll(() => gatewayScene.close());

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
    fault('error_500');
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
