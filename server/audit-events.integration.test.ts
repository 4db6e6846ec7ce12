/**
 * One valid call of every endpoint that changes something, through the whole server on a real database and a simulated platform, and the
 * audit event that it leaves: what was done by whom to what, why, before and after, and no secret. An endpoint that is missing in the
 * table fails the test. Jobs give up at their first step: what they do is proved where they live.
 */
import { randomUUIDv7 } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HOTP, Secret, TOTP } from 'otpauth';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Endpoint } from '#contract/endpoint.ts';
import { ENDPOINTS } from '#contract/endpoints.ts';
import { CLI_CLIENT_ID, DEVICE_CODE_GRANT } from '#contract/iam.ts';
import type { Plan } from '#contract/jobs.ts';
import { startFleet } from '#fleet/fleet.ts';
import { openTokenVerifier } from '#server/adapters/jose/jose-token-verifier.ts';
import { canonicalHash } from '#server/jobs/plan-rules.ts';
import { createTestDatabase, testFolder, type TestDatabase } from '#server/db/test-database.ts';
import { ACTING_COOKIE, SESSION_COOKIE } from '#server/http/session-cookie.ts';
import { hashPassword } from '#server/iam/password-hashing.ts';
import { NO_SIGN_IN_SETTINGS, PASSWORD, PUBLIC_URL } from '#server/iam/iam-test-scene.ts';
import { createSecretBox } from '#server/iam/secret-box.ts';
import { csrfTokenOf, newSecret, secretHash } from '#server/iam/secret-values.ts';
import { StepFailure, type JobDefinition } from '#server/jobs/job-definition.ts';
import { createTestPasskey } from '#tools/test-passkey.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';

const OWNER = 'owner@example.com';
const NEW_PASSWORD = 'copper lantern 88 drift';
const REASON = 'CHG-4711 because it was asked for';
const environment = 'prod';
/** They change nothing that anybody would look for later: a plan, a preview, the question that a browser or a provider is to answer. */
const ASKS_ONLY =
  /\/(plan|preview|inspect|device-authorization)$|\/(login|me|iam)\/(passkeys?|passkey-proof|provider|identities)\/start$/;

interface Person {
  user_id: string;
  email: string;
  token: string;
}
interface Call {
  /** Null = nobody is signed in. */
  as: Person | null;
  /** Who it is recorded for, when the call itself is what says so. */
  actor?: Person;
  params?: Record<string, string>;
  body?: Record<string, unknown>;
  headers?: Record<string, string>;
  /** The id of what is changed. */
  target: string | ((answer: Answer, cookie: string | undefined) => string | Promise<string>);
  /** There is no state before and after to tell: an act, not a change. */
  changes?: 'none';
  /** Where one endpoint does two things: which one this is. */
  action?: string;
}
// oxlint-disable-next-line typescript/no-explicit-any -- answers of some sixty endpoints, of which each call reads what its own has
type Answer = Record<string, any>;

let database: TestDatabase;
let fleet: Awaited<ReturnType<typeof startFleet>>;
let plane: ControlPlane;
let owner: Person;
let hashed: string;
let tenants: string[];
let people = 0;

/** Every job gives up at once, but a migration and an archiving, on which others build, and a drain of a tenant: that goes on until it is cancelled. */
const givingUp = (definition: JobDefinition): JobDefinition => ({
  ...definition,
  steps: (input) =>
    definition.steps(input).map((step) => ({
      ...step,
      run: async (context) => {
        if (['migrate_tenant', 'archive_tenant'].includes(definition.kind)) return step.run(context);
        while (definition.kind === 'drain_tenant') {
          await context.progress({});
          await pause(20);
        }
        throw new StepFailure('given_up', 'Only its start is looked at.');
      },
    })),
});

beforeAll(async () => {
  const folder = await mkdtemp(path.join(testFolder(), 'audit-'));
  [database, fleet, hashed] = await Promise.all([
    createTestDatabase(),
    startFleet({ dataDir: folder, environments: ['dev', 'prod'], speed: 10 }),
    hashPassword(PASSWORD),
  ]);
  plane = await startControlPlane({
    databaseUrl: database.url,
    environments: ['dev', 'prod'].map((name) => ({
      name,
      production: name === 'prod',
      placement: { file: path.join(folder, `placement-${name}.db`) },
      orchestrator: { simulated: { url: fleet.manifest.control_url } },
      nodes: [],
    })),
    nodeToken: fleet.manifest.token,
    uiFolder: null,
    trustProxy: false,
    requestsPerSecond: 10_000,
    shutdownDelayS: 0,
    owner: { email: OWNER, password: PASSWORD },
    signIn: {
      ...NO_SIGN_IN_SETTINGS,
      box: createSecretBox([Buffer.alloc(32, 7)]),
      tokenVerifier: openTokenVerifier([
        {
          issuer_id: 'gateway',
          title: 'Gateway',
          issuer: 'https://gateway.example',
          audience: 'control',
          jwks_url: 'https://gateway.example/jwks.json',
          algorithms: ['ES256'],
          clock_skew_s: 30,
          environment: null,
        },
      ]),
      // The one outside: what a real provider says is proved in identity-provider.integration.test.ts.
      providers: [
        {
          provider_id: 'corp',
          title: 'Corp',
          issuer: 'https://corp.example',
          link_verified_email: true,
          authorizationUrl: async (_redirect, { state }) => `https://corp.example/authorize?state=${state}`,
          identify: async (returnedTo) => {
            const email = returnedTo.searchParams.get('code') ?? '';
            return { issuer: 'https://corp.example', subject: email, email, email_verified: true };
          },
        },
      ],
    },
    logger: pino({ level: 'silent' }),
    gitSha: 'test',
    decorateJob: givingUp,
  });
  await plane.seed(24);
  const { rows } = await database.pool.query<{ user_id: string }>(
    'select user_id from users where email = $1',
    [OWNER],
  );
  owner = { user_id: rows[0]?.user_id ?? '', email: OWNER, token: '' };
  owner.token = await sessionOf(owner.user_id);
  const placed = await database.pool.query<{ tenant_id: string }>(
    `select tenant_id from tenants where status = 'active' and environments @> '{prod}' order by tenant_id`,
  );
  tenants = placed.rows.map(({ tenant_id }) => tenant_id);
});
afterAll(async () => {
  await plane?.stop();
  await fleet?.close();
  await database?.drop();
});

const query = async (text: string, ...values: unknown[]) =>
  (await database.pool.query<Answer>(text, values)).rows;

async function sessionOf(user_id: string): Promise<string> {
  const token = newSecret();
  await query(
    `insert into sessions (token_hash, user_id, ip, user_agent, authenticated_at, expires_at) values ($1, $2, '', '', now(), now() + interval '1 hour')`,
    secretHash(token),
    user_id,
  );
  return token;
}

/** An active user, signed in. */
async function person(...roles: string[]): Promise<Person> {
  const email = `person-${(people += 1)}@example.com`;
  const [user] = await query(
    `insert into users (email, display_name, status, password_hash) values ($1, 'Somebody', 'active', $2) returning user_id`,
    email,
    hashed,
  );
  const { user_id } = user as { user_id: string };
  for (const role_id of roles)
    await query('insert into assignments (user_id, role_id) values ($1, $2)', user_id, role_id);
  return { user_id, email, token: await sessionOf(user_id) };
}

const endpointOf = (id: string): Endpoint => {
  const found = ENDPOINTS.find((endpoint) => endpoint.id === id);
  if (!found) throw new Error(`There is no endpoint ${id}.`);
  return found;
};

async function send(id: string, { as, params = {}, body, headers = {} }: Omit<Call, 'target'>) {
  const endpoint = endpointOf(id);
  const answer = await plane.app.inject({
    method: endpoint.method,
    url: endpoint.path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? '')),
    headers: {
      host: 'control.test',
      ...(as && { cookie: `${SESSION_COOKIE}=${as.token}`, 'x-csrf-token': csrfTokenOf(as.token) }),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { payload: JSON.stringify(body) }),
  });
  expect(answer.statusCode, `${id}: ${answer.body}`).toBe(endpoint.status);
  const cookie = answer.cookies.find(({ name }) => name === SESSION_COOKIE)?.value;
  return { answer: answer.json<Answer>(), cookie };
}
const ask = async (id: string, call: Omit<Call, 'target'>): Promise<Answer> => (await send(id, call)).answer;

/** A change of a user by the owner: `target` is the user. */
const onUser = async (body: Answer = {}, status = 'active'): Promise<Call> => {
  const { user_id } = await person();
  await query('update users set status = $2 where user_id = $1', user_id, status);
  return { as: owner, params: { user_id }, body: { reason: REASON, ...body }, target: user_id };
};
/** Somebody who acts as somebody else, with the second cookie; the impersonation is over when asked. */
async function actingPerson(over = false) {
  const [as, whom, token] = [await person('owner'), await person('support'), newSecret()];
  const [own] = await query('select session_id from sessions where token_hash = $1', secretHash(as.token));
  const impersonation_id = randomUUIDv7();
  await query(
    `insert into impersonations (impersonation_id, actor_user_id, actor_session_id, user_id, reason, ends_at, ended_at, ending, review_due_at)
      values ($1, $2, $3, $4, 'INC-1', now() + interval '1 hour', $5, $6, now() + interval '1 day')`,
    impersonation_id,
    as.user_id,
    own?.['session_id'],
    whom.user_id,
    over ? new Date() : null,
    over ? 'actor' : null,
  );
  await query(
    `insert into sessions (token_hash, user_id, impersonation_id, ip, user_agent, authenticated_at, expires_at) values ($1, $2, $3, '', '', now(), now() + interval '1 hour')`,
    secretHash(token),
    as.user_id,
    impersonation_id,
  );
  const cookie = `${SESSION_COOKIE}=${as.token}; ${ACTING_COOKIE}=${token}`;
  return { as, impersonation_id, headers: { cookie, 'x-csrf-token': csrfTokenOf(token) } };
}
/** Says something of a detection, by the owner. */
const onDetection = async (): Promise<Call> => {
  const [found] = await query(
    `insert into detections (kind, subject_type, subject_id, subject_label, count, measured, threshold, details)
      values ('token_reuse', 'session', $1, 'someone@example.com', 1, 1, 1, '{}') returning detection_id`,
    `family-${(people += 1)}`,
  );
  const { detection_id } = found ?? {};
  return { as: owner, params: { detection_id }, body: { reason: REASON }, target: detection_id };
};
/** A change of a service account by the owner: `target` is the account. */
async function onServiceAccount(status = 'active'): Promise<Call> {
  const [account] = await query(
    `insert into users (kind, email, display_name, status) values ('service_account', $1, 'Deploys', $2) returning user_id`,
    `robot-${(people += 1)}@service-account`,
    status,
  );
  const { user_id } = account as { user_id: string };
  return { as: owner, params: { user_id }, body: { reason: REASON }, target: user_id };
}
/** A change of one's own account. */
const onMyself = (as: Person, call: Partial<Call> = {}): Call => ({ as, target: as.user_id, ...call });

async function role(): Promise<string> {
  const role_id = `role-${(people += 1)}`;
  await ask('iam.roles.create', {
    as: owner,
    body: { role_id, title: role_id, description: '', permissions: ['tenants.read'] },
  });
  return role_id;
}
const assignment = async (): Promise<string> => {
  const { user_id } = await person();
  const { assignment: made } = await ask('iam.assignments.create', {
    as: owner,
    body: { user_id, role_id: 'support' },
  });
  return made.assignment_id as string;
};

const codeOf = (secret: string, offset = 0) =>
  HOTP.generate({ secret: Secret.fromBase32(secret), counter: TOTP.counter() + offset });
async function begunTotp(as: Person): Promise<string> {
  const { enrolment } = await ask('iam.me.totp.start', { as });
  return enrolment.secret as string;
}
/** Somebody with an authenticator app, by the code of the step before: the present one is left to use. */
async function personWithTotp() {
  const as = await person();
  const secret = await begunTotp(as);
  const { cookie } = await send('iam.me.totp.confirm', { as, body: { code: codeOf(secret, -1) } });
  return { as: { ...as, token: cookie ?? as.token }, secret };
}
async function personWithPasskey() {
  const as = await person();
  const passkey = createTestPasskey(PUBLIC_URL);
  const { options } = await ask('iam.me.passkeys.start', { as });
  const { cookie } = await send('iam.me.passkeys.add', {
    as,
    body: { name: 'Key', passkey: passkey.register(options) },
  });
  return { as: { ...as, token: cookie ?? as.token }, passkey };
}
async function personWithIdentity(): Promise<Person> {
  const as = await person();
  const { state } = await ask('iam.me.identities.start', { as, body: { provider_id: 'corp' } });
  await ask('iam.me.identities.link', { as, body: { state, callback: `?code=${as.email}` } });
  return as;
}
async function invited() {
  const email = `person-${(people += 1)}@example.com`;
  const { user, delivery } = await ask('iam.users.invite', {
    as: owner,
    body: { email, display_name: 'New' },
  });
  return {
    user_id: user.user_id as string,
    email,
    link: new URL(delivery.link as string).hash.slice(1),
  };
}

/** A tenant that no call before this one has touched. */
const freshTenant = (): string => tenants.shift() ?? 'there are too few tenants';

/** The start of what a plan says, once nothing stands against it any more: nodes may lag behind what was just placed. */
async function planned(
  id: string,
  asked: Answer,
  target: string,
  params: Record<string, string> = {},
): Promise<Call> {
  const endpoint = endpointOf(id.replace(/\.start$/, '').concat('.plan'));
  const question = { as: owner, params, ...(endpoint.body && { body: asked }) };
  for (const deadline = Date.now() + 8_000; ; await pause(50)) {
    const plan = (await ask(endpoint.id, question)) as Plan;
    if (plan.blockers.length === 0)
      return { as: owner, params, body: { ...asked, plan_hash: plan.plan_hash, reason: REASON }, target };
    if (Date.now() > deadline) throw new Error(`${id} is blocked: ${JSON.stringify(plan.blockers)}`);
  }
}
/** Resolves when the job has ended, however. */
async function ended(job_id: string): Promise<void> {
  await expect
    .poll(
      async () => (await query('select finished_at from jobs where job_id = $1', job_id))[0]?.['finished_at'],
      { timeout: 8_000, interval: 30 },
    )
    .not.toBeNull();
}
const moveOf = async (tenant_id: string) => {
  const [placed] = await query(
    `select shard from placement_index where tenant_id = $1 and environment = $2 and service = 'aggregate'`,
    tenant_id,
    environment,
  );
  const target_shard = placed?.['shard'] === 'agg-1' ? 'agg-2' : 'agg-1';
  return { environment, tenant_id, service: 'aggregate', target_shard };
};
const drainOf = (tenant_id: string) =>
  planned('scale.tenant_drains.start', { environment, tenant_id, action: 'drain' }, tenant_id);

/** A job that is stuck, as if its undo had not gone through. */
async function stuckJob(): Promise<string> {
  const { body } = await planned(
    'scale.service_restarts.start',
    { environment, service_id: 'prod-runner' },
    '',
  );
  const { job_id } = await ask('scale.service_restarts.start', { as: owner, body: body! });
  await ended(job_id as string);
  await query(
    `update jobs set state = 'stuck', finished_at = null, stuck = '{"during": "undo", "step": "check", "step_index": 0, "sentence": "It is stuck.", "attempts": 1}' where job_id = $1`,
    job_id,
  );
  return job_id as string;
}

/** The call with a proof made for this very body. */
async function bound(as: Person, call: Omit<Call, 'as'>): Promise<Call> {
  const { answer, cookie = '' } = await send('iam.step_up', {
    as,
    body: { password: PASSWORD, request_hash: canonicalHash(call.body) },
  });
  return {
    ...call,
    as: { ...as, token: cookie },
    headers: { 'x-step-up-proof': answer['proof'] as string },
  };
}

/** A request for approval of a role's change that another owner made; `count` approvals are needed. */
async function askedFor(count = 1): Promise<{ approval_id: string; plan_hash: string; requester: Person }> {
  const requester = await person('owner');
  await person('owner');
  const role_id = await role();
  await query(
    `insert into approval_policies (operation, environment, requirements, expires_after_h, updated_by) values ('iam.roles.update', null, $1, 24, 'test')
      on conflict on constraint approval_policies_once do update set requirements = excluded.requirements, revision = approval_policies.revision + 1`,
    JSON.stringify([{ count, roles: ['owner'] }]),
  );
  const answer = await plane.app.inject({
    method: 'PUT',
    url: `/admin/v1/iam/roles/${role_id}`,
    headers: {
      host: 'control.test',
      cookie: `${SESSION_COOKIE}=${requester.token}`,
      'x-csrf-token': csrfTokenOf(requester.token),
      'if-match': '"1"',
    },
    payload: { title: 'Asked', description: '', permissions: ['tenants.read'], reason: REASON },
  });
  expect(answer).toMatchObject({ statusCode: 202 });
  await query(`update approval_policies set requirements = '[]' where operation = 'iam.roles.update'`);
  const { approval_id } = answer.json<Answer>() as { approval_id: string };
  const [kept] = await query('select plan_hash from approval_requests where approval_id = $1', approval_id);
  return { approval_id, plan_hash: String(kept?.['plan_hash']), requester };
}
const asking =
  (count?: number) => async (use: (asked: Awaited<ReturnType<typeof askedFor>>) => Partial<Call>) => {
    const asked = await askedFor(count);
    const { approval_id } = asked;
    return { as: owner, params: { approval_id }, target: approval_id, ...use(asked) };
  };
const guardRoles = (count: number) =>
  query(
    `update approval_policies set requirements = $1 where operation = 'iam.roles.update'`,
    JSON.stringify([{ count, roles: ['owner'] }]),
  );

const newSession = async (_answer: Answer, cookie = '') =>
  String(
    (await query('select session_id from sessions where token_hash = $1', secretHash(cookie)))[0]?.[
      'session_id'
    ],
  );
const sessionIdOf = (token: string) => newSession({}, token);
const idOf = (kind: string, id: string) => (answer: Answer) => String(answer[kind][id]);

async function deviceRequest() {
  const { device_code, user_code } = await ask('iam.oauth.device_authorization', {
    as: null,
    body: { client_id: CLI_CLIENT_ID },
  });
  const [{ authorization_id } = {}] = await query(
    'select authorization_id from device_authorizations where device_code_hash = $1',
    secretHash(device_code as string),
  );
  return { device_code, user_code, authorization_id: String(authorization_id) };
}
const sessionOfToken = async (token: string): Promise<string> =>
  String(
    (await query('select session_id from session_tokens where token_hash = $1', secretHash(token)))[0]?.[
      'session_id'
    ],
  );

/** One valid call of every endpoint that changes something. */
const CALLS: Record<string, () => Promise<Call>> = {
  'iam.login': async () => {
    const actor = await person();
    return { as: null, actor, body: { email: actor.email, password: PASSWORD }, target: newSession };
  },
  'iam.login.second_factor': async () => {
    const { as, secret } = await personWithTotp();
    const { cookie = '' } = await send('iam.login', {
      as: null,
      body: { email: as.email, password: PASSWORD },
    });
    return { as: { ...as, token: cookie }, body: { totp_code: codeOf(secret) }, target: newSession };
  },
  'iam.login.passkey': async () => {
    const { as: actor, passkey } = await personWithPasskey();
    const { options } = await ask('iam.login.passkey.start', { as: null });
    return { as: null, actor, body: { passkey: passkey.authenticate(options) }, target: newSession };
  },
  'iam.login.provider': async () => {
    const actor = await person();
    const { state } = await ask('iam.login.provider.start', { as: null, body: { provider_id: 'corp' } });
    return { as: null, actor, body: { state, callback: `?code=${actor.email}` }, target: newSession };
  },
  'iam.logout': async () => {
    const as = await person();
    return { as, target: await sessionIdOf(as.token) };
  },
  'iam.step_up': async () => ({ as: await person(), body: { password: PASSWORD }, target: newSession }),
  'iam.oauth.token': async () => {
    const actor = await person();
    const asked = await deviceRequest();
    await ask('iam.device_requests.approve', { as: actor, body: { user_code: asked.user_code } });
    const body = { client_id: CLI_CLIENT_ID, grant_type: DEVICE_CODE_GRANT, device_code: asked.device_code };
    const target = ({ access_token }: Answer) => sessionOfToken(access_token as string);
    return { as: null, actor, body, target, action: 'iam.login.device' };
  },
  'iam.oauth.revoke': async () => {
    const signedIn = await CALLS['iam.oauth.token']!();
    const { access_token } = await ask('iam.oauth.token', signedIn);
    const body = { token: access_token as string };
    const target = await sessionOfToken(access_token as string);
    return { as: null, actor: signedIn.actor!, body, target, action: 'iam.logout' };
  },
  'iam.device_requests.approve': async () => {
    const { user_code, authorization_id } = await deviceRequest();
    return { as: await person(), body: { user_code }, target: authorization_id };
  },
  'iam.device_requests.deny': async () => {
    const { user_code, authorization_id } = await deviceRequest();
    return { as: await person(), body: { user_code }, target: authorization_id };
  },
  'iam.password_reset.request': async () => {
    const { email, user_id } = await person();
    return { as: null, body: { email }, target: user_id, changes: 'none' };
  },
  'iam.links.redeem': async () => {
    const { link, ...actor } = await invited();
    return {
      as: null,
      actor: { ...actor, token: '' },
      body: { token: link, new_password: NEW_PASSWORD },
      target: actor.user_id,
    };
  },

  'iam.me.update': async () => onMyself(await person(), { body: { display_name: 'Another name' } }),
  'iam.me.change_password': async () =>
    onMyself(await person(), { body: { current_password: PASSWORD, new_password: NEW_PASSWORD } }),
  'iam.me.sessions.end_others': async () => {
    const as = await person();
    await sessionOf(as.user_id);
    return onMyself(as);
  },
  'iam.me.sessions.end': async () => {
    const as = await person();
    const session_id = await sessionIdOf(await sessionOf(as.user_id));
    return { as, params: { session_id }, target: session_id };
  },
  'iam.me.totp.start': async () => onMyself(await person(), { changes: 'none' }),
  'iam.me.totp.confirm': async () => {
    const as = await person();
    return onMyself(as, { body: { code: codeOf(await begunTotp(as)) } });
  },
  'iam.me.totp.remove': async () => onMyself((await personWithTotp()).as),
  'iam.me.passkeys.add': async () => {
    const as = await person();
    const { options } = await ask('iam.me.passkeys.start', { as });
    return onMyself(as, { body: { name: 'Key', passkey: createTestPasskey(PUBLIC_URL).register(options) } });
  },
  'iam.me.passkeys.remove': async () => {
    const { as } = await personWithPasskey();
    const [passkey] = await query('select passkey_id from passkeys where user_id = $1', as.user_id);
    return onMyself(as, { params: passkey as { passkey_id: string } });
  },
  'iam.me.recovery_codes.renew': async () => {
    const { as } = await personWithTotp();
    const one = 'select code_hash from recovery_codes where user_id = $1 limit 1';
    await query(`delete from recovery_codes where code_hash = (${one})`, as.user_id);
    return onMyself(as);
  },
  'iam.me.identities.link': async () => {
    const as = await person();
    const { state } = await ask('iam.me.identities.start', { as, body: { provider_id: 'corp' } });
    return onMyself(as, { body: { state, callback: `?code=${as.email}` } });
  },
  'iam.me.identities.remove': async () => {
    const as = await personWithIdentity();
    const [identity] = await query(
      'select identity_id from linked_identities where user_id = $1',
      as.user_id,
    );
    return onMyself(as, { params: identity as { identity_id: string } });
  },

  'iam.users.create': async () => ({
    as: owner,
    body: { email: 'new@example.com', display_name: 'New', password: NEW_PASSWORD, reason: REASON },
    target: idOf('user', 'user_id'),
  }),
  'iam.users.invite': async () => ({
    as: owner,
    body: { email: 'invited@example.com', display_name: 'New', reason: REASON },
    target: idOf('user', 'user_id'),
  }),
  'iam.users.resend_invitation': async () => {
    const { user_id } = await invited();
    return { as: owner, params: { user_id }, body: { reason: REASON }, target: user_id, changes: 'none' };
  },
  'iam.users.update': async () => ({
    ...(await onUser({ display_name: 'Another name', tags: ['night-shift'] })),
    headers: { 'if-match': '"1"' },
  }),
  'iam.users.set_password': () => onUser({ new_password: NEW_PASSWORD }),
  'iam.users.reset_password': async () => ({ ...(await onUser()), changes: 'none' }),
  'iam.users.suspend': () => onUser(),
  'iam.users.disable': () => onUser(),
  'iam.users.reactivate': () => onUser({}, 'suspended'),
  'iam.users.delete': () => onUser(),
  'iam.users.revoke_sessions': () => onUser(),
  'iam.users.reset_mfa': async () => {
    const { user_id } = (await personWithTotp()).as;
    return { as: owner, params: { user_id }, body: { reason: REASON }, target: user_id };
  },
  'iam.users.revoke_recovery_codes': async () => {
    const { user_id } = (await personWithTotp()).as;
    return { as: owner, params: { user_id }, body: { reason: REASON }, target: user_id };
  },
  'iam.users.identities.link': async () => {
    const { user_id } = await person();
    return {
      as: owner,
      params: { user_id },
      body: { issuer_id: 'gateway', subject: user_id, reason: REASON },
      target: user_id,
    };
  },
  'iam.token_sessions.revoke': async () => ({
    as: owner,
    body: { issuer_id: 'gateway', session_id: 'session-1', reason: REASON },
    target: 'gateway:session-1',
  }),
  'iam.sessions.revoke': async () => {
    const session_id = await sessionIdOf((await person()).token);
    return { as: owner, params: { session_id }, body: { reason: REASON }, target: session_id };
  },
  'iam.impersonations.start': async () => {
    const { user_id } = await person('support');
    return bound(await person('owner'), {
      body: { user_id, reason: REASON },
      target: idOf('impersonation', 'impersonation_id'),
    });
  },
  'iam.impersonations.end': async () => {
    const { as, headers, impersonation_id } = await actingPerson();
    return { as, headers, target: impersonation_id };
  },
  'iam.impersonations.review': async () => {
    const { impersonation_id } = await actingPerson(true);
    const body = { verdict: 'in_order', reason: REASON };
    return { as: owner, params: { impersonation_id }, body, target: impersonation_id };
  },
  'iam.tenants.revoke_sessions': async () => {
    const tenant_id = freshTenant();
    return { as: owner, params: { tenant_id }, body: { environment, reason: REASON }, target: tenant_id };
  },
  'iam.sessions.revoke_matching.start': async () => {
    const { user_id } = await person();
    const asked = { filter: { user_id }, include_own: false };
    return planned('iam.sessions.revoke_matching.start', asked, `user_id is ${user_id}`);
  },
  'iam.detections.acknowledge': () => onDetection(),
  'iam.detections.resolve': () => onDetection(),
  'iam.tokens.create': async () => ({
    as: owner,
    body: { name: 'pipeline', permissions: ['tenants.read'], expires_in_days: 1, reason: REASON },
    target: idOf('token', 'token_id'),
  }),
  'iam.tokens.revoke': async () => {
    const body = { name: 'pipeline', permissions: ['tenants.read'], expires_in_days: 1 };
    const { token_id } = (await ask('iam.tokens.create', { as: owner, body }))['token'];
    return { as: owner, params: { token_id }, body: { reason: REASON }, target: token_id };
  },

  'iam.tokens.rotate': async () => {
    const body = { name: 'pipeline', permissions: ['tenants.read'], expires_in_days: 1 };
    const { token_id } = (await ask('iam.tokens.create', { as: owner, body }))['token'];
    return {
      as: owner,
      params: { token_id },
      body: { expires_in_days: 1, overlap_hours: 24, reason: REASON },
      target: token_id,
    };
  },
  'iam.service_accounts.create': async () => ({
    as: owner,
    body: { name: 'ci-deploy', display_name: 'Deploys', reason: REASON },
    target: idOf('service_account', 'user_id'),
  }),
  'iam.service_accounts.update': async () => {
    const { body, ...call } = await onServiceAccount();
    return { ...call, body: { ...body, display_name: 'Deploys images' }, headers: { 'if-match': '"1"' } };
  },
  'iam.service_accounts.disable': () => onServiceAccount(),
  'iam.service_accounts.enable': () => onServiceAccount('disabled'),
  'iam.service_accounts.delete': () => onServiceAccount(),
  'iam.service_accounts.create_token': async () => {
    const { params } = await onServiceAccount();
    return {
      as: owner,
      params: params!,
      body: { name: 'pipeline', permissions: ['tenants.read'], expires_in_days: 1, reason: REASON },
      target: idOf('token', 'token_id'),
    };
  },

  'iam.roles.create': async () => ({
    as: owner,
    body: {
      role_id: 'auditors',
      title: 'Auditors',
      description: '',
      permissions: ['audit.view'],
      reason: REASON,
    },
    target: 'auditors',
  }),
  'iam.roles.update': async () => {
    const role_id = await role();
    return {
      as: owner,
      params: { role_id },
      headers: { 'if-match': '"1"' },
      body: { title: 'Readers', description: '', permissions: ['tenants.read', 'jobs.view'], reason: REASON },
      target: role_id,
    };
  },
  'iam.roles.delete': async () => {
    const role_id = await role();
    return { as: owner, params: { role_id }, body: { reason: REASON }, target: role_id };
  },
  'iam.roles.sign_in_policy.set': async () => {
    const role_id = await role();
    const body = { methods: ['password', 'passkey'], mfa_required: true, reason: REASON };
    return { as: owner, params: { role_id }, body, target: role_id };
  },
  'iam.assignments.create': async () => ({
    as: owner,
    body: { user_id: (await person()).user_id, role_id: 'support', environment, reason: REASON },
    target: idOf('assignment', 'assignment_id'),
  }),
  'iam.assignments.change_expiry': async () => {
    const target = await assignment();
    const expires_at = new Date(Date.now() + 3600_000).toISOString();
    return { as: owner, params: { assignment_id: target }, body: { expires_at, reason: REASON }, target };
  },
  'iam.users.unlink_identity': async () => {
    const { user_id } = await personWithIdentity();
    const [identity] = await query('select identity_id from linked_identities where user_id = $1', user_id);
    const params = { user_id, ...(identity as { identity_id: string }) };
    return { as: owner, params, body: { reason: REASON }, target: user_id };
  },
  'iam.assignments.delete': async () => {
    const assignment_id = await assignment();
    return { as: owner, params: { assignment_id }, body: { reason: REASON }, target: assignment_id };
  },

  'tenants.create': async () => ({
    as: owner,
    body: { tenant_id: 'newcomer', name: 'Newcomer', environments: [environment], reason: REASON },
    target: 'newcomer',
  }),
  'tenants.update': async () => {
    const tenant_id = freshTenant();
    const [{ revision } = {}] = await query('select revision from tenants where tenant_id = $1', tenant_id);
    return {
      as: owner,
      params: { tenant_id },
      headers: { 'if-match': `"${revision}"` },
      body: { name: 'Another name', reason: REASON },
      target: tenant_id,
    };
  },
  'tenants.environments.add': async () => {
    const tenant_id = 'half-way';
    const body = { tenant_id, name: 'Half way', environments: [environment] };
    await ended((await ask('tenants.create', { as: owner, body }))['job_id'] as string);
    return {
      as: owner,
      params: { tenant_id },
      body: { environment: 'dev', reason: REASON },
      target: tenant_id,
      changes: 'none',
    };
  },
  'tenants.archive': async () => {
    const tenant_id = freshTenant();
    return planned('tenants.archive', {}, tenant_id, { tenant_id });
  },
  'tenants.restore': async () => {
    const tenant_id = freshTenant();
    const archive = await planned('tenants.archive', {}, tenant_id, { tenant_id });
    await ended((await ask('tenants.archive', archive))['job_id'] as string);
    return planned('tenants.restore', {}, tenant_id, { tenant_id });
  },

  'scale.migrations.start': async () => {
    const move = await moveOf(freshTenant());
    return planned('scale.migrations.start', move, move.tenant_id);
  },
  'scale.tenant_drains.start': () =>
    drainOf(freshTenant()).then((call) => ({ ...call, action: 'scale.tenant_drains.drain' })),
  'scale.rebalances.start': async () => {
    // Two more on one shard than the seed put there.
    for (let moved = 0; moved < 2; moved += 1) {
      const move = { ...(await moveOf(freshTenant())), target_shard: 'agg-1' };
      const { job_id } = await ask(
        'scale.migrations.start',
        await planned('scale.migrations.start', move, move.tenant_id),
      );
      await ended(job_id as string);
    }
    const asked = { environment, service: 'aggregate', max_moves: 2, improvement_threshold: 0 };
    return { ...(await planned('scale.rebalances.start', asked, environment)), changes: 'none' };
  },
  'scale.node_drains.start': async () => {
    const asked = { environment, node_id: 'prod-agg-1', action: 'drain' };
    const call = await planned('scale.node_drains.start', asked, 'prod-agg-1');
    return { ...call, action: 'scale.node_drains.drain' };
  },
  'scale.host_availabilities.start': async () => {
    const [host] = await query(
      'select host_id from host_index where environment = $1 order by host_id',
      environment,
    );
    const host_id = String(host?.['host_id']);
    const asked = { environment, host_id, availability: 'pause' };
    return planned('scale.host_availabilities.start', asked, host_id);
  },
  'scale.service_scalings.start': () =>
    planned(
      'scale.service_scalings.start',
      { environment, service_id: 'prod-aggregate', replicas: 4 },
      'prod-aggregate',
    ),
  'scale.service_restarts.start': () =>
    planned(
      'scale.service_restarts.start',
      { environment, service_id: 'prod-projection' },
      'prod-projection',
    ),

  'approvals.requests.approve': async () => {
    const call = await asking(2)(({ plan_hash }) => ({ body: { plan_hash, comment: 'Looks right' } }));
    await guardRoles(2);
    return call;
  },
  'approvals.requests.reject': () => asking()(() => ({ body: { comment: 'Not now' } })),
  'approvals.requests.comment': () => asking()(() => ({ body: { comment: 'Why now?' } })),
  'approvals.requests.withdraw': () =>
    asking()(({ requester }) => ({ as: requester, body: { reason: REASON } })),
  'approvals.requests.ask_again': async () => {
    const call = await asking()(({ requester, plan_hash }) => ({
      as: requester,
      body: { plan_hash, reason: REASON },
      action: 'approvals.requests.create',
      target: idOf('approval', 'approval_id'),
    }));
    await query(`update approval_requests set state = 'expired' where state = 'waiting'`);
    await guardRoles(1);
    return call;
  },
  'approvals.policies.update': async () => {
    const as = await person('owner');
    const body = {
      operation: 'scale.migrations.start',
      environment: 'dev',
      requirements: [{ count: 1, roles: ['owner'] }],
      expires_after_h: 24,
      revision: 0,
      reason: REASON,
    };
    return bound(as, { body, target: 'scale.migrations.start in dev' });
  },

  'jobs.cancel': async () => {
    const { job_id } = await ask('scale.tenant_drains.start', await drainOf(freshTenant()));
    return { as: owner, params: { job_id }, body: { reason: REASON }, target: job_id };
  },
  'jobs.retry': async () => {
    const job_id = await stuckJob();
    return { as: owner, params: { job_id }, body: { reason: REASON }, target: job_id };
  },
  'jobs.skip': async () => {
    const job_id = await stuckJob();
    return bound(await person('owner'), { params: { job_id }, body: { reason: REASON }, target: job_id });
  },
};

const changing = ENDPOINTS.filter(
  ({ method, path: address }) => method !== 'GET' && !ASKS_ONLY.test(address),
);

it('every endpoint that changes something has a call here', () => {
  expect(Object.keys(CALLS).sort()).toEqual(changing.map(({ id }) => id).sort());
});

const SECRET_FIELD = /password|secret|token$|^code$|codes?$|proof|link$|uri$|challenge|signature/;

/** Whatever stands under a name of secrets, at any depth. */
function secretsIn(value: unknown, name = ''): string[] {
  if (typeof value === 'string') return SECRET_FIELD.test(name) && value.length > 5 ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((each) => secretsIn(each, name));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => secretsIn(each, key));
}

it.each(changing.map((endpoint) => [endpoint.id, endpoint] as const))(
  '%s says in the audit log what it did',
  async (id, endpoint) => {
    const call = await CALLS[id]!();
    const [{ last } = {}] = await query('select coalesce(max(sequence), 0) as last from audit_events');
    const { answer, cookie } = await send(id, call);
    const target = typeof call.target === 'string' ? call.target : await call.target(answer, cookie);
    const find = () =>
      query(`select * from audit_events where sequence > $1 and action = $2`, last, call.action ?? id);
    // A reset is asked for behind the answer, so that the time it takes tells nobody whether there is such a user.
    await expect
      .poll(async () => (await find()).map(({ target_id }) => target_id as string), { timeout: 5_000 })
      .toEqual([target]);
    const [event] = await find();
    const actor = call.actor ?? call.as;
    expect(event).toMatchObject({
      outcome: 'succeeded',
      actor_type: actor ? 'user' : 'anonymous',
      actor_id: actor?.user_id ?? null,
      actor_label: actor?.email ?? 'anonymous',
      reason: call.body?.['reason'] ?? null,
    });
    expect(event?.['target_type']).not.toBe('');
    const takesReason = Object.hasOwn((endpoint.body as Answer | undefined)?.['properties'] ?? {}, 'reason');
    expect(event?.['reason'], 'the reason that the endpoint takes').toBe(takesReason ? REASON : null);
    const changes = event?.['changes'] as { before: unknown; after: unknown }[];
    if (call.changes === 'none') expect(changes).toEqual([]);
    else expect(changes, 'what was before and after').not.toEqual([]);
    for (const { before, after } of changes) if (before !== '[redacted]') expect(before).not.toEqual(after);
    const text = JSON.stringify(event);
    const secrets = [
      ...secretsIn(call.body),
      ...secretsIn(answer),
      ...secretsIn(call.headers),
      cookie,
      call.as?.token,
    ];
    for (const secret of secrets)
      if (secret) expect(text.includes(secret), 'a secret in the event').toBe(false);
  },
);
