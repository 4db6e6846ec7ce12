-- Sessions at token issuers that were ended here. A row is needed only as long as a token of the session could still be accepted.
create table revoked_token_sessions (
  issuer     text not null,
  session_id text not null,
  revoked_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (issuer, session_id)
);
create index revoked_token_sessions_expires_at on revoked_token_sessions (expires_at);
