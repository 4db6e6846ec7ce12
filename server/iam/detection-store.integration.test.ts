import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type DatabaseHandle } from '#server/db/database.ts';
import { createTestDatabase, type TestDatabase } from '#server/db/test-database.ts';
import { recordDetection, type Noticed } from './detection-store.ts';

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

const query = async (text: string, ...values: unknown[]) =>
  (await testDatabase.pool.query(text, values)).rows as Record<string, unknown>[];

const reuse = (id: string, more: Partial<Noticed> = {}): Noticed => ({
  kind: 'token_reuse',
  subject: { type: 'session', id, label: 'anna@example.com' },
  user_id: null,
  ip: '192.0.2.1',
  measured: 1,
  threshold: 1,
  ...more,
});
const eventsOf = () =>
  query(
    `select actor_type, details from audit_events where action = 'iam.detections.raised' order by sequence`,
  );

describe('what was noticed', () => {
  it('is one detection with one audit event, however often it is seen again, until it is resolved', async () => {
    expect(await recordDetection(database.db, reuse('family-1'))).toEqual({ raised: true });
    await Promise.all(
      [2, 3, 4].map((measured) =>
        recordDetection(
          database.db,
          reuse('family-1', { measured, ip: '198.51.100.9', details: { client: 'cli' } }),
        ),
      ),
    );
    expect(await query('select state, count, measured, ip, details from detections')).toEqual([
      { state: 'open', count: 4, measured: 4, ip: '198.51.100.9', details: { client: 'cli' } },
    ]);
    expect(await eventsOf()).toMatchObject([
      { actor_type: 'system', details: { cause: 'token_reuse', subject_id: 'family-1', measured: 1 } },
    ]);
    await query(`update detections set state = 'resolved', resolved_at = now()`);
    expect(await recordDetection(database.db, reuse('family-1'))).toEqual({ raised: true });
    expect(await eventsOf()).toHaveLength(2);
  });

  it('is undone with the transaction that it was recorded in', async () => {
    const gone = database.db.transaction().execute(async (tx) => {
      await recordDetection(tx, reuse('family-2'));
      throw new Error('refused');
    });
    await expect(gone).rejects.toThrow('refused');
    expect(await query(`select 1 from detections where subject_id = 'family-2'`)).toEqual([]);
  });
});
