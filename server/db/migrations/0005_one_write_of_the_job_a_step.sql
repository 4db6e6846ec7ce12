-- The journal of a job in fewer writes: its row is written once for the end of one step and the beginning of the next.

-- Writes the end of a step, with its event; answers by how much `steps_done` moves. Writing the same twice changes nothing.
create function journal_step_end(p_job_id uuid, p_index integer, p_state text, p_output jsonb, p_error jsonb, p_executor text)
returns integer language plpgsql as $$
declare
  step record;
begin
  update job_steps set
    state = p_state,
    output = coalesce(p_output, output),
    error = case when p_state in ('failed', 'undo_failed', 'cancelled') then p_error else error end,
    finished_at = case when p_state like 'undo%' then finished_at else now() end,
    undo_finished_at = case when p_state like 'undo%' then now() else undo_finished_at end
    where job_id = p_job_id and step_index = p_index and state is distinct from p_state
    returning name, title into step;
  if not found then
    return 0;
  end if;
  insert into audit_events (actor_type, actor_id, actor_label, on_behalf_of, action, outcome, target_type, target_id, tenant_id, environment, details, request_id, trace_id, job_id)
    select 'system', p_executor, 'job executor', created_by, 'job.step.' || p_state, case when p_state in ('failed', 'undo_failed') then 'failed' else 'succeeded' end,
      target_type, target_id, tenant_id, environment, jsonb_build_object('step', step.name, 'title', step.title, 'step_index', p_index, 'error', p_error),
      request_id, trace_id, job_id
    from jobs where job_id = p_job_id;
  return case p_state when 'succeeded' then 1 when 'undone' then -1 else 0 end;
end $$;

create or replace function journal_step(
  p_job_id uuid, p_ended_index integer, p_ended_state text, p_output jsonb, p_error jsonb,
  p_begun_index integer, p_begun_state text, p_cancellable boolean, p_executor text
) returns timestamptz language plpgsql as $$
declare
  undoing constant boolean := p_begun_state = 'undoing';
  first_started_at timestamptz;
  moved integer := 0;
  job   record;
  step  record;
begin
  select cancel_requested_at is not null as cancelled into strict job from jobs where job_id = p_job_id for update;
  if p_ended_index is not null then
    moved := journal_step_end(p_job_id, p_ended_index, p_ended_state, p_output, p_error, p_executor);
  end if;

  if p_cancellable and job.cancelled then
    update jobs set steps_done = greatest(steps_done + moved, 0) where job_id = p_job_id and moved <> 0;
  else
    update job_steps set
      state = p_begun_state,
      attempts = attempts + case when undoing then 0 else 1 end,
      undo_attempts = undo_attempts + case when undoing then 1 else 0 end,
      started_at = case when undoing then started_at else coalesce(started_at, now()) end,
      undo_started_at = case when undoing then coalesce(undo_started_at, now()) else undo_started_at end
      where job_id = p_job_id and step_index = p_begun_index
      returning name, title, undo_title, attempts, undo_attempts, started_at, undo_started_at into strict step;
    first_started_at := case when undoing then step.undo_started_at else step.started_at end;
    update jobs set
      state = case when undoing then 'undoing' else 'running' end, steps_done = greatest(steps_done + moved, 0),
      started_at = coalesce(started_at, now()), current_step = step.name, stuck = null
      where job_id = p_job_id
      returning created_by, target_type, target_id, tenant_id, environment, request_id, trace_id into strict job;
    insert into audit_events (actor_type, actor_id, actor_label, on_behalf_of, action, outcome, target_type, target_id, tenant_id, environment, details, request_id, trace_id, job_id)
      values ('system', p_executor, 'job executor', job.created_by, case when undoing then 'job.step.undo_started' else 'job.step.started' end, 'succeeded',
        job.target_type, job.target_id, job.tenant_id, job.environment,
        jsonb_build_object('step', step.name, 'title', case when undoing then step.undo_title else step.title end, 'step_index', p_begun_index,
          'attempt', case when undoing then step.undo_attempts else step.attempts end), job.request_id, job.trace_id, p_job_id);
  end if;
  perform pg_notify('control_jobs', p_job_id::text);
  return first_started_at;
end $$;

create or replace function journal_finish(
  p_job_id uuid, p_ended_index integer, p_ended_state text, p_output jsonb, p_error jsonb,
  p_state text, p_job_error jsonb, p_stuck jsonb, p_result jsonb, p_executor text
) returns boolean language plpgsql as $$
declare
  moved integer := 0;
begin
  perform 1 from jobs where job_id = p_job_id for update;
  if p_ended_index is not null then
    moved := journal_step_end(p_job_id, p_ended_index, p_ended_state, p_output, p_error, p_executor);
  end if;
  update jobs set
    state = p_state, steps_done = greatest(steps_done + moved, 0), error = p_job_error, stuck = p_stuck, result = p_result, current_step = null,
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
  perform pg_notify('control_jobs', p_job_id::text);
  return true;
end $$;
