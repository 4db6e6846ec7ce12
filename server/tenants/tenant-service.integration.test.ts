import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Value } from 'typebox/value';
import type { Page } from '#contract/common.ts';
import { listTenants as listTenantsEndpoint, TenantListItem } from '#contract/tenants.ts';
import { callerWith, startTestPlatform, type TestPlatform } from '#tools/test-platform.ts';
import { seedTenants, type SeedEnvironment } from './seed-tenants.ts';
import {
  addTenantEnvironment,
  createTenant,
  listTenants,
  readHealth,
  readTenant,
  readTenantDetail,
  updateTenant,
} from './tenant-service.ts';
import type { TenantFilter } from './tenant-store.ts';

const caller = callerWith();
const SEEDED = 400;

describe('tenants', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startTestPlatform({ environments: ['dev', 'staging', 'prod'] });
    const shards = {
      aggregate: ['agg-1', 'agg-2', 'agg-3'],
      projection: ['prj-1', 'prj-2', 'prj-3'],
      runner: ['run-1', 'run-2'],
    };
    const environments = platform.dependencies.environments.map(
      ({ environment, store }): SeedEnvironment => ({
        environment,
        shards: async () => shards,
        putMany: (records) => store.putMany(records),
      }),
    );
    await seedTenants(platform.database.db, environments, SEEDED);
    // As the watch would have it; the watch has its own tests.
    for (const { environment, store } of platform.dependencies.environments) {
      const { entries } = await store.list();
      for await (const { record, revision } of entries) {
        await sql`insert into placement_index values (${record.tenant_id}, ${environment}, ${record.service}, ${record.shard}, ${record.state}, ${record.epoch}, ${revision}, null, now())`.execute(
          platform.database.db,
        );
      }
    }
  });
  afterAll(() => platform.close());

  const list = async (filter: TenantFilter, context = caller) => {
    const { text } = await listTenants(platform.dependencies, context, filter);
    return JSON.parse(text) as Page<TenantListItem>;
  };

  /** Every page, one after the other. */
  async function listAll(filter: TenantFilter): Promise<TenantListItem[]> {
    const all: TenantListItem[] = [];
    let cursor: string | undefined;
    do {
      const page = await list({ ...filter, cursor });
      all.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return all;
  }

  describe('the list', () => {
    it.each(['tenant_id', '-tenant_id', 'name', '-name', 'created_at', '-updated_at'])(
      'sorted by %s gives every tenant once over all pages',
      async (sort) => {
        const ids = (await listAll({ sort, limit: 37 })).map(({ tenant_id }) => tenant_id);
        expect(ids).toHaveLength(SEEDED);
        expect(new Set(ids).size).toBe(SEEDED);
      },
    );

    it('filters by status, plan, environment and text, with totals that fit', async () => {
      const everybody = await listAll({ limit: 200 });
      const cases: [TenantFilter, (tenant: TenantListItem) => boolean][] = [
        [{ status: ['suspended'] }, ({ status }) => status === 'suspended'],
        [
          { status: ['suspended', 'degraded'], plan: ['gold', 'bronze'] },
          ({ status, plan }) => status !== 'active' && (plan === 'gold' || plan === 'bronze'),
        ],
        [{ environment: 'staging' }, ({ environments }) => environments.includes('staging')],
        [
          { environment: 'dev', plan: ['silver'] },
          ({ environments, plan }) => environments.includes('dev') && plan === 'silver',
        ],
        [{ q: 'ACME' }, ({ tenant_id }) => tenant_id.includes('acme')],
        [{ q: 'acme foods' }, ({ name }) => name.toLowerCase().includes('acme foods')],
        [{ q: '%' }, () => false],
        [{ q: 'nobody at all' }, () => false],
      ];
      for (const [filter, fits] of cases) {
        const expected = everybody.filter(fits).map(({ tenant_id }) => tenant_id);
        expect([filter, (await listAll({ ...filter, limit: 50 })).map(({ tenant_id }) => tenant_id)]).toEqual(
          [filter, expected],
        );
        expect([filter, (await list(filter)).total]).toEqual([
          filter,
          { count: expected.length, exact: true },
        ]);
      }
    });

    it('shows the shards of the environment that was asked for, and filters by one', async () => {
      const [first] = (await list({ environment: 'prod', limit: 1 })).items;
      expect(first?.placements).toMatchObject({
        aggregate: expect.stringMatching(/^agg-/) as string,
        projection: expect.stringMatching(/^prj-/) as string,
        runner: expect.stringMatching(/^run-/) as string,
      });
      expect((await list({ limit: 1 })).items[0]?.placements).toBeNull();
      const onRun2 = await listAll({ environment: 'prod', shard: 'run-2' });
      expect(onRun2.length).toBeGreaterThan(0);
      expect(new Set(onRun2.map(({ placements }) => placements?.runner))).toEqual(new Set(['run-2']));
    });

    it('answers the fields of the contract and no others, though no serializer strips them', async () => {
      const page = await list({ environment: 'prod', limit: 2 });
      expect(page).toEqual(Value.Clean(listTenantsEndpoint.response, structuredClone(page)));
      expect([...Value.Errors(listTenantsEndpoint.response, page)]).toEqual([]);
      expect(Object.keys(page.items[0] ?? {}).toSorted()).toEqual(
        Object.keys(TenantListItem.properties).toSorted(),
      );
    });

    it('is narrowed to the scopes of the caller', async () => {
      const one = callerWith(['tenants.read'], { tenant_id: 'acme-foods' });
      const page = await list({}, one);
      expect(page.items.map(({ tenant_id }) => tenant_id)).toEqual(['acme-foods']);
      expect(page.total).toEqual({ count: 1, exact: true });
      expect((await list({}, callerWith(['jobs.view']))).items).toEqual([]);
    });

    it('shows a tenant to who may see it in one of its environments, and nothing of it elsewhere', async () => {
      const everything = { items: await listAll({ limit: 200 }) };
      const inDev = everything.items.filter(({ environments }) => environments.includes('dev'));
      expect(inDev.length).toBeLessThan(everything.items.length);
      const dev = callerWith(['tenants.read'], { environment: 'dev' });
      const ids = (page: { items: { tenant_id: string }[] }) => page.items.map(({ tenant_id }) => tenant_id);
      expect(ids(await list({ limit: 200 }, dev))).toEqual(ids({ items: inDev }));
      expect((await list({}, dev)).total.count).toBe(inDev.length);
      expect(ids(await list({ environment: 'prod' }, dev))).toEqual([]);
      const [seen] = ids({ items: inDev });
      const [hidden] = ids({ items: everything.items.filter((tenant) => !inDev.includes(tenant)) });
      expect(await readTenantDetail(platform.dependencies, dev, seen ?? '')).toMatchObject({
        tenant_id: seen,
      });
      await expect(readTenantDetail(platform.dependencies, dev, hidden ?? '')).rejects.toMatchObject({
        code: 'not_found',
      });
      const both = callerWith(['tenants.read'], { tenant_id: seen ?? '', environment: 'prod' });
      expect(ids(await list({ environment: 'dev' }, both))).toEqual([]);
    });
  });

  it('creates a tenant as provisioning, with the job that places it, once', async () => {
    const body = {
      tenant_id: 'newcomer',
      name: 'Newcomer',
      environments: ['dev', 'prod'],
      contact: { email: 'ops@newcomer.example' },
    };
    const { job_id, tenant } = await createTenant(platform.dependencies, caller, body);
    expect(tenant).toMatchObject({
      status: 'provisioning',
      plan: 'bronze',
      revision: 1,
      contact: { email: 'ops@newcomer.example' },
    });
    const steps = await platform.database.db
      .selectFrom('job_steps')
      .select('name')
      .where('job_id', '=', job_id)
      .orderBy('step_index')
      .execute();
    expect(steps.map(({ name }) => name)).toEqual(
      ['dev', 'prod'].flatMap((name) => [
        `place_${name}`,
        `reload_${name}`,
        `acknowledge_${name}`,
        `verify_${name}`,
      ]),
    );
    await expect(createTenant(platform.dependencies, caller, body)).rejects.toMatchObject({
      code: 'already_exists',
    });
    await expect(
      createTenant(platform.dependencies, caller, { ...body, tenant_id: 'other', environments: ['qa'] }),
    ).rejects.toMatchObject({ code: 'unknown_environment' });
    await expect(readTenant(platform.dependencies, 'other')).rejects.toMatchObject({ code: 'not_found' });
    expect((await list({ status: ['provisioning'] })).total.count).toBe(1);
  });

  it('changes metadata at the revision that was read, and says what changed', async () => {
    const before = await readTenant(platform.dependencies, 'acme-foods');
    const change = { name: 'Acme Fine Foods', quotas: { projections: 3 }, reason: 'renamed' };
    const { tenant, job_id } = await updateTenant(
      platform.dependencies,
      caller,
      'acme-foods',
      before.revision,
      change,
    );
    expect(tenant).toMatchObject({
      name: 'Acme Fine Foods',
      quotas: { projections: 3 },
      plan: before.plan,
      revision: before.revision + 1,
    });
    const event = await platform.database.db
      .selectFrom('audit_events')
      .select(['changes', 'reason'])
      .where('job_id', '=', job_id)
      .executeTakeFirst();
    expect(event).toEqual({
      reason: 'renamed',
      changes: [
        { path: 'name', before: before.name, after: 'Acme Fine Foods' },
        { path: 'quotas', before: before.quotas, after: { projections: 3 } },
      ],
    });
    await expect(
      updateTenant(platform.dependencies, caller, 'acme-foods', before.revision, change),
    ).rejects.toMatchObject({ code: 'precondition_failed' });
    await expect(updateTenant(platform.dependencies, caller, 'nobody', 1, change)).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('keeps the totals when a tenant changes its plan', async () => {
    const before = await readTenant(platform.dependencies, 'globex-foods');
    const count = async (plan: string) => (await list({ plan: [plan] })).total.count;
    const wanted = before.plan === 'platinum' ? 'gold' : 'platinum';
    const [from, to] = [await count(before.plan), await count(wanted)];
    await updateTenant(platform.dependencies, caller, 'globex-foods', before.revision, { plan: wanted });
    expect([await count(before.plan), await count(wanted)]).toEqual([from - 1, to + 1]);
  });

  it('does not change an archived tenant', async () => {
    await sql`update tenants set status = 'archived' where tenant_id = 'hooli-foods'`.execute(
      platform.database.db,
    );
    const { revision } = await readTenant(platform.dependencies, 'hooli-foods');
    await expect(
      updateTenant(platform.dependencies, caller, 'hooli-foods', revision, { name: 'x' }),
    ).rejects.toMatchObject({ code: 'action_not_allowed' });
    await expect(
      addTenantEnvironment(platform.dependencies, caller, 'hooli-foods', {
        environment: 'dev',
        reason: 'again',
      }),
    ).rejects.toMatchObject({ code: 'action_not_allowed' });
  });

  it('provisions one more environment, once, and only when no other job holds the tenant', async () => {
    await sql`insert into tenants (tenant_id, name, status, plan, environments) values ('adder', 'Adder', 'active', 'gold', '{prod}')`.execute(
      platform.database.db,
    );
    const record = {
      tenant_id: 'adder',
      service: 'runner',
      shard: 'run-1',
      state: 'active',
      epoch: 1,
      job_id: null,
    } as const;
    await platform.store('prod').update({ ...record, updated_at: new Date().toISOString() }, 0);
    const add = (environment: string) =>
      addTenantEnvironment(platform.dependencies, caller, 'adder', { environment, reason: 'try things' });
    await expect(add('prod')).rejects.toMatchObject({ code: 'already_exists' });
    await expect(add('qa')).rejects.toMatchObject({ code: 'unknown_environment' });
    await add('dev');
    await expect(add('staging')).rejects.toMatchObject({ code: 'job_conflict' });
  });

  it('tries the provisioning again wherever it has failed, until it becomes active', async () => {
    const { db } = platform.database;
    await sql`insert into tenants (tenant_id, name, status, plan, environments) values ('halfway', 'Halfway', 'degraded', 'gold', '{dev,staging,prod}')`.execute(
      db,
    );
    const record = {
      tenant_id: 'halfway',
      service: 'runner',
      shard: 'run-1',
      state: 'active',
      epoch: 1,
      job_id: null,
    } as const;
    await platform.store('staging').update({ ...record, updated_at: new Date().toISOString() }, 0);
    const add = (environment: string) =>
      addTenantEnvironment(platform.dependencies, caller, 'halfway', { environment, reason: 'once more' });
    await expect(add('staging')).rejects.toMatchObject({ code: 'already_exists' });
    const { job_id } = await add('prod');
    const job = await db
      .selectFrom('jobs')
      .select(['title', 'input'])
      .where('job_id', '=', job_id)
      .executeTakeFirst();
    expect(job).toMatchObject({
      title: 'Provision halfway in dev and prod',
      input: { environments: ['dev', 'prod'], purpose: 'create' },
    });
  });

  it('says how the tenant is on the nodes that serve it, asked now', async () => {
    await platform.addTenant('patient', { aggregate: 'agg-2', projection: 'prj-1' }, ['dev']);
    const healthy = await readHealth(platform.dependencies, caller, 'patient');
    expect(healthy.environments).toMatchObject([
      {
        environment: 'dev',
        findings: [],
        services: [
          {
            service: 'aggregate',
            shard: 'agg-2',
            node_id: 'dev-agg-2',
            state: 'active',
            ready: true,
            problem: null,
          },
          { service: 'projection', shard: 'prj-1', node_id: 'dev-prj-1', state: 'active', ready: true },
          {
            service: 'runner',
            shard: null,
            node_id: null,
            state: 'absent',
            problem: 'Not placed on any runner shard.',
          },
        ],
      },
    ]);
    await sql`insert into node_index (environment, node_id, kind, state, shards, since) values ('dev', 'dev-agg-2', 'aggregate', 'ready', '{agg-2}', now())`.execute(
      platform.database.db,
    );
    platform.fleet.faults.switchOn({ node_id: 'dev-agg-2', fault: 'hang' });
    platform.fleet.faults.switchOn({ node_id: 'dev-prj-1', fault: 'high_lag', value: 9_999 });
    const sick = await readHealth(platform.dependencies, caller, 'patient', 'dev');
    expect(sick.environments[0]?.services[0]).toMatchObject({
      node_id: 'dev-agg-2',
      state: 'unknown',
      ready: null,
      problem: expect.stringContaining('does not answer') as string,
    });
    expect(sick.environments[0]?.findings.map(({ code }) => code)).toEqual([
      'node_unreachable',
      'consumer_lag_too_high',
    ]);
    platform.fleet.faults.clear();
    await expect(readHealth(platform.dependencies, caller, 'nobody')).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});
