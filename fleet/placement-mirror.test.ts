import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLACEMENT_STATES, SERVICE_KINDS } from '#contract/placement-record.ts';
import { PlacementMirror, type Cell } from './placement-mirror.ts';

const cell = fc.record({
  shard: fc.constantFrom('a-1', 'a-2', 'a-3'),
  state: fc.constantFrom(...PLACEMENT_STATES),
});
const write = fc.record({
  service: fc.constantFrom(...SERVICE_KINDS),
  tenant_id: fc.constantFrom('t1', 't2', 't3', 't4'),
  cell: fc.option(cell),
  gap: fc.integer({ min: 1, max: 3 }),
});

describe('the placement mirror', () => {
  it('answers as of every revision that is still needed, like a copy taken at the time', () => {
    fc.assert(
      fc.property(
        fc.array(write, { maxLength: 30 }),
        fc.array(write, { maxLength: 60 }),
        fc.nat(),
        (before, writes, pick) => {
          const mirror = new PlacementMirror(10);
          const truth = new Map<string, Cell | null>();
          for (const { service, tenant_id, cell: loaded } of before) {
            if (loaded !== null) {
              mirror.load(service, tenant_id, loaded);
              truth.set(`${service}.${tenant_id}`, loaded);
            }
          }
          const copies = [{ revision: 10, truth: new Map(truth) }];
          let revision = 10;
          for (const { service, tenant_id, cell: written, gap } of writes) {
            revision += gap;
            mirror.apply(revision, revision, service, tenant_id, written);
            truth.set(`${service}.${tenant_id}`, written);
            copies.push({ revision, truth: new Map(truth) });
          }
          const needed = copies.slice(pick % copies.length);
          mirror.forget(needed[0]?.revision ?? 0);
          for (const copy of needed) {
            for (const service of SERVICE_KINDS) {
              for (const tenant_id of ['t1', 't2', 't3', 't4', 'unknown']) {
                const expected = copy.truth.get(`${service}.${tenant_id}`) ?? null;
                expect(mirror.cellAt(service, tenant_id, copy.revision)).toEqual(expected);
              }
            }
          }
        },
      ),
    );
  });

  it('grows past its first size without losing a placement', () => {
    const mirror = new PlacementMirror(0);
    for (let index = 0; index < 5_000; index += 1) {
      mirror.load('runner', `tenant-${index}`, { shard: `run-${index % 40}`, state: 'active' });
    }
    expect(mirror.tenantCount).toBe(5_000);
    expect(mirror.cellAt('runner', 'tenant-4999', 0)).toEqual({ shard: 'run-39', state: 'active' });
    expect(mirror.cellAt('runner', 'tenant-1', 0)).toEqual({ shard: 'run-1', state: 'active' });
    expect(mirror.cellAt('aggregate', 'tenant-1', 0)).toBeNull();
    expect([...mirror.placed('runner')]).toHaveLength(5_000);
  });

  it('drops changes that nobody needs any more', () => {
    const mirror = new PlacementMirror(0);
    for (let revision = 1; revision <= 1_000; revision += 1) {
      mirror.apply(revision, 0, 'aggregate', 'acme', { shard: 'agg-1', state: 'active' });
      mirror.forget(revision - 3);
    }
    expect(mirror.keptChanges).toBeLessThan(10);
  });
});
