-- The clock of what is kept of an archived tenant stands still from the start of its restore; it runs on when the restore is undone.
alter table retired_resources drop constraint retired_resources_outcome_check;
alter table retired_resources add constraint retired_resources_outcome_check
  check (outcome in ('deleted','absent','kept','restored'));
