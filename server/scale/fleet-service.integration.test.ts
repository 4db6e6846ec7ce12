import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { listEnvironments, listNodes, listPlacements, listShards } from './fleet-service.ts';

const everything = callerWith();
const devOnly = callerWith(['scale.view'], { environment: 'dev' });
const acmeOnly = callerWith(['scale.view'], { tenant_id: 'acme' });
const nothing = callerWith(['tenants.view']);

describe('lists of the platform', () => {
  let platform: TestPlatform;
  const deps = () => platform.dependencies;
  beforeAll(async () => {
    platform = await startTestPlatform({ environments: ['dev', 'prod'] });
  });
  afterAll(() => platform.close());
  beforeEach(async () => {
    const { pool } = platform.database;
    await pool.query('truncate placement_index, shard_totals, placement_watch, node_index');
    await pool.query(`insert into placement_index (tenant_id, environment, service, shard, state, epoch, revision, updated_at)
      select tenant_id, environment, service, service || '-1', 'active', 1, 1, '2026-01-01' from unnest(array['acme', 'acme-2', 'globex']) tenant_id,
        unnest(array['dev', 'prod']) environment, unnest(array['aggregate', 'runner']) service`);
    await pool.query(
      "insert into placement_watch values ('dev', 12, 'live', null, now()), ('prod', 12, 'live', null, now() - interval '1 minute')",
    );
    await pool.query(`insert into node_index (environment, node_id, kind, state, shards, inflight, storage, since, observed_at)
      select environment, environment || '-agg-' || number, 'aggregate', case number when 1 then 'ready' else 'unreachable' end, array['aggregate-1', 'aggregate-10'], number,
        jsonb_build_object('ok', true, 'used_bytes', number * 10, 'capacity_bytes', 100), now(), now()
      from unnest(array['dev', 'prod']) environment, generate_series(1, 2) number`);
  });

  it('lists environments in promotion order, and never calls a silent watcher live', async () => {
    const { items } = await listEnvironments(deps(), everything);
    expect(items).toMatchObject([
      {
        environment: 'dev',
        nodes: { total: 10, ready: 1 },
        placement_count: 6,
        placement_revision: 12,
        watcher: { state: 'live', detail: null },
      },
      { environment: 'prod', production: true, watcher: { state: 'down', detail: expect.any(String) } },
    ]);
  });

  it('lists only environments where the caller holds anything', async () => {
    const seenBy = async (scope: Parameters<typeof callerWith>[1], permissions = ['jobs.view']) =>
      (await listEnvironments(deps(), callerWith(permissions, scope))).items.map(
        ({ environment }) => environment,
      );
    expect(await seenBy({ environment: 'prod' })).toEqual(['prod']);
    expect(await seenBy({ tenant_id: 'acme' })).toEqual(['dev', 'prod']);
    const nobody = callerWith();
    if (nobody.principal) nobody.principal.grants = [];
    expect((await listEnvironments(deps(), nobody)).items).toEqual([]);
  });

  it('pages through placements without losing or repeating one, by each sort', async () => {
    for (const sort of ['tenant_id', '-tenant_id', 'updated_at', '-updated_at']) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await listPlacements(deps(), everything, { sort, limit: 5, cursor });
        expect(page.total).toEqual({ count: 12, exact: true });
        seen.push(...page.items.map((item) => `${item.tenant_id}/${item.environment}/${item.service}`));
        cursor = page.next_cursor ?? undefined;
      } while (cursor !== undefined);
      expect(seen).toHaveLength(12);
      expect(new Set(seen).size).toBe(12);
      const tenants = seen.map((key) => key.split('/')[0] ?? '');
      const ascending = tenants.toSorted((a, b) => (a < b ? -1 : 1));
      if (sort.endsWith('tenant_id')) {
        expect(tenants).toEqual(sort.startsWith('-') ? ascending.toReversed() : ascending);
      }
    }
  });

  it('narrows placements to the scopes of the caller', async () => {
    const count = async (caller: typeof everything, query = {}) => {
      const { items, total } = await listPlacements(deps(), caller, query);
      expect(total).toEqual({ count: items.length, exact: true });
      return items.length;
    };
    expect(await count(devOnly)).toBe(6);
    expect(await count(devOnly, { environment: 'prod' })).toBe(0);
    expect(await count(acmeOnly)).toBe(4);
    expect(await count(acmeOnly, { tenant_id: 'globex' })).toBe(0);
    expect(await count(acmeOnly, { q: 'acme' })).toBe(4);
    expect(await count(nothing)).toBe(0);
    expect(await count(everything, { q: 'acme' })).toBe(8);
    expect(await count(everything, { q: '%' })).toBe(0);
    expect(await count(everything, { environment: 'dev', service: 'runner', shard: 'runner-1' })).toBe(3);
    expect(await count(everything, { environment: 'nowhere' })).toBe(0);
  });

  it('says when placements were seen: the oldest of those that are shown, and not while they are filled anew', async () => {
    const seenAt = async (query = {}) =>
      (await listPlacements(deps(), everything, query)).observation?.observed_at ?? null;
    const [dev, both] = [await seenAt({ environment: 'dev' }), await seenAt()];
    expect(Date.parse(both ?? '')).toBeLessThan(Date.parse(dev ?? ''));
    await platform.database.pool.query(
      "update placement_watch set state = 'rebuilding' where environment = 'dev'",
    );
    expect(await seenAt()).toBeNull();
    expect((await listPlacements(deps(), nothing, {})).observation).toBeNull();
  });

  it('shows nodes only to who may see their environment as a whole', async () => {
    const ids = async (caller: typeof everything, query = {}) =>
      (await listNodes(deps(), caller, query)).items.map(({ node_id }) => node_id);
    expect(await ids(everything)).toEqual(['dev-agg-1', 'dev-agg-2', 'prod-agg-1', 'prod-agg-2']);
    expect(await ids(everything, { state: 'ready', q: 'PROD' })).toEqual(['prod-agg-1']);
    expect(await ids(devOnly)).toEqual(['dev-agg-1', 'dev-agg-2']);
    expect(await ids(acmeOnly)).toEqual([]);
    expect(await ids(nothing)).toEqual([]);
  });

  it('lists shards that nodes hold and shards that only placements name, with their load', async () => {
    const { items } = await listShards(deps(), everything, { environment: 'dev' });
    expect(items.map(({ shard, nodes, tenant_count }) => [shard, nodes.length, tenant_count])).toEqual([
      ['aggregate-1', 2, 3],
      ['aggregate-10', 2, 0],
      ['runner-1', 0, 3],
    ]);
    expect(items[0]).toMatchObject({
      inflight: 3,
      consumer_lag: null,
      storage_used_ratio: 0.2,
      observation: { source: 'node admin API' },
    });
    expect(items[2]).toMatchObject({ inflight: null, observation: { source: 'placement store' } });
    expect((await listShards(deps(), acmeOnly, {})).items).toEqual([]);
    expect((await listShards(deps(), devOnly, {})).items).toEqual(items);
  });
});
