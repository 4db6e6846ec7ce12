/** Pure: the steps that give a tenant its placements in one environment, as a plan or a job shows them. */
import type { ServiceKind } from '#contract/placement-record.ts';

export const PLACE_TIMEOUT_S = 30;

/** What the step `place` returns: where each service went, by which write, and the nodes that have to serve it. */
export type Placed = Partial<Record<ServiceKind, { shard: string; revision: number; nodes: string[] }>>;

/** A type, because a job's input is a record. */
export type PlacingInput = { tenant_id: string; ack_timeout_s: number };

export const placingStepNames = (environment: string) => ({
  place: `place_${environment}`,
  reload: `reload_${environment}`,
  acknowledge: `acknowledge_${environment}`,
  verify: `verify_${environment}`,
});

/** In their order; `place` says where to, `take_off` what its undo does. */
export function placingStepTitles(
  environment: string,
  { tenant_id, ack_timeout_s }: PlacingInput,
  { place, take_off }: { place: string; take_off: string },
) {
  const names = placingStepNames(environment);
  const step = (name: string, title: string, time_box_s: number, undo_title: string | null = null) => ({
    name,
    title,
    undo_title,
    point_of_no_return: false,
    time_box_s,
  });
  return [
    step(names.place, place, PLACE_TIMEOUT_S, take_off),
    step(names.reload, `Reload the nodes of ${environment}`, ack_timeout_s),
    step(names.acknowledge, `Wait until every node of ${environment} acknowledges`, ack_timeout_s),
    step(names.verify, `Verify that the shards of ${environment} serve ${tenant_id}`, ack_timeout_s),
  ];
}
