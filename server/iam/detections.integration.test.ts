import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as contract from '#contract/iam.ts';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { seedRoleTemplates } from './bootstrap.ts';
import { DEFAULT_DETECTION_THRESHOLDS as THRESHOLDS } from './detection-rules.ts';
import { lookForDetections } from './detection-watch.ts';
import { openScene, PASSWORD, type Scene } from './iam-test-scene.ts';
import { createNetworkWatch } from './seen-networks.ts';

let testDatabase: TestDatabase;
let database: DatabaseHandle;
let scene: Scene;
let owner: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase(testDatabase.url);
  await seedRoleTemplates(database.db);
  scene = openScene(database.db);
  owner = (await scene.enter('owner@example.com', 'owner')).token;
});
afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query(text, values)).rows as Record<string, unknown>[];
const look = () => lookForDetections(database.db, THRESHOLDS, { settleS: 0 });
const fail = (email: string, ip?: string) =>
  scene
    .request(contract.login, { body: { email, password: 'wrong' }, ...(ip !== undefined && { ip }) })
    .catch(() => undefined);
const list = (filter: object) => scene.call(contract.listDetections, { as: owner, query: filter });

describe('wrong passwords', () => {
  it('of one account are told from the fifth on, and counted on the same detection', async () => {
    const user_id = await scene.addUser('anna@example.com');
    for (let failure = 1; failure <= 4; failure++) await fail('anna@example.com');
    await look();
    expect((await list({ user_id })).items).toEqual([]);
    await fail('anna@example.com', '198.51.100.9');
    await look();
    await look();
    expect((await list({ user_id })).items).toMatchObject([
      {
        kind: 'failed_sign_ins_account',
        state: 'open',
        summary: '5 wrong passwords for anna@example.com in 15 minutes (threshold 5).',
        ip: '198.51.100.9',
        count: 5,
        details: { addresses: '5' },
      },
    ]);
    await query(`delete from sign_in_throttle`);
    await fail('anna@example.com');
    await look();
    expect((await list({ user_id })).items).toMatchObject([{ measured: 6, count: 6 }]);
  });

  it('of many accounts from one address are told with the address', async () => {
    for (let index = 0; index < 20; index++)
      await fail(`spray-${index}@example.com`, `2001:db8:7:7::${index + 1}`);
    await look();
    expect((await list({ kind: 'failed_sign_ins_address' })).items).toMatchObject([
      {
        subject_type: 'address',
        subject_id: '2001:db8:7:7::/64',
        user_id: null,
        summary: '20 failed sign-ins from 2001:db8:7:7::/64 in 5 minutes (threshold 20).',
        details: { accounts: '20' },
      },
    ]);
  });

  it('that came while no replica looked are told by the next that does', async () => {
    const user_id = await scene.addUser('late@example.com');
    for (let failure = 1; failure <= 5; failure++) await fail('late@example.com');
    await query(`update detection_marks set looked_until = now() - interval '10 minutes'`);
    await look();
    expect((await list({ user_id })).items).toHaveLength(1);
  });
});

it('wrong second factors are told apart from wrong passwords', async () => {
  const { user_id, token } = await scene.enter('mia@example.com', 'owner');
  for (let failure = 1; failure <= 5; failure++)
    await scene.call(contract.stepUp, { as: token, body: { totp_code: '000000' } }).catch(() => undefined);
  await look();
  expect((await list({ user_id })).items).toMatchObject([
    { kind: 'failed_second_factor', measured: 5, state: 'open' },
  ]);
});

it('too many live sessions of one user are told when another one is opened, not while they only live', async () => {
  const user_id = await scene.addUser('busy@example.com');
  for (let session = 1; session <= 11; session++) await scene.signIn('busy@example.com');
  await look();
  await look();
  expect((await list({ user_id })).items).toMatchObject([
    {
      kind: 'session_fan_out',
      summary: 'busy@example.com has 11 live sessions (threshold 10).',
      count: 1,
    },
  ]);
});

describe('a session that is used from another network', () => {
  const seenFrom = async (token: string, ...addresses: string[]) => {
    const networks = createNetworkWatch(database.db, THRESHOLDS, (error) => {
      throw error;
    });
    const principal = await scene.principalOf(token);
    for (const ip of addresses) {
      networks.saw({ ...scene.contextOf(principal), ip });
      await networks.settled();
    }
  };

  it('is told once for each network, with where it was opened', async () => {
    const user_id = await scene.addUser('roaming@example.com');
    const { cookie } = await scene.request(contract.login, {
      body: { email: 'roaming@example.com', password: PASSWORD },
      ip: '203.0.113.7',
    });
    await seenFrom(cookie!, '203.0.113.7', '203.0.200.1', '::ffff:203.0.113.9', '2001:db8::1');
    expect((await list({ user_id })).items).toEqual([]);
    await seenFrom(cookie!, '198.51.100.4', '198.51.100.5', '2001:db8::2');
    const { items } = await list({ user_id });
    expect(items).toMatchObject([
      {
        kind: 'ip_change',
        subject_type: 'session',
        ip: '198.51.100.4',
        count: 1,
        summary:
          'A session of roaming@example.com that was opened from 203.0.113.7 was used from 198.51.100.4, another network.',
      },
    ]);
    await seenFrom(cookie!, '192.0.2.1');
    expect((await list({ user_id })).items).toMatchObject([{ count: 2, measured: 2, ip: '192.0.2.1' }]);
  });

  it('is told of an API token when there are more networks than expected', async () => {
    const { token: creator, user_id } = await scene.enter('robot@example.com', 'owner');
    const { value, token } = await scene.call(contract.createToken, {
      as: creator,
      body: { name: 'ci', permissions: ['jobs.view'], expires_in_days: 1 },
    });
    await seenFrom(value!, '11.0.0.1', '12.0.0.1', '13.0.0.1', '14.0.0.1', '15.0.0.1');
    expect((await list({ user_id })).items).toEqual([]);
    await seenFrom(value!, '16.0.0.1');
    expect((await list({ user_id })).items).toMatchObject([
      { kind: 'token_new_network', subject_id: token.token_id, subject_label: 'ci', measured: 6 },
    ]);
  });
});

describe('a detection', () => {
  it('is acknowledged, then resolved, each with a reason, and neither twice; what comes after that is a new one', async () => {
    const user_id = await scene.addUser('settled@example.com');
    const failAndLook = async () => {
      for (let failure = 1; failure <= 5; failure++) await fail('settled@example.com');
      await look();
      await query(`delete from sign_in_throttle`);
    };
    await failAndLook();
    const [open] = (await list({ user_id, state: 'open' })).items;
    const settle = (
      endpoint: typeof contract.acknowledgeDetection | typeof contract.resolveDetection,
      reason: string,
    ) => scene.call(endpoint, { as: owner, params: { detection_id: open!.detection_id }, body: { reason } });
    const { detection: acknowledged } = await settle(contract.acknowledgeDetection, 'on it');
    expect(acknowledged).toMatchObject({
      state: 'acknowledged',
      acknowledged_by: 'owner@example.com',
      reason: 'on it',
    });
    await expect(settle(contract.acknowledgeDetection, 'on it')).rejects.toMatchObject({
      code: 'action_not_allowed',
      message: 'This detection is acknowledged already.',
    });
    await failAndLook();
    expect((await list({ user_id })).items).toMatchObject([{ state: 'acknowledged', count: 10 }]);
    const { detection: resolved } = await settle(contract.resolveDetection, 'was a forgotten script');
    expect(resolved).toMatchObject({ state: 'resolved', resolved_by: 'owner@example.com' });
    await expect(settle(contract.resolveDetection, 'again')).rejects.toMatchObject({
      code: 'action_not_allowed',
    });
    await failAndLook();
    expect(await list({ user_id })).toMatchObject({
      items: [{ state: 'open' }, { state: 'resolved' }],
      total: { count: 2 },
    });
    expect(await list({ user_id, state: 'unresolved' })).toMatchObject({ total: { count: 1 } });
    const one = await scene.call(contract.getDetection, {
      as: owner,
      params: { detection_id: open!.detection_id },
    });
    expect(one).toEqual(resolved);
  });

  it('is found by who it is about and from where, and listed page by page', async () => {
    expect((await list({ q: 'busy@' })).items).toMatchObject([{ kind: 'session_fan_out' }]);
    expect((await list({ q: '192.0.2.1' })).items).toMatchObject([{ kind: 'ip_change' }]);
    const first = await list({ limit: 3 });
    const second = await list({ limit: 200, cursor: first.next_cursor! });
    const ids = [...first.items, ...second.items].map(({ detection_id }) => detection_id);
    expect(new Set(ids).size).toBe(first.total.count);
    const from = first.items[2]!.last_seen_at;
    expect((await list({ from })).items).toHaveLength(3);
    expect((await list({ to: from })).items).toHaveLength(ids.length - 3);
  });
});
