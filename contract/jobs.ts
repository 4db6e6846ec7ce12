/** Jobs and plans: every change is a job; a high-impact one is planned first and runs as a durable sequence of steps (design 5). */
import { Type, type Static } from 'typebox';
import {
  Environment,
  listQuery,
  Mutated,
  Nullable,
  OneOf,
  Page,
  Reason,
  Slug,
  Timestamp,
  Uuid,
} from './common.ts';
import { endpoint } from './endpoint.ts';

export const JOB_STATES = [
  'queued',
  'running',
  'undoing',
  'succeeded',
  'failed_rolled_back',
  'cancelled_rolled_back',
  'failed_kept',
  'cancelled_kept',
  'stuck',
] as const;
export type JobState = (typeof JOB_STATES)[number];
/** A job in one of these states still holds its target. */
export const LIVE_JOB_STATES = [
  'queued',
  'running',
  'undoing',
  'stuck',
] as const satisfies readonly JobState[];
/** Which state allows which action; the server's guard and the UI's disabled reason read this table. */
export const JOB_ACTIONS = {
  cancel: ['queued', 'running'],
  retry: ['stuck'],
  skip: ['stuck'],
} as const satisfies Record<string, readonly JobState[]>;
export type JobAction = keyof typeof JOB_ACTIONS;
/** Which state follows which. `kept`: ended before its end, and what was done until then, or a part of it, stays, as the plan said. */
export const JOB_TRANSITIONS = {
  queued: ['running', 'undoing', 'cancelled_rolled_back'],
  running: ['undoing', 'succeeded', 'stuck'],
  undoing: ['failed_rolled_back', 'cancelled_rolled_back', 'failed_kept', 'cancelled_kept', 'stuck'],
  succeeded: [],
  failed_rolled_back: [],
  cancelled_rolled_back: [],
  failed_kept: [],
  cancelled_kept: [],
  stuck: ['undoing', 'running'],
} as const satisfies Record<JobState, readonly JobState[]>;

export const STEP_STATES = [
  'pending',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'undoing',
  'undone',
  'undo_failed',
  'undo_skipped',
] as const;
export type StepState = (typeof STEP_STATES)[number];

/** What a check, blocker or warning is about. */
export const Subject = Type.Object({
  type: OneOf([
    'tenant',
    'node',
    'host',
    'shard',
    'service',
    'environment',
    'job',
    'user',
    'role',
    'sessions',
    'approval_policy',
  ]),
  id: Type.String(),
});

/** One preflight check with its figure. A failed check is a blocker (stops the plan) or a warning (must be acknowledged). */
export const Check = Type.Object({
  code: Type.String({ description: 'Stable name: consumer_lag_too_high, target_full, node_not_ready, …' }),
  level: OneOf(['ok', 'warning', 'blocker']),
  message: Type.String({ description: 'One sentence with the subject, the figure and the threshold' }),
  subject: Subject,
  figure: Nullable(Type.Number()),
  threshold: Nullable(Type.Number()),
  unit: Nullable(Type.String()),
});
export type Check = Static<typeof Check>;

export const PlanStep = Type.Object({
  name: Type.String(),
  title: Type.String(),
  undo_title: Nullable(
    Type.String({
      description: 'What its undo does; null when it changes nothing or is a point of no return',
    }),
  ),
  point_of_no_return: Type.Boolean(),
  changes_nothing: Type.Boolean(),
  time_box_s: Type.Number({ description: 'Given up and undone after this many seconds' }),
  eta_s: Nullable(Type.Number({ description: 'Expected seconds, from the observed rate' })),
});
export type PlanStep = Static<typeof PlanStep>;

/** Whose live sessions a plan ends, as of when it was made. Sessions come and go, so that this is shown and not a part of the hash. */
export const TouchedPeople = Type.Object({
  sessions: Type.Integer({ description: 'Live sessions that end' }),
  own: OneOf(['none', 'kept', 'ends'], {
    description: 'Whether the session that made the plan fits, and whether it ends too',
  }),
  users: Type.Integer({ description: 'Our users among their owners' }),
  first_users: Type.Array(Type.String(), { description: 'Emails of those with the most sessions' }),
  end_users: Type.Integer({ description: 'End users of tenants among their owners' }),
  first_end_users: Type.Array(
    Type.Object({ end_user_id: Type.String(), tenant_id: Type.String(), environment: Type.String() }),
    { description: 'Those with the most sessions' },
  ),
  tenants: Type.Integer({
    description: 'Tenants, each counted once an environment, whose end users they are',
  }),
  first_tenants: Type.Array(
    Type.Object({ tenant_id: Type.String(), environment: Type.String(), sessions: Type.Integer() }),
    { description: 'Those with the most sessions' },
  ),
});
export type TouchedPeople = Static<typeof TouchedPeople>;

export const Change = Type.Object({ path: Type.String(), before: Type.Unknown(), after: Type.Unknown() });
export type Change = Static<typeof Change>;

/**
 * A plan. `plan_hash` is the sha-256 of the RFC 8785 canonical form of what an operator approves: kind, input, steps, changes,
 * blocker and warning codes with their subjects, blast radius and the revisions read. Live figures, people, estimates and times are left out, so
 * that a plan does not drift because a queue moved by one.
 */
export const Plan = Type.Object({
  kind: Type.String(),
  title: Type.String(),
  environment: Nullable(Environment),
  target: Subject,
  input: Type.Record(Type.String(), Type.Unknown()),
  steps: Type.Array(PlanStep),
  changes: Type.Array(Change),
  checks: Type.Array(Check),
  blockers: Type.Array(Check),
  warnings: Type.Array(Check),
  blast_radius: Type.Object({
    tenants: Type.Array(
      Type.Object({ tenant_id: Type.String(), plan: Type.String(), contact_email: Nullable(Type.String()) }),
    ),
    tenants_not_listed: Type.Optional(
      Type.Integer({ description: 'Tenants beyond those listed, where they are too many to list' }),
    ),
    nodes: Type.Array(Type.String()),
    services: Type.Array(Type.String()),
    people: Type.Optional(TouchedPeople),
  }),
  revisions: Type.Record(Type.String(), Type.Union([Type.Integer(), Type.String()]), {
    description: 'What was read, and at which revision',
  }),
  rollback: Type.String({ description: 'How to get back after it has succeeded' }),
  plan_hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  created_at: Timestamp,
  expires_at: Timestamp,
});
export type Plan = Static<typeof Plan>;
/** A plan as a domain's rules make it, before it is hashed and dated. */
export type PlanDraft = Omit<Plan, 'plan_hash' | 'created_at' | 'expires_at' | 'blockers' | 'warnings'>;

export const PlanHash = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'plan_hash of the plan that was read',
});

export const JobError = Type.Object({
  code: Type.String(),
  message: Type.String(),
  step: Nullable(Type.String()),
});
export type JobError = Static<typeof JobError>;

export const JobStep = Type.Object({
  step_index: Type.Integer(),
  name: Type.String(),
  title: Type.String(),
  state: OneOf(STEP_STATES),
  attempts: Type.Integer(),
  undo_title: Nullable(Type.String()),
  undo_attempts: Type.Integer(),
  point_of_no_return: Type.Boolean(),
  time_box_s: Type.Number(),
  progress: Type.Unknown({
    description: 'Live figures of the step: work left, ETA, acknowledgements by node',
  }),
  error: Nullable(JobError),
  started_at: Nullable(Timestamp),
  finished_at: Nullable(Timestamp),
  undo_started_at: Nullable(Timestamp),
  undo_finished_at: Nullable(Timestamp),
});
export type JobStep = Static<typeof JobStep>;

export const JobListItem = Type.Object({
  job_id: Uuid,
  parent_job_id: Nullable(Type.String({ format: 'uuid', description: 'The job that started this one' })),
  kind: Type.String({
    description: 'What it does: migrate_tenant, provision_tenant, or the action of an atomic change',
  }),
  title: Type.String(),
  state: OneOf(JOB_STATES),
  environment: Nullable(Type.String()),
  tenant_id: Nullable(Type.String()),
  target_type: Type.String(),
  target_id: Type.String(),
  reason: Nullable(Type.String()),
  created_by: Type.String({ description: 'Email of who started it, or the system' }),
  step_count: Type.Integer(),
  steps_done: Type.Integer(),
  current_step: Nullable(Type.String()),
  cancel_requested_at: Nullable(Timestamp),
  error: Nullable(JobError),
  created_at: Timestamp,
  started_at: Nullable(Timestamp),
  finished_at: Nullable(Timestamp),
});
export type JobListItem = Static<typeof JobListItem>;

export const Job = Type.Object({
  ...JobListItem.properties,
  plan: Nullable(Plan),
  plan_hash: Nullable(Type.String()),
  input: Type.Unknown(),
  result: Type.Unknown(),
  steps: Type.Array(JobStep),
  stuck: Nullable(
    Type.Object({
      sentence: Type.String({ description: 'What is left half done, and where' }),
      step: Type.String(),
      during: OneOf(['run', 'undo']),
    }),
  ),
  request_id: Type.String(),
  trace_id: Nullable(Type.String()),
});
export type Job = Static<typeof Job>;

/** One message of a job's event stream. `trace` messages carry the audit sequence as their id, so `Last-Event-ID` resumes them. */
export const JobEvent = Type.Union([
  Type.Object({ type: Type.Literal('job'), job: Job }),
  Type.Object({
    type: Type.Literal('trace'),
    sequence: Type.Integer(),
    occurred_at: Timestamp,
    action: Type.String(),
    outcome: Type.String(),
    actor: Type.String(),
    summary: Type.String(),
    details: Type.Unknown(),
  }),
]);
export type JobEvent = Static<typeof JobEvent>;

const params = Type.Object({ job_id: Uuid });
const reasonBody = Type.Object({ reason: Reason }, { additionalProperties: false });

export const listJobs = endpoint({
  id: 'jobs.list',
  method: 'GET',
  path: '/admin/v1/jobs',
  summary: 'List jobs, newest first',
  permission: 'jobs.view',
  scope: 'filtered',
  step_up: 'none',
  query: listQuery(['created_at'], {
    state: Type.Optional(OneOf([...JOB_STATES, 'live', 'ended'])),
    kind: Type.Optional(Type.String({ maxLength: 64 })),
    type: Type.Optional(
      OneOf(['planned', 'atomic'], {
        description: 'planned: jobs with steps; atomic: changes that were done at once',
      }),
    ),
    environment: Type.Optional(Environment),
    tenant_id: Type.Optional(Slug),
    parent_job_id: Type.Optional(Uuid),
    q: Type.Optional(Type.String({ maxLength: 100 })),
  }),
  response: Page(JobListItem),
  status: 200,
});
export const getJob = endpoint({
  id: 'jobs.get',
  method: 'GET',
  path: '/admin/v1/jobs/:job_id',
  summary: 'One job: plan, steps with state and times, result',
  permission: 'jobs.view',
  scope: 'filtered',
  step_up: 'none',
  params,
  response: Job,
  status: 200,
  problems: ['not_found'],
});
export const cancelJob = endpoint({
  id: 'jobs.cancel',
  method: 'POST',
  path: '/admin/v1/jobs/:job_id/cancel',
  summary: 'Stop before the next step and undo',
  permission: 'jobs.cancel',
  scope: 'filtered',
  step_up: 'none',
  params,
  body: reasonBody,
  response: Mutated({}),
  status: 202,
  problems: ['not_found', 'action_not_allowed'],
});
export const retryJob = endpoint({
  id: 'jobs.retry',
  method: 'POST',
  path: '/admin/v1/jobs/:job_id/retry',
  summary: 'Try again what a stuck job is stuck at',
  permission: 'jobs.resolve',
  scope: 'filtered',
  step_up: 'recent',
  params,
  body: reasonBody,
  response: Mutated({}),
  status: 202,
  problems: ['not_found', 'action_not_allowed'],
});
export const skipJob = endpoint({
  id: 'jobs.skip',
  method: 'POST',
  path: '/admin/v1/jobs/:job_id/skip',
  summary: 'Leave the stuck undo as it is and go on',
  description: 'Leaves something half done on purpose, so it needs a proof bound to this very request.',
  permission: 'jobs.resolve',
  scope: 'filtered',
  step_up: 'bound',
  params,
  body: reasonBody,
  response: Mutated({}),
  status: 202,
  problems: ['not_found', 'action_not_allowed'],
});
export const jobEvents = endpoint({
  id: 'jobs.events',
  method: 'GET',
  path: '/admin/v1/jobs/:job_id/events',
  summary: "A job's state and trace as they happen (server-sent events)",
  permission: 'jobs.view',
  scope: 'filtered',
  step_up: 'none',
  params,
  response: JobEvent,
  status: 200,
  stream: true,
  problems: ['not_found'],
});
