/** Approvals from asking to applying, with several people at once, on a real database and a simulated platform. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as approvals from '#contract/approvals.ts';
import type { BodyOf, Endpoint, ParamsOf, QueryOf, ResponseOf } from '#contract/endpoint.ts';
import * as iam from '#contract/iam.ts';
import * as scale from '#contract/scale.ts';
import { AwaitingApproval } from '#server/http/awaiting-approval.ts';
import type { Principal } from '#server/http/call-context.ts';
import type { Route } from '#server/http/route.ts';
import { accessRoutes } from '#server/iam/access-routes.ts';
import { seedRoleTemplates } from '#server/iam/bootstrap.ts';
import { readPrincipal } from '#server/iam/principal-queries.ts';
import { roleOperations } from '#server/iam/role-approval.ts';
import { newApiToken, secretHash } from '#server/iam/secret-values.ts';
import { migrationOperation } from '#server/scale/migration-approval.ts';
import { scaleRoutes } from '#server/scale/scale-routes.ts';
import { startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { withApprovals } from './approval-routes.ts';

const environment = 'dev';
const reason = 'CHG-4711 make room';
let platform: TestPlatform;
let routes: Route[];
let count = 0;

beforeAll(async () => {
  platform = await startTestPlatform();
  const { db } = platform.database;
  await seedRoleTemplates(db);
  routes = withApprovals(
    {
      db,
      environmentNames: ['dev', 'prod'],
      operations: [migrationOperation(platform.dependencies), ...roleOperations(db, ['dev', 'prod'])],
    },
    [...scaleRoutes(platform.dependencies), ...accessRoutes(db, ['dev', 'prod'])],
  );
});
afterAll(() => platform.close());

const query = async <R = Record<string, unknown>>(text: string, ...values: unknown[]): Promise<R[]> =>
  (await platform.database.pool.query(text, values)).rows as R[];

interface Asked<E extends Endpoint> {
  params?: ParamsOf<E>;
  query?: QueryOf<E>;
  body?: BodyOf<E>;
  if_match?: number;
}
async function call<E extends Endpoint>(
  as: Principal,
  endpoint: E,
  { params, query: asked = {} as never, body, if_match = 0 }: Asked<E> = {},
): Promise<ResponseOf<E>> {
  const found = routes.find((candidate) => candidate.endpoint.id === endpoint.id);
  if (!found) throw new Error(`No route for ${endpoint.id}`);
  const context = {
    principal: await now(as),
    request_id: 'request-1',
    trace_id: null,
    ip: null,
    user_agent: null,
    idempotency: null,
  };
  return (await found.handler({ context, params, query: asked, body, if_match } as never)) as ResponseOf<E>;
}

/** The principal with what it holds now, as the next request would find it. */
async function now(principal: Principal): Promise<Principal> {
  const found = await readPrincipal(
    platform.database.db,
    principal.user_id,
    principal.token?.token_id ?? null,
  );
  return 'gone' in found ? principal : { ...found.principal, impersonation: principal.impersonation };
}

async function person(...roles: string[]): Promise<Principal> {
  const [user] = await query<{ user_id: string }>(
    `insert into users (email, display_name, status) values ($1, 'Somebody', 'active') returning user_id`,
    `person-${(count += 1)}@example.com`,
  );
  for (const role_id of roles)
    await query('insert into assignments (user_id, role_id) values ($1, $2)', user!.user_id, role_id);
  const found = await readPrincipal(platform.database.db, user!.user_id, null);
  if ('gone' in found) throw new Error(found.gone);
  return found.principal;
}
async function tokenOf({ user_id }: Principal): Promise<Principal> {
  const { value, prefix } = newApiToken();
  const [row] = await query<{ token_id: string }>(
    `insert into api_tokens (user_id, token_hash, prefix, name, permissions, expires_at) values ($1, $2, $3, 'script', '{*}', now() + interval '1 hour') returning token_id`,
    user_id,
    secretHash(value),
    prefix,
  );
  const found = await readPrincipal(platform.database.db, user_id, row!.token_id);
  if ('gone' in found) throw new Error(found.gone);
  return found.principal;
}

let owner: Principal;
let ann: Principal;
let ben: Principal;
let cas: Principal;
let tenant_id: string;

const setPolicy = async (
  operation: string,
  requirements: { count: number; roles: string[] }[],
  where: string | null = environment,
) => {
  const [kept] = await query<{ revision: number }>(
    'select revision from approval_policies where operation = $1 and environment is not distinct from $2',
    operation,
    where,
  );
  return call(owner, approvals.updateApprovalPolicy, {
    body: {
      operation,
      environment: where,
      requirements,
      expires_after_h: 24,
      revision: kept?.revision ?? 0,
      reason,
    },
  });
};

beforeEach(async () => {
  await query(`update approval_policies set requirements = '[]', revision = revision + 1`);
  [owner, ann, ben, cas] = await Promise.all([
    person('owner'),
    person('operator'),
    person('operator'),
    person('operator'),
  ]);
  tenant_id = `asked-${(count += 1)}`;
  await platform.addTenant(tenant_id, { aggregate: 'agg-3', projection: 'prj-2' });
});

const needOne = () => setPolicy('scale.migrations.start', [{ count: 1, roles: ['operator'] }]);
const move = (target_shard = 'agg-1') => ({
  environment,
  tenant_id,
  service: 'aggregate' as const,
  target_shard,
});

/** Asks for the migration; answers the request's id. */
async function ask(as: Principal, target_shard = 'agg-1'): Promise<string> {
  const { plan_hash } = await call(as, scale.planMigration, { body: move(target_shard) });
  const answer: unknown = await call(as, scale.startMigration, {
    body: { ...move(target_shard), plan_hash, reason },
  });
  if (!(answer instanceof AwaitingApproval)) throw new Error('It was started at once.');
  return answer.body.approval_id;
}
const read = (approval_id: string, as = owner) =>
  call(as, approvals.getApproval, { params: { approval_id } });
async function approve(as: Principal, approval_id: string, comment = 'Looks right') {
  const { plan } = await read(approval_id);
  return call(as, approvals.approveRequest, {
    params: { approval_id },
    body: { comment, plan_hash: plan.plan_hash },
  });
}
const migrations = () =>
  query(
    'select job_id, created_by, state from jobs where tenant_id = $1 and kind = $2',
    tenant_id,
    'migrate_tenant',
  );

describe('a guarded operation', () => {
  it('happens at once where no policy guards it', async () => {
    await setPolicy('scale.migrations.start', [{ count: 1, roles: ['operator'] }], 'prod');
    const { plan_hash } = await call(ann, scale.planMigration, { body: move() });
    await call(ann, scale.startMigration, { body: { ...move(), plan_hash, reason } });
    expect(await migrations()).toHaveLength(1);
  });

  it('waits for its approval, then happens in the name of who asked, and says so in the audit log', async () => {
    await needOne();
    const id = await ask(ann);
    expect(await migrations()).toEqual([]);
    expect(await read(id)).toMatchObject({
      state: 'waiting',
      requester: ann.label,
      reason,
      requirements: [{ count: 1, roles: ['operator'], have: 0 }],
    });
    const { approval, job_id } = await approve(ben, id);
    expect(approval).toMatchObject({
      state: 'applied',
      job_id,
      decisions: [{ label: ben.label, comment: 'Looks right', counts: true }],
    });
    expect(await migrations()).toMatchObject([{ job_id, created_by: ann.label }]);
    const events = await query(
      `select action, actor_label, details from audit_events where job_id = $1 and action not like 'job.%' order by action`,
      job_id,
    );
    expect(events).toMatchObject([
      { action: 'approvals.requests.approve', actor_label: ben.label, details: { comment: 'Looks right' } },
      { action: 'scale.migrations.start', actor_label: ann.label, details: { approval_id: id } },
    ]);
    await expect(approve(cas, id)).rejects.toMatchObject({ code: 'action_not_allowed' });
  });

  it('outlives the five minutes of its plan', async () => {
    await needOne();
    const id = await ask(ann);
    await query('delete from plans');
    expect((await approve(ben, id)).approval.state).toBe('applied');
  });

  it('is refused to its requester, their tokens, who acts as another, and who lacks the role', async () => {
    await needOne();
    const id = await ask(await tokenOf(ann));
    const asAnother = (target: Principal, actor: Principal): Principal => ({
      ...target,
      impersonation: {
        impersonation_id: '0198c5b4-0000-7000-8000-000000000001',
        actor_user_id: actor.user_id,
        actor_label: actor.label,
        target_label: target.label,
        ends_at: new Date().toISOString(),
      },
    });
    for (const who of [
      ann,
      await tokenOf(ann),
      asAnother(ben, ann),
      asAnother(ann, ben),
      asAnother(ben, cas),
      owner,
    ])
      await expect(approve(who, id)).rejects.toMatchObject({ code: 'permission_denied' });
    expect((await read(id)).state).toBe('waiting');
    expect((await approve(await tokenOf(ben), id)).approval.state).toBe('applied');
  });

  it('asked by a service account is not approved by whoever made its token, nor by a service account', async () => {
    await needOne();
    const robot = await person('operator');
    await query(`update users set kind = 'service_account' where user_id = $1`, robot.user_id);
    const token = await tokenOf(robot);
    await query('update api_tokens set created_by = $2 where user_id = $1', robot.user_id, ben.label);
    const id = await ask(token);
    await expect(approve(ben, id)).rejects.toMatchObject({ code: 'permission_denied' });
    const other = await ask(cas, 'agg-2');
    await expect(approve(token, other)).rejects.toMatchObject({ code: 'permission_denied' });
  });

  it('is approved once of two last approvals at the same time', async () => {
    await needOne();
    const id = await ask(ann);
    const both = await Promise.allSettled([approve(ben, id), approve(cas, id)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'action_not_allowed' },
    });
    expect(await migrations()).toHaveLength(1);
    expect((await read(id)).decisions).toHaveLength(1);
  });

  it('happens when the two approvals that it takes come at the same time', async () => {
    await setPolicy('scale.migrations.start', [{ count: 2, roles: ['operator'] }]);
    const id = await ask(ann);
    await Promise.all([approve(ben, id), approve(cas, id)]);
    expect(await read(id)).toMatchObject({ state: 'applied', requirements: [{ have: 2 }] });
    expect(await migrations()).toHaveLength(1);
  });

  it('counts an approver no longer who lost the role before the last approval', async () => {
    await setPolicy('scale.migrations.start', [{ count: 2, roles: ['operator'] }]);
    const id = await ask(ann);
    await approve(ben, id);
    await query('delete from assignments where user_id = $1', ben.user_id);
    await approve(cas, id);
    expect(await read(id)).toMatchObject({ state: 'waiting', requirements: [{ have: 1 }] });
    expect(await migrations()).toEqual([]);
  });

  it('is rejected with the comment kept, and not applied after', async () => {
    await needOne();
    const id = await ask(ann);
    await call(ben, approvals.rejectRequest, {
      params: { approval_id: id },
      body: { comment: 'Not this week' },
    });
    expect(await read(id, ann)).toMatchObject({
      state: 'rejected',
      decisions: [{ decision: 'rejected', comment: 'Not this week' }],
    });
    await expect(approve(cas, id)).rejects.toMatchObject({ code: 'action_not_allowed' });
    await call(ann, approvals.commentOnRequest, {
      params: { approval_id: id },
      body: { comment: 'Next week then' },
    });
    expect((await read(id)).comments).toMatchObject([{ label: ann.label, comment: 'Next week then' }]);
  });

  it('is withdrawn by who asked, and by nobody else', async () => {
    await needOne();
    const id = await ask(ann);
    const withdraw = (as: Principal) =>
      call(as, approvals.withdrawRequest, { params: { approval_id: id }, body: { reason } });
    await expect(withdraw(ben)).rejects.toMatchObject({ code: 'permission_denied' });
    expect((await withdraw(ann)).approval.state).toBe('withdrawn');
  });

  it('expires, and can be asked for again', async () => {
    await needOne();
    const id = await ask(ann);
    await query('update approval_requests set expires_at = now() where approval_id = $1', id);
    expect((await read(id)).state).toBe('expired');
    await expect(approve(ben, id)).rejects.toMatchObject({ code: 'action_not_allowed' });
    const check = await call(ann, approvals.checkApproval, { params: { approval_id: id } });
    expect(check).toMatchObject({ changes: [], problem: null });
    const again = await call(ann, approvals.askAgain, {
      params: { approval_id: id },
      body: { plan_hash: check.plan_hash ?? '', reason },
    });
    expect((await approve(ben, again.approval.approval_id)).approval.state).toBe('applied');
  });
});

describe('a request', () => {
  it('that is drifted is void at the next approval, says what changed, and is asked again with it', async () => {
    await needOne();
    const id = await ask(ann);
    await query('update tenants set revision = revision + 1 where tenant_id = $1', tenant_id);
    const { changes, plan_hash } = await call(ben, approvals.checkApproval, { params: { approval_id: id } });
    expect(changes.map(({ path }) => path)).toEqual(['revisions']);
    const { approval } = await approve(ben, id, 'Go');
    expect(approval).toMatchObject({
      state: 'voided',
      void_reason: 'drifted',
      drift: [{ path: 'revisions' }],
      decisions: [{ comment: 'Go' }],
    });
    expect(await migrations()).toEqual([]);
    const again = await call(ann, approvals.askAgain, {
      params: { approval_id: id },
      body: { plan_hash: plan_hash ?? '', reason },
    });
    expect((await approve(ben, again.approval.approval_id)).approval.state).toBe('applied');
  });

  it('is edited by asking otherwise for the same: the first is void, and both who asked had a part', async () => {
    await needOne();
    const first = await ask(ann);
    await expect(ask(ann)).rejects.toMatchObject({ code: 'already_exists' });
    const second = await ask(ben, 'agg-2');
    expect(await read(first)).toMatchObject({ state: 'voided', void_reason: 'edited' });
    await expect(approve(ann, second)).rejects.toMatchObject({ code: 'permission_denied' });
    expect((await approve(cas, second)).approval.state).toBe('applied');
  });

  it('is void when its policy changes', async () => {
    await needOne();
    const id = await ask(ann);
    await setPolicy('scale.migrations.start', [{ count: 1, roles: ['operator', 'owner'] }]);
    expect(await read(id)).toMatchObject({ state: 'voided', void_reason: 'policy_changed' });
  });

  it('is void when its requester may do it no longer, or is not there any more', async () => {
    await needOne();
    const id = await ask(ann);
    await query('delete from assignments where user_id = $1', ann.user_id);
    expect((await approve(ben, id)).approval).toMatchObject({
      state: 'voided',
      void_reason: 'requester_not_allowed',
    });
    const other = await ask(cas);
    await query(`update users set status = 'suspended' where user_id = $1`, cas.user_id);
    expect((await approve(ben, other)).approval).toMatchObject({
      state: 'voided',
      void_reason: 'requester_not_allowed',
    });
    expect(await migrations()).toEqual([]);
  });

  it('waits on, with nothing recorded, when it cannot be checked now or its approval cannot be written', async () => {
    await needOne();
    const id = await ask(ann);
    await query(
      `create function refuse() returns trigger language plpgsql as $$ begin raise 'broken'; end $$`,
    );
    await query('create trigger refuse before insert on job_steps for each row execute function refuse()');
    await expect(approve(ben, id)).rejects.toThrow('broken');
    await query('drop trigger refuse on job_steps');
    expect(await read(id)).toMatchObject({ state: 'waiting', decisions: [] });
    expect(await migrations()).toEqual([]);
    expect((await approve(ben, id)).approval.state).toBe('applied');
  });

  it('is in the queues of those whom it waits for, and nobody sees what they may not', async () => {
    await needOne();
    const id = await ask(ann);
    const ids = async (as: Principal, view: approvals.ApprovalView) =>
      (await call(as, approvals.listApprovals, { query: { view } })).items.map(
        ({ approval_id }) => approval_id,
      );
    expect(await ids(ann, 'mine')).toEqual([id]);
    expect(await ids(ann, 'waiting_for_me')).not.toContain(id);
    expect(await ids(ben, 'waiting_for_me')).toContain(id);
    expect(await ids(owner, 'waiting_for_me')).not.toContain(id);
    const stranger = await person();
    expect(await ids(stranger, 'all')).toEqual([]);
    await expect(read(id, stranger)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('roles', () => {
  it('are changed when somebody else approves, at the revision that was read', async () => {
    const [lead, other] = [await person('owner'), await person('owner')];
    await setPolicy('iam.roles.update', [{ count: 1, roles: ['owner'] }], null);
    const role_id = `role-${(count += 1)}`;
    const content = { title: 'Readers', description: '', permissions: ['tenants.read'] };
    await call(lead, iam.createRole, { body: { role_id, ...content } });
    const change = async (permissions: string[], if_match: number) => {
      const body = { ...content, permissions, reason };
      const answer: unknown = await call(lead, iam.updateRole, { params: { role_id }, body, if_match });
      return (answer as AwaitingApproval).body.approval_id;
    };
    const first = await change(['tenants.read', 'jobs.view'], 1);
    expect((await read(first)).plan.changes).toContainEqual({
      path: 'permissions',
      before: ['tenants.read'],
      after: ['tenants.read', 'jobs.view'],
    });
    expect((await approve(other, first)).approval.state).toBe('applied');
    const { revision, permissions } = await call(lead, iam.getRole, { params: { role_id } });
    expect({ revision, permissions }).toEqual({ revision: 2, permissions: ['tenants.read', 'jobs.view'] });
    const second = await change(['audit.view'], 2);
    await query('update roles set revision = 3 where role_id = $1', role_id);
    expect((await approve(other, second)).approval).toMatchObject({
      state: 'voided',
      void_reason: 'drifted',
    });
  });

  it('are given when somebody else approves', async () => {
    const [lead, other] = [await person('owner'), await person('owner')];
    await setPolicy('iam.assignments.create', [{ count: 1, roles: ['owner'] }], 'prod');
    const { user_id } = await person();
    const give = (where: string | null) =>
      call(lead, iam.createAssignment, { body: { user_id, role_id: 'support', environment: where, reason } });
    await give('dev');
    // Everywhere is in prod, too.
    const answer: unknown = await give(null);
    const id = (answer as AwaitingApproval).body.approval_id;
    const held = () => query('select environment from assignments where user_id = $1', user_id);
    expect(await held()).toEqual([{ environment: 'dev' }]);
    expect((await approve(other, id)).approval.state).toBe('applied');
    expect(await held()).toHaveLength(2);
  });
});

describe('a policy', () => {
  it('that nobody could satisfy is refused and says how many could approve', async () => {
    const lonely = `lonely-${(count += 1)}`;
    await call(owner, iam.createRole, {
      body: { role_id: lonely, title: 'Lonely', description: '', permissions: ['approvals.decide'] },
    });
    await expect(setPolicy('scale.migrations.start', [{ count: 1, roles: [lonely] }])).rejects.toMatchObject({
      code: 'unprocessable',
      message: expect.stringContaining('there are 0 in all') as string,
    });
    await expect(
      setPolicy('scale.migrations.start', [{ count: 1, roles: ['no-such-role'] }]),
    ).rejects.toMatchObject({ code: 'unprocessable' });
    await expect(setPolicy('tenants.create', [{ count: 1, roles: ['owner'] }])).rejects.toMatchObject({
      code: 'unprocessable',
    });
  });

  it('of another revision than was read is not overwritten', async () => {
    await needOne();
    const body = {
      operation: 'scale.migrations.start',
      environment,
      requirements: [],
      expires_after_h: 24,
      revision: 0,
      reason,
    };
    await expect(call(owner, approvals.updateApprovalPolicy, { body })).rejects.toMatchObject({
      code: 'precondition_failed',
    });
  });

  it('guards the change of policies itself, and an approved change voids what was asked before', async () => {
    const other = await person('owner');
    await needOne();
    const waiting = await ask(ann);
    await setPolicy('approvals.policies.update', [{ count: 1, roles: ['owner'] }], null);
    const answer: unknown = await setPolicy('scale.migrations.start', []);
    const id = (answer as AwaitingApproval).body.approval_id;
    expect((await approve(other, id)).approval.state).toBe('applied');
    expect(await read(waiting)).toMatchObject({ state: 'voided', void_reason: 'policy_changed' });
    const { requirements } = await call(ann, approvals.readRequirements, {
      query: { operation: 'scale.migrations.start', environment },
    });
    expect(requirements).toEqual([]);
  });
});
