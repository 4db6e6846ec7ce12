-- What a person signs in with beside a password, and the short-lived secrets on the way there.

alter table users add column tags text[] not null default '{}';
create index users_tags on users using gin (tags);

-- What a session still lacks; one that lacks something is let in nowhere but to what ends the lack.
alter table sessions add column pending text check (pending in ('second_factor','enrolment'));
-- How the person proved who they are: password, totp, passkey, recovery_code, provider.
alter table sessions add column methods text[] not null default '{password}';

create table totp_factors (
  factor_id     uuid primary key default uuidv7(),
  user_id       uuid not null references users,
  -- AES-256-GCM under a key that the database does not hold
  sealed_secret bytea not null,
  -- null: begun, no code was given yet
  confirmed_at  timestamptz,
  -- The time step of the last code that was taken: no code is taken twice.
  last_step     bigint not null default 0,
  created_at    timestamptz not null default now()
);
create unique index totp_factors_confirmed on totp_factors (user_id) where confirmed_at is not null;
create unique index totp_factors_begun on totp_factors (user_id) where confirmed_at is null;

create table recovery_codes (
  user_id    uuid not null references users,
  -- sha-256 of 120 random bits
  code_hash  bytea not null,
  created_at timestamptz not null default now(),
  used_at    timestamptz,
  primary key (user_id, code_hash)
);

create table passkeys (
  passkey_id    uuid primary key default uuidv7(),
  user_id       uuid not null references users,
  name          text not null,
  credential_id text not null unique,
  public_key    bytea not null,
  sign_count    bigint not null,
  transports    text[] not null,
  -- Held by one device, or synchronised between several.
  synced        boolean not null,
  created_at    timestamptz not null default now(),
  last_used_at  timestamptz
);
create index passkeys_user on passkeys (user_id);

create table linked_identities (
  identity_id  uuid primary key default uuidv7(),
  user_id      uuid not null references users,
  provider_id  text not null,
  issuer       text not null,
  subject      text not null,
  email        text,
  created_at   timestamptz not null default now(),
  last_used_at timestamptz,
  constraint linked_identities_once unique (issuer, subject)
);
create index linked_identities_user on linked_identities (user_id);

-- Secrets that work once and for a while: links in mails, WebAuthn challenges, the state of an OpenID Connect sign-in.
create table one_time_secrets (
  secret_hash bytea primary key,
  purpose     text not null check (purpose in ('invitation','password_reset','passkey_sign_in','passkey_proof','passkey_enrolment','provider_sign_in','provider_link')),
  user_id     uuid references users,
  session_id  uuid references sessions,
  -- What the purpose needs besides.
  content     jsonb not null default '{}',
  created_at  timestamptz not null default now(),
  expires_at  timestamptz not null
);
create index one_time_secrets_user on one_time_secrets (user_id);
create index one_time_secrets_expires_at on one_time_secrets (expires_at);

-- How those who have a role may sign in. No row: any way, with or without a second factor.
create table role_sign_in_policies (
  role_id      text primary key references roles on delete cascade,
  methods      text[] not null check (cardinality(methods) > 0),
  mfa_required boolean not null
);
