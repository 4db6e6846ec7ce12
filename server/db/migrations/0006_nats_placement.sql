-- What the placement store looked like at the revision, beside the number: see PlacementMark in server/scale/placement-store.ts.
alter table placement_watch add column mark text not null default '';
