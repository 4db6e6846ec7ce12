-- Signing in at a terminal by a browser (RFC 8628), and the tokens that such a session has in the place of a cookie.

-- What holds the session: a browser by its cookie, or the command line client by the tokens below.
alter table sessions add column client text not null default 'browser' check (client in ('browser','cli'));

create table device_authorizations (
  authorization_id uuid primary key default uuidv7(),
  -- sha-256 of both codes
  device_code_hash bytea not null unique,
  user_code_hash   bytea not null unique,
  -- The session that asks to be confirmed; null: a new one is asked for.
  session_id       uuid references sessions on delete cascade,
  client_name      text not null,
  ip               text not null,
  user_agent       text not null,
  state            text not null default 'pending' check (state in ('pending','approved','denied','used')),
  -- Who decided, in which session of the browser: the new session is worth what that one is.
  approved_by      uuid references sessions on delete cascade,
  interval_s       integer not null,
  last_polled_at   timestamptz,
  created_at       timestamptz not null default now(),
  expires_at       timestamptz not null
);
create index device_authorizations_expires_at on device_authorizations (expires_at);
create index device_authorizations_session on device_authorizations (session_id);
create index device_authorizations_approved_by on device_authorizations (approved_by);

create table session_tokens (
  -- sha-256
  token_hash     bytea primary key,
  session_id     uuid not null references sessions on delete cascade,
  kind           text not null check (kind in ('access','refresh')),
  created_at     timestamptz not null default now(),
  expires_at     timestamptz not null,
  -- A refresh token is used once. Its successor is derived of its own value and this salt, so that one who lost the answer gets the same again.
  used_at        timestamptz,
  successor_salt bytea,
  check ((used_at is null) = (successor_salt is null))
);
create index session_tokens_session on session_tokens (session_id);
create index session_tokens_expires_at on session_tokens (expires_at);
