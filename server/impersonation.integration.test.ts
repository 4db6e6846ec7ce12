/** Acting as another user over HTTP, with the two cookies of a browser: what opens, what stays closed, every ending, and the review. */
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENDPOINTS } from '#contract/endpoints.ts';
import type { Endpoint } from '#contract/endpoint.ts';
import { auditRoutes } from '#server/audit/audit-routes.ts';
import { createDenialRecorder, type DenialRecorder } from '#server/audit/denial-recorder.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { createApp } from '#server/http/app.ts';
import { ControlError } from '#server/http/control-error.ts';
import { createHttpMetrics } from '#server/http/http-metrics.ts';
import { route, type Route } from '#server/http/route.ts';
import { ACTING_COOKIE, SESSION_COOKIE } from '#server/http/session-cookie.ts';
import { createAuthenticator } from '#server/iam/authentication-service.ts';
import { seedRoleTemplates } from '#server/iam/bootstrap.ts';
import { iamRoutes } from '#server/iam/iam-routes.ts';
import { NO_SIGN_IN_SETTINGS, PASSWORD } from '#server/iam/iam-test-scene.ts';
import { settleImpersonations } from '#server/iam/impersonation-sweeper.ts';
import { hashPassword } from '#server/iam/password-hashing.ts';
import { csrfTokenOf, newSecret, secretHash } from '#server/iam/secret-values.ts';
import { canonicalHash } from '#server/jobs/plan-rules.ts';
import { arbitraryOf } from '#tools/schema-arbitrary.ts';

const REASON = 'INC-17 the pager rings';
const IAM = '/admin/v1/iam';

interface Browser {
  user_id: string;
  email: string;
  /** The cookies, by name, as the browser keeps them. */
  cookies: Record<string, string>;
}
// oxlint-disable-next-line typescript/no-explicit-any -- answers of several endpoints, of which each test reads what its own has
type Answer = Record<string, any>;

let testDatabase: TestDatabase;
let database: DatabaseHandle;
let denials: DenialRecorder;
/** Two replicas on one database. */
let replicas: FastifyInstance[];
let hashed: string;
let people = 0;

const standIns = (real: Route[]): Route[] =>
  ENDPOINTS.filter(({ id }) => !real.some(({ endpoint }) => endpoint.id === id)).map((endpoint) =>
    route(endpoint, (() => (endpoint.stream ? nothing() : reached())) as never),
  );
async function reached(): Promise<never> {
  throw new ControlError('not_found', 'reached');
}
async function* nothing(): AsyncGenerator<never> {}

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  const { db } = database;
  hashed = await hashPassword(PASSWORD);
  await seedRoleTemplates(db);
  denials = createDenialRecorder(db, (error) => {
    throw error;
  });
  const replica = async () => {
    const real = [
      ...iamRoutes({ db, environmentNames: ['dev', 'prod'], signIn: NO_SIGN_IN_SETTINGS, gateways: [] }),
      ...auditRoutes({ db }),
    ];
    return createApp({
      db,
      authenticator: createAuthenticator(db),
      denials,
      logger: pino({ level: 'silent' }),
      metrics: createHttpMetrics('test'),
      uiFolder: null,
      trustProxy: false,
      requestsPerSecond: 1_000_000,
      ready: async () => [],
      routes: [...real, ...standIns(real)],
    });
  };
  replicas = [await replica(), await replica()];
});
afterAll(async () => {
  await Promise.all(replicas.map((app) => app.close()));
  await denials.close();
  await database.close();
  await testDatabase.drop();
});

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query<Answer>(text, values)).rows;

/** Somebody with these roles everywhere, signed in. */
async function enter(...roles: string[]): Promise<Browser> {
  const email = `person-${(people += 1)}@example.com`;
  const [user] = await query(
    `insert into users (email, display_name, status, password_hash) values ($1, 'Somebody', 'active', $2) returning user_id`,
    email,
    hashed,
  );
  const { user_id } = user as { user_id: string };
  for (const role_id of roles)
    await query('insert into assignments (user_id, role_id) values ($1, $2)', user_id, role_id);
  const token = newSecret();
  await query(
    `insert into sessions (token_hash, user_id, ip, user_agent, authenticated_at, expires_at) values ($1, $2, '', '', now(), now() + interval '1 hour')`,
    secretHash(token),
    user_id,
  );
  return { user_id, email, cookies: { [SESSION_COOKIE]: token } };
}

async function send(
  as: Browser,
  method: Endpoint['method'],
  url: string,
  {
    body,
    headers = {},
    replica = 0,
  }: { body?: object; headers?: Record<string, string>; replica?: number } = {},
): Promise<{ status: number; body: Answer; headers: Record<string, unknown> }> {
  const csrf = as.cookies[ACTING_COOKIE] ?? as.cookies[SESSION_COOKIE] ?? '';
  const answer = await replicas[replica]!.inject({
    method,
    url,
    headers: {
      host: 'control.test',
      cookie: Object.entries(as.cookies)
        .map(([name, value]) => `${name}=${value}`)
        .join('; '),
      'x-csrf-token': csrfTokenOf(csrf),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { payload: JSON.stringify(body) }),
  });
  for (const { name, value } of answer.cookies) {
    if (value === '') delete as.cookies[name];
    else as.cookies[name] = value;
  }
  return {
    status: answer.statusCode,
    body: isJson(answer.headers) ? answer.json<Answer>() : {},
    headers: answer.headers,
  };
}

const isJson = (headers: Record<string, unknown>) => String(headers['content-type']).includes('json');

/** The request with a proof that the person is there. */
async function confirmed(as: Browser, url: string, body: object) {
  const request_hash = canonicalHash(body);
  const { body: given } = await send(as, 'POST', `${IAM}/step-up`, {
    body: { password: PASSWORD, request_hash },
  });
  return send(as, 'POST', url, { body, headers: { 'x-step-up-proof': given['proof'] as string } });
}
const start = (as: Browser, whom: Browser) =>
  confirmed(as, `${IAM}/impersonations`, { user_id: whom.user_id, reason: REASON });
const preview = async (as: Browser, user_id: string) =>
  (await send(as, 'POST', `${IAM}/users/${user_id}/impersonation/preview`)).body;
const me = async (as: Browser, replica = 0) => send(as, 'GET', `${IAM}/me`, { replica });

/** Somebody who may, acting as an operator. */
async function acting(role = 'operator') {
  const [actor, whom] = [await enter('security-admin'), await enter(role)];
  const { status, body } = await start(actor, whom);
  expect({ status, body }).toMatchObject({ status: 200 });
  return { actor, whom, impersonation_id: body['impersonation'].impersonation_id as string };
}
const stored = async (impersonation_id: string) =>
  (await query('select * from impersonations where impersonation_id = $1', impersonation_id))[0] as Answer;

describe('acting as another user', () => {
  it('is that user’s work in the actor’s name, less access, until it is ended, and then one is oneself again', async () => {
    const { actor, whom, impersonation_id } = await acting();
    const { body: who } = await me(actor, 1);
    expect(who).toMatchObject({
      user: { email: whom.email },
      impersonation: { impersonation_id, actor_email: actor.email, reason: REASON },
    });
    const held = who['grants'].flatMap(
      ({ permissions }: { permissions: string[] }) => permissions,
    ) as string[];
    expect(held).toContain('scale.migrate');
    expect(held.filter((name) => /^(iam|audit|approvals|secrets)\./.test(name))).toEqual([]);

    const denied = await send(actor, 'GET', `${IAM}/users`);
    expect(denied).toMatchObject({ status: 403, body: { code: 'permission_denied' } });
    expect(denied.body['detail']).toContain(`You act as ${whom.email}`);
    expect((await send(actor, 'GET', `${IAM}/me/sessions`)).status).toBe(403);
    expect((await send(actor, 'GET', '/admin/v1/tenants')).body['detail']).toBe('reached');

    const ended = await send(actor, 'POST', `${IAM}/impersonations/end`, { replica: 1 });
    expect(ended.body['impersonation']).toMatchObject({ state: 'to_review', ending: 'actor' });
    expect(actor.cookies[ACTING_COOKIE]).toBeUndefined();
    expect((await me(actor)).body).toMatchObject({ user: { email: actor.email }, impersonation: null });

    const events = await query(
      'select action, outcome, actor_id, actor_label, on_behalf_of from audit_events where impersonation_id = $1 order by sequence',
      impersonation_id,
    );
    expect(events.map(({ action }) => action as string)).toEqual([
      'iam.impersonations.start',
      'iam.users.list',
      'iam.me.sessions.list',
      'iam.impersonations.end',
    ]);
    for (const event of events)
      expect(event).toMatchObject({
        actor_id: actor.user_id,
        actor_label: actor.email,
        on_behalf_of: whom.email,
      });
  });

  it('takes the actor’s password to confirm, never the other’s, and leaves the own session as it is', async () => {
    const { actor, whom } = await acting();
    const own = actor.cookies[SESSION_COOKIE];
    await query(
      'update users set password_hash = $2 where user_id = $1',
      whom.user_id,
      await hashPassword('another pass phrase 9'),
    );
    const wrong = { body: { password: 'another pass phrase 9' } };
    expect((await send(actor, 'POST', `${IAM}/step-up`, wrong)).body['code']).toBe('invalid_credentials');
    const before = actor.cookies[ACTING_COOKIE];
    expect((await send(actor, 'POST', `${IAM}/step-up`, { body: { password: PASSWORD } })).status).toBe(200);
    expect(actor.cookies[ACTING_COOKIE]).not.toBe(before);
    expect(actor.cookies[SESSION_COOKIE]).toBe(own);
    expect((await me(actor)).body['impersonation']).not.toBeNull();
  });

  it('counts only beside the own session, and never in its place', async () => {
    const { actor } = await acting();
    const thief = await enter('operator');
    const stolen = actor.cookies[ACTING_COOKIE]!;
    const beside = { ...thief, cookies: { ...thief.cookies, [ACTING_COOKIE]: stolen } };
    expect((await me(beside)).body['code']).toBe('impersonation_ended');
    expect((await me({ ...thief, cookies: { [SESSION_COOKIE]: stolen } })).body['code']).toBe(
      'unauthenticated',
    );
    expect((await me({ ...thief, cookies: { [ACTING_COOKIE]: stolen } })).body['code']).toBe(
      'unauthenticated',
    );
  });

  it('refuses a page that was loaded before it began: its token is of another session', async () => {
    const { actor } = await acting();
    const old = csrfTokenOf(actor.cookies[SESSION_COOKIE]!);
    const answer = await send(actor, 'POST', '/admin/v1/tenants', {
      body: { tenant_id: 'acme', name: 'Acme', environments: ['dev'], reason: REASON },
      headers: { 'x-csrf-token': old },
    });
    expect(answer.body['code']).toBe('csrf_failed');
  });
});

describe('an ending', () => {
  const endings: Record<string, [string, (actor: Browser, whom: Browser, id: string) => Promise<unknown>]> = {
    'its time': [
      'time',
      (_a, _w, id) => query('update impersonations set ends_at = now() where impersonation_id = $1', id),
    ],
    'the end of its session': [
      'revoked',
      (_a, _w, id) => query('update sessions set ended_at = now() where impersonation_id = $1', id),
    ],
    'the end of the own session': [
      'signed_out',
      (actor) =>
        query(
          'update sessions set ended_at = now() where token_hash = $1',
          secretHash(actor.cookies[SESSION_COOKIE]!),
        ),
    ],
    'the suspension of who acts': [
      'actor_not_active',
      (actor) => query(`update users set status = 'suspended' where user_id = $1`, actor.user_id),
    ],
    'the suspension of the other': [
      'user_not_active',
      (_a, whom) => query(`update users set status = 'suspended' where user_id = $1`, whom.user_id),
    ],
    'taking the permission away': [
      'permission_taken',
      (actor) => query('delete from assignments where user_id = $1', actor.user_id),
    ],
  };
  it.each(Object.entries(endings))(
    'by %s counts at the next request of any replica, is written down once, and asks for a review',
    async (_, [ending, bringAbout]) => {
      const { actor, whom, impersonation_id } = await acting();
      expect((await me(actor, 1)).status).toBe(200);
      await bringAbout(actor, whom, impersonation_id);
      const refused = await me(actor, 1);
      expect(refused).toMatchObject({ status: 401, body: { code: 'impersonation_ended' } });
      expect(actor.cookies[ACTING_COOKIE]).toBeUndefined();

      await Promise.all([settleImpersonations(database.db), settleImpersonations(database.db)]);
      expect(await stored(impersonation_id)).toMatchObject({ ending, reviewed_at: null });
      const events = await query(
        `select actor_type from audit_events where impersonation_id = $1 and action = 'iam.impersonations.end'`,
        impersonation_id,
      );
      expect(events).toEqual([{ actor_type: 'system' }]);
    },
  );

  it('by signing out ends the own session, too', async () => {
    const { actor, impersonation_id } = await acting();
    const own = { ...actor, cookies: { [SESSION_COOKIE]: actor.cookies[SESSION_COOKIE]! } };
    expect((await send(actor, 'POST', `${IAM}/logout`)).body).toEqual({ ended: true });
    expect(actor.cookies).toEqual({});
    expect((await me(own)).body['code']).toBe('session_revoked');
    expect(await stored(impersonation_id)).toMatchObject({ ending: 'signed_out' });
  });

  it('by beginning another one leaves one that goes on', async () => {
    const { actor, impersonation_id } = await acting();
    delete actor.cookies[ACTING_COOKIE];
    expect((await start(actor, await enter('support'))).status).toBe(200);
    expect(await stored(impersonation_id)).toMatchObject({ ending: 'replaced' });
    expect((await me(actor)).status).toBe(200);
  });
});

describe('who may, and whom', () => {
  it('takes the permission everywhere, and a proof for this very request', async () => {
    const [operator, admin, whom] = [await enter('operator'), await enter('admin'), await enter('support')];
    const body = { user_id: whom.user_id, reason: REASON };
    const url = `${IAM}/impersonations`;
    expect((await send(operator, 'POST', url, { body })).body['code']).toBe('permission_denied');
    expect((await send(admin, 'POST', url, { body })).body['code']).toBe('insufficient_user_authentication');
  });

  it('names what stands against it, before and when it is tried', async () => {
    const admin = await enter('admin');
    const away = await enter('operator');
    await query(`update users set status = 'suspended' where user_id = $1`, away.user_id);
    const [machine] = await query(
      `insert into users (email, display_name, status, kind) values ('deployer@example.com', 'Deployer', 'active', 'service_account') returning user_id`,
    );
    const guarded = await enter('operator');
    await query(
      `insert into roles (role_id, title, description, permissions) values ('guarded', 'Guarded', '', '{tenants.read}')`,
    );
    await query(
      `insert into role_sign_in_policies (role_id, methods, mfa_required) values ('guarded', '{password,passkey,provider}', true)`,
    );
    await query(`insert into assignments (user_id, role_id) values ($1, 'guarded')`, guarded.user_id);
    const codes = async (user_id: string) =>
      (await preview(admin, user_id))['blockers'].map(({ code }: { code: string }) => code) as string[];
    expect(await codes(admin.user_id)).toEqual(['yourself']);
    expect(await codes(away.user_id)).toEqual(['not_active']);
    expect(await codes(machine?.['user_id'] as string)).toEqual(['service_account']);
    expect(await codes(guarded.user_id)).toEqual(['weaker_sign_in']);
    const tried = await start(admin, guarded);
    expect(tried).toMatchObject({ status: 409, body: { code: 'action_not_allowed' } });
    expect(tried.body['details'].blockers).toHaveLength(1);
  });

  it('says before it begins what it will open and what not, and who reviews it', async () => {
    const [admin, whom] = [await enter('admin'), await enter('owner')];
    const shown = await preview(admin, whom.user_id);
    expect(shown).toMatchObject({ user_email: whom.email, minutes: 30, review_days: 3, blockers: [] });
    expect(shown['grants'][0].permissions).toContain('tenants.create');
    expect(shown['withheld']).toContain('iam.roles.assign');
    expect(shown['reviewers'].emails).not.toContain(admin.email);
    expect(shown['reviewers'].count).toBeGreaterThan(0);
  });
});

describe('the review', () => {
  const review = (as: Browser, id: string, verdict = 'in_order') =>
    send(as, 'POST', `${IAM}/impersonations/${id}/review`, { body: { verdict, reason: 'read all of it' } });
  const list = async (as: Browser, search: string) =>
    (await send(as, 'GET', `${IAM}/impersonations?${search}`)).body['items'] as Answer[];

  it('is somebody else’s, once it is over; overdue it stops the next one, and done it lets it pass', async () => {
    const { actor, impersonation_id } = await acting();
    const [reviewer, whom] = [await enter('security-admin'), await enter('support')];
    expect((await review(reviewer, impersonation_id)).body['detail']).toContain('still goes on');
    await send(actor, 'POST', `${IAM}/impersonations/end`);
    expect((await review(actor, impersonation_id)).body['detail']).toContain('did this yourself');
    const mine = `user_id=${actor.user_id}`;
    expect(await list(reviewer, `${mine}&unreviewed=true`)).toMatchObject([{ state: 'to_review' }]);

    await query(
      `update impersonations set review_due_at = now() - interval '1 second' where impersonation_id = $1`,
      impersonation_id,
    );
    expect(await list(reviewer, `${mine}&state=overdue`)).toHaveLength(1);
    expect((await preview(actor, whom.user_id))['blockers']).toMatchObject([{ code: 'review_overdue' }]);
    expect((await start(actor, whom)).body['code']).toBe('action_not_allowed');

    const done = await review(reviewer, impersonation_id, 'not_in_order');
    expect(done.body['impersonation']).toMatchObject({
      state: 'reviewed',
      verdict: 'not_in_order',
      reviewed_by: reviewer.email,
      comment: 'read all of it',
    });
    expect((await review(reviewer, impersonation_id)).body['detail']).toContain('reviewed this already');
    expect(await list(reviewer, `${mine}&unreviewed=true`)).toEqual([]);
    expect((await start(actor, whom)).status).toBe(200);
  });

  it('finds everything that was done, by the audit log’s filters', async () => {
    const { actor, whom, impersonation_id } = await acting();
    await send(actor, 'GET', `${IAM}/users`);
    const reviewer = await enter('security-admin');
    const found = async (search: string) =>
      ((await send(reviewer, 'GET', `/admin/v1/audit/events?${search}`)).body['items'] as Answer[]).map(
        ({ action }) => action as string,
      );
    const during = await found(`impersonation_id=${impersonation_id}`);
    expect(during).toEqual(['iam.users.list', 'iam.impersonations.start']);
    expect(await found(`on_behalf_of=${whom.email}&actor=${actor.email}`)).toEqual(during);
  });
});

describe('no endpoint of access, the audit log, approvals or secrets', () => {
  const OPEN = ['iam.me', 'iam.logout', 'iam.step_up', 'iam.passkey_proof.start', 'iam.impersonations.end'];
  const sample = (part: Endpoint['body']): Record<string, unknown> =>
    part ? (fc.sample(arbitraryOf(part), { numRuns: 1, seed: 1 })[0] as Record<string, unknown>) : {};

  // The owner holds everything, so what is closed then is closed by the rule alone.
  it.each(['owner', 'security-admin', 'support'])(
    'opens to who acts as somebody with the role %s',
    async (role) => {
      const { actor } = await acting(role);
      for (const endpoint of ENDPOINTS) {
        const { id, method, permission } = endpoint;
        if (permission === 'public' || OPEN.includes(id)) continue;
        const params = sample(endpoint.params);
        const url = endpoint.path.replaceAll(/:(\w+)/g, (_, name: string) =>
          encodeURIComponent(String(params[name])),
        );
        const body = method === 'GET' ? undefined : sample(endpoint.body);
        const answer = await send(actor, method, url, { ...(endpoint.body && body && { body }) });
        if (
          /^(iam|audit|approvals|secrets)\./.test(id) ||
          /^(iam|audit|approvals|secrets)\./.test(permission)
        ) {
          expect({ id, ...answer.body }).toMatchObject({ id, code: 'permission_denied' });
          expect(`${id}: ${answer.body['detail']}`).toContain('You act as');
        } else expect(`${id}: ${answer.body['detail']}`).not.toContain('You act as');
      }
    },
  );
});
