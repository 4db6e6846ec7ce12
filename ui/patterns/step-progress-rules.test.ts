import { describe, expect, it } from 'vitest';
import { readStepProgress } from './step-progress-rules.ts';

describe('the progress of a step', () => {
  it('is a drain, node by node, when it counts what is in flight', () => {
    const node = {
      node_id: 'agg-3',
      state: 'draining',
      inflight: 4,
      inflight_at_start: 9,
      eta_s: 2,
      problem: null,
    };
    expect(readStepProgress({ ...node, nodes: [node] })).toMatchObject({
      kind: 'drain',
      nodes: [{ node_id: 'agg-3', drained: false, inflight: 4, inflight_at_start: 9, consumer_lag: null }],
    });
  });

  it('keeps a node that did not answer as unknown, not as empty', () => {
    const node = { node_id: 'agg-3', state: null, inflight: null, problem: 'did not answer' };
    expect(readStepProgress({ ...node, nodes: [node] })).toMatchObject({
      nodes: [{ inflight: null, problem: 'did not answer' }],
    });
  });

  it('is acknowledgements when the nodes acknowledge a revision', () => {
    const nodes = [{ node_id: 'gw-1', acknowledged: true, placement_revision: 5, problem: null }];
    expect(readStepProgress({ revision: 5, nodes })).toMatchObject({
      kind: 'nodes',
      verb: 'acknowledged',
      revision: 5,
      nodes: [{ done: true }],
    });
  });

  it('is what nodes say of a tenant while it is verified', () => {
    const checks = [{ node_id: 'agg-1', state: 'absent', ok: false, problem: 'says that it is absent' }];
    expect(readStepProgress({ checks })).toMatchObject({ verb: 'as expected', nodes: [{ done: false }] });
  });

  it('is the moves of a rebalance, with what is in flight and what failed', () => {
    const in_flight = [{ tenant_id: 'acme', from: 'agg-1', to: 'agg-2', job_id: 'j1' }];
    const failed = [{ tenant_id: 'duff', job_id: null, problem: 'Another job holds duff.' }];
    expect(readStepProgress({ total: 5, moved: 2, left: 1, in_flight, failed, eta_s: 9 })).toEqual({
      kind: 'moves',
      total: 5,
      moved: 2,
      left: 1,
      in_flight,
      failed,
      eta_s: 9,
    });
  });

  it('is a rollout, with why its tasks do not run', () => {
    const waiting = [{ task_id: 't1', slot: 4, state: 'pending', message: 'no suitable host' }];
    const failed = [{ task_id: 't2', slot: 2, state: 'failed', error: 'exit code 137' }];
    expect(readStepProgress({ wanted: 4, running: 3, leaving: 1, waiting, failed, monitor_s: 5 })).toEqual({
      kind: 'rollout',
      wanted: 4,
      running: 3,
      leaving: 1,
      healthy_for_s: null,
      monitor_s: 5,
      problems: [
        { task_id: 't2', slot: 2, text: 'exit code 137', failed: true },
        { task_id: 't1', slot: 4, text: 'no suitable host', failed: false },
      ],
    });
  });

  it('is nothing when its shape is not known', () => {
    for (const unknown of [null, 3, 'x', [], {}, { nodes: [1] }, { checks: 'no' }])
      expect(readStepProgress(unknown)).toBeNull();
  });

  it('is what a step waits to pass, as it was said', () => {
    const problem = 'The placement store of prod fails: it is away.';
    expect(readStepProgress({ problem })).toEqual({ kind: 'waiting', problem });
  });
});
