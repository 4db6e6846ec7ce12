import { afterAll, beforeAll, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { mayDo } from '#server/http/call-context.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { openScene, type Scene } from './iam-test-scene.ts';

let testDatabase: TestDatabase;
let database: DatabaseHandle;
let scene: Scene;
let owner: { user_id: string; token: string };

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  await seedRoleTemplates(database.db);
  scene = openScene(database.db);
  owner = await scene.enter('owner@example.com', 'owner');
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query(text, values)).rows as Record<string, unknown>[];
const reason = 'the incident goes on';
const inHours = (hours: number) => new Date(Date.now() + hours * 3600_000).toISOString();
const give = async (user_id: string, role_id: string, expires_at: string | null) =>
  (
    await scene.call(contract.createAssignment, {
      as: owner.token,
      body: { user_id, role_id, expires_at },
    })
  ).assignment.assignment_id;
const change = (assignment_id: string, expires_at: string | null, as = owner.token) =>
  scene.call(contract.changeAssignmentExpiry, {
    as,
    params: { assignment_id },
    body: { expires_at, reason },
  });
const preview = (assignment_id: string, expires_at: string | null, as = owner.token) =>
  scene.call(contract.previewAssignmentExpiry, { as, params: { assignment_id }, body: { expires_at } });

it('a role for a while goes on for longer or for good, which the audit log keeps with before and after', async () => {
  const user_id = await scene.addUser('on-call@example.com');
  const assignment_id = await give(user_id, 'operator', inHours(1));
  const until = inHours(12);
  const { assignment, job_id } = await change(assignment_id, until);
  expect(assignment).toMatchObject({ assignment_id, state: 'temporary' });
  expect(Date.parse(assignment.expires_at!)).toBe(Date.parse(until));
  const [event] = await query('select changes, reason from audit_events where job_id = $1', job_id);
  expect(event).toMatchObject({
    reason,
    changes: [expect.objectContaining({ path: 'expires_at', before: expect.any(String) })],
  });
  expect((await change(assignment_id, null)).assignment).toMatchObject({
    state: 'lasting',
    expires_at: null,
  });
  await expect(change(assignment_id, null)).rejects.toMatchObject({ code: 'unprocessable' });
});

it('an ended role counts again, which its preview says; one that goes on adds nothing', async () => {
  const { user_id, token } = await scene.enter('returning@example.com');
  const assignment_id = await give(user_id, 'operator', inHours(1));
  expect(await preview(assignment_id, inHours(3))).toMatchObject({ blockers: [], user_count: 0 });
  await query(
    `update assignments set expires_at = now() - interval '1 hour' where assignment_id = $1`,
    assignment_id,
  );
  expect(mayDo(await scene.principalOf(token), 'scale.migrate')).toBe(false);
  const { users } = await preview(assignment_id, inHours(3));
  expect(users[0]!.gains.map(({ permission }) => permission)).toContain('scale.migrate');
  await change(assignment_id, inHours(3));
  expect(mayDo(await scene.principalOf(token), 'scale.migrate')).toBe(true);
});

it('nobody lets a role last longer than they hold it themselves, nor end in the past', async () => {
  const user_id = await scene.addUser('assisted@example.com');
  const assignment_id = await give(user_id, 'security-admin', inHours(1));
  const brief = await scene.enter('brief@example.com');
  await give(brief.user_id, 'security-admin', inHours(5));
  await change(assignment_id, inHours(4), brief.token);
  await expect(change(assignment_id, inHours(6), brief.token)).rejects.toMatchObject({
    code: 'permission_denied',
  });
  expect((await preview(assignment_id, null, brief.token)).blockers).toMatchObject([
    { code: 'permission_denied' },
  ]);
  await expect(change(assignment_id, inHours(-1))).rejects.toMatchObject({ code: 'unprocessable' });
});

it('the last owner does not become one for a while', async () => {
  const { items } = await scene.call(contract.listAssignments, {
    as: owner.token,
    query: { user_id: owner.user_id },
  });
  await expect(change(items[0]!.assignment_id, inHours(2))).rejects.toMatchObject({ code: 'conflict' });
});

it('the list finds what ends soon and what has ended, the next end first', async () => {
  const user_id = await scene.addUser('listed@example.com');
  const late = await give(user_id, 'operator', inHours(24 * 20));
  const soon = await give(user_id, 'support', inHours(24 * 6));
  const sooner = await give(user_id, 'read-only', inHours(2));
  const ended = await give(user_id, 'admin', inHours(1));
  const lasting = await give(user_id, 'security-admin', null);
  await query(`update assignments set expires_at = now() where assignment_id = $1`, ended);
  const idsOf = async (asked: object) =>
    (
      await scene.call(contract.listAssignments, {
        as: owner.token,
        query: { user_id, sort: 'expires_at', ...asked },
      })
    ).items.map(({ assignment_id }) => assignment_id);
  expect(await idsOf({ ends_within_days: 7 })).toEqual([sooner, soon]);
  expect(await idsOf({ state: 'expired' })).toEqual([ended]);
  expect(await idsOf({})).toEqual([ended, sooner, soon, late, lasting]);
});
