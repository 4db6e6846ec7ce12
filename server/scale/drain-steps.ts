/** Draining a tenant: hold its placements, ask the nodes to finish what is in flight, and watch them do it. */
import type { NodeTenant } from '#contract/node.ts';
import type { PlacementRecord } from '#contract/placement-record.ts';
import { StepFailure, type StepContext } from '#server/jobs/job-definition.ts';
import { drainForecast, type DrainFigures } from './drain-rules.ts';
import type { NodeAddress, NodeAdmin } from './node-admin.ts';
import { nodeCallProblem } from './node-rules.ts';
import { awaitReturn, firstWriteOf, pollUntil, writePlacement, type ReturnGoal } from './placement-steps.ts';
import type { PlacementStore } from './placement-store.ts';
import { hold, type Move, type Verdict } from './placement-transition-rules.ts';
import { acknowledgers, type EnvironmentSettings } from './scale-settings.ts';

export interface DrainTarget {
  move: Move;
  store: PlacementStore;
  /** The nodes that hold the shard. */
  nodes: readonly NodeAddress[];
}

/** A placement that a job holds where it is, without moving it. */
export interface HeldSite extends DrainTarget {
  settings: EnvironmentSettings;
}

/**
 * The undo of a hold: writes what the rule says wherever this job has written, and waits until the shards serve the tenant as before. A
 * placement that is still held after it is left to an earlier step's undo.
 */
export async function bringBack(
  step: StepContext<unknown>,
  admin: NodeAdmin,
  sites: readonly HeldSite[],
  rule: (record: PlacementRecord | null, move: Move) => Verdict,
): Promise<void> {
  const goals: ReturnGoal[] = [];
  for (const { store, move, nodes, settings } of sites) {
    const aware_from = await firstWriteOf(store, move, step.job_id);
    if (aware_from === null) continue;
    const { revision, record } = await writePlacement(store, move, (found) => rule(found, move));
    if (record?.state !== 'active') continue;
    goals.push({
      tenant_id: move.tenant_id,
      revision,
      aware_from,
      acknowledgers: () => acknowledgers(settings, move.service),
      serving: nodes,
      absent: [],
    });
  }
  if (goals.length > 0) await awaitReturn(step, admin, goals);
}

/** What a finished drain tells later plans: how many units it took how long to finish. */
export interface DrainOutput {
  units: number;
  seconds: number;
}

interface DrainLook extends DrainFigures {
  node_id: string;
  state: NodeTenant['state'] | null;
  problem: string | null;
}

/**
 * Puts each placement into `draining`, asks its nodes to drain and waits until all of them say `drained`. Throws StepFailure
 * `drain_timeout` with what is left, or `placement_changed`.
 */
export async function drainPlacements(
  step: StepContext<unknown>,
  admin: NodeAdmin,
  targets: readonly DrainTarget[],
): Promise<DrainOutput> {
  for (const { store, move } of targets) await writePlacement(store, move, (record) => hold(record, move));
  const began = Date.now();
  const asked = new Set<string>();
  /** What was to be finished when the node was first asked. */
  const initial = new Map<string, { inflight: number; units: number }>();
  let looks: DrainLook[] = [];

  const look = async (node: NodeAddress, move: Move): Promise<DrainLook> => {
    const call = { request_id: step.request_id };
    const key = `${node.node_id} ${move.service}`;
    try {
      const tenant = asked.has(key)
        ? await admin.tenant(node, move.tenant_id, call)
        : await admin.drainTenant(node, move.tenant_id, step.deadline.toISOString(), call);
      asked.add(key);
      const { state, inflight, consumer_lag } = tenant;
      const left = inflight + consumer_lag;
      const atStart = initial.get(key) ?? { inflight, units: left };
      initial.set(key, atStart);
      return {
        node_id: node.node_id,
        state,
        inflight,
        inflight_at_start: atStart.inflight,
        consumer_lag,
        ...drainForecast(atStart.units, left, (Date.now() - began) / 1000),
        problem: drainProblem(tenant),
      };
    } catch (error) {
      return {
        node_id: node.node_id,
        state: null,
        inflight: null,
        inflight_at_start: initial.get(key)?.inflight ?? null,
        consumer_lag: null,
        rate_per_s: null,
        eta_s: null,
        problem: nodeCallProblem(error),
      };
    }
  };

  await pollUntil(
    step,
    async () => {
      looks = await Promise.all(targets.flatMap(({ move, nodes }) => nodes.map((node) => look(node, move))));
      const slowest = looks.toSorted(
        (a, b) => (b.eta_s ?? b.inflight ?? 0) - (a.eta_s ?? a.inflight ?? 0),
      )[0];
      return { done: looks.every(({ state }) => state === 'drained'), figures: { ...slowest, nodes: looks } };
    },
    () => drainTimeout(step, targets, looks),
  );
  const units = [...initial.values()].reduce((sum, value) => sum + value.units, 0);
  return { units, seconds: (Date.now() - began) / 1000 };
}

function drainProblem({ tenant_id, state, blockers }: NodeTenant): string | null {
  if (state === 'drained') return null;
  // Whether it is overdue is judged by the step's own time-box: the node's clock may be wrong.
  if (state === 'draining') return blockers.find(({ code }) => code !== 'drain_overdue')?.detail ?? null;
  return `says that ${tenant_id} is ${state}`;
}

function drainTimeout(
  step: StepContext<unknown>,
  targets: readonly DrainTarget[],
  looks: readonly DrainLook[],
): StepFailure {
  const tenant = targets[0]?.move.tenant_id ?? '';
  const left = looks
    .filter(({ state }) => state !== 'drained')
    .map(whatIsLeft)
    .join('; ');
  const seconds = Math.round((step.deadline.getTime() - step.started_at.getTime()) / 1000);
  return new StepFailure('drain_timeout', `${tenant} was not drained within ${seconds} s: ${left}.`);
}

function whatIsLeft({ node_id, inflight, consumer_lag, problem }: DrainLook): string {
  if (inflight === null) return `${node_id} ${problem ?? 'did not answer'}`;
  const figures = `${inflight} in flight and ${consumer_lag ?? 0} events of lag on ${node_id}`;
  return problem === null ? figures : `${figures} (${problem})`;
}
