-- Suspicious activity that was noticed, and what became of it.
create table detections (
  detection_id uuid primary key default uuidv7(),
  kind         text not null check (kind in
    ('session_fan_out','failed_sign_ins_account','failed_sign_ins_address','failed_second_factor','ip_change','token_new_network','token_reuse')),
  subject_type text not null check (subject_type in ('user','address','session','api_token')),
  -- A text: a subject may be a session of the Gateway, or an address.
  subject_id   text not null,
  -- How a person knows the subject: an email, an address, the name of a token.
  subject_label text not null,
  -- The operator whom it concerns, where there is one.
  user_id      uuid references users,
  -- Where it came from, the last time.
  ip           text,
  state        text not null default 'open' check (state in ('open','acknowledged','resolved')),
  -- How often it was seen while this detection was not resolved.
  count        integer not null,
  -- The most that was measured, what it was held against then, and the seconds that it was measured over.
  measured     integer not null,
  threshold    integer not null,
  window_s     integer,
  details      jsonb not null,
  first_seen_at   timestamptz not null default now(),
  last_seen_at    timestamptz not null default now(),
  acknowledged_at timestamptz,
  acknowledged_by text,
  resolved_at     timestamptz,
  resolved_by     text,
  reason          text
);
-- What is seen again belongs to the detection that is there, until somebody resolves it.
create unique index detections_unresolved on detections (kind, subject_type, subject_id) where state <> 'resolved';
create index detections_last_seen_at on detections (last_seen_at, detection_id);
create index detections_first_seen_at on detections (first_seen_at, detection_id);
create index detections_user on detections (user_id, last_seen_at) where user_id is not null;

-- Networks that a session or an API token was used from, but for the one that a session was opened from.
create table seen_networks (
  subject_type  text not null check (subject_type in ('session','api_token')),
  subject_id    uuid not null,
  network       text not null,
  ip            text not null,
  first_seen_at timestamptz not null default now(),
  last_seen_at  timestamptz not null default now(),
  primary key (subject_type, subject_id, network)
);

-- Up to when the watch for detections has looked; one row.
create table detection_marks (
  only_row     boolean primary key default true check (only_row),
  looked_until timestamptz not null default now()
);
insert into detection_marks default values;
