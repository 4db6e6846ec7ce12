-- Streams and buckets of archived tenants: read-only until `delete_after`, then deleted by whoever gets hold of the row first.
create table retired_resources (
  environment  text not null,
  kind         text not null check (kind in ('stream','bucket')),
  name         text not null,
  tenant_id    text not null references tenants (tenant_id),
  job_id       uuid not null,
  retired_at   timestamptz not null default now(),
  delete_after timestamptz not null,
  -- Deleted, or found not to be retired any more, and left alone from then on.
  settled_at   timestamptz,
  outcome      text check (outcome in ('deleted','absent','kept')),
  primary key (environment, kind, name)
);
create index retired_resources_due on retired_resources (delete_after) where settled_at is null;
create index retired_resources_of_tenant on retired_resources (tenant_id);
