-- What services ran before, the last ten specifications of each: an orchestrator remembers one, and forgets it when it takes an update back.
-- A revision is another specification than the one before; scaling and restarting make none. The specification is sealed by its adapter.
create table service_revisions (
  environment text not null,
  service_id  text not null,
  revision    integer not null,
  spec_digest text not null,
  spec        text not null,
  image       text not null,
  digest      text,
  replicas    integer,
  job_id      text,
  recorded_at timestamptz not null default now(),
  primary key (environment, service_id, revision)
);
