import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PlacementState } from '#contract/placement-record.ts';
import { FaultBoard } from './faults.ts';
import { NodeState } from './node-state.ts';
import { PlacementMirror } from './placement-mirror.ts';
import { LAYOUT, nodeInSlot } from './topology.ts';

const LONGEST_DELAY = 300;
const LONGEST_DRAIN = 3_000;
const FAR = 10_000_000;

describe('a simulated node', () => {
  let now: number;
  let faults: FaultBoard;
  let source: { mirror: PlacementMirror | null };

  beforeEach(() => {
    now = 1_000_000;
    faults = new FaultBoard();
    const mirror = new PlacementMirror(100);
    mirror.load('aggregate', 'acme', { shard: 'agg-1', state: 'active' });
    mirror.load('aggregate', 'other', { shard: 'agg-1', state: 'active' });
    mirror.load('projection', 'acme', { shard: 'prj-1', state: 'active' });
    source = { mirror };
  });

  const node = (name: string): NodeState => {
    const [prefix, slot] = name.split('-');
    const service = LAYOUT.find((each) => each.prefix === prefix);
    if (service === undefined) throw new Error(`no node ${name}`);
    const spec = nodeInSlot('dev', service.kind, Number(slot), { version: service.version, region: 'eu-1' });
    return new NodeState({ spec, source, faults, clock: () => now, speed: 1 });
  };

  const place = (
    revision: number,
    tenant_id: string,
    shard: string | null,
    state: PlacementState = 'active',
  ): void => {
    source.mirror?.apply(revision, now, 'aggregate', tenant_id, shard === null ? null : { shard, state });
  };

  it('serves the tenants placed on its shard, and says that others are absent', () => {
    expect(node('agg-1').tenant('acme')).toMatchObject({
      state: 'active',
      placement_revision: 100,
      blockers: [],
    });
    expect(node('agg-1').tenant('acme').inflight).toBeGreaterThan(0);
    expect(node('agg-2').tenant('acme')).toMatchObject({ state: 'absent', inflight: 0, consumer_lag: 0 });
    expect(node('prj-1').tenant('acme').consumer_lag).toBeGreaterThan(0);
    expect(node('gw-1').tenant('acme').state).toBe('active');
  });

  it('applies a change only after its delay, and answers as of what it has applied until then', () => {
    const nodes = [node('agg-1'), node('agg-2')] as const;
    for (const each of nodes) each.advance();
    place(101, 'acme', 'agg-2');
    now += 40;
    expect(nodes[0].tenant('acme')).toMatchObject({ state: 'active', placement_revision: 100 });
    expect(nodes[1].tenant('acme')).toMatchObject({ state: 'absent', placement_revision: 100 });
    now += LONGEST_DELAY;
    expect(nodes[0].tenant('acme')).toMatchObject({ state: 'absent', placement_revision: 101 });
    expect(nodes[1].tenant('acme')).toMatchObject({ state: 'active', placement_revision: 101 });
  });

  it('applies what was delivered at once when told to', () => {
    const target = node('agg-2');
    target.advance();
    place(101, 'acme', 'agg-2');
    target.advance(true);
    expect(target.tenant('acme')).toMatchObject({ state: 'active', placement_revision: 101 });
  });

  it('drains a tenant to nothing, and takes it back on resume', () => {
    const source_ = node('agg-1');
    const first = source_.drainTenant('acme', now + FAR);
    expect(first.state).toBe('draining');
    now += LONGEST_DRAIN;
    expect(source_.tenant('acme')).toMatchObject({ state: 'drained', inflight: 0, consumer_lag: 0 });
    expect(source_.resumeTenant('acme').state).toBe('active');
    expect(source_.resumeTenant('acme').state).toBe('active');
  });

  it('does not begin again when a drain is repeated', () => {
    const draining = node('agg-1');
    draining.drainTenant('acme', now + FAR);
    now += LONGEST_DRAIN;
    expect(draining.drainTenant('acme', now + FAR).state).toBe('drained');
  });

  it('names a drain that is past its deadline, but does not end it', () => {
    faults.add({ node_id: 'dev-agg-1', fault: 'drain_stalls' });
    const draining = node('agg-1');
    draining.drainTenant('acme', now + 1_000);
    expect(draining.tenant('acme').blockers).toEqual([]);
    now += LONGEST_DRAIN;
    expect(draining.tenant('acme')).toMatchObject({
      state: 'draining',
      blockers: [{ code: 'drain_overdue' }],
    });
  });

  it('refuses to drain or resume a tenant that is not here', () => {
    expect(() => node('agg-2').drainTenant('acme', now + FAR)).toThrow(
      expect.objectContaining({ status: 409 }),
    );
    expect(() => node('agg-2').resumeTenant('acme')).toThrow(expect.objectContaining({ status: 409 }));
  });

  it('takes no new work for a tenant whose record is draining or moving, whatever was resumed', () => {
    for (const state of ['draining', 'moving'] as const) {
      const holding = node('agg-1');
      holding.advance();
      place((source.mirror?.head ?? 0) + 1, 'acme', 'agg-1', state);
      holding.advance(true);
      expect(holding.resumeTenant('acme').state).toBe('draining');
      now += LONGEST_DRAIN;
      expect(holding.tenant('acme').state).toBe('drained');
      place((source.mirror?.head ?? 0) + 1, 'acme', 'agg-1', 'active');
      holding.advance(true);
      expect(holding.tenant('acme').state).toBe('active');
    }
  });

  it('takes no new work for a tenant whose record is draining while another one attacks', () => {
    const aggregate = node('agg-1');
    aggregate.advance();
    faults.add({ environment: 'dev', fault: 'tenant_attacks', tenant_id: 'other' });
    place(101, 'acme', 'agg-1', 'draining');
    now += LONGEST_DELAY + LONGEST_DRAIN;
    expect(aggregate.tenant('acme')).toMatchObject({ state: 'drained', inflight: 0 });
  });

  it('keeps a requested drain when the record turns active', () => {
    const holding = node('agg-1');
    holding.drainTenant('acme', now + FAR);
    place(101, 'acme', 'agg-1', 'draining');
    place(102, 'acme', 'agg-1', 'active');
    holding.advance(true);
    expect(holding.tenant('acme').state).toBe('draining');
  });

  it('has nothing in flight for a tenant that arrives while moving', () => {
    const target = node('agg-2');
    target.advance();
    place(101, 'acme', 'agg-2', 'moving');
    target.advance(true);
    expect(target.tenant('acme')).toMatchObject({ state: 'drained', inflight: 0 });
  });

  it('gets no requests of a tenant that it takes no new work for', () => {
    const serving = node('agg-1');
    const rate = serving.requestRate();
    const acme = serving.tenantRate('acme');
    serving.drainTenant('acme', now + FAR);
    expect(serving.tenantRate('acme')).toBe(0);
    expect(serving.requestRate()).toBeCloseTo(rate - acme, 9);
    serving.resumeTenant('acme');
    expect(serving.requestRate()).toBeCloseTo(rate, 9);
  });

  it('forgets a drain when the tenant leaves', () => {
    const origin = node('agg-1');
    origin.drainTenant('acme', now + FAR);
    place(101, 'acme', 'agg-2');
    origin.advance(true);
    place(102, 'acme', 'agg-1');
    origin.advance(true);
    expect(origin.tenant('acme').state).toBe('active');
  });

  it('drains as a whole and resumes as a whole', () => {
    const draining = node('agg-1');
    draining.drainNode();
    expect(draining.status().draining).toBe(true);
    expect(draining.ready().ready).toBe(false);
    now += LONGEST_DRAIN;
    expect(draining.status().inflight).toBe(0);
    expect(draining.tenant('acme').state).toBe('drained');
    expect(draining.requestRate()).toBe(0);
    draining.resumeNode();
    expect(draining.requestRate()).toBeGreaterThan(0);
    expect(draining.status()).toMatchObject({ draining: false });
    expect(draining.ready().ready).toBe(true);
  });

  it('reports load that follows its placements, by increments as by a full read', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.constantFrom('t1', 't2', 't3', 'acme'), fc.constantFrom('agg-1', 'agg-2', null)),
          { maxLength: 40 },
        ),
        (moves) => {
          source = { mirror: new PlacementMirror(1) };
          const following = node('agg-1');
          following.advance();
          for (const [tenant_id, shard] of moves) place((source.mirror?.head ?? 0) + 1, tenant_id, shard);
          following.advance(true);
          const fresh = node('agg-1');
          const { requests_per_second, ...counts } = following.load();
          const { requests_per_second: expectedRate, ...expected } = fresh.load();
          expect(counts).toEqual(expected);
          expect(requests_per_second).toBeCloseTo(expectedRate, 6);
        },
      ),
    );
  });

  it('uses more storage the more tenants it holds', () => {
    const holding = node('agg-1');
    const before = holding.status().storage.used_bytes;
    place(101, 'third', 'agg-1');
    holding.advance(true);
    expect(holding.status().storage.used_bytes).toBeGreaterThan(before);
  });

  it('ranks its largest tenants, and none of another shard', () => {
    const mirror = new PlacementMirror(1);
    for (let index = 0; index < 500; index += 1) {
      mirror.load('aggregate', `tenant-${index}`, { shard: `agg-${1 + (index % 2)}`, state: 'active' });
    }
    source = { mirror };
    const ranking = node('agg-1').largestTenants(20);
    const all = Array.from({ length: 250 }, (_, index) => `tenant-${index * 2}`);
    const rates = (tenants: string[]): number[] =>
      tenants.map((tenant_id) => node('agg-1').tenantRate(tenant_id));
    expect(rates(ranking)).toEqual(
      rates(all)
        .toSorted((left, right) => right - left)
        .slice(0, 20),
    );
  });

  it('runs a rebuild once, and shows it as lag until it is done', () => {
    const projection = node('prj-1');
    const before = projection.status().consumer_lag;
    const started = projection.rebuild('orders', null);
    now += 100;
    expect(projection.rebuild('orders', null)).toEqual(started);
    expect(projection.status().consumer_lag).toBeGreaterThan(before + 1_000);
    now += 4_000;
    expect(projection.rebuild('orders', null).started_at).not.toBe(started.started_at);
  });

  it('says that it is not ready, instead of that a tenant is absent, before its placements are loaded', () => {
    source.mirror = null;
    const starting = node('agg-1');
    expect(starting.ready()).toMatchObject({ ready: false });
    expect(() => starting.tenant('acme')).toThrow(expect.objectContaining({ status: 503 }));
  });

  it('keeps its drains when the placements are read anew, unless the tenant has left', () => {
    const origin = node('agg-1');
    origin.drainTenant('acme', now + FAR);
    origin.drainTenant('other', now + FAR);
    const fresh = new PlacementMirror(500);
    fresh.load('aggregate', 'acme', { shard: 'agg-1', state: 'active' });
    fresh.load('aggregate', 'other', { shard: 'agg-3', state: 'active' });
    source.mirror = fresh;
    expect(origin.tenant('acme')).toMatchObject({ state: 'draining', placement_revision: 500 });
    expect(origin.tenant('other').state).toBe('absent');
  });

  describe('with a fault', () => {
    it('drain_stalls: never gets to nothing, for the named tenant only', () => {
      faults.add({ node_id: 'dev-agg-1', fault: 'drain_stalls', tenant_id: 'acme' });
      const draining = node('agg-1');
      draining.drainTenant('acme', now + FAR);
      draining.drainTenant('other', now + FAR);
      now += 100 * LONGEST_DRAIN;
      expect(draining.tenant('acme').state).toBe('draining');
      expect(draining.tenant('acme').inflight).toBeGreaterThan(0);
      expect(draining.tenant('other').state).toBe('drained');
    });

    it('storage_unhealthy and storage_full: show in the status', () => {
      const failing = node('agg-1');
      const fault = faults.add({ node_id: 'dev-agg-1', fault: 'storage_unhealthy' });
      expect(failing.status().storage.ok).toBe(false);
      expect(failing.ready().ready).toBe(false);
      expect(failing.tenant('acme').blockers).toMatchObject([{ code: 'storage_unhealthy' }]);
      faults.remove(fault.id);
      faults.add({ node_id: 'dev-agg-1', fault: 'storage_full' });
      const { storage } = failing.status();
      expect(storage).toMatchObject({ ok: true, used_bytes: storage.capacity_bytes });
    });

    it('high_lag and high_inflight: report the value, for the node or for one tenant', () => {
      const loaded = node('prj-1');
      faults.add({ node_id: 'dev-prj-1', fault: 'high_lag', value: 90_000 });
      faults.add({ node_id: 'dev-prj-1', fault: 'high_inflight', tenant_id: 'acme', value: 700 });
      expect(loaded.status().consumer_lag).toBe(90_000);
      expect(loaded.status().inflight).toBeLessThan(700);
      expect(loaded.tenant('acme')).toMatchObject({ consumer_lag: 90_000, inflight: 700 });
    });

    it('never_acknowledges: stays where it was, even through a reload and a full read, until the fault ends', () => {
      const frozen = node('agg-1');
      frozen.advance();
      const fault = faults.add({ node_id: 'dev-agg-1', fault: 'never_acknowledges' });
      place(101, 'acme', 'agg-2');
      now += LONGEST_DELAY;
      frozen.advance(true);
      expect(frozen.tenant('acme')).toMatchObject({ state: 'active', placement_revision: 100 });
      source.mirror = new PlacementMirror(900);
      expect(frozen.tenant('acme')).toMatchObject({ state: 'active', placement_revision: 100 });
      faults.remove(fault.id);
      expect(frozen.tenant('acme')).toMatchObject({ state: 'absent', placement_revision: 900 });
    });

    it('refuses_resume and wrong_tenant_state: lie as told', () => {
      const lying = node('agg-1');
      lying.drainTenant('acme', now + FAR);
      faults.add({ node_id: 'dev-agg-1', fault: 'refuses_resume' });
      expect(() => lying.resumeTenant('acme')).toThrow(expect.objectContaining({ status: 500 }));
      faults.add({ node_id: 'dev-agg-1', fault: 'wrong_tenant_state', tenant_id: 'acme' });
      expect(lying.tenant('acme').state).toBe('absent');
    });
  });
});
