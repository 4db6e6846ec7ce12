import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeReady, NodeStatus } from '#contract/node.ts';
import { NodeCallError, type NodeAddress } from './node-admin.ts';
import { judgeNode, nodeCallProblem, type Answer } from './node-rules.ts';

const address: NodeAddress = {
  node_id: 'prod-agg-1',
  kind: 'aggregate',
  environment: 'prod',
  url: 'http://127.0.0.1:1',
};
const status = (fields: Partial<NodeStatus> = {}): Answer<NodeStatus> => ({
  ok: true,
  value: {
    node_id: 'prod-agg-1',
    kind: 'aggregate',
    environment: 'prod',
    version: '1',
    git_sha: 'a',
    shards: ['agg-1'],
    placement_revision: 3,
    definitions_digest: null,
    config_revision: 0,
    draining: false,
    inflight: 1,
    consumer_lag: 0,
    storage: { ok: true, used_bytes: 1, capacity_bytes: 2 },
    ...fields,
  },
});
const ready = (
  checks: NodeReady['checks'] = [{ name: 'storage', ok: true, detail: 'fine' }],
): Answer<NodeReady> => ({
  ok: true,
  value: { ready: checks.every(({ ok }) => ok), checks },
});
const failed = (code: NodeCallError['code'], path = '/admin/status'): Answer<never> => ({
  ok: false,
  error: new NodeCallError(code, {
    node_id: 'prod-agg-1',
    path,
    status: code === 'bad_status' ? 500 : null,
    detail: 'so it is',
  }),
});

describe('what is made of the answers of a node', () => {
  it('calls a node ready that answers both and has no failing check', () => {
    expect(judgeNode(address, { status: status(), ready: ready() })).toEqual({
      state: 'ready',
      problem: null,
    });
  });

  it.each([
    [failed('timeout'), ready(), 'unreachable', 'prod-agg-1 does not answer /admin/status: so it is.'],
    [failed('unreachable'), ready(), 'unreachable', 'prod-agg-1 cannot be reached: so it is.'],
    [failed('bad_status'), ready(), 'not_ready', 'prod-agg-1 answers /admin/status with 500: so it is.'],
    [
      failed('bad_response'),
      ready(),
      'lying',
      'prod-agg-1 answers /admin/status against the node contract: so it is.',
    ],
    [status(), failed('timeout', '/ready'), 'unreachable', 'prod-agg-1 does not answer /ready: so it is.'],
    [
      failed('timeout'),
      failed('bad_response', '/ready'),
      'lying',
      'prod-agg-1 answers /ready against the node contract: so it is.',
    ],
    [
      status({ kind: 'runner' }),
      ready(),
      'lying',
      'prod-agg-1 says that it is of kind runner instead of aggregate.',
    ],
    [
      status({ environment: 'dev' }),
      ready(),
      'lying',
      'prod-agg-1 says that it is of environment dev instead of prod.',
    ],
    [
      status(),
      ready([{ name: 'storage', ok: false, detail: 'broken' }]),
      'not_ready',
      'prod-agg-1 is not ready (storage: broken).',
    ],
    [
      status({ draining: true }),
      ready([{ name: 'accepting_work', ok: false, detail: 'drains' }]),
      'draining',
      'prod-agg-1 drains and takes no new work.',
    ],
    [
      status({ draining: true }),
      ready([
        { name: 'accepting_work', ok: false, detail: 'drains' },
        { name: 'storage', ok: false, detail: 'broken' },
      ]),
      'not_ready',
      'prod-agg-1 is not ready (accepting_work: drains; storage: broken).',
    ],
  ] as const)('%j and %j make it %s', (statusAnswer, readyAnswer, state, problem) => {
    expect(judgeNode(address, { status: statusAnswer, ready: readyAnswer })).toEqual({ state, problem });
  });

  it('says ready without a problem, and anything else with one', () => {
    const statuses = fc.constantFrom(
      status(),
      status({ draining: true }),
      status({ kind: 'gateway' }),
      failed('timeout'),
      failed('bad_response'),
      failed('bad_status'),
    );
    const readies = fc.constantFrom(
      ready(),
      ready([{ name: 'x', ok: false, detail: 'y' }]),
      failed('timeout'),
      failed('unreachable'),
    );
    fc.assert(
      fc.property(statuses, readies, (statusAnswer, readyAnswer) => {
        const verdict = judgeNode(address, { status: statusAnswer, ready: readyAnswer });
        expect(verdict.state === 'ready').toBe(verdict.problem === null);
        if (!statusAnswer.ok || !readyAnswer.ok || !readyAnswer.value.ready)
          expect(verdict.state).not.toBe('ready');
      }),
    );
  });

  it('names an error that is none of the node', () => {
    expect(nodeCallProblem(new Error('no memory'))).toBe('could not be asked: no memory');
  });
});
