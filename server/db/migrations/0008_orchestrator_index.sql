-- Index of what the orchestrators run: hosts, services, tasks. Orchestrators are the truth; the leader's watchers keep it.
create table host_index (
  environment    text not null,
  host_id        text not null,
  hostname       text not null,
  role           text not null check (role in ('manager','worker')),
  leader         boolean not null,
  state          text not null check (state in ('ready','down','disconnected','unknown')),
  availability   text not null check (availability in ('active','pause','drain')),
  address        text,
  region         text,
  labels         jsonb not null default '{}',
  engine_version text not null,
  cpus           double precision,
  memory_bytes   double precision,
  tasks_running  integer not null,
  problem        text,
  since          timestamptz not null,
  primary key (environment, host_id)
);
-- Keyset pages: each sort with the tie that makes it total.
create index host_index_hostname on host_index (hostname, (environment || '/' || host_id));
create index host_index_state on host_index (state, (environment || '/' || host_id));
create index host_index_tasks_running on host_index (tasks_running, (environment || '/' || host_id));

create table service_index (
  environment      text not null,
  service_id       text not null,
  name             text not null,
  kind             text check (kind in ('gateway','aggregate','projection','runner')),
  mode             text not null check (mode in ('replicated','global')),
  state            text not null check (state in ('healthy','updating','degraded','down','paused','rolled_back','unknown')),
  image            text not null,
  digest           text,
  replicas_desired integer,
  replicas_running integer not null,
  replicas_current integer not null,
  task_spec_digest text not null,
  spec_digest      text not null,
  update           jsonb not null,
  labels           jsonb not null default '{}',
  problem          text,
  since            timestamptz not null,
  primary key (environment, service_id)
);
create index service_index_service_id on service_index (service_id);
create index service_index_name on service_index (name, (environment || '/' || service_id));
create index service_index_state on service_index (state, (environment || '/' || service_id));
create index service_index_replicas_running on service_index (replicas_running, (environment || '/' || service_id));

create table task_index (
  environment   text not null,
  task_id       text not null,
  service_id    text not null,
  service_name  text not null,
  kind          text check (kind in ('gateway','aggregate','projection','runner')),
  slot          integer,
  host_id       text,
  hostname      text,
  -- The platform node inside, as it said itself: an orchestrator does not know it, so its watcher leaves it alone.
  node_id       text,
  state         text not null check (state in ('new','pending','assigned','accepted','preparing','ready','starting','running','complete','shutdown','failed','rejected','remove','orphaned')),
  desired_state text not null check (desired_state in ('new','pending','assigned','accepted','preparing','ready','starting','running','complete','shutdown','failed','rejected','remove','orphaned')),
  wanted        boolean not null,
  current       boolean not null,
  image         text not null,
  digest        text,
  url           text,
  message       text,
  error         text,
  since         timestamptz not null,
  created_at    timestamptz not null,
  primary key (environment, task_id)
);
create index task_index_service_name on task_index (service_name, (environment || '/' || task_id));
create index task_index_state on task_index (state, (environment || '/' || task_id));
create index task_index_since on task_index (since, (environment || '/' || task_id));
create index task_index_service on task_index (environment, service_id);
create index task_index_host on task_index (environment, host_id);

-- How current the index is, by environment. The revision rises with each change of what it holds; null: it was never whole.
create table orchestrator_watch (
  environment text primary key,
  source      text not null,
  revision    bigint,
  state       text not null check (state in ('live','rebuilding','down')),
  detail      text,
  observed_at timestamptz
);

alter table node_index add column load jsonb, add column host_id text, add column service_id text, add column region text;
create index node_index_host on node_index (environment, host_id) where host_id is not null;
create index node_index_service on node_index (environment, service_id) where service_id is not null;
