/**
 * Pure: which tasks Docker Swarm may end when it scales a replicated service down.
 *
 * It first ends slots without a host (and those with several tasks at once). Then it numbers the slots on each host, the running ones first,
 * and ends those with the highest numbers over all hosts, so that they stay spread; among equals it takes any. Which task runs changes from
 * one moment to the next, so any order on a host is reckoned with here.
 */
import type { OrchestratorTask } from '#server/scale/orchestrator.ts';

/** The tasks that going down to `replicas` may end; the others stay as long as they have their hosts. */
export function tasksThatMayEnd(tasks: readonly OrchestratorTask[], replicas: number): OrchestratorTask[] {
  const slots = [...Map.groupBy(tasks.filter(isWanted), ({ slot }) => slot).values()];
  const surplus = slots.length - replicas;
  const onHost = Map.groupBy(slots, hostOf);
  const unplaced = onHost.get(null)?.length ?? 0;
  const sizes = [...onHost].flatMap(([host, own]) => (host === null ? [] : [own.length]));
  /** How many slots surely end before the last one of a host with that many. */
  const before = (size: number): number =>
    sizes.reduce((sum, other) => sum + Math.max(0, other - size), unplaced);
  return slots
    .filter((slot) => {
      const host = hostOf(slot);
      return surplus > (host === null ? 0 : before(onHost.get(host)?.length ?? 0));
    })
    .flat();
}

/** What Swarm counts: `ready` waits for its turn to be started again. */
const isWanted = ({ desired_state }: OrchestratorTask): boolean =>
  desired_state === 'running' || desired_state === 'ready';

const hostOf = (slot: readonly OrchestratorTask[]): string | null =>
  slot.length === 1 ? (slot[0]?.host_id ?? null) : null;
