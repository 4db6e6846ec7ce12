import { describe, expect, it } from 'vitest';
import type { OrchestratorService, OrchestratorTask } from './orchestrator.ts';
import {
  describeUnfinished,
  judgeRollout,
  NOTHING_SEEN,
  type RolloutMemory,
  type RolloutTarget,
} from './rollout-rules.ts';

const target: RolloutTarget = {
  service_id: 'svc',
  task_spec_digest: 'new',
  replicas: 2,
  ended_before: ['long-ago'],
};

const service = (fields: Partial<OrchestratorService> = {}): OrchestratorService => ({
  service_id: 'svc',
  version: 7,
  name: 'aggregate',
  mode: 'replicated',
  image: 'app:2',
  digest: null,
  labels: {},
  replicas_desired: 2,
  task_spec_digest: 'new',
  spec_digest: 'spec',
  update_policy: {
    parallelism: 1,
    delay_s: 0,
    failure_action: 'pause',
    monitor_s: 5,
    max_failure_ratio: 0,
    order: 'stop-first',
  },
  update: { state: 'none', message: null, started_at: null, completed_at: null },
  spec: 'sealed',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  ...fields,
});

const updating = (state: OrchestratorService['update']['state'], message: string | null = null) => ({
  update: { state, message, started_at: null, completed_at: null },
});

const task = (slot: number, fields: Partial<OrchestratorTask> = {}): OrchestratorTask => ({
  task_id: `task-${slot}`,
  service_id: 'svc',
  host_id: 'host-1',
  slot,
  state: 'running',
  desired_state: 'running',
  image: 'app:2',
  digest: null,
  task_spec_digest: 'new',
  url: null,
  message: null,
  error: null,
  state_since: '2026-01-01T00:00:10Z',
  created_at: '2026-01-01T00:00:10Z',
  ...fields,
});

interface Look {
  service?: OrchestratorService | null;
  tasks: OrchestratorTask[];
  lost?: string[];
  at_s: number;
}

/** Judges looks in turn, as a job does, with a monitor window of 5 s; answers what the last one said. */
function judge(looks: Look[], of: RolloutTarget = target) {
  let memory: RolloutMemory = NOTHING_SEEN;
  let judged: ReturnType<typeof judgeRollout> | undefined;
  for (const { service: seen = service(), tasks, lost = [], at_s } of looks) {
    const look = { service: seen, tasks, lost_hosts: new Set(lost), now_ms: at_s * 1000 };
    judged = judgeRollout(of, memory, look, 5);
    ({ memory } = judged);
  }
  if (judged === undefined) throw new Error('no look');
  return judged;
}

const both = [task(1), task(2)];
const failed = task(2, {
  task_id: 'broken',
  state: 'failed',
  desired_state: 'shutdown',
  error: 'exit 1',
  created_at: '2026-01-01T00:00:05Z',
});

describe('a rollout', () => {
  it('is done when every task has run the wanted specification for the monitor window', () => {
    expect(judge([{ tasks: both, at_s: 0 }]).verdict).toEqual({ kind: 'progress' });
    expect(
      judge([
        { tasks: both, at_s: 0 },
        { tasks: both, at_s: 4.9 },
      ]).verdict.kind,
    ).toBe('progress');
    expect(
      judge([
        { tasks: both, at_s: 0 },
        { tasks: both, at_s: 5 },
      ]).verdict.kind,
    ).toBe('done');
  });

  it('begins its window anew when a task stops running in between', () => {
    const pending = [task(1), task(2, { state: 'starting' })];
    const looks = [
      { tasks: both, at_s: 0 },
      { tasks: pending, at_s: 3 },
      { tasks: both, at_s: 4 },
      { tasks: both, at_s: 8 },
    ];
    expect(judge(looks).verdict.kind).toBe('progress');
    expect(judge([...looks, { tasks: both, at_s: 9 }]).verdict.kind).toBe('done');
  });

  it.each([
    ['a task of the old specification', [task(1), task(2, { task_spec_digest: 'old' })]],
    ['a task too many', [...both, task(3)]],
    ['an old task that has not stopped', [...both, task(1, { task_id: 'old', desired_state: 'shutdown' })]],
  ])('is not done with %s', (_what, tasks) => {
    expect(
      judge([
        { tasks, at_s: 0 },
        { tasks, at_s: 60 },
      ]).verdict.kind,
    ).toBe('progress');
  });

  it('is not done while the orchestrator still updates', () => {
    const seen = service(updating('updating'));
    const looks = [0, 60].map((at_s) => ({ service: seen, tasks: both, at_s }));
    expect(judge(looks).verdict.kind).toBe('progress');
  });

  it('does not wait for an old task on a host that is gone', () => {
    const tasks = [...both, task(1, { task_id: 'old', desired_state: 'shutdown', host_id: 'host-2' })];
    const looks = [0, 5].map((at_s) => ({ tasks, lost: ['host-2'], at_s }));
    expect(judge(looks).verdict.kind).toBe('done');
  });

  it('fails at the first failed task where the policy allows none, and names it', () => {
    expect(judge([{ tasks: [...both, failed], at_s: 0 }]).verdict).toEqual({
      kind: 'failed',
      reason: 'tasks_failed',
      message: '1 of 2 tasks failed (task 2 failed: exit 1).',
    });
  });

  it('allows the share of failures that the policy allows, counted over the whole rollout', () => {
    const lenient = service({ update_policy: { ...service().update_policy, max_failure_ratio: 0.5 } });
    const again = { ...failed, task_id: 'broken-again', created_at: '2026-01-01T00:00:06Z' };
    expect(judge([{ service: lenient, tasks: [...both, failed], at_s: 0 }]).verdict.kind).toBe('progress');
    // The orchestrator may have forgotten the first by then.
    const looks = [
      { service: lenient, tasks: [...both, failed], at_s: 0 },
      { service: lenient, tasks: [...both, again], at_s: 1 },
    ];
    expect(judge(looks).verdict).toMatchObject({ reason: 'tasks_failed' });
  });

  it('begins its window anew after a failure that the policy allows, though all tasks run at each look', () => {
    const lenient = service({ update_policy: { ...service().update_policy, max_failure_ratio: 0.5 } });
    const looks = [
      { service: lenient, tasks: both, at_s: 0 },
      { service: lenient, tasks: [...both, failed], at_s: 4 },
      { service: lenient, tasks: [...both, failed], at_s: 8 },
    ];
    expect(judge(looks).verdict.kind).toBe('progress');
    expect(judge([...looks, { service: lenient, tasks: both, at_s: 9 }]).verdict.kind).toBe('done');
  });

  it('counts a task that ended by itself and was not replaced', () => {
    const ended = task(2, { state: 'complete', desired_state: 'shutdown' });
    expect(judge([{ tasks: [task(1), ended], at_s: 0 }]).verdict).toMatchObject({ reason: 'tasks_failed' });
  });

  it('counts neither what failed before it, nor tasks of another specification, nor those scaled away', () => {
    const before = { ...failed, task_id: 'long-ago' };
    const other = { ...failed, task_id: 'old', task_spec_digest: 'old' };
    const away = task(3, { state: 'complete', desired_state: 'remove' });
    const tasks = [...both, before, other, away];
    expect(
      judge([
        { tasks, at_s: 0 },
        { tasks, at_s: 5 },
      ]).verdict.kind,
    ).toBe('done');
  });

  it.each([
    ['rollback_started', 'rolled_back'],
    ['rollback_completed', 'rolled_back'],
    ['rollback_paused', 'rollback_paused'],
    ['paused', 'paused'],
  ] as const)('fails when the orchestrator says %s, even if all its tasks run', (state, reason) => {
    const seen = service(updating(state, 'update paused due to failure'));
    const looks = [0, 60].map((at_s) => ({ service: seen, tasks: both, at_s }));
    expect(judge(looks).verdict).toMatchObject({ kind: 'failed', reason });
    expect(JSON.stringify(judge(looks).verdict)).toContain('update paused due to failure');
  });

  it('fails when somebody else changes the service meanwhile', () => {
    const changed = service({ task_spec_digest: 'newer' });
    expect(judge([{ service: changed, tasks: both, at_s: 0 }]).verdict).toMatchObject({
      reason: 'superseded',
    });
    const scaled = service({ replicas_desired: 3 });
    expect(judge([{ service: scaled, tasks: both, at_s: 0 }]).verdict).toMatchObject({
      reason: 'superseded',
    });
  });

  it('fails when the service is gone', () => {
    expect(judge([{ service: null, tasks: [], at_s: 0 }]).verdict).toMatchObject({ reason: 'service_gone' });
  });

  it('to no replicas is done when nothing runs any more', () => {
    const none = { ...target, replicas: 0 };
    const seen = service({ replicas_desired: 0 });
    const stopping = [task(1, { desired_state: 'remove' })];
    const still = [0, 60].map((at_s) => ({ service: seen, tasks: stopping, at_s }));
    expect(judge(still, none).verdict.kind).toBe('progress');
    const gone = [0, 5].map((at_s) => ({ service: seen, tasks: [], at_s }));
    expect(judge(gone, none).verdict.kind).toBe('done');
  });

  it('of a global service wants all that the orchestrator wants, and at least one', () => {
    const everywhere = { ...target, replicas: null };
    const seen = service({ mode: 'global', replicas_desired: null });
    const none = [0, 60].map((at_s) => ({ service: seen, tasks: [], at_s }));
    expect(judge(none, everywhere).verdict.kind).toBe('progress');
    const looks = [0, 5].map((at_s) => ({ service: seen, tasks: [...both, task(3)], at_s }));
    expect(judge(looks, everywhere).verdict.kind).toBe('done');
  });

  it('says what stands in the way when it is out of time', () => {
    const waiting = task(2, { state: 'pending', host_id: null, error: 'no suitable node' });
    const { figures } = judge([{ tasks: [task(1), waiting], at_s: 0 }]);
    expect(figures && describeUnfinished(figures)).toBe(
      '1 of 2 tasks run as wanted; task 2 is pending (no suitable node).',
    );
    const well = judge([{ tasks: both, at_s: 0 }]).figures;
    expect(well && describeUnfinished(well)).toBe('2 of 2 tasks run as wanted; but not for 5 s together.');
  });
});
