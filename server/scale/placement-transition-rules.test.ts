import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlacementRecord } from '#contract/placement-record.ts';
import * as rules from './placement-transition-rules.ts';
import { stageOf, type Move, type Verdict } from './placement-transition-rules.ts';

type Rule = (record: PlacementRecord | null, move: Move) => Verdict;

const move: Move = {
  job_id: 'job',
  tenant_id: 'acme',
  service: 'aggregate',
  shard: 'agg-3',
  target_shard: 'agg-1',
  epoch: 17,
};
const home: PlacementRecord = {
  tenant_id: 'acme',
  service: 'aggregate',
  shard: 'agg-3',
  state: 'active',
  epoch: 17,
  job_id: null,
  updated_at: '2026-01-01T00:00:00Z',
};

/** What the placement is after the rule, or 'changed' when the rule refuses it. */
function apply(rule: Rule, record: PlacementRecord | null): PlacementRecord | null | 'changed' {
  const verdict = rule(record, move);
  if (verdict.kind === 'changed') return 'changed';
  if (verdict.kind === 'keep') return record;
  return verdict.kind === 'delete' ? null : { ...verdict.record, updated_at: home.updated_at };
}

const FORWARD: Rule[] = [rules.hold, rules.placeOnTarget, rules.serveOnTarget];
const BACK: Rule[] = [rules.placeBack, rules.serveOnSource, rules.release];

const strayRecord = fc.record({
  tenant_id: fc.constant('acme'),
  service: fc.constant('aggregate' as const),
  shard: fc.constantFrom('agg-1', 'agg-2', 'agg-3'),
  state: fc.constantFrom('active' as const, 'draining' as const, 'moving' as const),
  epoch: fc.integer({ min: 15, max: 21 }),
  job_id: fc.constantFrom(null, 'job', 'another'),
  updated_at: fc.constant(home.updated_at),
});

/** Where a move may have left the placement, by the table in the rules. */
const STAGES: PlacementRecord[] = [
  home,
  { ...home, state: 'draining', job_id: 'job' },
  { ...home, shard: 'agg-1', state: 'moving', epoch: 18, job_id: 'job' },
  { ...home, shard: 'agg-1', epoch: 18 },
  { ...home, state: 'moving', epoch: 19, job_id: 'job' },
  { ...home, epoch: 19 },
];
const anyRecord = fc.oneof(strayRecord, fc.constantFrom(...STAGES));

describe('what a job writes into a placement', () => {
  it('goes forward from home to the target', () => {
    const end = FORWARD.reduce<PlacementRecord | null>(
      (record, rule) => apply(rule, record) as PlacementRecord,
      home,
    );
    expect(end).toMatchObject({ shard: 'agg-1', state: 'active', epoch: 18, job_id: null });
  });

  it('is never served by two: no rule makes a shard active in one write while the other one is', () => {
    fc.assert(
      fc.property(anyRecord, fc.constantFrom(...FORWARD, ...BACK), (record, rule) => {
        const after = apply(rule, record);
        if (after === 'changed' || after === null || record.state !== 'active') return;
        if (after.shard !== record.shard) expect(after.state).not.toBe('active');
      }),
    );
  });

  it('may be repeated: what a rule wrote it keeps', () => {
    fc.assert(
      fc.property(anyRecord, fc.constantFrom(...FORWARD, ...BACK), (record, rule) => {
        const once = apply(rule, record);
        fc.pre(once !== 'changed');
        // Placing back has a fence in between, which is kept until the nodes have heard of it.
        expect(apply(rule, once)).toEqual(once);
      }),
    );
  });

  it('comes home from wherever it was stopped, each write repeated any number of times', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 6, maxLength: 6 }),
        (steps, times) => {
          let record: PlacementRecord | null = home;
          const path: Rule[] = [...FORWARD.slice(0, steps), ...BACK];
          for (const [index, rule] of path.entries()) {
            for (let time = 0; time < (times[index] ?? 1); time += 1) {
              const after = apply(rule, record);
              expect(after).not.toBe('changed');
              record = after as PlacementRecord;
            }
          }
          expect(record).toMatchObject({
            shard: 'agg-3',
            state: 'active',
            job_id: null,
            epoch: steps < 2 ? 17 : 19,
          });
        },
      ),
    );
  });

  it('never touches a record that is none of its own', () => {
    fc.assert(
      fc.property(
        strayRecord,
        fc.constantFrom(...FORWARD, ...BACK, rules.remove, rules.releaseInPlace),
        (record, rule) => {
          fc.pre(stageOf(record, move) === null);
          expect(apply(rule, record)).toBe('changed');
        },
      ),
    );
  });

  it('never takes the epoch back', () => {
    fc.assert(
      fc.property(anyRecord, fc.constantFrom(...FORWARD, ...BACK), (record, rule) => {
        const after = apply(rule, record);
        if (after !== 'changed' && after !== null) expect(after.epoch).toBeGreaterThanOrEqual(record.epoch);
      }),
    );
  });

  it('removes only what it holds, and puts it back one epoch on', () => {
    const removal: Move = { ...move, target_shard: move.shard };
    const held = { ...home, state: 'draining' as const, job_id: 'job' };
    expect(rules.remove(home, removal)).toEqual({ kind: 'changed' });
    expect(rules.remove(held, removal)).toEqual({ kind: 'delete' });
    expect(rules.remove(null, removal)).toEqual({ kind: 'keep' });
    expect(rules.restore(null, removal)).toMatchObject({
      kind: 'write',
      record: { shard: 'agg-3', state: 'active', epoch: 18, job_id: null },
    });
    expect(rules.restore(held, removal)).toEqual({ kind: 'keep' });
  });

  it('creates where nothing is, and takes away only its own', () => {
    const wanted = { ...home, epoch: 1, job_id: 'job' };
    expect(rules.create(null, wanted, false)).toEqual({ kind: 'write', record: wanted });
    expect(rules.create(home, wanted, false)).toEqual({ kind: 'changed' });
    expect(rules.create(home, wanted, true)).toEqual({ kind: 'keep' });
    expect(rules.removeCreated(home, false)).toEqual({ kind: 'keep' });
    expect(rules.removeCreated(home, true)).toEqual({ kind: 'delete' });
    expect(rules.settleCreated(wanted, 'job')).toMatchObject({ kind: 'write', record: { job_id: null } });
    expect(rules.settleCreated({ ...wanted, job_id: 'another' }, 'job')).toEqual({ kind: 'changed' });
  });

  it('resumes only what the drain left, goes back to exactly that, and says the same when it is repeated', () => {
    const resumption = { ...move, job_id: 'resume', held_by: 'drain' };
    const drained = { ...home, state: 'draining' as const, job_id: 'drain' };
    const step = (rule: typeof rules.resume, record: PlacementRecord) => {
      const verdict = rule(record, resumption);
      if (verdict.kind === 'keep') return record;
      return verdict.kind === 'write' ? { ...verdict.record, updated_at: home.updated_at } : verdict.kind;
    };
    const resuming = { ...home, job_id: 'resume' };
    expect(step(rules.resume, drained)).toEqual(resuming);
    expect(step(rules.resume, resuming)).toEqual(resuming);
    expect(step(rules.settleResumed, resuming)).toEqual(home);
    expect(step(rules.settleResumed, home)).toEqual(home);
    for (const record of [drained, resuming, home]) expect(step(rules.holdAgain, record)).toEqual(drained);
    fc.assert(
      fc.property(anyRecord, (record) => {
        const left = [drained, resuming, home].some(
          (known) => JSON.stringify(known) === JSON.stringify(record),
        );
        for (const rule of [rules.resume, rules.settleResumed, rules.holdAgain])
          if (!left) expect(step(rule, record)).toBe('changed');
      }),
    );
  });
});
