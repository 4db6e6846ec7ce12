/**
 * Pure: what a job writes next into a placement, judged by what stands there. Each function answers the same for a record that the job
 * has already written, so that every step and undo may be repeated after a crash.
 *
 * A move goes through these records (e = epoch at the plan, J = the job):
 *
 *     home      source active   e            before, and after the undo of the drain
 *     held      source draining e     J      drain
 *     moving    target moving   e+1   J      place: nobody takes new work
 *     moved     target active   e+1          verify: the target serves
 *     fenced    source moving   e+2   J      undo of `moved`: the target must hear of it before the source serves again
 *     returned  source active   e+2          after the undo of the placement
 */
import type { PlacementRecord } from '#contract/placement-record.ts';

/** What a job holds of a placement: where the tenant was when it was planned. */
export interface HeldPlacement {
  tenant_id: string;
  service: PlacementRecord['service'];
  shard: string;
  epoch: number;
}

export interface Move extends HeldPlacement {
  job_id: string;
  target_shard: string;
}

/** `keep`: it is as wanted already. `changed`: somebody else wrote it, or it is in no state that this job could have left. */
export type Verdict =
  | { kind: 'keep' }
  | { kind: 'write'; record: Omit<PlacementRecord, 'updated_at'> }
  | { kind: 'delete' }
  | { kind: 'changed' };

const keep: Verdict = { kind: 'keep' };
const changed: Verdict = { kind: 'changed' };

type Stage = 'home' | 'held' | 'moving' | 'moved' | 'fenced' | 'returned';

const recordAt = (move: Move, stage: Stage): Omit<PlacementRecord, 'updated_at'> => {
  const { tenant_id, service, shard, target_shard, epoch, job_id } = move;
  const at = {
    home: { shard, state: 'active', epoch, job_id: null },
    held: { shard, state: 'draining', epoch, job_id },
    moving: { shard: target_shard, state: 'moving', epoch: epoch + 1, job_id },
    moved: { shard: target_shard, state: 'active', epoch: epoch + 1, job_id: null },
    fenced: { shard, state: 'moving', epoch: epoch + 2, job_id },
    returned: { shard, state: 'active', epoch: epoch + 2, job_id: null },
  } as const;
  return { tenant_id, service, ...at[stage] };
};

/** Where in the move a record stands, or null when it is none of this move's. */
export function stageOf(record: PlacementRecord | null, move: Move): Stage | null {
  if (record === null) return null;
  const stages: Stage[] = ['home', 'held', 'moving', 'moved', 'fenced', 'returned'];
  return (
    stages.find((stage) => {
      const wanted = recordAt(move, stage);
      return (
        record.shard === wanted.shard &&
        record.state === wanted.state &&
        record.epoch === wanted.epoch &&
        record.job_id === wanted.job_id
      );
    }) ?? null
  );
}

function follow(
  record: PlacementRecord | null,
  move: Move,
  next: Partial<Record<Stage, Stage | 'keep'>>,
): Verdict {
  const stage = stageOf(record, move);
  const then = stage === null ? undefined : next[stage];
  if (then === undefined) return changed;
  return then === 'keep' ? keep : { kind: 'write', record: recordAt(move, then) };
}

/** The tenant takes no new work on its shard. */
export const hold = (record: PlacementRecord | null, move: Move): Verdict =>
  follow(record, move, { home: 'held', held: 'keep' });

/** Takes `hold` back; a placement that came back from the target is released already. */
export const release = (record: PlacementRecord | null, move: Move): Verdict =>
  follow(record, move, { held: 'home', home: 'keep', returned: 'keep' });

/** The tenant belongs to the target, which does not serve it yet. */
export const placeOnTarget = (record: PlacementRecord | null, move: Move): Verdict =>
  follow(record, move, { held: 'moving', moving: 'keep' });

/** The target serves the tenant. */
export const serveOnTarget = (record: PlacementRecord | null, move: Move): Verdict =>
  follow(record, move, { moving: 'moved', moved: 'keep' });

/**
 * Back to the source. While the target never served, the source may serve at once; after it did, the record is `fenced` first, so that
 * the two never serve at the same time. A placement that never left its source is kept.
 */
export const placeBack = (record: PlacementRecord | null, move: Move): Verdict =>
  follow(record, move, {
    home: 'keep',
    held: 'keep',
    moving: 'returned',
    moved: 'fenced',
    fenced: 'keep',
    returned: 'keep',
  });

/** The second half of `placeBack`, once every node has heard of `fenced`. */
export const serveOnSource = (record: PlacementRecord | null, move: Move): Verdict =>
  follow(record, move, { home: 'keep', held: 'keep', fenced: 'returned', returned: 'keep' });

/** Takes a held placement away. A removal has no target: its `target_shard` is the shard itself. */
export const remove = (record: PlacementRecord | null, move: Move): Verdict =>
  record === null ? keep : stageOf(record, move) === 'held' ? { kind: 'delete' } : changed;

/** Puts a removed placement back where it was, one epoch on. */
export function restore(record: PlacementRecord | null, move: Move): Verdict {
  if (record === null) return { kind: 'write', record: recordAt(move, 'moved') };
  return follow(record, move, { home: 'keep', held: 'keep', moved: 'keep' });
}

/** Takes the hold of a removal back. */
export const releaseInPlace = (record: PlacementRecord | null, move: Move): Verdict =>
  follow(record, move, { held: 'home', home: 'keep', moved: 'keep' });

/** The first placement of a tenant; `mine` says whether the record that stands there was written by this job. */
export function create(
  record: PlacementRecord | null,
  wanted: Omit<PlacementRecord, 'updated_at'>,
  mine: boolean,
): Verdict {
  if (record === null) return { kind: 'write', record: wanted };
  return mine ? keep : changed;
}

/** Takes away what `create` placed; somebody else's record stays. */
export const removeCreated = (record: PlacementRecord | null, mine: boolean): Verdict =>
  record !== null && mine ? { kind: 'delete' } : keep;

/** Lets go of what `create` placed, once it is served. */
export function settleCreated(record: PlacementRecord | null, job_id: string): Verdict {
  if (record === null) return changed;
  if (record.job_id === null) return keep;
  return record.job_id === job_id ? { kind: 'write', record: { ...record, job_id: null } } : changed;
}

/**
 * A drain of a tenant leaves its placements `held`; a resume takes them from there (J = the drain, R = the resume):
 *
 *     held      shard draining e     J      left by the drain
 *     resuming  shard active   e     R      the shard serves, and every node has yet to acknowledge it
 *     home      shard active   e            after the resume
 */
export interface Resumption extends HeldPlacement {
  job_id: string;
  held_by: string;
}

const resumptionAt = (resumption: Resumption, stage: 'held' | 'resuming' | 'home') => {
  const { tenant_id, service, shard, epoch, job_id, held_by } = resumption;
  const at = {
    held: { state: 'draining', job_id: held_by },
    resuming: { state: 'active', job_id },
    home: { state: 'active', job_id: null },
  } as const;
  return { tenant_id, service, shard, epoch, ...at[stage] };
};

function followResumption(
  record: PlacementRecord | null,
  resumption: Resumption,
  next: Partial<Record<'held' | 'resuming' | 'home', 'held' | 'resuming' | 'home' | 'keep'>>,
): Verdict {
  for (const [stage, then] of Object.entries(next) as ['held' | 'resuming' | 'home', typeof next.held][]) {
    const { state, shard, epoch, job_id } = resumptionAt(resumption, stage);
    if (record?.state !== state || record.shard !== shard) continue;
    if (record.epoch !== epoch || record.job_id !== job_id) continue;
    return then === 'keep' || then === undefined
      ? keep
      : { kind: 'write', record: resumptionAt(resumption, then) };
  }
  return changed;
}

/** The shard serves a drained tenant again. */
export const resume = (record: PlacementRecord | null, resumption: Resumption): Verdict =>
  followResumption(record, resumption, { held: 'resuming', resuming: 'keep' });

/** Lets go of what `resume` wrote, once it is served. */
export const settleResumed = (record: PlacementRecord | null, resumption: Resumption): Verdict =>
  followResumption(record, resumption, { resuming: 'home', home: 'keep' });

/** Takes `resume` back. */
export const holdAgain = (record: PlacementRecord | null, resumption: Resumption): Verdict =>
  followResumption(record, resumption, { held: 'keep', resuming: 'held', home: 'held' });
