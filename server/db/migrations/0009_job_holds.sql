-- A job may start others. It starts at most one a tenant, so that a step that is repeated after a crash starts none twice.
alter table jobs add column parent_job_id uuid references jobs;
create unique index jobs_child on jobs (parent_job_id, tenant_id) where parent_job_id is not null;
-- One live job holds a node, a host, a service or an environment as one holds a tenant.
create unique index jobs_target_lock on jobs (environment, target_type, target_id)
  where tenant_id is null and environment is not null and step_count > 0 and state in ('queued','running','undoing','stuck');
