-- Marks of rollouts on the dashboards of a Grafana: one for each event of a job that changes a service, written there once.
create table rollout_annotations (
  job_id          uuid not null references jobs,
  phase           text not null check (phase in ('started','finished','failed')),
  happened_at     timestamptz not null,
  state           text not null default 'waiting' check (state in ('waiting','written','given_up')),
  attempts        integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  primary key (job_id, phase)
);
create index rollout_annotations_waiting on rollout_annotations (next_attempt_at) where state = 'waiting';
create index jobs_of_services on jobs (job_id) where target_type = 'service' and step_count > 0;
