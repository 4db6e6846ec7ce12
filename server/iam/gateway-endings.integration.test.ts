/** Ending sessions at simulated gateways, whatever fails in between: a crash, the database, a Gateway, its clock. */
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { waitUntil } from '#fleet/wait-until.ts';
import { openGatewayScene, type GatewayScene } from './gateway-test-scene.ts';

const reason = 'stolen device';
let gatewayScene: GatewayScene;
let { platform, db, scene, admin, signIn, mayUse, shown, fault, startEnding } = {} as GatewayScene;

beforeAll(async () => {
  gatewayScene = await openGatewayScene();
  ({ platform, db, scene, admin, signIn, mayUse, shown, fault, startEnding } = gatewayScene);
});
afterEach(() => platform.fleet.faults.clear());
afterAll(() => gatewayScene.close());

const eventsOf = (job_id: string) =>
  db
    .selectFrom('audit_events')
    .select(['action', 'on_behalf_of', 'reason', 'environment', 'details'])
    .where('job_id', '=', job_id)
    .where('action', '=', 'iam.sessions.revoke')
    .execute();

describe('ending all sessions that fit', () => {
  const asked = { filter: { last_seen_from: '2020-01-01T00:00:00Z' }, include_own: false };

  it('is planned with how many, whose, a sample, and whether yours is among them, and is refused when none fits', async () => {
    const operator = await scene.enter('planned@test.example');
    const { session_id } = await signIn('heidi');
    await shown(session_id);
    const plan = await scene.call(contract.planRevokeMatching, { as: admin, body: asked });
    expect(plan.matching).toMatchObject({ own: { fits: true, ends: false } });
    expect(plan.matching.sessions).toBe(plan.matching.control + plan.matching.gateway);
    expect(plan.matching.control).toBeGreaterThanOrEqual(2);
    expect(plan.blast_radius.people).toMatchObject({
      sessions: plan.matching.sessions - 1,
      own: 'kept',
      first_users: expect.arrayContaining(['planned@test.example']) as string[],
      first_end_users: expect.arrayContaining([
        { end_user_id: 'heidi', tenant_id: 'acme', environment: 'dev' },
      ]) as object[],
      first_tenants: expect.arrayContaining([
        expect.objectContaining({ tenant_id: 'acme', environment: 'dev' }),
      ]) as object[],
      tenants: 3,
    });
    expect(plan.matching.sample[0]).toMatchObject({ end_user_id: 'heidi' });
    expect(plan.steps.map(({ name, point_of_no_return }) => [name, point_of_no_return])).toEqual([
      ['control', true],
      ['gateway', true],
    ]);
    const own = await scene.call(contract.planRevokeMatching, {
      as: admin,
      body: { ...asked, include_own: true },
    });
    expect(own.blast_radius.people).toMatchObject({ sessions: plan.matching.sessions, own: 'ends' });
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
    const job = await startEnding(asked, reason);
    const control = await job.run('control');
    expect(await scene.authenticate(operator.token)).toMatchObject({ rejected: 'revoked' });
    expect(await scene.authenticate(admin)).toHaveProperty('principal');
    expect(await mayUse(dev.access_token)).toBe(true);
    const first = (await job.run('gateway')) as { ended: Record<string, number> };
    expect(first.ended['dev']).toBeGreaterThan(0);
    expect([await mayUse(dev.access_token), await mayUse(prod.access_token, 'prod')]).toEqual([false, false]);
    // What a process does that was killed before it could say that the step is done.
    expect(await job.run('control')).toEqual(control);
    expect(await job.run('gateway')).toEqual(first);
    const events = await eventsOf(job.job_id);
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
    const job = await startEnding({ filter: { end_user_id: 'judy' }, include_own: false }, reason);
    fault('error_500');
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

  it('ends those of a Gateway whose clock is ahead, and leaves alone what opens afterwards where it is behind', async () => {
    fault('clock_skew', 'dev', 10 * 60_000);
    const ahead = await signIn('mallory');
    await shown(ahead.session_id);
    const job = await startEnding({ filter: { end_user_id: 'mallory' }, include_own: false }, reason);
    // Open when the step begins, and not yet known.
    const unseen = await signIn('mallory');
    await job.run('gateway');
    expect([await mayUse(ahead.access_token), await mayUse(unseen.access_token)]).toEqual([false, false]);
    expect(await shown(ahead.session_id)).toMatchObject({
      state: 'revoked',
      ended_reason: `Ended by admin@test.example: ${reason}`,
    });

    platform.fleet.faults.clear();
    fault('clock_skew', 'dev', -10 * 60_000);
    const behind = await signIn('niaj');
    await shown(behind.session_id);
    const second = await startEnding({ filter: { end_user_id: 'niaj' }, include_own: false }, reason);
    const first = await second.run('gateway');
    expect(first).toEqual({ ended: { dev: 1 } });
    const later = await signIn('niaj');
    await shown(later.session_id);
    // The step is repeated, as after a crash: it still began when it first did.
    expect(await second.run('gateway')).toEqual({ ended: { dev: 1 } });
    expect([await mayUse(behind.access_token), await mayUse(later.access_token)]).toEqual([false, true]);
    expect((await shown(behind.session_id)).ended_reason).toContain(reason);
  });

  it('settles after a crash what it had asked for before, once, even if the Gateway had ended it and told', async () => {
    const tokens = await signIn('oscar');
    const { session_id } = await shown(tokens.session_id);
    const job = await startEnding({ filter: { end_user_id: 'oscar' }, include_own: false }, reason);
    await withoutAuditLog(async () => {
      await expect(job.run('gateway')).rejects.toThrow(/audit log is away/);
    });
    expect(await mayUse(tokens.access_token)).toBe(false);
    await shown(tokens.session_id, ({ state }) => state === 'revoked');
    expect(await eventsOf(job.job_id)).toEqual([]);
    expect(await job.run('gateway')).toEqual({ ended: { dev: 1 } });
    expect(await job.run('gateway')).toEqual({ ended: { dev: 1 } });
    expect(await eventsOf(job.job_id)).toMatchObject([
      { details: { sessions: [session_id] }, environment: 'dev', reason },
    ]);
    expect((await shown(tokens.session_id)).ended_reason).toContain(reason);
  });
});

describe('a revocation that could not be recorded after the Gateway had done it', () => {
  it.each([
    ['of one session', 'iam.sessions.revoke'],
    ['of all of an end user', 'iam.tenants.revoke_sessions'],
  ])(
    '%s is settled later, with its event, its reason and the answer for who asks again',
    async (_what, action) => {
      const user_id = `peggy-${action}`;
      const tokens = await signIn(user_id);
      const { session_id } = await shown(tokens.session_id);
      const idempotency = { key: `key-${action}`, request_hash: 'hash', response_status: 200 };
      const asked =
        action === 'iam.sessions.revoke'
          ? scene.call.bind(null, contract.revokeSession, {
              as: admin,
              params: { session_id },
              body: { reason },
              idempotency,
            })
          : scene.call.bind(null, contract.revokeTenantSessions, {
              as: admin,
              params: { tenant_id: 'acme' },
              body: { environment: 'dev', end_user_id: user_id, reason },
              idempotency,
            });
      await withoutAuditLog(async () => {
        await expect(asked()).rejects.toThrow(/audit log is away/);
      });
      expect(await mayUse(tokens.access_token)).toBe(false);
      await sql`update gateway_endings set created_at = created_at - interval '1 minute'`.execute(db);
      const events = () =>
        db
          .selectFrom('audit_events')
          .select(['actor_label', 'outcome', 'reason', 'tenant_id', 'environment', 'job_id'])
          .where('action', '=', action)
          .where('reason', '=', reason)
          .where('target_id', '=', action === 'iam.sessions.revoke' ? session_id : 'acme')
          .execute();
      await waitUntil('the event is there', async () => (await events()).length > 0);
      expect(await events()).toMatchObject([
        { actor_label: 'admin@test.example', outcome: 'succeeded', tenant_id: 'acme', environment: 'dev' },
      ]);
      expect((await shown(tokens.session_id)).ended_reason).toBe(`Ended by admin@test.example: ${reason}`);
      const job = await db
        .selectFrom('jobs')
        .select(['state', 'response_body'])
        .where('idempotency_key', '=', idempotency.key)
        .executeTakeFirstOrThrow();
      expect(job).toMatchObject({ state: 'succeeded', response_body: { sessions_ended: 1 } });
      expect(await db.selectFrom('gateway_endings').select('ending_id').execute()).toEqual([]);
    },
  );

  it('is in the log as failed when no gateway answered, since it may have been done', async () => {
    const { session_id } = await shown((await signIn('rupert')).session_id);
    fault('error_500');
    const body = { reason: 'not answered' };
    await expect(
      scene.call(contract.revokeSession, { as: admin, params: { session_id }, body }),
    ).rejects.toMatchObject({ code: 'upstream_failed' });
    const event = await db
      .selectFrom('audit_events')
      .select(['outcome', 'details', 'target_id'])
      .where('reason', '=', 'not answered')
      .executeTakeFirstOrThrow();
    expect(event).toMatchObject({
      outcome: 'failed',
      target_id: session_id,
      details: { error: expect.stringContaining('dev') as string },
    });
  });
});

/** While it runs nothing can be written into the audit log, so that no change commits. */
async function withoutAuditLog(run: () => Promise<void>): Promise<void> {
  await sql`create function audit_log_is_away() returns trigger language plpgsql as $$ begin raise exception 'the audit log is away'; end $$`.execute(
    db,
  );
  await sql`create trigger audit_log_is_away before insert on audit_events execute function audit_log_is_away()`.execute(
    db,
  );
  try {
    await run();
  } finally {
    await sql`drop function audit_log_is_away cascade`.execute(db);
  }
}
