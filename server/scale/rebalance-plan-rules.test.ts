import { describe, expect, it } from 'vitest';
import { planOf } from '#server/jobs/plan-rules.ts';
import type { NodeFacts } from './preflight-rules.ts';
import type { PlacedTenant, RebalanceFacts } from './rebalance-facts.ts';
import { planRebalanceDraft } from './rebalance-plan-rules.ts';
import { DEFAULT_THRESHOLDS } from './scale-settings.ts';

const node = (name: string, state: NodeFacts['state'] = 'ready'): NodeFacts => ({
  node_id: `prod-${name}`,
  kind: 'aggregate',
  state,
  problem: state === 'ready' ? null : `prod-${name} is ${state}.`,
  shards: [name],
  status: null,
  checks: [],
  tenant: null,
});
const placed = (index: number, shard: string, overrides: Partial<PlacedTenant> = {}): PlacedTenant => ({
  tenant_id: `tenant-${String(index).padStart(4, '0')}`,
  shard,
  state: 'active',
  epoch: 1,
  job_id: null,
  status: 'active',
  plan: 'gold',
  contact_email: null,
  held: false,
  ...overrides,
});
const crowd = (count: number, overrides: Partial<PlacedTenant> = {}): PlacedTenant[] =>
  Array.from({ length: count }, (_, index) => placed(index, 'agg-1', overrides));

const facts = (overrides: Partial<RebalanceFacts> = {}): RebalanceFacts => ({
  request: { environment: 'prod', service: 'aggregate', max_moves: 1_000, improvement_threshold: 0.05 },
  placements: crowd(4),
  nodes: [node('agg-1'), node('agg-2')],
  index: { state: 'live', detail: null },
  live_jobs: [],
  seconds_per_move: null,
  thresholds: DEFAULT_THRESHOLDS,
  ...overrides,
});
const plan = (overrides: Partial<RebalanceFacts> = {}) =>
  planOf(planRebalanceDraft(facts(overrides)).draft, new Date(0));

describe('the plan of a rebalance', () => {
  it('lists some hundreds of moves and gives the number of the rest, but its hash covers all', () => {
    const made = plan({ placements: crowd(500) });
    expect(made.input['moves']).toBe(250);
    expect(made.changes).toHaveLength(2 + 200 + 1);
    expect(made.changes.at(-1)?.path).toBe('50 more tenants');
    expect(made.blast_radius.tenants).toHaveLength(200);
    expect(made.blast_radius.tenants_not_listed).toBe(50);
    expect(planRebalanceDraft(facts({ placements: crowd(500) })).input.moves).toHaveLength(250);

    const moved = new Set(made.blast_radius.tenants.map(({ tenant_id }) => tenant_id));
    const { moves } = planRebalanceDraft(facts({ placements: crowd(500) })).input;
    const unlisted = moves.find(({ tenant_id }) => !moved.has(tenant_id))?.tenant_id;
    const changed = crowd(500).map((each) => (each.tenant_id === unlisted ? { ...each, epoch: 2 } : each));
    const other = plan({ placements: changed });
    expect(other.changes).toEqual(made.changes);
    expect(other.plan_hash).not.toBe(made.plan_hash);
  });

  it.each<[string, Partial<PlacedTenant>]>([
    ['is held by a job', { held: true }],
    ['is held in its placement', { job_id: 'drain' }],
    ['is drained', { state: 'draining', job_id: 'drain' }],
    ['is archived', { status: 'archived' }],
    ['is unknown to the control plane', { status: null }],
  ])('does not move a tenant that %s', (_name, overrides) => {
    const made = plan({ placements: crowd(4, overrides) });
    expect(made.blockers.map(({ message }) => message)).toEqual([
      'No tenant may be moved; the shard that is furthest off is 100 % from the average.',
    ]);
    expect(made.checks).toContainEqual(
      expect.objectContaining({
        code: 'tenants_stay',
        message: '4 of 4 tenants may not be moved now: not active, or held by a job',
      }),
    );
  });

  it('names a shard that nobody holds, and leaves its tenants where they are', () => {
    const made = plan({ placements: [...crowd(4), placed(99, 'agg-9')] });
    expect(made.changes.map(({ path }) => path)).not.toContain('tenant-0099');
    expect(made.warnings.map(({ message }) => message)).toEqual([
      'No node is known to hold agg-9, with 1 tenant; no move touches it.',
    ]);
    expect(made.blockers).toEqual([]);
  });

  it('fills no shard above its capacity', () => {
    const made = plan({
      placements: crowd(9),
      thresholds: { ...DEFAULT_THRESHOLDS, max_tenants_per_shard: 4 },
    });
    expect(made.changes.slice(0, 2)).toEqual([
      { path: 'agg-1 tenants', before: 9, after: 5 },
      { path: 'agg-2 tenants', before: 0, after: 4 },
    ]);
  });

  it('does not trust an index that is not live', () => {
    const index = { state: 'down' as const, detail: 'No replica has heard of the placement store for 40 s.' };
    expect(plan({ index }).blockers).toMatchObject([
      {
        code: 'placement_index_not_live',
        message:
          'The placement index of prod is down (No replica has heard of the placement store for 40 s), so nobody knows what the shards carry.',
      },
    ]);
  });

  it('expects to take as long as the busiest node needs for its moves', () => {
    const made = plan({ placements: crowd(8), seconds_per_move: 3 });
    expect(made.steps.find(({ name }) => name === 'move')).toMatchObject({
      title: 'Migrate 4 tenants, at most 2 at a time on a node',
      undo_title: 'Let the moves in flight come to their end; what has moved stays',
      eta_s: 6,
    });
  });
});
