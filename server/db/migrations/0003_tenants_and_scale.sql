-- Tenants, and the platform as observed.
create extension if not exists pg_trgm;

create table tenants (
  tenant_id     text primary key,
  name          text not null,
  status        text not null check (status in ('provisioning','active','draining','migrating','degraded','suspended','archived')),
  status_since  timestamptz not null default now(),
  plan          text not null check (plan in ('bronze','silver','gold','platinum')),
  environments  text[] not null,
  quotas        jsonb not null default '{}',
  feature_flags jsonb not null default '{}',
  contact       jsonb not null default '{}',
  billing       jsonb not null default '{}',
  revision      integer not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now()
);
create index tenants_updated_at on tenants (updated_at, tenant_id);
create index tenants_created_at on tenants (created_at, tenant_id);
create index tenants_name on tenants (name, tenant_id);
create index tenants_status_updated_at on tenants (status, updated_at, tenant_id);
create index tenants_status_id on tenants (status, tenant_id);
create index tenants_environments on tenants using gin (environments);
create index tenants_search on tenants using gin ((tenant_id || ' ' || lower(name)) gin_trgm_ops);

-- Totals are kept, never scanned. The environment '' counts every tenant once.
create table tenant_totals (
  environment text not null,
  status      text not null,
  plan        text not null,
  count       bigint not null,
  primary key (environment, status, plan)
);
create function keep_tenant_totals() returns trigger language plpgsql as $$
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
end $$;
create trigger tenants_totals_insert after insert on tenants referencing new table as changed_after for each statement execute function keep_tenant_totals();
create trigger tenants_totals_delete after delete on tenants referencing old table as changed_before for each statement execute function keep_tenant_totals();
create trigger tenants_totals_update after update on tenants referencing old table as changed_before new table as changed_after for each statement execute function keep_tenant_totals();

-- Index of the placement store, which is the truth.
create table placement_index (
  tenant_id   text not null,
  environment text not null,
  service     text not null check (service in ('aggregate','projection','runner')),
  shard       text not null,
  state       text not null check (state in ('active','draining','moving')),
  epoch       integer not null,
  revision    bigint not null,
  job_id      text,
  updated_at  timestamptz not null,
  primary key (tenant_id, environment, service)
);
create index placement_index_shard on placement_index (environment, service, shard, tenant_id);
create index placement_index_environment on placement_index (environment, tenant_id, service);
create index placement_index_updated_at on placement_index (environment, updated_at, tenant_id, service);

create table shard_totals (
  environment  text not null,
  service      text not null,
  shard        text not null,
  tenant_count bigint not null,
  primary key (environment, service, shard)
);
create function keep_shard_totals() returns trigger language plpgsql as $$
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
end $$;
create trigger placement_index_totals_insert after insert on placement_index referencing new table as changed_after for each statement execute function keep_shard_totals();
create trigger placement_index_totals_delete after delete on placement_index referencing old table as changed_before for each statement execute function keep_shard_totals();
create trigger placement_index_totals_update after update on placement_index referencing old table as changed_before new table as changed_after for each statement execute function keep_shard_totals();

-- How far the index has come, by environment.
create table placement_watch (
  environment text primary key,
  revision    bigint not null,
  state       text not null check (state in ('live','rebuilding','down')),
  detail      text,
  observed_at timestamptz
);

create table node_index (
  environment        text not null,
  node_id            text not null,
  kind               text not null check (kind in ('gateway','aggregate','projection','runner')),
  state              text not null check (state in ('ready','not_ready','draining','unreachable','lying','unknown')),
  shards             text[] not null default '{}',
  labels             jsonb not null default '{}',
  version            text,
  git_sha            text,
  placement_revision bigint,
  inflight           double precision,
  consumer_lag       double precision,
  storage            jsonb,
  checks             jsonb not null default '[]',
  problem            text,
  since              timestamptz not null,
  observed_at        timestamptz,
  primary key (environment, node_id)
);
