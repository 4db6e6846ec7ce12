import { describe, expect, it } from 'vitest';
import type { ChildState } from '#server/jobs/child-jobs.ts';
import { judgeMoves, roundsOf, type MoveLimits } from './rebalance-progress-rules.ts';

const holders = { a: ['node-a'], b: ['node-b'], c: ['node-c'] };
const move = (tenant_id: string, from: 'a' | 'b' | 'c', to: 'a' | 'b' | 'c') => ({
  tenant_id,
  from,
  to,
  epoch: 1,
});
const limits = (overrides: Partial<MoveLimits> = {}): MoveLimits => ({
  moves: [move('t1', 'a', 'b'), move('t2', 'a', 'b'), move('t3', 'a', 'c'), move('t4', 'c', 'b')],
  holders,
  max_moves_per_node: 2,
  max_failed_moves: 2,
  ...overrides,
});
const child = (tenant_id: string, state: ChildState['state'], message?: string): ChildState => ({
  job_id: `job-${tenant_id}`,
  tenant_id,
  state,
  error: message === undefined ? null : { code: 'x', message, step: null },
});
const ids = (moves: readonly { tenant_id: string }[]) => moves.map(({ tenant_id }) => tenant_id);
const none = new Map<string, string>();

describe('the progress of a rebalance', () => {
  it('begins no more moves at a time than each node may take part in, and goes past one that has to wait', () => {
    const first = judgeMoves(limits(), [], none);
    expect(ids(first.next)).toEqual(['t1', 't2']);
    const wide = limits({ moves: [move('t1', 'a', 'b'), move('t2', 'a', 'b'), move('t3', 'c', 'b')] });
    expect(ids(judgeMoves({ ...wide, max_moves_per_node: 1 }, [], none).next)).toEqual(['t1']);
    const apart = limits({
      moves: [move('t1', 'a', 'b'), move('t2', 'a', 'c'), move('t3', 'c', 'd' as 'c')],
    });
    expect(ids(judgeMoves({ ...apart, max_moves_per_node: 1 }, [], none).next)).toEqual(['t1', 't3']);
  });

  it('counts those in flight, and begins the next when one has ended', () => {
    const running = [child('t1', 'running'), child('t2', 'undoing')];
    expect(judgeMoves(limits(), running, none)).toMatchObject({ next: [], ended: false });
    const moved = judgeMoves(limits(), [child('t1', 'succeeded'), child('t2', 'running')], none);
    expect(ids(moved.moved)).toEqual(['t1']);
    expect(ids(moved.next)).toEqual(['t3', 't4']);
    expect(moved.ended).toBe(false);
  });

  it('goes on over a failed move and stops beginning at the limit, but waits for those in flight', () => {
    const one = judgeMoves(limits(), [child('t1', 'failed_rolled_back', 'It stalled.')], none);
    expect(one.failed).toEqual([{ tenant_id: 't1', job_id: 'job-t1', problem: 'It stalled.' }]);
    expect(ids(one.next)).toEqual(['t2', 't3', 't4']);
    const refused = new Map([['t2', 'Another job holds t2.']]);
    const two = judgeMoves(limits(), [child('t1', 'stuck'), child('t3', 'running')], refused);
    expect(two.failed).toEqual([
      { tenant_id: 't1', job_id: 'job-t1', problem: 'It is stuck.' },
      { tenant_id: 't2', job_id: null, problem: 'Another job holds t2.' },
    ]);
    expect(two).toMatchObject({ next: [], ended: false });
    const three = judgeMoves(limits(), [child('t1', 'stuck'), child('t3', 'succeeded')], refused);
    expect(three.ended).toBe(true);
    expect(ids(three.left)).toEqual(['t4']);
  });

  it('believes a job more than a refusal: the one that began it may have lost its connection', () => {
    const refused = new Map([['t1', 'Another job holds t1.']]);
    expect(judgeMoves(limits(), [child('t1', 'running')], refused).failed).toEqual([]);
  });

  it('ends when nothing is left', () => {
    const all = ['t1', 't2', 't3', 't4'].map((tenant_id) => child(tenant_id, 'succeeded'));
    expect(judgeMoves(limits(), all, none)).toMatchObject({ ended: true, left: [], failed: [] });
  });

  it('takes as many rounds as its busiest node needs', () => {
    expect(roundsOf(limits())).toBe(2);
    expect(roundsOf(limits({ max_moves_per_node: 1 }))).toBe(3);
    expect(roundsOf(limits({ moves: [] }))).toBe(0);
  });
});
