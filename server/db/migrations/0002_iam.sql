-- Operators of the control plane: who they are, how they are signed in, what they may do.

create table users (
  user_id         uuid primary key default uuidv7(),
  email           text not null,
  display_name    text not null,
  status          text not null check (status in ('invited','active','suspended','disabled','deleted')),
  password_hash   text,
  revision        integer not null default 1,
  last_sign_in_at timestamptz,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now()
);
-- A deleted user is a tombstone and frees the email.
create unique index users_email on users (lower(email)) where status <> 'deleted';
create index users_created_at on users (created_at, user_id);
create index users_email_order on users (email, user_id);
create index users_last_sign_in_at on users (last_sign_in_at, user_id);

create table sessions (
  session_id       uuid primary key default uuidv7(),
  -- sha-256 of the cookie's value: a stolen table gives no session
  token_hash       bytea not null unique,
  user_id          uuid not null references users,
  ip               text not null,
  user_agent       text not null,
  authenticated_at timestamptz not null,
  created_at       timestamptz not null default now(),
  last_seen_at     timestamptz not null default now(),
  expires_at       timestamptz not null,
  ended_at         timestamptz,
  ended_reason     text
);
create index sessions_user on sessions (user_id, created_at);
create index sessions_created_at on sessions (created_at, session_id);
create index sessions_last_seen_at on sessions (last_seen_at, session_id);
create index sessions_live on sessions (user_id) where ended_at is null;

create table step_up_proofs (
  proof_hash   bytea primary key,
  session_id   uuid not null references sessions,
  request_hash text not null,
  expires_at   timestamptz not null,
  used_at      timestamptz
);

create table roles (
  role_id     text primary key,
  title       text not null,
  description text not null,
  permissions text[] not null,
  built_in    boolean not null default false,
  revision    integer not null default 1,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);

create table assignments (
  assignment_id uuid primary key default uuidv7(),
  user_id       uuid not null references users,
  role_id       text not null references roles,
  tenant_id     text,
  environment   text,
  created_by    text,
  created_at    timestamptz not null default now(),
  constraint assignments_once unique nulls not distinct (user_id, role_id, tenant_id, environment)
);
create index assignments_role on assignments (role_id);

create table api_tokens (
  token_id     uuid primary key default uuidv7(),
  user_id      uuid not null references users,
  token_hash   bytea not null unique,
  prefix       text not null,
  name         text not null,
  permissions  text[] not null,
  tenant_id    text,
  environment  text,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz not null,
  last_used_at timestamptz,
  revoked_at   timestamptz
);
create index api_tokens_user on api_tokens (user_id);
