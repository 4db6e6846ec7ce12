import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import * as contract from '#contract/iam.ts';
import { registerAuditMetrics } from '#server/audit/audit-metrics.ts';
import { recordEvent, type AuditEntry } from '#server/audit/audit-store.ts';
import { openEventTally } from '#server/audit/event-tally.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { openScene, PASSWORD, type Scene } from './iam-test-scene.ts';
import { registerSignInMetrics } from './sign-in-metrics.ts';

let database: TestDatabase;
let handle: DatabaseHandle;
let scene: Scene;
let leads: boolean;

beforeAll(async () => {
  database = await createTestDatabase();
  handle = openDatabase(database.url);
  await seedRoleTemplates(handle.db);
  scene = openScene(handle.db);
});

afterAll(async () => {
  await handle.close();
  await database.drop();
});

beforeEach(() => {
  leads = true;
});

/** One replica's figures; they begin when it is opened. */
async function openReplica(isLeader: () => boolean) {
  const registry = new Registry();
  const tally = await openEventTally(handle.db, isLeader, { settleS: 0, freshMs: 0 });
  registerAuditMetrics(registry, tally);
  registerSignInMetrics(registry, handle.db, tally);
  return async () => {
    await tally.look();
    const metrics = await registry.getMetricsAsJSON();
    return Object.fromEntries(
      metrics.flatMap(({ name, values }) =>
        values.map(({ labels, value }) => [
          `${name.replace('control_', '')} ${Object.values(labels).join()}`,
          value,
        ]),
      ),
    );
  };
}

test('count sign-ins by how they end, and sessions by who ends them', async () => {
  const read = await openReplica(() => leads);
  const owner = await scene.enter('owner@example.com', 'owner');
  await scene.addUser('mia@example.com', 'operator');
  await scene.signIn('mia@example.com');
  await expect(scene.signIn('mia@example.com', `${PASSWORD} not`)).rejects.toThrow('is wrong');
  await expect(scene.signIn('nobody@example.com')).rejects.toThrow('is wrong');
  const suspended = await scene.addUser('gone@example.com', 'operator');
  await handle.db
    .updateTable('users')
    .set({ status: 'suspended' })
    .where('user_id', '=', suspended)
    .execute();
  await expect(scene.signIn('gone@example.com')).rejects.toThrow('is wrong');
  expect(await read()).toMatchObject({
    'logins_total ok': 2,
    'logins_total wrong_credentials': 2,
    'logins_total locked': 1,
    'logins_total mfa_failed': 0,
    'sessions_revoked_total operator': 0,
    'audit_events_total succeeded': 2,
    'audit_events_total failed': 3,
    'audit_events_total denied': 0,
  });

  const mia = await handle.db
    .selectFrom('users')
    .select('user_id')
    .where('email', '=', 'mia@example.com')
    .executeTakeFirstOrThrow();
  await scene.call(contract.revokeUserSessions, {
    as: owner.token,
    params: { user_id: mia.user_id },
    body: { reason: 'lost laptop' },
  });
  await scene.call(contract.logout, { as: owner.token });
  expect(await read()).toMatchObject({
    'sessions_revoked_total operator': 1,
    'sessions_revoked_total user': 0,
    'logins_total ok': 2,
  });
});

test('count a sign-in of two steps once, and a wrong second factor as one', async () => {
  const read = await openReplica(() => leads);
  const target = { type: 'session', id: 'session-1' };
  const write = (entry: Omit<AuditEntry, 'target'>) =>
    recordEvent(handle.db, scene.contextOf(null), { ...entry, target });
  const lacks = [{ path: 'lacks', before: null, after: 'second_factor' }];
  await write({ action: 'iam.login', outcome: 'succeeded', changes: lacks });
  await write({
    action: 'iam.login.second_factor',
    outcome: 'failed',
    details: { cause: 'wrong_totp_code' },
  });
  await write({ action: 'iam.login.second_factor', outcome: 'succeeded' });
  expect(await read()).toMatchObject({ 'logins_total ok': 1, 'logins_total mfa_failed': 1 });
});

test('are counted by the leader alone, and by whoever leads after it from there on', async () => {
  const [first, second] = [await openReplica(() => leads), await openReplica(() => !leads)];
  await scene.addUser('ops@example.com', 'operator');
  await scene.signIn('ops@example.com');
  expect((await first())['logins_total ok']).toBe(1);
  expect((await second())['logins_total ok']).toBe(0);
  leads = false;
  await scene.signIn('ops@example.com');
  expect((await second())['logins_total ok']).toBe(1);
  expect((await first())['logins_total ok']).toBe(1);
});
