-- Service accounts are users that no person signs in as: they have roles and API tokens, and nothing else to come in with.
alter table users add column kind text not null default 'person' check (kind in ('person','service_account'));
alter table users add constraint users_service_account check (
  kind = 'person' or (password_hash is null and last_sign_in_at is null and status in ('active','disabled','deleted')));
create index users_service_accounts on users (email, user_id) where kind = 'service_account';

-- A rotated token has one successor; both work until the overlap has passed.
alter table api_tokens add column rotated_from uuid references api_tokens;
create unique index api_tokens_rotated_from on api_tokens (rotated_from);
-- Label of who made it; null: from before this was kept.
alter table api_tokens add column created_by text;

-- Which roles end soon, and which have.
create index assignments_expires_at on assignments (expires_at, assignment_id) where expires_at is not null;
