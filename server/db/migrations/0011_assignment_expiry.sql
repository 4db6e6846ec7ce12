-- An assignment may end by itself: it counts until then, by the database's clock. One that has ended stays, so that lists can show it.
alter table assignments add column expires_at timestamptz;
create index assignments_created_at on assignments (created_at, assignment_id);
