-- Jobs, plans and the audit log: what every change writes.

create table jobs (
  job_id              uuid primary key default uuidv7(),
  kind                text not null,
  title               text not null,
  state               text not null check (state in ('queued','running','undoing','succeeded','failed_rolled_back','cancelled_rolled_back','stuck')),
  permission          text not null,
  environment         text,
  tenant_id           text,
  target_type         text not null,
  target_id           text not null,
  reason              text,
  principal_id        text not null,
  created_by          text not null,
  input               jsonb not null default '{}',
  plan                jsonb,
  plan_hash           text,
  result              jsonb,
  error               jsonb,
  stuck               jsonb,
  step_count          integer not null default 0,
  steps_done          integer not null default 0,
  current_step        text,
  -- One DBOS workflow runs the job; a retry or skip of a stuck one starts the next.
  run_number          integer not null default 1,
  cancel_requested_at timestamptz,
  cancel_requested_by text,
  cancel_reason       text,
  idempotency_key     text,
  request_hash        text,
  response_status     integer,
  response_body       jsonb,
  request_id          text not null,
  trace_id            text,
  created_at          timestamptz not null default now(),
  started_at          timestamptz,
  finished_at         timestamptz
);
create unique index jobs_idempotency_key on jobs (principal_id, idempotency_key) where idempotency_key is not null;
-- One live job holds a tenant; the second start fails here whatever its plan said.
create unique index jobs_tenant_lock on jobs (tenant_id) where tenant_id is not null and step_count > 0 and state in ('queued','running','undoing','stuck');
create index jobs_live on jobs (job_id) where state in ('queued','running','undoing','stuck');
create index jobs_planned on jobs (job_id) where step_count > 0;
create index jobs_tenant on jobs (tenant_id, job_id) where tenant_id is not null;

create table job_steps (
  job_id             uuid not null references jobs,
  step_index         integer not null,
  name               text not null,
  title              text not null,
  state              text not null default 'pending' check (state in ('pending','running','succeeded','failed','cancelled','undoing','undone','undo_failed','undo_skipped')),
  attempts           integer not null default 0,
  undo_title         text,
  undo_attempts      integer not null default 0,
  point_of_no_return boolean not null,
  time_box_s         double precision not null,
  progress           jsonb,
  output             jsonb,
  error              jsonb,
  started_at         timestamptz,
  finished_at        timestamptz,
  undo_started_at    timestamptz,
  undo_finished_at   timestamptz,
  primary key (job_id, step_index)
);

-- Plans that were shown, kept so that a drifted one can be compared with what it is now. Not state of the platform.
create table plans (
  plan_hash  text not null,
  made_for   text not null,
  plan       jsonb not null,
  expires_at timestamptz not null,
  primary key (plan_hash, made_for)
);
create index plans_expires_at on plans (expires_at);

create table audit_events (
  sequence     bigint generated always as identity primary key,
  occurred_at  timestamptz not null default clock_timestamp(),
  actor_type   text not null check (actor_type in ('user','api_token','system','anonymous')),
  actor_id     text,
  actor_label  text not null,
  on_behalf_of text,
  action       text not null,
  outcome      text not null check (outcome in ('succeeded','failed','denied')),
  target_type  text not null,
  target_id    text not null,
  tenant_id    text,
  environment  text,
  reason       text,
  changes      jsonb not null default '[]',
  details      jsonb,
  repeat_count integer not null default 1,
  ip           text,
  user_agent   text,
  request_id   text,
  trace_id     text,
  job_id       uuid
);
create index audit_events_job on audit_events (job_id, sequence) where job_id is not null;
create index audit_events_tenant on audit_events (tenant_id, sequence) where tenant_id is not null;
create index audit_events_actor on audit_events (actor_label, sequence);
create index audit_events_actor_id on audit_events (actor_id, sequence) where actor_id is not null;
create index audit_events_action on audit_events (action text_pattern_ops, sequence);
create index audit_events_target on audit_events (target_type, target_id, sequence);
create index audit_events_request on audit_events (request_id) where request_id is not null;
create index audit_events_occurred_at on audit_events using brin (occurred_at);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger audit_events_append_only before update or delete on audit_events for each row execute function refuse_audit_change();
create trigger audit_events_no_truncate before truncate on audit_events for each statement execute function refuse_audit_change();

-- What the executor writes as a job goes: the end of one step and the beginning of the next, with their audit events, in one
-- statement. Answers when the step first began, or null when it does not begin because a cancel was asked for. Writing the same twice
-- changes nothing, so a replay after a crash may repeat it.
create function journal_step(
  p_job_id uuid, p_ended_index integer, p_ended_state text, p_output jsonb, p_error jsonb,
  p_begun_index integer, p_begun_state text, p_cancellable boolean, p_executor text
) returns timestamptz language plpgsql as $$
declare
  first_started_at timestamptz;
  job   jobs%rowtype;
  step  job_steps%rowtype;
begin
  select * into strict job from jobs where job_id = p_job_id for update;

  if p_ended_index is not null then
    update job_steps set
      state = p_ended_state,
      output = coalesce(p_output, output),
      error = case when p_ended_state in ('failed', 'undo_failed', 'cancelled') then p_error else error end,
      finished_at = case when p_ended_state like 'undo%' then finished_at else now() end,
      undo_finished_at = case when p_ended_state like 'undo%' then now() else undo_finished_at end
      where job_id = p_job_id and step_index = p_ended_index and state is distinct from p_ended_state
      returning * into step;
    if found then
      insert into audit_events (actor_type, actor_id, actor_label, on_behalf_of, action, outcome, target_type, target_id, tenant_id, environment, details, request_id, trace_id, job_id)
        values ('system', p_executor, 'job executor', job.created_by, 'job.step.' || p_ended_state,
          case when p_ended_state in ('failed', 'undo_failed') then 'failed' else 'succeeded' end, job.target_type, job.target_id, job.tenant_id, job.environment,
          jsonb_build_object('step', step.name, 'title', step.title, 'step_index', step.step_index, 'error', p_error), job.request_id, job.trace_id, p_job_id);
      update jobs set steps_done = steps_done + case when p_ended_state = 'succeeded' then 1 when p_ended_state = 'undone' and steps_done > 0 then -1 else 0 end
        where job_id = p_job_id;
    end if;
  end if;

  if p_begun_index is not null and not (p_cancellable and job.cancel_requested_at is not null) then
    update job_steps set
      state = p_begun_state,
      attempts = attempts + case when p_begun_state = 'running' then 1 else 0 end,
      undo_attempts = undo_attempts + case when p_begun_state = 'undoing' then 1 else 0 end,
      started_at = case when p_begun_state = 'running' then coalesce(started_at, now()) else started_at end,
      undo_started_at = case when p_begun_state = 'undoing' then coalesce(undo_started_at, now()) else undo_started_at end
      where job_id = p_job_id and step_index = p_begun_index
      returning * into strict step;
    first_started_at := case when p_begun_state = 'running' then step.started_at else step.undo_started_at end;
    update jobs set
      state = case when p_begun_state = 'undoing' then 'undoing' else 'running' end,
      started_at = coalesce(started_at, now()), current_step = step.name, stuck = null
      where job_id = p_job_id;
    insert into audit_events (actor_type, actor_id, actor_label, on_behalf_of, action, outcome, target_type, target_id, tenant_id, environment, details, request_id, trace_id, job_id)
      values ('system', p_executor, 'job executor', job.created_by, case when p_begun_state = 'undoing' then 'job.step.undo_started' else 'job.step.started' end, 'succeeded',
        job.target_type, job.target_id, job.tenant_id, job.environment,
        jsonb_build_object('step', step.name, 'title', case when p_begun_state = 'undoing' then step.undo_title else step.title end, 'step_index', step.step_index,
          'attempt', case when p_begun_state = 'undoing' then step.undo_attempts else step.attempts end), job.request_id, job.trace_id, p_job_id);
  end if;
  perform pg_notify('control_jobs', p_job_id::text);
  return first_started_at;
end $$;

-- Ends a run of a job: its last step, its state, and the event of it. Ending twice changes nothing and answers false.
create function journal_finish(
  p_job_id uuid, p_ended_index integer, p_ended_state text, p_output jsonb, p_error jsonb,
  p_state text, p_job_error jsonb, p_stuck jsonb, p_result jsonb, p_executor text
) returns boolean language plpgsql as $$
begin
  perform journal_step(p_job_id, p_ended_index, p_ended_state, p_output, p_error, null, null, false, p_executor);
  update jobs set
    state = p_state, error = p_job_error, stuck = p_stuck, result = p_result, current_step = null,
    started_at = coalesce(started_at, now()), finished_at = case when p_state = 'stuck' then null else now() end
    where job_id = p_job_id and state in ('queued', 'running', 'undoing');
  if not found then
    return false;
  end if;
  insert into audit_events (actor_type, actor_id, actor_label, on_behalf_of, action, outcome, target_type, target_id, tenant_id, environment, details, request_id, trace_id, job_id)
    select 'system', p_executor, 'job executor', created_by, 'job.' || p_state,
      case when p_state in ('succeeded', 'cancelled_rolled_back') then 'succeeded' else 'failed' end, target_type, target_id, tenant_id, environment,
      jsonb_build_object('title', title, 'error', p_job_error, 'stuck', p_stuck), request_id, trace_id, job_id
    from jobs where job_id = p_job_id;
  return true;
end $$;
