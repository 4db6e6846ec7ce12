-- Which operation needs how many approvals from which roles, who asked for what, and who decided.

create table approval_policies (
  policy_id       uuid primary key default uuidv7(),
  operation       text not null,
  -- null: in every environment
  environment     text,
  -- [{"count": 1, "roles": ["operator"]}]: all of them are to be met; none left = nothing is needed, and the revision goes on
  requirements    jsonb not null,
  expires_after_h integer not null check (expires_after_h between 1 and 720),
  revision        integer not null default 1,
  updated_by      text not null,
  updated_at      timestamptz not null default now(),
  constraint approval_policies_once unique nulls not distinct (operation, environment)
);

create table approval_requests (
  approval_id     uuid primary key default uuidv7(),
  operation       text not null,
  title           text not null,
  environment     text,
  tenant_id       text,
  target_type     text not null,
  target_id       text not null,
  -- what the request would do, whatever its details: one request of a key waits at a time
  subject_key     text not null,
  -- {"params", "body", "if_match"} of the call that is made again when it is approved
  call            jsonb not null,
  plan            jsonb not null,
  plan_hash       text not null,
  -- [{"policy_id", "revision"}] that it was asked under
  policies        jsonb not null,
  requirements    jsonb not null,
  -- every role that some requirement names
  role_ids        text[] not null,
  requester_id    uuid not null references users,
  requester       text not null,
  token_id        uuid references api_tokens,
  -- whoever had a part in it, the requester among them: none of them decides
  contributor_ids uuid[] not null,
  reason          text,
  state           text not null default 'waiting' check (state in ('waiting','applied','rejected','withdrawn','voided','expired')),
  void_reason     text check (void_reason in ('drifted','edited','policy_changed','requester_not_allowed','refused')),
  ended_detail    text,
  ended_by        text,
  -- what differed from the plan that was read, when that is why it is void
  drift           jsonb not null default '[]',
  job_id          uuid,
  created_at      timestamptz not null default now(),
  expires_at      timestamptz not null,
  ended_at        timestamptz,
  check ((state = 'voided') = (void_reason is not null))
);
create unique index approval_requests_one_waiting on approval_requests (operation, subject_key) where state = 'waiting';
create index approval_requests_created_at on approval_requests (created_at, approval_id);
create index approval_requests_requester on approval_requests (requester_id, created_at);
create index approval_requests_job on approval_requests (job_id) where job_id is not null;

create table approval_decisions (
  approval_id uuid not null references approval_requests,
  user_id     uuid not null references users,
  label       text not null,
  decision    text not null check (decision in ('approved','rejected')),
  -- the roles by which it counted when it was made
  roles       text[] not null,
  comment     text,
  decided_at  timestamptz not null default now(),
  primary key (approval_id, user_id)
);

create table approval_comments (
  comment_id  uuid primary key default uuidv7(),
  approval_id uuid not null references approval_requests,
  user_id     uuid not null references users,
  label       text not null,
  comment     text not null,
  created_at  timestamptz not null default now()
);
create index approval_comments_approval on approval_comments (approval_id, created_at);
