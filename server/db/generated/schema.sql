-- Generated from the migrations by "npm run generate". Do not edit.

create extension pg_trgm;

CREATE OR REPLACE FUNCTION public.client_address(said text)
 RETURNS inet
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
declare
  address constant text := regexp_replace(said, '^::ffff:(?=[0-9.]+$)', '', 'i');
begin
  return case when pg_input_is_valid(address, 'inet') then host(address::inet)::inet end;
end
$function$;

CREATE OR REPLACE FUNCTION public.client_network(address inet)
 RETURNS cidr
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select network(set_masklen(address, case family(address) when 4 then 24 else 48 end))
$function$;

CREATE OR REPLACE FUNCTION public.device_browser(user_agent text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when user_agent ~ '\mEdg(e|A|iOS)?/[0-9]' then 'Edge'
    when user_agent ~ '\mOPR/[0-9]' then 'Opera'
    when user_agent ~ '\m(Firefox|FxiOS)/[0-9]' then 'Firefox'
    when user_agent ~ '\m(Chrome|CriOS|HeadlessChrome)/[0-9]' then 'Chrome'
    when user_agent ~ '\mVersion/[0-9].*\mSafari/' then 'Safari'
    when user_agent ~ '^curl/[0-9]' then 'curl'
  end
$function$;

CREATE OR REPLACE FUNCTION public.device_system(user_agent text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
AS $function$
  select case
    when user_agent ~ '\m(iPhone|iPad|iPod)\M' then 'iOS'
    when user_agent ~ '\mAndroid\M' then 'Android'
    when user_agent ~ '\m(Mac OS X|Macintosh)\M' then 'macOS'
    when user_agent ~ '\mWindows\M' then 'Windows'
    when user_agent ~ '\mCrOS\M' then 'ChromeOS'
    when user_agent ~ '\m(Linux|X11)\M' then 'Linux'
  end
$function$;

CREATE OR REPLACE FUNCTION public.journal_finish(p_job_id uuid, p_ended_index integer, p_ended_state text, p_output jsonb, p_error jsonb, p_state text, p_job_error jsonb, p_stuck jsonb, p_result jsonb, p_executor text)
 RETURNS boolean
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.journal_step(p_job_id uuid, p_ended_index integer, p_ended_state text, p_output jsonb, p_error jsonb, p_begun_index integer, p_begun_state text, p_cancellable boolean, p_executor text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.journal_step_end(p_job_id uuid, p_index integer, p_state text, p_output jsonb, p_error jsonb, p_executor text)
 RETURNS integer
 LANGUAGE plpgsql
AS $function$
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
end $function$;

CREATE OR REPLACE FUNCTION public.keep_shard_totals()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'INSERT' then
    insert into shard_totals select environment, service, shard, count(*) from changed_after group by 1, 2, 3 order by 1, 2, 3
      on conflict (environment, service, shard) do update set tenant_count = shard_totals.tenant_count + excluded.tenant_count;
  elsif tg_op = 'DELETE' then
    insert into shard_totals select environment, service, shard, -count(*) from changed_before group by 1, 2, 3 order by 1, 2, 3
      on conflict (environment, service, shard) do update set tenant_count = shard_totals.tenant_count + excluded.tenant_count;
  else
    insert into shard_totals
      select environment, service, shard, sum(n) from (
        select environment, service, shard, -1 as n from changed_before union all select environment, service, shard, 1 from changed_after
      ) moves group by 1, 2, 3 having sum(n) <> 0 order by 1, 2, 3
      on conflict (environment, service, shard) do update set tenant_count = shard_totals.tenant_count + excluded.tenant_count;
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.keep_tenant_totals()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'INSERT' then
    insert into tenant_totals
      select environment, status, plan, count(*) from changed_after, unnest(environments || ''::text) environment group by 1, 2, 3 order by 1, 2, 3
      on conflict (environment, status, plan) do update set count = tenant_totals.count + excluded.count;
  elsif tg_op = 'DELETE' then
    insert into tenant_totals
      select environment, status, plan, -count(*) from changed_before, unnest(environments || ''::text) environment group by 1, 2, 3 order by 1, 2, 3
      on conflict (environment, status, plan) do update set count = tenant_totals.count + excluded.count;
  else
    insert into tenant_totals
      select environment, status, plan, sum(n) from (
        select environment, status, plan, -1 as n from changed_before, unnest(environments || ''::text) environment
        union all
        select environment, status, plan, 1 from changed_after, unnest(environments || ''::text) environment
      ) moves group by 1, 2, 3 having sum(n) <> 0 order by 1, 2, 3
      on conflict (environment, status, plan) do update set count = tenant_totals.count + excluded.count;
  end if;
  return null;
end $function$;

CREATE OR REPLACE FUNCTION public.refuse_audit_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the audit log is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
end $function$;

create table api_tokens (
  token_id uuid not null default uuidv7(),
  user_id uuid not null,
  token_hash bytea not null,
  prefix text not null,
  name text not null,
  permissions text[] not null,
  tenant_id text,
  environment text,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  rotated_from uuid,
  created_by text,
  constraint api_tokens_pkey PRIMARY KEY (token_id),
  constraint api_tokens_token_hash_key UNIQUE (token_hash),
  constraint api_tokens_rotated_from_fkey FOREIGN KEY (rotated_from) REFERENCES api_tokens(token_id),
  constraint api_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE UNIQUE INDEX api_tokens_rotated_from ON public.api_tokens USING btree (rotated_from);
CREATE INDEX api_tokens_user ON public.api_tokens USING btree (user_id);

create table approval_comments (
  comment_id uuid not null default uuidv7(),
  approval_id uuid not null,
  user_id uuid not null,
  label text not null,
  comment text not null,
  created_at timestamp with time zone not null default now(),
  constraint approval_comments_pkey PRIMARY KEY (comment_id),
  constraint approval_comments_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES approval_requests(approval_id),
  constraint approval_comments_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE INDEX approval_comments_approval ON public.approval_comments USING btree (approval_id, created_at);

create table approval_decisions (
  approval_id uuid not null,
  user_id uuid not null,
  label text not null,
  decision text not null,
  roles text[] not null,
  comment text,
  decided_at timestamp with time zone not null default now(),
  constraint approval_decisions_pkey PRIMARY KEY (approval_id, user_id),
  constraint approval_decisions_decision_check CHECK ((decision = ANY (ARRAY['approved'::text, 'rejected'::text]))),
  constraint approval_decisions_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES approval_requests(approval_id),
  constraint approval_decisions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);

create table approval_policies (
  policy_id uuid not null default uuidv7(),
  operation text not null,
  environment text,
  requirements jsonb not null,
  expires_after_h integer not null,
  revision integer not null default 1,
  updated_by text not null,
  updated_at timestamp with time zone not null default now(),
  constraint approval_policies_pkey PRIMARY KEY (policy_id),
  constraint approval_policies_once UNIQUE NULLS NOT DISTINCT (operation, environment),
  constraint approval_policies_expires_after_h_check CHECK (((expires_after_h >= 1) AND (expires_after_h <= 720)))
);

create table approval_requests (
  approval_id uuid not null default uuidv7(),
  operation text not null,
  title text not null,
  environment text,
  tenant_id text,
  target_type text not null,
  target_id text not null,
  subject_key text not null,
  call jsonb not null,
  plan jsonb not null,
  plan_hash text not null,
  policies jsonb not null,
  requirements jsonb not null,
  role_ids text[] not null,
  requester_id uuid not null,
  requester text not null,
  token_id uuid,
  contributor_ids uuid[] not null,
  reason text,
  state text not null default 'waiting'::text,
  void_reason text,
  ended_detail text,
  ended_by text,
  drift jsonb not null default '[]'::jsonb,
  job_id uuid,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint approval_requests_pkey PRIMARY KEY (approval_id),
  constraint approval_requests_check CHECK (((state = 'voided'::text) = (void_reason IS NOT NULL))),
  constraint approval_requests_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'applied'::text, 'rejected'::text, 'withdrawn'::text, 'voided'::text, 'expired'::text]))),
  constraint approval_requests_void_reason_check CHECK ((void_reason = ANY (ARRAY['drifted'::text, 'edited'::text, 'policy_changed'::text, 'requester_not_allowed'::text, 'refused'::text]))),
  constraint approval_requests_requester_id_fkey FOREIGN KEY (requester_id) REFERENCES users(user_id),
  constraint approval_requests_token_id_fkey FOREIGN KEY (token_id) REFERENCES api_tokens(token_id)
);
CREATE INDEX approval_requests_created_at ON public.approval_requests USING btree (created_at, approval_id);
CREATE INDEX approval_requests_job ON public.approval_requests USING btree (job_id) WHERE (job_id IS NOT NULL);
CREATE UNIQUE INDEX approval_requests_one_waiting ON public.approval_requests USING btree (operation, subject_key) WHERE (state = 'waiting'::text);
CREATE INDEX approval_requests_requester ON public.approval_requests USING btree (requester_id, created_at);

create table assignments (
  assignment_id uuid not null default uuidv7(),
  user_id uuid not null,
  role_id text not null,
  tenant_id text,
  environment text,
  created_by text,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  constraint assignments_pkey PRIMARY KEY (assignment_id),
  constraint assignments_once UNIQUE NULLS NOT DISTINCT (user_id, role_id, tenant_id, environment),
  constraint assignments_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles(role_id),
  constraint assignments_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE INDEX assignments_created_at ON public.assignments USING btree (created_at, assignment_id);
CREATE INDEX assignments_expires_at ON public.assignments USING btree (expires_at, assignment_id) WHERE (expires_at IS NOT NULL);
CREATE INDEX assignments_role ON public.assignments USING btree (role_id);

create table audit_events (
  sequence bigint not null generated always as identity,
  occurred_at timestamp with time zone not null default clock_timestamp(),
  actor_type text not null,
  actor_id text,
  actor_label text not null,
  on_behalf_of text,
  action text not null,
  outcome text not null,
  target_type text not null,
  target_id text not null,
  tenant_id text,
  environment text,
  reason text,
  changes jsonb not null default '[]'::jsonb,
  details jsonb,
  repeat_count integer not null default 1,
  ip text,
  user_agent text,
  request_id text,
  trace_id text,
  job_id uuid,
  impersonation_id uuid,
  constraint audit_events_pkey PRIMARY KEY (sequence),
  constraint audit_events_actor_type_check CHECK ((actor_type = ANY (ARRAY['user'::text, 'api_token'::text, 'system'::text, 'anonymous'::text]))),
  constraint audit_events_outcome_check CHECK ((outcome = ANY (ARRAY['succeeded'::text, 'failed'::text, 'denied'::text])))
);
CREATE INDEX audit_events_action ON public.audit_events USING btree (action text_pattern_ops, sequence);
CREATE INDEX audit_events_actor ON public.audit_events USING btree (actor_label, sequence);
CREATE INDEX audit_events_actor_id ON public.audit_events USING btree (actor_id, sequence) WHERE (actor_id IS NOT NULL);
CREATE INDEX audit_events_impersonation ON public.audit_events USING btree (impersonation_id, sequence) WHERE (impersonation_id IS NOT NULL);
CREATE INDEX audit_events_job ON public.audit_events USING btree (job_id, sequence) WHERE (job_id IS NOT NULL);
CREATE INDEX audit_events_occurred_at ON public.audit_events USING brin (occurred_at);
CREATE INDEX audit_events_on_behalf_of ON public.audit_events USING btree (on_behalf_of, sequence) WHERE (on_behalf_of IS NOT NULL);
CREATE INDEX audit_events_request ON public.audit_events USING btree (request_id) WHERE (request_id IS NOT NULL);
CREATE INDEX audit_events_target ON public.audit_events USING btree (target_type, target_id, sequence);
CREATE INDEX audit_events_tenant ON public.audit_events USING btree (tenant_id, sequence) WHERE (tenant_id IS NOT NULL);
CREATE TRIGGER audit_events_append_only BEFORE DELETE OR UPDATE ON public.audit_events FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON public.audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

create table detection_marks (
  only_row boolean not null default true,
  looked_until timestamp with time zone not null default now(),
  constraint detection_marks_pkey PRIMARY KEY (only_row),
  constraint detection_marks_only_row_check CHECK (only_row)
);

create table detections (
  detection_id uuid not null default uuidv7(),
  kind text not null,
  subject_type text not null,
  subject_id text not null,
  subject_label text not null,
  user_id uuid,
  ip text,
  state text not null default 'open'::text,
  count integer not null,
  measured integer not null,
  threshold integer not null,
  window_s integer,
  details jsonb not null,
  first_seen_at timestamp with time zone not null default now(),
  last_seen_at timestamp with time zone not null default now(),
  acknowledged_at timestamp with time zone,
  acknowledged_by text,
  resolved_at timestamp with time zone,
  resolved_by text,
  reason text,
  constraint detections_pkey PRIMARY KEY (detection_id),
  constraint detections_kind_check CHECK ((kind = ANY (ARRAY['session_fan_out'::text, 'failed_sign_ins_account'::text, 'failed_sign_ins_address'::text, 'failed_second_factor'::text, 'ip_change'::text, 'token_new_network'::text, 'token_reuse'::text]))),
  constraint detections_state_check CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'resolved'::text]))),
  constraint detections_subject_type_check CHECK ((subject_type = ANY (ARRAY['user'::text, 'address'::text, 'session'::text, 'api_token'::text]))),
  constraint detections_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE INDEX detections_first_seen_at ON public.detections USING btree (first_seen_at, detection_id);
CREATE INDEX detections_last_seen_at ON public.detections USING btree (last_seen_at, detection_id);
CREATE UNIQUE INDEX detections_unresolved ON public.detections USING btree (kind, subject_type, subject_id) WHERE (state <> 'resolved'::text);
CREATE INDEX detections_user ON public.detections USING btree (user_id, last_seen_at) WHERE (user_id IS NOT NULL);

create table device_authorizations (
  authorization_id uuid not null default uuidv7(),
  device_code_hash bytea not null,
  user_code_hash bytea not null,
  session_id uuid,
  client_name text not null,
  ip text not null,
  user_agent text not null,
  state text not null default 'pending'::text,
  approved_by uuid,
  interval_s integer not null,
  last_polled_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  constraint device_authorizations_pkey PRIMARY KEY (authorization_id),
  constraint device_authorizations_device_code_hash_key UNIQUE (device_code_hash),
  constraint device_authorizations_user_code_hash_key UNIQUE (user_code_hash),
  constraint device_authorizations_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'approved'::text, 'denied'::text, 'used'::text]))),
  constraint device_authorizations_approved_by_fkey FOREIGN KEY (approved_by) REFERENCES sessions(session_id) ON DELETE CASCADE,
  constraint device_authorizations_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(session_id) ON DELETE CASCADE
);
CREATE INDEX device_authorizations_approved_by ON public.device_authorizations USING btree (approved_by);
CREATE INDEX device_authorizations_expires_at ON public.device_authorizations USING btree (expires_at);
CREATE INDEX device_authorizations_session ON public.device_authorizations USING btree (session_id);

create table gateway_endings (
  ending_id uuid not null default uuidv7(),
  environment text not null,
  which jsonb not null,
  ended_reason text not null,
  job_id uuid,
  request jsonb,
  created_at timestamp with time zone not null default now(),
  constraint gateway_endings_pkey PRIMARY KEY (ending_id),
  constraint gateway_endings_check CHECK (((job_id IS NULL) <> (request IS NULL))),
  constraint gateway_endings_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(job_id)
);
CREATE INDEX gateway_endings_environment ON public.gateway_endings USING btree (environment, created_at);

create table gateway_session_watch (
  environment text not null,
  feed text,
  revision bigint not null default 0,
  state text not null,
  detail text,
  observed_at timestamp with time zone,
  constraint gateway_session_watch_pkey PRIMARY KEY (environment),
  constraint gateway_session_watch_state_check CHECK ((state = ANY (ARRAY['live'::text, 'rebuilding'::text, 'down'::text])))
);

create table gateway_sessions (
  session_id uuid not null generated always as ((md5(((environment || '/'::text) || gateway_session_id)))::uuid) stored,
  environment text not null,
  gateway_session_id text not null,
  family_id text not null,
  tenant_id text not null,
  end_user_id text not null,
  ip text not null,
  user_agent text not null,
  created_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  ended_reason text,
  written_at timestamp with time zone not null default clock_timestamp(),
  address inet generated always as (client_address(ip)) stored,
  device_system text generated always as (device_system(user_agent)) stored,
  device_browser text generated always as (device_browser(user_agent)) stored,
  opened_after timestamp with time zone not null default '-infinity'::timestamp with time zone,
  ended_seen_at timestamp with time zone,
  constraint gateway_sessions_pkey PRIMARY KEY (session_id),
  constraint gateway_sessions_environment_gateway_session_id_key UNIQUE (environment, gateway_session_id)
);
CREATE INDEX gateway_sessions_address ON public.gateway_sessions USING btree (address);
CREATE INDEX gateway_sessions_browser ON public.gateway_sessions USING btree (device_browser, last_seen_at, session_id);
CREATE INDEX gateway_sessions_created_at ON public.gateway_sessions USING btree (created_at, session_id);
CREATE INDEX gateway_sessions_end_user ON public.gateway_sessions USING btree (end_user_id, last_seen_at, session_id);
CREATE INDEX gateway_sessions_ended ON public.gateway_sessions USING btree (last_seen_at, session_id) WHERE (ended_at IS NOT NULL);
CREATE INDEX gateway_sessions_environment ON public.gateway_sessions USING btree (environment, last_seen_at, session_id);
CREATE INDEX gateway_sessions_expires_at ON public.gateway_sessions USING btree (expires_at) WHERE (ended_at IS NULL);
CREATE INDEX gateway_sessions_family ON public.gateway_sessions USING btree (environment, family_id);
CREATE INDEX gateway_sessions_ip ON public.gateway_sessions USING btree (ip);
CREATE INDEX gateway_sessions_last_seen_at ON public.gateway_sessions USING btree (last_seen_at, session_id);
CREATE INDEX gateway_sessions_system ON public.gateway_sessions USING btree (device_system, last_seen_at, session_id);
CREATE INDEX gateway_sessions_tenant ON public.gateway_sessions USING btree (tenant_id, last_seen_at, session_id);

create table host_index (
  environment text not null,
  host_id text not null,
  hostname text not null,
  role text not null,
  leader boolean not null,
  state text not null,
  availability text not null,
  address text,
  region text,
  labels jsonb not null default '{}'::jsonb,
  engine_version text not null,
  cpus double precision,
  memory_bytes double precision,
  tasks_running integer not null,
  problem text,
  since timestamp with time zone not null,
  constraint host_index_pkey PRIMARY KEY (environment, host_id),
  constraint host_index_availability_check CHECK ((availability = ANY (ARRAY['active'::text, 'pause'::text, 'drain'::text]))),
  constraint host_index_role_check CHECK ((role = ANY (ARRAY['manager'::text, 'worker'::text]))),
  constraint host_index_state_check CHECK ((state = ANY (ARRAY['ready'::text, 'down'::text, 'disconnected'::text, 'unknown'::text])))
);
CREATE INDEX host_index_hostname ON public.host_index USING btree (hostname, (((environment || '/'::text) || host_id)));
CREATE INDEX host_index_state ON public.host_index USING btree (state, (((environment || '/'::text) || host_id)));
CREATE INDEX host_index_tasks_running ON public.host_index USING btree (tasks_running, (((environment || '/'::text) || host_id)));

create table impersonations (
  impersonation_id uuid not null,
  actor_user_id uuid not null,
  actor_session_id uuid not null,
  user_id uuid not null,
  reason text not null,
  started_at timestamp with time zone not null default now(),
  ends_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  ending text,
  review_due_at timestamp with time zone not null,
  reviewed_at timestamp with time zone,
  reviewed_by text,
  verdict text,
  comment text,
  constraint impersonations_pkey PRIMARY KEY (impersonation_id),
  constraint impersonations_another CHECK ((actor_user_id <> user_id)),
  constraint impersonations_ended CHECK (((ended_at IS NULL) = (ending IS NULL))),
  constraint impersonations_reviewed CHECK (((reviewed_at IS NULL) = (verdict IS NULL))),
  constraint impersonations_verdict_check CHECK ((verdict = ANY (ARRAY['in_order'::text, 'not_in_order'::text]))),
  constraint impersonations_actor_session_id_fkey FOREIGN KEY (actor_session_id) REFERENCES sessions(session_id),
  constraint impersonations_actor_user_id_fkey FOREIGN KEY (actor_user_id) REFERENCES users(user_id),
  constraint impersonations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE INDEX impersonations_actor ON public.impersonations USING btree (actor_user_id, started_at);
CREATE INDEX impersonations_going_on ON public.impersonations USING btree (ends_at) WHERE (ended_at IS NULL);
CREATE INDEX impersonations_started_at ON public.impersonations USING btree (started_at, impersonation_id);
CREATE INDEX impersonations_unreviewed ON public.impersonations USING btree (review_due_at, impersonation_id) WHERE (reviewed_at IS NULL);
CREATE INDEX impersonations_user ON public.impersonations USING btree (user_id, started_at);

create table job_steps (
  job_id uuid not null,
  step_index integer not null,
  name text not null,
  title text not null,
  state text not null default 'pending'::text,
  attempts integer not null default 0,
  undo_title text,
  undo_attempts integer not null default 0,
  point_of_no_return boolean not null,
  time_box_s double precision not null,
  progress jsonb,
  output jsonb,
  error jsonb,
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  undo_started_at timestamp with time zone,
  undo_finished_at timestamp with time zone,
  constraint job_steps_pkey PRIMARY KEY (job_id, step_index),
  constraint job_steps_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'running'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text, 'undoing'::text, 'undone'::text, 'undo_failed'::text, 'undo_skipped'::text]))),
  constraint job_steps_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(job_id)
);

create table jobs (
  job_id uuid not null default uuidv7(),
  kind text not null,
  title text not null,
  state text not null,
  permission text not null,
  environment text,
  tenant_id text,
  target_type text not null,
  target_id text not null,
  reason text,
  principal_id text not null,
  created_by text not null,
  input jsonb not null default '{}'::jsonb,
  plan jsonb,
  plan_hash text,
  result jsonb,
  error jsonb,
  stuck jsonb,
  step_count integer not null default 0,
  steps_done integer not null default 0,
  current_step text,
  run_number integer not null default 1,
  cancel_requested_at timestamp with time zone,
  cancel_requested_by text,
  cancel_reason text,
  idempotency_key text,
  request_hash text,
  response_status integer,
  response_body jsonb,
  request_id text not null,
  trace_id text,
  created_at timestamp with time zone not null default now(),
  started_at timestamp with time zone,
  finished_at timestamp with time zone,
  parent_job_id uuid,
  constraint jobs_pkey PRIMARY KEY (job_id),
  constraint jobs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'undoing'::text, 'succeeded'::text, 'failed_rolled_back'::text, 'cancelled_rolled_back'::text, 'failed_kept'::text, 'cancelled_kept'::text, 'stuck'::text]))),
  constraint jobs_parent_job_id_fkey FOREIGN KEY (parent_job_id) REFERENCES jobs(job_id)
);
CREATE UNIQUE INDEX jobs_child ON public.jobs USING btree (parent_job_id, tenant_id) WHERE (parent_job_id IS NOT NULL);
CREATE UNIQUE INDEX jobs_idempotency_key ON public.jobs USING btree (principal_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);
CREATE INDEX jobs_live ON public.jobs USING btree (job_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text, 'undoing'::text, 'stuck'::text]));
CREATE INDEX jobs_of_services ON public.jobs USING btree (job_id) WHERE ((target_type = 'service'::text) AND (step_count > 0));
CREATE INDEX jobs_planned ON public.jobs USING btree (job_id) WHERE (step_count > 0);
CREATE UNIQUE INDEX jobs_target_lock ON public.jobs USING btree (environment, target_type, target_id) WHERE ((tenant_id IS NULL) AND (environment IS NOT NULL) AND (step_count > 0) AND (state = ANY (ARRAY['queued'::text, 'running'::text, 'undoing'::text, 'stuck'::text])));
CREATE INDEX jobs_tenant ON public.jobs USING btree (tenant_id, job_id) WHERE (tenant_id IS NOT NULL);
CREATE UNIQUE INDEX jobs_tenant_lock ON public.jobs USING btree (tenant_id) WHERE ((tenant_id IS NOT NULL) AND (step_count > 0) AND (state = ANY (ARRAY['queued'::text, 'running'::text, 'undoing'::text, 'stuck'::text])));

create table linked_identities (
  identity_id uuid not null default uuidv7(),
  user_id uuid not null,
  provider_id text not null,
  issuer text not null,
  subject text not null,
  email text,
  created_at timestamp with time zone not null default now(),
  last_used_at timestamp with time zone,
  constraint linked_identities_pkey PRIMARY KEY (identity_id),
  constraint linked_identities_once UNIQUE (issuer, subject),
  constraint linked_identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE INDEX linked_identities_user ON public.linked_identities USING btree (user_id);

create table node_index (
  environment text not null,
  node_id text not null,
  kind text not null,
  state text not null,
  shards text[] not null default '{}'::text[],
  labels jsonb not null default '{}'::jsonb,
  version text,
  git_sha text,
  placement_revision bigint,
  inflight double precision,
  consumer_lag double precision,
  storage jsonb,
  checks jsonb not null default '[]'::jsonb,
  problem text,
  since timestamp with time zone not null,
  observed_at timestamp with time zone,
  load jsonb,
  host_id text,
  service_id text,
  region text,
  constraint node_index_pkey PRIMARY KEY (environment, node_id),
  constraint node_index_kind_check CHECK ((kind = ANY (ARRAY['gateway'::text, 'aggregate'::text, 'projection'::text, 'runner'::text]))),
  constraint node_index_state_check CHECK ((state = ANY (ARRAY['ready'::text, 'not_ready'::text, 'draining'::text, 'unreachable'::text, 'lying'::text, 'unknown'::text])))
);
CREATE INDEX node_index_host ON public.node_index USING btree (environment, host_id) WHERE (host_id IS NOT NULL);
CREATE INDEX node_index_service ON public.node_index USING btree (environment, service_id) WHERE (service_id IS NOT NULL);

create table one_time_secrets (
  secret_hash bytea not null,
  purpose text not null,
  user_id uuid,
  session_id uuid,
  content jsonb not null default '{}'::jsonb,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  constraint one_time_secrets_pkey PRIMARY KEY (secret_hash),
  constraint one_time_secrets_purpose_check CHECK ((purpose = ANY (ARRAY['invitation'::text, 'password_reset'::text, 'passkey_sign_in'::text, 'passkey_proof'::text, 'passkey_enrolment'::text, 'provider_sign_in'::text, 'provider_link'::text]))),
  constraint one_time_secrets_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(session_id),
  constraint one_time_secrets_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE INDEX one_time_secrets_expires_at ON public.one_time_secrets USING btree (expires_at);
CREATE INDEX one_time_secrets_user ON public.one_time_secrets USING btree (user_id);

create table orchestrator_watch (
  environment text not null,
  source text not null,
  revision bigint,
  state text not null,
  detail text,
  observed_at timestamp with time zone,
  constraint orchestrator_watch_pkey PRIMARY KEY (environment),
  constraint orchestrator_watch_state_check CHECK ((state = ANY (ARRAY['live'::text, 'rebuilding'::text, 'down'::text])))
);

create table passkeys (
  passkey_id uuid not null default uuidv7(),
  user_id uuid not null,
  name text not null,
  credential_id text not null,
  public_key bytea not null,
  sign_count bigint not null,
  transports text[] not null,
  synced boolean not null,
  created_at timestamp with time zone not null default now(),
  last_used_at timestamp with time zone,
  constraint passkeys_pkey PRIMARY KEY (passkey_id),
  constraint passkeys_credential_id_key UNIQUE (credential_id),
  constraint passkeys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE INDEX passkeys_user ON public.passkeys USING btree (user_id);

create table placement_index (
  tenant_id text not null,
  environment text not null,
  service text not null,
  shard text not null,
  state text not null,
  epoch integer not null,
  revision bigint not null,
  job_id text,
  updated_at timestamp with time zone not null,
  constraint placement_index_pkey PRIMARY KEY (tenant_id, environment, service),
  constraint placement_index_service_check CHECK ((service = ANY (ARRAY['aggregate'::text, 'projection'::text, 'runner'::text]))),
  constraint placement_index_state_check CHECK ((state = ANY (ARRAY['active'::text, 'draining'::text, 'moving'::text])))
);
CREATE INDEX placement_index_changed ON public.placement_index USING btree (updated_at);
CREATE INDEX placement_index_environment ON public.placement_index USING btree (environment, tenant_id, service);
CREATE INDEX placement_index_shard ON public.placement_index USING btree (environment, service, shard, tenant_id);
CREATE INDEX placement_index_updated_at ON public.placement_index USING btree (environment, updated_at, tenant_id, service);
CREATE TRIGGER placement_index_totals_delete AFTER DELETE ON public.placement_index REFERENCING OLD TABLE AS changed_before FOR EACH STATEMENT EXECUTE FUNCTION keep_shard_totals();
CREATE TRIGGER placement_index_totals_insert AFTER INSERT ON public.placement_index REFERENCING NEW TABLE AS changed_after FOR EACH STATEMENT EXECUTE FUNCTION keep_shard_totals();
CREATE TRIGGER placement_index_totals_update AFTER UPDATE ON public.placement_index REFERENCING OLD TABLE AS changed_before NEW TABLE AS changed_after FOR EACH STATEMENT EXECUTE FUNCTION keep_shard_totals();

create table placement_watch (
  environment text not null,
  revision bigint not null,
  state text not null,
  detail text,
  observed_at timestamp with time zone,
  mark text not null default ''::text,
  constraint placement_watch_pkey PRIMARY KEY (environment),
  constraint placement_watch_state_check CHECK ((state = ANY (ARRAY['live'::text, 'rebuilding'::text, 'down'::text])))
);

create table plans (
  plan_hash text not null,
  made_for text not null,
  plan jsonb not null,
  expires_at timestamp with time zone not null,
  constraint plans_pkey PRIMARY KEY (plan_hash, made_for)
);
CREATE INDEX plans_expires_at ON public.plans USING btree (expires_at);

create table recovery_codes (
  user_id uuid not null,
  code_hash bytea not null,
  created_at timestamp with time zone not null default now(),
  used_at timestamp with time zone,
  constraint recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
  constraint recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);

create table retired_resources (
  environment text not null,
  kind text not null,
  name text not null,
  tenant_id text not null,
  job_id uuid not null,
  retired_at timestamp with time zone not null default now(),
  delete_after timestamp with time zone not null,
  settled_at timestamp with time zone,
  outcome text,
  constraint retired_resources_pkey PRIMARY KEY (environment, kind, name),
  constraint retired_resources_kind_check CHECK ((kind = ANY (ARRAY['stream'::text, 'bucket'::text]))),
  constraint retired_resources_outcome_check CHECK ((outcome = ANY (ARRAY['deleted'::text, 'absent'::text, 'kept'::text, 'restored'::text]))),
  constraint retired_resources_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(tenant_id)
);
CREATE INDEX retired_resources_due ON public.retired_resources USING btree (delete_after) WHERE (settled_at IS NULL);
CREATE INDEX retired_resources_of_tenant ON public.retired_resources USING btree (tenant_id);

create table revoked_token_sessions (
  issuer text not null,
  session_id text not null,
  revoked_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  constraint revoked_token_sessions_pkey PRIMARY KEY (issuer, session_id)
);
CREATE INDEX revoked_token_sessions_expires_at ON public.revoked_token_sessions USING btree (expires_at);

create table role_sign_in_policies (
  role_id text not null,
  methods text[] not null,
  mfa_required boolean not null,
  constraint role_sign_in_policies_pkey PRIMARY KEY (role_id),
  constraint role_sign_in_policies_methods_check CHECK ((cardinality(methods) > 0)),
  constraint role_sign_in_policies_role_id_fkey FOREIGN KEY (role_id) REFERENCES roles(role_id) ON DELETE CASCADE
);

create table roles (
  role_id text not null,
  title text not null,
  description text not null,
  permissions text[] not null,
  built_in boolean not null default false,
  revision integer not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint roles_pkey PRIMARY KEY (role_id)
);

create table rollout_annotations (
  job_id uuid not null,
  phase text not null,
  happened_at timestamp with time zone not null,
  state text not null default 'waiting'::text,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone not null default now(),
  constraint rollout_annotations_pkey PRIMARY KEY (job_id, phase),
  constraint rollout_annotations_phase_check CHECK ((phase = ANY (ARRAY['started'::text, 'finished'::text, 'failed'::text]))),
  constraint rollout_annotations_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'written'::text, 'given_up'::text]))),
  constraint rollout_annotations_job_id_fkey FOREIGN KEY (job_id) REFERENCES jobs(job_id)
);
CREATE INDEX rollout_annotations_waiting ON public.rollout_annotations USING btree (next_attempt_at) WHERE (state = 'waiting'::text);

create table schema_migrations (
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now(),
  constraint schema_migrations_pkey PRIMARY KEY (name)
);

create table seen_networks (
  subject_type text not null,
  subject_id uuid not null,
  network text not null,
  ip text not null,
  first_seen_at timestamp with time zone not null default now(),
  last_seen_at timestamp with time zone not null default now(),
  constraint seen_networks_pkey PRIMARY KEY (subject_type, subject_id, network),
  constraint seen_networks_subject_type_check CHECK ((subject_type = ANY (ARRAY['session'::text, 'api_token'::text])))
);

create table service_index (
  environment text not null,
  service_id text not null,
  name text not null,
  kind text,
  mode text not null,
  state text not null,
  image text not null,
  digest text,
  replicas_desired integer,
  replicas_running integer not null,
  replicas_current integer not null,
  task_spec_digest text not null,
  spec_digest text not null,
  update jsonb not null,
  labels jsonb not null default '{}'::jsonb,
  problem text,
  since timestamp with time zone not null,
  constraint service_index_pkey PRIMARY KEY (environment, service_id),
  constraint service_index_kind_check CHECK ((kind = ANY (ARRAY['gateway'::text, 'aggregate'::text, 'projection'::text, 'runner'::text]))),
  constraint service_index_mode_check CHECK ((mode = ANY (ARRAY['replicated'::text, 'global'::text]))),
  constraint service_index_state_check CHECK ((state = ANY (ARRAY['healthy'::text, 'updating'::text, 'degraded'::text, 'down'::text, 'paused'::text, 'rolled_back'::text, 'unknown'::text])))
);
CREATE INDEX service_index_name ON public.service_index USING btree (name, (((environment || '/'::text) || service_id)));
CREATE INDEX service_index_replicas_running ON public.service_index USING btree (replicas_running, (((environment || '/'::text) || service_id)));
CREATE INDEX service_index_service_id ON public.service_index USING btree (service_id);
CREATE INDEX service_index_state ON public.service_index USING btree (state, (((environment || '/'::text) || service_id)));

create table service_revisions (
  environment text not null,
  service_id text not null,
  revision integer not null,
  spec_digest text not null,
  spec text not null,
  image text not null,
  digest text,
  replicas integer,
  job_id text,
  recorded_at timestamp with time zone not null default now(),
  constraint service_revisions_pkey PRIMARY KEY (environment, service_id, revision)
);

create table session_tokens (
  token_hash bytea not null,
  session_id uuid not null,
  kind text not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  successor_salt bytea,
  constraint session_tokens_pkey PRIMARY KEY (token_hash),
  constraint session_tokens_check CHECK (((used_at IS NULL) = (successor_salt IS NULL))),
  constraint session_tokens_kind_check CHECK ((kind = ANY (ARRAY['access'::text, 'refresh'::text]))),
  constraint session_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(session_id) ON DELETE CASCADE
);
CREATE INDEX session_tokens_expires_at ON public.session_tokens USING btree (expires_at);
CREATE INDEX session_tokens_session ON public.session_tokens USING btree (session_id);

create table sessions (
  session_id uuid not null default uuidv7(),
  token_hash bytea not null,
  user_id uuid not null,
  ip text not null,
  user_agent text not null,
  authenticated_at timestamp with time zone not null,
  created_at timestamp with time zone not null default now(),
  last_seen_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  ended_reason text,
  pending text,
  methods text[] not null default '{password}'::text[],
  address inet generated always as (client_address(ip)) stored,
  device_system text generated always as (device_system(user_agent)) stored,
  device_browser text generated always as (device_browser(user_agent)) stored,
  client text not null default 'browser'::text,
  impersonation_id uuid,
  constraint sessions_pkey PRIMARY KEY (session_id),
  constraint sessions_token_hash_key UNIQUE (token_hash),
  constraint sessions_client_check CHECK ((client = ANY (ARRAY['browser'::text, 'cli'::text]))),
  constraint sessions_pending_check CHECK ((pending = ANY (ARRAY['second_factor'::text, 'enrolment'::text]))),
  constraint sessions_impersonation_id_fkey FOREIGN KEY (impersonation_id) REFERENCES impersonations(impersonation_id),
  constraint sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE INDEX sessions_address ON public.sessions USING btree (address);
CREATE INDEX sessions_created_at ON public.sessions USING btree (created_at, session_id);
CREATE UNIQUE INDEX sessions_impersonation ON public.sessions USING btree (impersonation_id) WHERE (impersonation_id IS NOT NULL);
CREATE INDEX sessions_last_seen_at ON public.sessions USING btree (last_seen_at, session_id);
CREATE INDEX sessions_live ON public.sessions USING btree (user_id) WHERE (ended_at IS NULL);
CREATE INDEX sessions_user ON public.sessions USING btree (user_id, created_at);

create table shard_totals (
  environment text not null,
  service text not null,
  shard text not null,
  tenant_count bigint not null,
  constraint shard_totals_pkey PRIMARY KEY (environment, service, shard)
);

create table sign_in_throttle (
  key text not null,
  points integer not null default 0,
  expire bigint,
  constraint sign_in_throttle_pkey PRIMARY KEY (key)
);
CREATE INDEX sign_in_throttle_expire ON public.sign_in_throttle USING btree (expire);

create table step_up_proofs (
  proof_hash bytea not null,
  session_id uuid not null,
  request_hash text not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint step_up_proofs_pkey PRIMARY KEY (proof_hash),
  constraint step_up_proofs_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(session_id)
);
CREATE INDEX step_up_proofs_expires_at ON public.step_up_proofs USING btree (expires_at);

create table task_index (
  environment text not null,
  task_id text not null,
  service_id text not null,
  service_name text not null,
  kind text,
  slot integer,
  host_id text,
  hostname text,
  node_id text,
  state text not null,
  desired_state text not null,
  wanted boolean not null,
  current boolean not null,
  image text not null,
  digest text,
  url text,
  message text,
  error text,
  since timestamp with time zone not null,
  created_at timestamp with time zone not null,
  constraint task_index_pkey PRIMARY KEY (environment, task_id),
  constraint task_index_desired_state_check CHECK ((desired_state = ANY (ARRAY['new'::text, 'pending'::text, 'assigned'::text, 'accepted'::text, 'preparing'::text, 'ready'::text, 'starting'::text, 'running'::text, 'complete'::text, 'shutdown'::text, 'failed'::text, 'rejected'::text, 'remove'::text, 'orphaned'::text]))),
  constraint task_index_kind_check CHECK ((kind = ANY (ARRAY['gateway'::text, 'aggregate'::text, 'projection'::text, 'runner'::text]))),
  constraint task_index_state_check CHECK ((state = ANY (ARRAY['new'::text, 'pending'::text, 'assigned'::text, 'accepted'::text, 'preparing'::text, 'ready'::text, 'starting'::text, 'running'::text, 'complete'::text, 'shutdown'::text, 'failed'::text, 'rejected'::text, 'remove'::text, 'orphaned'::text])))
);
CREATE INDEX task_index_host ON public.task_index USING btree (environment, host_id);
CREATE INDEX task_index_service ON public.task_index USING btree (environment, service_id);
CREATE INDEX task_index_service_name ON public.task_index USING btree (service_name, (((environment || '/'::text) || task_id)));
CREATE INDEX task_index_since ON public.task_index USING btree (since, (((environment || '/'::text) || task_id)));
CREATE INDEX task_index_state ON public.task_index USING btree (state, (((environment || '/'::text) || task_id)));

create table tenant_totals (
  environment text not null,
  status text not null,
  plan text not null,
  count bigint not null,
  constraint tenant_totals_pkey PRIMARY KEY (environment, status, plan)
);

create table tenants (
  tenant_id text not null,
  name text not null,
  status text not null,
  status_since timestamp with time zone not null default now(),
  plan text not null,
  environments text[] not null,
  quotas jsonb not null default '{}'::jsonb,
  feature_flags jsonb not null default '{}'::jsonb,
  contact jsonb not null default '{}'::jsonb,
  billing jsonb not null default '{}'::jsonb,
  revision integer not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  constraint tenants_pkey PRIMARY KEY (tenant_id),
  constraint tenants_plan_check CHECK ((plan = ANY (ARRAY['bronze'::text, 'silver'::text, 'gold'::text, 'platinum'::text]))),
  constraint tenants_status_check CHECK ((status = ANY (ARRAY['provisioning'::text, 'active'::text, 'draining'::text, 'migrating'::text, 'degraded'::text, 'suspended'::text, 'archived'::text])))
);
CREATE INDEX tenants_created_at ON public.tenants USING btree (created_at, tenant_id);
CREATE INDEX tenants_environments ON public.tenants USING gin (environments);
CREATE INDEX tenants_name ON public.tenants USING btree (name, tenant_id);
CREATE INDEX tenants_search ON public.tenants USING gin ((((tenant_id || ' '::text) || lower(name))) gin_trgm_ops);
CREATE INDEX tenants_status_id ON public.tenants USING btree (status, tenant_id);
CREATE INDEX tenants_status_updated_at ON public.tenants USING btree (status, updated_at, tenant_id);
CREATE INDEX tenants_updated_at ON public.tenants USING btree (updated_at, tenant_id);
CREATE TRIGGER tenants_totals_delete AFTER DELETE ON public.tenants REFERENCING OLD TABLE AS changed_before FOR EACH STATEMENT EXECUTE FUNCTION keep_tenant_totals();
CREATE TRIGGER tenants_totals_insert AFTER INSERT ON public.tenants REFERENCING NEW TABLE AS changed_after FOR EACH STATEMENT EXECUTE FUNCTION keep_tenant_totals();
CREATE TRIGGER tenants_totals_update AFTER UPDATE ON public.tenants REFERENCING OLD TABLE AS changed_before NEW TABLE AS changed_after FOR EACH STATEMENT EXECUTE FUNCTION keep_tenant_totals();

create table totp_factors (
  factor_id uuid not null default uuidv7(),
  user_id uuid not null,
  sealed_secret bytea not null,
  confirmed_at timestamp with time zone,
  last_step bigint not null default 0,
  created_at timestamp with time zone not null default now(),
  constraint totp_factors_pkey PRIMARY KEY (factor_id),
  constraint totp_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(user_id)
);
CREATE UNIQUE INDEX totp_factors_begun ON public.totp_factors USING btree (user_id) WHERE (confirmed_at IS NULL);
CREATE UNIQUE INDEX totp_factors_confirmed ON public.totp_factors USING btree (user_id) WHERE (confirmed_at IS NOT NULL);

create table users (
  user_id uuid not null default uuidv7(),
  email text not null,
  display_name text not null,
  status text not null,
  password_hash text,
  revision integer not null default 1,
  last_sign_in_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  tags text[] not null default '{}'::text[],
  kind text not null default 'person'::text,
  constraint users_pkey PRIMARY KEY (user_id),
  constraint users_kind_check CHECK ((kind = ANY (ARRAY['person'::text, 'service_account'::text]))),
  constraint users_service_account CHECK (((kind = 'person'::text) OR ((password_hash IS NULL) AND (last_sign_in_at IS NULL) AND (status = ANY (ARRAY['active'::text, 'disabled'::text, 'deleted'::text]))))),
  constraint users_status_check CHECK ((status = ANY (ARRAY['invited'::text, 'active'::text, 'suspended'::text, 'disabled'::text, 'deleted'::text])))
);
CREATE INDEX users_created_at ON public.users USING btree (created_at, user_id);
CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email)) WHERE (status <> 'deleted'::text);
CREATE INDEX users_email_order ON public.users USING btree (email, user_id);
CREATE INDEX users_last_sign_in_at ON public.users USING btree (last_sign_in_at, user_id);
CREATE INDEX users_search ON public.users USING gin (email gin_trgm_ops, display_name gin_trgm_ops);
CREATE INDEX users_service_accounts ON public.users USING btree (email, user_id) WHERE (kind = 'service_account'::text);
CREATE INDEX users_tags ON public.users USING gin (tags);
