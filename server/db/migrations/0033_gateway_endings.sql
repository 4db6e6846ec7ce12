-- Ending sessions at Gateways: which ones a job ends goes by what this database has seen, and what a Gateway is asked for is written down first.

alter table gateway_sessions
  -- The index knew everything that the Gateway had at this time, by our clock, and not this session: it was opened later.
  add column opened_after timestamptz not null default '-infinity',
  -- When we first heard, or brought about, that it has ended, by our clock.
  add column ended_seen_at timestamptz;

-- What a Gateway is asked to end, from before it is asked until index and audit log say so.
create table gateway_endings (
  ending_id    uuid primary key default uuidv7(),
  environment  text not null,
  -- The body of the call, as in the node contract.
  which        jsonb not null,
  ended_reason text not null,
  -- Who asked: a job that ends many, or one request with all that its audit event says.
  job_id       uuid references jobs (job_id),
  request      jsonb,
  created_at   timestamptz not null default now(),
  check ((job_id is null) <> (request is null))
);
create index gateway_endings_environment on gateway_endings (environment, created_at);
