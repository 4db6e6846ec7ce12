import { expect, it } from 'vitest';
import { JOB_STATES, LIVE_JOB_STATES, type Job, type JobListItem, type JobStep } from '#contract/jobs.ts';
import { exitOf, jobLines, listLines, traceLine } from './job-lines.ts';

const item: JobListItem = {
  job_id: '018f0000-0000-7000-8000-000000000001',
  parent_job_id: null,
  kind: 'migrate_tenant',
  title: 'Migrate acme',
  state: 'failed_rolled_back',
  environment: 'prod',
  tenant_id: 'acme',
  target_type: 'tenant',
  target_id: 'acme',
  reason: 'CHG-4711',
  created_by: 'owner@example.com',
  step_count: 2,
  steps_done: 1,
  current_step: null,
  cancel_requested_at: null,
  error: { code: 'timed_out', message: 'agg-3 still had 3 in flight.', step: 'drain' },
  created_at: '2026-03-01T09:30:05.123456Z',
  started_at: '2026-03-01T09:30:05.200000Z',
  finished_at: '2026-03-01T09:31:12.200000Z',
};
const step: JobStep = {
  step_index: 0,
  name: 'check',
  title: 'Check the nodes',
  state: 'succeeded',
  attempts: 1,
  undo_title: null,
  undo_attempts: 0,
  point_of_no_return: false,
  time_box_s: 30,
  progress: null,
  error: null,
  started_at: '2026-03-01T09:30:05.200000Z',
  finished_at: '2026-03-01T09:30:05.700000Z',
  undo_started_at: null,
  undo_finished_at: null,
};
const job: Job = {
  ...item,
  plan: null,
  plan_hash: null,
  input: {},
  result: null,
  steps: [step, { ...step, step_index: 1, title: 'Drain acme', state: 'undone', finished_at: null }],
  stuck: null,
  request_id: 'r-1',
  trace_id: null,
};

it('says of a job what it is, how each step went, and how it ended', () => {
  expect(jobLines(job)).toBe(`Migrate acme
job 018f0000-0000-7000-8000-000000000001, migrate tenant in prod
begun by owner@example.com, 2026-03-01 09:30:05 UTC: CHG-4711

STEP  STATE      TOOK
1     succeeded  0.5 s  Check the nodes
2     undone     —      Drain acme

Failed; everything was undone. 1 of 2 steps done. It took 1 min 7 s.
agg-3 still had 3 in flight.`);
});

it('lists jobs in columns, and says when there are none', () => {
  expect(listLines([item]).split('\n')).toEqual([
    'JOB                                   STATE               CREATED                  BY                 TITLE',
    '018f0000-0000-7000-8000-000000000001  failed rolled back  2026-03-01 09:30:05 UTC  owner@example.com  Migrate acme',
  ]);
  expect(listLines([])).toBe('No jobs.');
});

it('names the outcome of what did not succeed', () => {
  const event = {
    type: 'trace' as const,
    sequence: 7,
    occurred_at: '2026-03-01T09:30:05.123456Z',
    action: 'jobs.step.run',
    actor: 'system',
    summary: 'Drain acme',
    details: {},
  };
  expect(traceLine({ ...event, outcome: 'succeeded' })).toBe('09:30:05  jobs.step.run  Drain acme');
  expect(traceLine({ ...event, outcome: 'failed' })).toBe('09:30:05  jobs.step.run failed  Drain acme');
});

it('ends the watch of a job with 0 only where it succeeded, and goes on only while the job does', () => {
  const exits = JOB_STATES.map((state) => [state, exitOf(state)] as const);
  expect(exits.filter(([, exit]) => exit === 0).map(([state]) => state)).toEqual(['succeeded']);
  expect(exits.filter(([, exit]) => exit === null).map(([state]) => state)).toEqual(
    LIVE_JOB_STATES.filter((state) => state !== 'stuck'),
  );
  expect(exitOf('stuck')).toBe(6);
});
