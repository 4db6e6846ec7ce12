import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  expectedNodes,
  mayRun,
  type KnownPlatform,
  type KnownService,
  type KnownTask,
} from './expected-nodes-rules.ts';
import { TASK_STATES } from '#contract/fleet.ts';
import type { NodeSettings } from './scale-settings.ts';

const service = (fields: Partial<KnownService> = {}): KnownService => ({
  service_id: 'agg',
  name: 'dev-aggregate',
  kind: 'aggregate',
  replicas_desired: 1,
  ...fields,
});
const task = (fields: Partial<KnownTask> = {}): KnownTask => ({
  task_id: 't1',
  service_id: 'agg',
  slot: 1,
  host_id: 'h1',
  region: 'eu-1',
  node_id: 'agg-1',
  state: 'running',
  wanted: true,
  url: 'http://10.0.0.1:8080',
  message: 'started',
  created_at: '2026-01-01T00:00:00Z',
  ...fields,
});
const platform = (fields: Partial<KnownPlatform>): KnownPlatform => ({
  environment: 'dev',
  configured: [],
  unread: null,
  services: [service()],
  tasks: [task()],
  ...fields,
});
const shown = (fields: Partial<KnownPlatform>) =>
  expectedNodes(platform(fields)).map(({ node_id, url, absent }) => [node_id, url ?? absent]);

describe('the nodes that are expected', () => {
  it('are those of the tasks that run, with where they answer', () => {
    expect(expectedNodes(platform({}))).toEqual([
      {
        node_id: 'agg-1',
        kind: 'aggregate',
        environment: 'dev',
        url: 'http://10.0.0.1:8080',
        labels: { region: 'eu-1' },
        task: { task_id: 't1', service_id: 'agg', host_id: 'h1' },
      },
    ]);
  });

  it('are one of each kind that nobody knows, before the orchestrator was ever read', () => {
    const nodes = expectedNodes(platform({ unread: 'not read yet' }));
    expect(nodes.map(({ kind, url, absent }) => [kind, url, absent])).toEqual([
      ['gateway', null, 'not read yet'],
      ['aggregate', null, 'not read yet'],
      ['projection', null, 'not read yet'],
      ['runner', null, 'not read yet'],
    ]);
  });

  it('include a task that has not said which node it is, which can acknowledge nothing', () => {
    expect(shown({ tasks: [task({ node_id: null })] })).toEqual([
      ['dev-aggregate.1', 'task t1 has not said yet which node it is'],
    ]);
  });

  it('include a node under its last name while its task is replaced', () => {
    const failed = task({ state: 'failed', wanted: false, url: null });
    expect(shown({ tasks: [failed] })).toEqual([['agg-1', 'dev-aggregate is to have 1 tasks and has 0']]);
    const next = task({
      task_id: 't2',
      node_id: null,
      state: 'preparing',
      url: null,
      message: 'pulling',
      created_at: '2026-01-02T00:00:00Z',
    });
    expect(shown({ tasks: [failed, next] })).toEqual([['agg-1', 'its task t2 is preparing (pulling)']]);
    expect(shown({ tasks: [failed, { ...next, state: 'running', url: 'http://new' }] })).toEqual([
      ['agg-1', 'task t2 has not said yet which node it is'],
    ]);
  });

  it('include a task that is not wanted any more until it has ended', () => {
    const leaving = task({ wanted: false });
    const next = task({ task_id: 't2', url: 'http://new', created_at: '2026-01-02T00:00:00Z' });
    expect(shown({ tasks: [leaving, next] })).toEqual([
      ['agg-1', 'http://10.0.0.1:8080'],
      ['agg-1', 'http://new'],
    ]);
    expect(shown({ tasks: [{ ...leaving, state: 'shutdown' }, next] })).toEqual([['agg-1', 'http://new']]);
  });

  it('do not include what was scaled away and has ended', () => {
    const gone = task({ task_id: 't2', slot: 2, node_id: 'agg-2', state: 'shutdown', wanted: false });
    expect(shown({ tasks: [task(), gone] })).toEqual([['agg-1', 'http://10.0.0.1:8080']]);
  });

  it('include configured nodes, once where the orchestrator runs them', () => {
    const configured = (node_id: string): NodeSettings => ({
      node_id,
      kind: 'aggregate',
      environment: 'dev',
      url: 'http://configured',
      labels: {},
    });
    expect(shown({ configured: [configured('agg-1'), configured('agg-9')] })).toEqual([
      ['agg-9', 'http://configured'],
      ['agg-1', 'http://10.0.0.1:8080'],
    ]);
  });

  it('are never fewer than the service wants, and every process that may run is among them', () => {
    const tasks = fc.array(
      fc.record({
        slot: fc.integer({ min: 1, max: 4 }),
        state: fc.constantFrom(...TASK_STATES),
        wanted: fc.boolean(),
        known: fc.boolean(),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(tasks, fc.integer({ min: 0, max: 4 }), (given, replicas_desired) => {
        const known = given.map(({ slot, state, wanted, known: has }, index) =>
          task({
            task_id: `t${index}`,
            slot,
            state,
            wanted:
              wanted &&
              [
                'new',
                'pending',
                'assigned',
                'accepted',
                'preparing',
                'ready',
                'starting',
                'running',
              ].includes(state),
            node_id: has ? `agg-${slot}` : null,
          }),
        );
        const nodes = expectedNodes(platform({ services: [service({ replicas_desired })], tasks: known }));
        expect(nodes.length).toBeGreaterThanOrEqual(replicas_desired);
        for (const { task_id, state } of known) {
          if (mayRun(state)) expect(nodes.some((node) => node.task?.task_id === task_id)).toBe(true);
        }
        // Whoever has an address has said which node it is.
        expect(nodes.every(({ url, absent }) => (url === null) === (absent !== undefined))).toBe(true);
      }),
    );
  });
});
