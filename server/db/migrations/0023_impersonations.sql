-- Somebody acts as another user for a while. The session that acts belongs to the actor, counts only beside their own one, and is reviewed
-- by somebody else afterwards.
create table impersonations (
  impersonation_id uuid primary key,
  actor_user_id uuid not null references users,
  actor_session_id uuid not null references sessions,
  user_id uuid not null references users,
  reason text not null,
  started_at timestamptz not null default now(),
  ends_at timestamptz not null,
  -- Both null while it goes on, and for the moment until an ending by itself is written down.
  ended_at timestamptz,
  ending text,
  review_due_at timestamptz not null,
  reviewed_at timestamptz,
  reviewed_by text,
  verdict text check (verdict in ('in_order','not_in_order')),
  comment text,
  constraint impersonations_another check (actor_user_id <> user_id),
  constraint impersonations_ended check ((ended_at is null) = (ending is null)),
  constraint impersonations_reviewed check ((reviewed_at is null) = (verdict is null))
);
create index impersonations_started_at on impersonations (started_at, impersonation_id);
create index impersonations_unreviewed on impersonations (review_due_at, impersonation_id) where reviewed_at is null;
create index impersonations_going_on on impersonations (ends_at) where ended_at is null;
create index impersonations_actor on impersonations (actor_user_id, started_at);
create index impersonations_user on impersonations (user_id, started_at);

alter table sessions add column impersonation_id uuid references impersonations;
create unique index sessions_impersonation on sessions (impersonation_id) where impersonation_id is not null;

alter table audit_events add column impersonation_id uuid;
create index audit_events_impersonation on audit_events (impersonation_id, sequence) where impersonation_id is not null;
create index audit_events_on_behalf_of on audit_events (on_behalf_of, sequence) where on_behalf_of is not null;
