-- Failed sign-ins, counted here so that the limits hold across replicas. The columns and their order are those that
-- rate-limiter-flexible writes: it inserts by position.
create table sign_in_throttle (
  key    text primary key,
  points integer not null default 0,
  -- milliseconds since 1970
  expire bigint
);
create index sign_in_throttle_expire on sign_in_throttle (expire);

create index step_up_proofs_expires_at on step_up_proofs (expires_at);
