import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeStatus, NodeTenant } from '#contract/node.ts';
import type { PlacementRecord } from '#contract/placement-record.ts';
import { TENANT_ACTIONS, TENANT_STATUSES } from '#contract/tenants.ts';
import { planOf } from '#server/jobs/plan-rules.ts';
import { planMigrationDraft, type MigrationFacts } from './placement-rules.ts';
import type { NodeFacts } from './preflight-rules.ts';
import { DEFAULT_THRESHOLDS } from './scale-settings.ts';
import { leastLoadedShard } from './shard-choice-rules.ts';

const GIB = 1024 ** 3;

function node(
  kind: NodeFacts['kind'],
  number: number,
  fields: { status?: Partial<NodeStatus>; tenant?: Partial<NodeTenant>; state?: NodeFacts['state'] } = {},
): NodeFacts {
  const prefix = { gateway: 'gw', aggregate: 'agg', projection: 'prj', runner: 'run' }[kind];
  const node_id = `prod-${prefix}-${number}`;
  const shards = kind === 'gateway' ? [] : [`${prefix}-${number}`];
  const state = fields.state ?? 'ready';
  const here = kind === 'aggregate' && number === 3;
  return {
    node_id,
    kind,
    state,
    problem: state === 'ready' ? null : `${node_id} is ${state}.`,
    shards,
    checks: [],
    status: {
      node_id,
      kind,
      environment: 'prod',
      version: '1',
      git_sha: 'a',
      shards,
      placement_revision: 100,
      definitions_digest: null,
      config_revision: 0,
      draining: false,
      inflight: 90_000,
      consumer_lag: 90_000,
      storage: { ok: true, used_bytes: 61 * GIB, capacity_bytes: 100 * GIB },
      ...fields.status,
    },
    tenant:
      kind === 'gateway'
        ? null
        : {
            tenant_id: 'acme-42',
            state: here ? 'active' : 'absent',
            inflight: here ? 3 : 0,
            consumer_lag: 0,
            blockers: [],
            placement_revision: 100,
            ...fields.tenant,
          },
  };
}

const record: PlacementRecord = {
  tenant_id: 'acme-42',
  service: 'aggregate',
  shard: 'agg-3',
  state: 'active',
  epoch: 17,
  job_id: null,
  updated_at: '2026-01-01T00:00:00Z',
};
const facts = (fields: Partial<MigrationFacts> = {}): MigrationFacts => ({
  environment: 'prod',
  tenant: { tenant_id: 'acme-42', status: 'active', plan: 'gold', contact_email: null, revision: 4 },
  service: 'aggregate',
  target_shard: 'agg-1',
  placement: { record, revision: 99 },
  nodes: [
    node('aggregate', 1),
    node('aggregate', 2),
    node('aggregate', 3),
    node('gateway', 1),
    node('gateway', 2),
  ],
  target_tenant_count: 10,
  live_jobs: [],
  drain_history: [],
  thresholds: DEFAULT_THRESHOLDS,
  ...fields,
});
const replaced = (changed: NodeFacts): NodeFacts[] =>
  facts().nodes.map((each) => (each.node_id === changed.node_id ? changed : each));
const blockers = (fields: Partial<MigrationFacts>) =>
  planMigrationDraft(facts(fields)).checks.filter(({ level }) => level === 'blocker');

describe('the plan of a migration', () => {
  it('has no blocker when all is well, and shows the figures beside their limits', () => {
    const { checks } = planMigrationDraft(facts());
    expect(checks.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(checks.map(({ code, figure, threshold }) => [code, figure, threshold])).toEqual([
      ['tenant_status', null, null],
      ['job_running', null, null],
      ['placement_not_active', null, null],
      ['nodes_acknowledge', 5, 5],
      ['inflight_too_high', 3, 200],
      ['consumer_lag_too_high', 0, 5_000],
      ['target_storage_full', 61, 90],
      ['target_full', 10, 60_000],
    ]);
  });

  it('keeps live figures out of what is approved', () => {
    const now = new Date();
    const hash = (fields: Partial<MigrationFacts>) =>
      planOf(planMigrationDraft(facts(fields)), now).plan_hash;
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.nat(5_000),
        fc.integer({ min: 99, max: 1e9 }),
        fc.nat(59_999),
        fc.nat(90),
        (inflight, consumer_lag, placement_revision, count, used) => {
          const source = node('aggregate', 3, {
            tenant: { inflight, consumer_lag },
            status: { placement_revision },
          });
          const target = node('aggregate', 1, {
            status: { storage: { ok: true, used_bytes: used, capacity_bytes: 100 } },
          });
          const nodes = replaced(source).map((each) => (each.node_id === target.node_id ? target : each));
          expect(
            hash({ nodes, target_tenant_count: count, drain_history: [{ units: 5 + inflight, seconds: 2 }] }),
          ).toBe(hash({}));
        },
      ),
    );
  });

  it('is another plan when the placement, the tenant or a finding is another', () => {
    const now = new Date();
    const hash = (fields: Partial<MigrationFacts>) =>
      planOf(planMigrationDraft(facts(fields)), now).plan_hash;
    const variants = [
      hash({}),
      hash({ placement: { record, revision: 98 } }),
      hash({ placement: { record: { ...record, epoch: 18 }, revision: 99 } }),
      hash({ tenant: { ...facts().tenant, revision: 5 } }),
      hash({ target_shard: 'agg-2' }),
      hash({ target_tenant_count: 60_000 }),
      hash({ nodes: replaced(node('aggregate', 2, { state: 'unreachable' })) }),
    ];
    expect(new Set(variants).size).toBe(variants.length);
  });

  it.each(TENANT_STATUSES)('goes by the table of actions when the tenant is %s', (status) => {
    const allowed: readonly string[] = TENANT_ACTIONS.migrate.from;
    const found = blockers({ tenant: { ...facts().tenant, status } }).map(({ code }) => code);
    expect(found).toEqual(allowed.includes(status) ? [] : ['tenant_status']);
  });

  it('is blocked at one above each limit and not at it', () => {
    const source = (tenant: Partial<NodeTenant>) => ({ nodes: replaced(node('aggregate', 3, { tenant })) });
    expect(blockers(source({ inflight: 200, consumer_lag: 5_000 }))).toEqual([]);
    expect(blockers(source({ inflight: 201 }))).toMatchObject([
      { code: 'inflight_too_high', figure: 201, threshold: 200 },
    ]);
    expect(blockers(source({ consumer_lag: 18_204 }))).toMatchObject([
      {
        code: 'consumer_lag_too_high',
        message: 'prod-agg-3 lags 18,204 events, more than 5,000 allowed.',
        unit: 'events',
      },
    ]);
    expect(blockers({ target_tenant_count: 59_999 })).toEqual([]);
    expect(blockers({ target_tenant_count: 60_000 })).toMatchObject([{ code: 'target_full' }]);
  });

  it('may start on a node that drains, and may not end on one', () => {
    const draining = (number: number) => ({
      nodes: replaced(
        node('aggregate', number, { state: 'draining', tenant: number === 3 ? { state: 'draining' } : {} }),
      ),
    });
    expect(blockers(draining(3))).toEqual([]);
    expect(blockers(draining(1))).toMatchObject([{ code: 'node_draining', subject: { id: 'prod-agg-1' } }]);
  });

  it('is blocked when no node is known to hold the source', () => {
    expect(blockers({ placement: { record: { ...record, shard: 'agg-7' }, revision: 99 } })).toMatchObject([
      { code: 'source_unknown' },
    ]);
  });

  it('expects the drain to take as long as earlier ones did', () => {
    const [, drain] = planMigrationDraft(facts({ drain_history: [{ units: 6, seconds: 2 }] })).steps;
    expect(drain).toMatchObject({ name: 'drain', eta_s: 1, time_box_s: 60 });
  });
});

describe('the choice of a shard for a new tenant', () => {
  const nodes = [node('aggregate', 1), node('aggregate', 2), node('aggregate', 3)];

  it('is the least loaded, the first among equals', () => {
    const counts = new Map([
      ['agg-1', 5],
      ['agg-2', 3],
      ['agg-3', 3],
    ]);
    expect(leastLoadedShard(nodes, counts, DEFAULT_THRESHOLDS)).toEqual({ shard: 'agg-2', reason: null });
  });

  it('passes over shards that cannot take one, and says why when none can', () => {
    const unfit = [
      node('aggregate', 1, { state: 'unreachable' }),
      node('aggregate', 2, { status: { storage: { ok: true, used_bytes: 95, capacity_bytes: 100 } } }),
      node('aggregate', 3),
    ];
    expect(leastLoadedShard(unfit, new Map([['agg-3', 7]]), DEFAULT_THRESHOLDS).shard).toBe('agg-3');
    expect(leastLoadedShard(unfit, new Map([['agg-3', 60_000]]), DEFAULT_THRESHOLDS)).toEqual({
      shard: null,
      reason:
        'prod-agg-1 is unreachable; the storage of prod-agg-2 is full; agg-3 has 60000 tenants, as many as are allowed',
    });
    expect(leastLoadedShard([], new Map(), DEFAULT_THRESHOLDS)).toEqual({
      shard: null,
      reason: 'there is no such node',
    });
  });
});
