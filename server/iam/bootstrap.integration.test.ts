import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROLE_TEMPLATES } from '#contract/permissions.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { createFirstOwner, seedRoleTemplates } from './bootstrap.ts';
import { openScene } from './iam-test-scene.ts';

let testDatabase: TestDatabase;
let database: DatabaseHandle;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const query = async (text: string) => (await testDatabase.pool.query(text)).rows as Record<string, unknown>[];

it('built-in roles are seeded once, by however many replicas, and follow their templates', async () => {
  const { db } = database;
  await Promise.all([seedRoleTemplates(db), seedRoleTemplates(db), seedRoleTemplates(db)]);
  expect(await query(`select role_id from roles where built_in and revision = 1`)).toHaveLength(
    Object.keys(ROLE_TEMPLATES).length,
  );
  await testDatabase.pool.query(`update roles set permissions = '{}' where role_id = 'operator'`);
  await seedRoleTemplates(db);
  await seedRoleTemplates(db);
  expect(await query(`select permissions, revision from roles where role_id = 'operator'`)).toEqual([
    { permissions: ROLE_TEMPLATES.operator.permissions, revision: 2 },
  ]);
  expect(
    await query(`select 1 from audit_events where action = 'iam.roles.seed' and actor_type = 'system'`),
  ).toHaveLength(8);
});

it('a first owner whose email is none is refused in one sentence', async () => {
  await expect(createFirstOwner(database.db, { email: 'not-an-email' })).rejects.toThrow(/not an email/);
  expect(await query('select 1 from users')).toEqual([]);
});

it('the first owner is created once, with a password that signs in', async () => {
  const { db } = database;
  const created = await Promise.all(
    [1, 2, 3].map(() => createFirstOwner(db, { email: 'first@example.com', password: null })),
  );
  const [owner, ...others] = created.filter((result) => result !== null);
  expect(others).toEqual([]);
  expect(owner).toMatchObject({
    email: 'first@example.com',
    generated: true,
    password: expect.stringMatching(/^(\w{5}-){4}\w{5}$/),
  });
  const scene = openScene(db);
  const principal = await scene.principalOf(await scene.signIn('first@example.com', owner!.password));
  expect(principal.grants).toEqual([
    { role_id: 'owner', permissions: ['*'], tenant_id: null, environment: null, expires_at: null },
  ]);
  const [event] = await query(
    `select actor_type, actor_label, changes from audit_events where action = 'iam.users.create'`,
  );
  expect(event).toMatchObject({ actor_type: 'system' });
  expect(JSON.stringify(event)).not.toContain(owner!.password);
  expect(
    await createFirstOwner(db, { email: 'second@example.com', password: 'nine blue kettles sing' }),
  ).toBeNull();
});

it.each([
  ['short', true],
  ['Cloudlysis2026!', true],
  ['nine blue kettles sing', false],
])('a given password is taken, and it is said when it is weak: %s', async (password, weak) => {
  // Everything but the audit log, which refuses: a database without users again.
  await testDatabase.pool.query('truncate users cascade');
  const owner = await createFirstOwner(database.db, { email: 'first@example.com', password });
  expect(owner).toMatchObject({ password, generated: false, weakness: weak ? expect.any(String) : null });
});
