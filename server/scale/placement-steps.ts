/**
 * The pieces that the steps of placement jobs are made of: write a placement, drain, reload, wait for acknowledgements, verify.
 * Every piece may be repeated: it looks at what is there before it does anything.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { NodeTenantState } from '#contract/node.ts';
import { placementKey, type NodeKind, type PlacementRecord } from '#contract/placement-record.ts';
import { StepFailure, type StepContext } from '#server/jobs/job-definition.ts';
import type { NodeAddress, NodeAdmin } from './node-admin.ts';
import { nodeCallProblem } from './node-rules.ts';
import { PlacementConflictError, type PlacementEntry, type PlacementStore } from './placement-store.ts';
import { expectedOf, type EnvironmentSettings } from './scale-settings.ts';
import type { HeldPlacement, Verdict } from './placement-transition-rules.ts';

const POLL_MS = 200;
/** Left of the time-box when a look that takes too long is given up. */
const SPARE_MS = 100;
const WRITE_ATTEMPTS = 5;
/** How long one try of an undo waits for nodes; the runner tries three times before it calls a person. */
const UNDO_PATIENCE_MS = 10_000;

type Step = Pick<StepContext<unknown>, 'job_id' | 'deadline' | 'signal' | 'request_id' | 'progress'>;

/** What a node answered in one look; `problem` says what is still missing. */
export interface NodeLook {
  node_id: string;
  done: boolean;
  problem: string | null;
}

type RevisionLook = NodeLook & { placement_revision: number | null };
type TenantLook = NodeLook & { state: NodeTenantState | null };

/** Writes what the rule says, by compare-and-set. Throws StepFailure `placement_changed` when the placement is not as this job left it. */
export async function writePlacement(
  store: PlacementStore,
  held: Pick<HeldPlacement, 'service' | 'tenant_id'>,
  rule: (record: PlacementRecord | null) => Verdict,
): Promise<{ revision: number; record: PlacementRecord | null }> {
  const key = placementKey(held.service, held.tenant_id);
  for (let attempt = 1; ; attempt += 1) {
    const entry = await store.get(key);
    const verdict = rule(entry?.record ?? null);
    try {
      switch (verdict.kind) {
        case 'keep':
          return {
            revision: entry?.revision ?? (await store.currentRevision()),
            record: entry?.record ?? null,
          };
        case 'write': {
          const record = { ...verdict.record, updated_at: new Date().toISOString() };
          return { revision: await store.update(record, entry?.revision ?? 0), record };
        }
        case 'delete':
          return { revision: await store.delete(key, entry?.revision ?? 0), record: null };
        case 'changed':
          throw placementChanged(key, entry);
      }
    } catch (error) {
      // Somebody wrote in between: judge what stands there now.
      if (!(error instanceof PlacementConflictError) || attempt === WRITE_ATTEMPTS) throw error;
    }
  }
}

function placementChanged(key: string, entry: PlacementEntry | null): StepFailure {
  if (entry === null)
    return new StepFailure('placement_changed', `Placement ${key} was deleted by somebody else.`);
  const { record, revision } = entry;
  const writer = record.job_id === null ? 'somebody else' : `job ${record.job_id}`;
  return new StepFailure(
    'placement_changed',
    `Placement ${key} is ${record.state} on ${record.shard} at epoch ${record.epoch}, written by ${writer} at revision ${revision}; this job did not leave it so.`,
  );
}

/** The revision of the first write that this job made to the placement, or null when it made none. */
export async function firstWriteOf(
  store: PlacementStore,
  held: Pick<HeldPlacement, 'service' | 'tenant_id'>,
  job_id: string,
): Promise<number | null> {
  const changes = await store.history(placementKey(held.service, held.tenant_id));
  return changes.find(({ record }) => record?.job_id === job_id)?.revision ?? null;
}

/**
 * Looks again and again until `look` says done. Shows its figures, stops when the job is cancelled, and gives up with `failure` just
 * before the time-box, so that the reason is named and not only the time. The first look always happens.
 */
export async function pollUntil(
  step: Step,
  look: () => Promise<{ done: boolean; figures: unknown }>,
  failure: () => StepFailure,
  patienceMs = Number.POSITIVE_INFINITY,
): Promise<void> {
  const giveUpAt = Math.min(step.deadline.getTime(), Date.now() + patienceMs);
  const over = new AbortController();
  // A look may outlast the time-box, whose end says less than `failure` does: this comes before it.
  const untilLate = Math.max(0, giveUpAt - Date.now() - SPARE_MS);
  const outOfTime = pause(untilLate, null, { signal: over.signal }).catch(() => null);
  try {
    for (let looks = 0; ; looks += 1) {
      const began = Date.now();
      const looked = await (looks === 0 ? look() : Promise.race([look(), outOfTime]));
      if (looked === null) throw failure();
      if (looked.done) {
        await step.progress(looked.figures);
        return;
      }
      const now = Date.now();
      if (now + POLL_MS + (now - began) >= giveUpAt) throw failure();
      await step.progress(looked.figures);
      await pause(POLL_MS, undefined, { signal: step.signal }).catch(() => step.signal.throwIfAborted());
    }
  } finally {
    over.abort();
  }
}

/**
 * Does `act` until it goes through. `problemOf` says of an error what is shown while it may pass, or null when it will not: that one is
 * thrown. What was half done before an error is for the next try to find out.
 */
export async function tryUntilPossible<T>(
  step: Step,
  act: () => Promise<T>,
  problemOf: (error: unknown) => string | null,
  failure: (problem: string) => StepFailure,
): Promise<T> {
  let result: { value: T } | null = null;
  let problem: string | null = null;
  const attempt = async (): Promise<void> => {
    try {
      result = { value: await act() };
    } catch (error) {
      problem = problemOf(error);
      if (problem === null) throw error;
    }
  };
  await attempt();
  if (result === null) {
    const look = async () => {
      await attempt();
      return result === null ? { done: false, figures: { problem } } : { done: true, figures: {} };
    };
    await pollUntil(step, look, () => failure(problem ?? ''));
  }
  if (result === null) throw new Error('what was waited for has no result');
  return (result as { value: T }).value;
}

/** Asks every node at once; a call that fails becomes that node's problem. */
async function lookAt<T extends NodeLook>(
  nodes: readonly NodeAddress[],
  ask: (node: NodeAddress) => Promise<T>,
  blank: Omit<T, keyof NodeLook>,
): Promise<T[]> {
  return Promise.all(
    nodes.map((node) =>
      ask(node).catch(
        (error: unknown) =>
          ({ ...blank, node_id: node.node_id, done: false, problem: nodeCallProblem(error) }) as T,
      ),
    ),
  );
}

const missing = (looks: readonly NodeLook[]): string =>
  looks
    .filter(({ done }) => !done)
    .map(({ node_id, problem }) => `${node_id} ${problem ?? 'has not answered'}`)
    .join('; ');

/** Makes the nodes read the newest placements. A node that fails is asked again until the time-box. */
export async function reloadNodes(
  step: Step,
  admin: NodeAdmin,
  nodes: readonly NodeAddress[],
): Promise<void> {
  const reloaded = new Map<string, number>();
  let looks: RevisionLook[] = [];
  const ask = async (node: NodeAddress): Promise<RevisionLook> => {
    const before = reloaded.get(node.node_id);
    const placement_revision =
      before ?? (await admin.reload(node, { request_id: step.request_id })).placement_revision;
    reloaded.set(node.node_id, placement_revision);
    return { node_id: node.node_id, done: true, problem: null, placement_revision };
  };
  await pollUntil(
    step,
    async () => {
      looks = await lookAt(nodes, ask, { placement_revision: null });
      return { done: looks.every(({ done }) => done), figures: { nodes: looks } };
    },
    () => new StepFailure('node_failed', `Not every node has reloaded: ${missing(looks)}.`),
  );
}

/** The reload that the undo of a reload makes: whatever it misses, the undo of the placement waits for. */
export async function reloadWhatAnswers(
  step: Step,
  admin: NodeAdmin,
  nodes: readonly NodeAddress[],
): Promise<void> {
  await Promise.allSettled(nodes.map((node) => admin.reload(node, { request_id: step.request_id })));
}

/** A revision that every expected node of these kinds has to reach. */
export interface AcknowledgementGoal {
  settings: Pick<EnvironmentSettings, 'environment' | 'nodes' | 'directory'>;
  kinds: readonly NodeKind[];
  revision: number;
}

/**
 * Waits until every expected node has applied the revision of its goal. Which those are is read anew at each look, and the last look asks
 * the orchestrator whether there are others: a node that was started meanwhile counts, one that was forgotten for a moment too.
 */
export async function awaitAcknowledgement(
  step: Step,
  admin: NodeAdmin,
  goals: readonly AcknowledgementGoal[],
): Promise<void> {
  let looks: (RevisionLook & { acknowledged: boolean })[] = [];
  const ask =
    (goal: AcknowledgementGoal) =>
    async (node: NodeAddress): Promise<(typeof looks)[number]> => {
      const { placement_revision } = await admin.status(node, { request_id: step.request_id });
      const done = placement_revision >= goal.revision;
      const problem = done ? null : `has applied revision ${placement_revision}, not yet ${goal.revision}`;
      return { node_id: node.node_id, done, acknowledged: done, placement_revision, problem };
    };
  await pollUntil(
    step,
    async () => {
      const blank = { placement_revision: null, acknowledged: false };
      const asked = goals.map((goal) => expectedOf(goal.settings, goal.kinds));
      const answers = goals.map((goal, index) => lookAt(asked[index] ?? [], ask(goal), blank));
      looks = (await Promise.all(answers)).flat();
      if (looks.every(({ done }) => done)) {
        const gaps = await Promise.all(goals.map((goal, index) => notAsked(goal, asked[index] ?? [])));
        looks.push(...gaps.flat().map((gap) => ({ ...blank, ...gap, done: false })));
      }
      const nodes = looks.map(({ done: _done, ...shown }) => shown);
      const revision =
        goals.length === 1 ? goals[0]?.revision : Math.max(0, ...goals.map((goal) => goal.revision));
      return { done: looks.every(({ done }) => done), figures: { revision, nodes } };
    },
    () =>
      new StepFailure(
        'not_acknowledged',
        `Not every node has acknowledged the placement: ${missing(looks)}.`,
      ),
  );
}

/** What else would have to acknowledge than the nodes that were asked. */
async function notAsked(
  { settings, kinds }: AcknowledgementGoal,
  asked: readonly NodeAddress[],
): Promise<Pick<NodeLook, 'node_id' | 'problem'>[]> {
  const missing = (await settings.directory?.missing(kinds)) ?? null;
  if (missing !== null)
    return [{ node_id: `orchestrator of ${settings.environment}`, problem: `says: ${missing}` }];
  const known = new Set(asked.map(({ node_id, url }) => `${node_id} ${url}`));
  return expectedOf(settings, kinds)
    .filter(({ node_id, url }) => !known.has(`${node_id} ${url}`))
    .map(({ node_id }) => ({ node_id, problem: 'has just come' }));
}

/** What a node must say of the tenant. */
export interface TenantExpectation {
  node: NodeAddress;
  tenant_id: string;
  state: NodeTenantState;
  /** As of this placement revision or a later one. */
  revision: number;
}

/** Waits until each node says of the tenant what is expected. */
export async function awaitTenantStates(
  step: Step,
  admin: NodeAdmin,
  expectations: readonly TenantExpectation[],
): Promise<void> {
  let looks: TenantLook[] = [];
  await pollUntil(
    step,
    async () => {
      looks = (
        await Promise.all(
          expectations.map((expected) =>
            lookAt([expected.node], () => tenantLook(step, admin, expected), { state: null }),
          ),
        )
      ).flat();
      const checks = looks.map(({ done, ...look }) => ({ ...look, ok: done }));
      return { done: looks.every(({ done }) => done), figures: { checks } };
    },
    () => new StepFailure('not_verified', `The nodes do not say what they should: ${missing(looks)}.`),
  );
}

async function tenantLook(step: Step, admin: NodeAdmin, expected: TenantExpectation): Promise<TenantLook> {
  const { node_id } = expected.node;
  const tenant = await admin.tenant(expected.node, expected.tenant_id, { request_id: step.request_id });
  const current = tenant.placement_revision >= expected.revision;
  const done = current && tenant.state === expected.state;
  const problem = done
    ? null
    : current
      ? `says that ${expected.tenant_id} is ${tenant.state}, not ${expected.state}`
      : `has applied revision ${tenant.placement_revision}, not yet ${expected.revision}`;
  return { node_id, done, state: tenant.state, problem };
}

/** The way back to one shard: what has to hold before an undo may call itself done. */
export interface ReturnGoal {
  tenant_id: string;
  /** Revision of the record that the nodes have to go by. */
  revision: number;
  /** Nodes that still go by a revision before this one never heard of the job: for them nothing has happened. */
  aware_from: number;
  acknowledgers: () => readonly NodeAddress[];
  /** Nodes that have to serve the tenant; a drain that was asked for is resumed. */
  serving: readonly NodeAddress[];
  /** Nodes that must not have it. */
  absent: readonly NodeAddress[];
}

/**
 * Waits until every node goes by the record and exactly the serving ones serve the tenant. Throws when a node cannot be reached: then
 * nobody knows what it does, and the job has to become stuck rather than call itself undone.
 */
export async function awaitReturn(step: Step, admin: NodeAdmin, goals: readonly ReturnGoal[]): Promise<void> {
  let looks: RevisionLook[] = [];
  const call = { request_id: step.request_id };
  const ask =
    (goal: ReturnGoal) =>
    async (node: NodeAddress): Promise<RevisionLook> => {
      const { placement_revision } = await admin.reload(node, call);
      const unaware = placement_revision < goal.aware_from;
      const problems: string[] = [];
      if (placement_revision < goal.revision && !unaware) {
        problems.push(`has applied revision ${placement_revision}, not yet ${goal.revision}`);
      }
      const among = (nodes: readonly NodeAddress[]) => nodes.some(({ node_id }) => node_id === node.node_id);
      const serves = among(goal.serving);
      if (serves || among(goal.absent)) {
        let tenant = await admin.tenant(node, goal.tenant_id, call);
        if (serves && tenant.state !== 'active')
          tenant = await admin.resumeTenant(node, goal.tenant_id, call);
        const wanted: NodeTenantState = serves ? 'active' : 'absent';
        if (tenant.state !== wanted)
          problems.push(`says that ${goal.tenant_id} is ${tenant.state}, not ${wanted}`);
      }
      const problem = problems.length === 0 ? null : problems.join(' and ');
      return { node_id: node.node_id, done: problem === null, placement_revision, problem };
    };
  await pollUntil(
    step,
    async () => {
      looks = (
        await Promise.all(
          goals.map((goal) => lookAt(goal.acknowledgers(), ask(goal), { placement_revision: null })),
        )
      ).flat();
      const nodes = looks.map(({ done, ...look }) => ({ ...look, acknowledged: done }));
      return { done: looks.every(({ done }) => done), figures: { revision: goals[0]?.revision, nodes } };
    },
    () => new StepFailure('undo_incomplete', `Not every node is back as it was: ${missing(looks)}.`),
    UNDO_PATIENCE_MS,
  );
}
