/** Pure: the plan of a rebalance from the facts, and whether it may go on. */
import { TENANT_ACTIONS, type TenantStatus } from '#contract/tenants.ts';
import type { Change, Check, PlanDraft } from '#contract/jobs.ts';
import { canonicalHash } from '#server/jobs/plan-rules.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { check, checkAcknowledgers } from './preflight-rules.ts';
import type { PlacedTenant, RebalanceFacts, RebalanceRequest } from './rebalance-facts.ts';
import { percent, planRebalance, type Rebalance, type ShardLoad } from './rebalance-rules.ts';
import { roundsOf, type PlacedMove } from './rebalance-progress-rules.ts';
import { unfitness } from './shard-choice-rules.ts';

/** Moves and tenants that a plan lists one by one; its hash covers all of them. */
const MOST_LISTED = 200;

/** What a rebalance is made of: the job's input. A type, because a job's input is a record. */
export type RebalanceInput = RebalanceRequest & {
  moves: PlacedMove[];
  /** The nodes that hold each shard. */
  holders: Record<string, string[]>;
  spread_before: number;
  spread_after: number;
  max_moves_per_node: number;
  max_failed_moves: number;
  ack_timeout_s: number;
  move_timeout_s: number;
};

const movableFrom: readonly TenantStatus[] = TENANT_ACTIONS.migrate.from;

/** Why the tenant stays where it is, or null when it may be moved. */
function whyStays({ status, state, job_id, held }: PlacedTenant): string | null {
  if (held || job_id !== null) return 'held by a job';
  if (state !== 'active') return state;
  if (status === null) return 'unknown to the control plane';
  return movableFrom.includes(status) ? null : status;
}

const holdersOf = ({ nodes, request }: RebalanceFacts, shard: string) =>
  nodes.filter(({ kind, shards }) => kind === request.service && shards.includes(shard));

interface ShardFacts {
  load: ShardLoad;
  /** Why it may be given no tenant; null when it may. */
  unfit: string | null;
}

/** The shards that a node holds. A placement on any other shard cannot be drained, so its tenant is not counted. */
function shardsOf(facts: RebalanceFacts): ShardFacts[] {
  const { nodes, placements, request, thresholds } = facts;
  const names = new Set(nodes.filter(({ kind }) => kind === request.service).flatMap(({ shards }) => shards));
  const byShard = new Map<string, PlacedTenant[]>([...names].toSorted().map((name) => [name, []]));
  for (const placed of placements) byShard.get(placed.shard)?.push(placed);
  return [...byShard].map(([shard, placed]) => {
    const unfit = unfitness(shard, holdersOf(facts, shard), placed.length, thresholds);
    const tenants = placed.map((each) => ({
      tenant_id: each.tenant_id,
      weight: 1,
      movable: whyStays(each) === null,
    }));
    return {
      load: { shard, capacity: thresholds.max_tenants_per_shard, takes: unfit === null, tenants },
      unfit,
    };
  });
}

/** The plan of a rebalance, and the job's input with every move. */
export function planRebalanceDraft(facts: RebalanceFacts): { draft: PlanDraft; input: RebalanceInput } {
  const { request, nodes } = facts;
  const { environment, service } = request;
  const shards = shardsOf(facts);
  const rebalance = planRebalance(
    shards.map(({ load }) => load),
    request,
  );
  const input = inputOf(facts, rebalance);
  const { moves } = input;
  const placed = new Map(facts.placements.map((each) => [each.tenant_id, each]));
  const listed = moves.slice(0, MOST_LISTED);
  const draft: PlanDraft = {
    kind: 'rebalance_shards',
    title: `Rebalance the ${service} shards of ${environment} by ${moves.length} move${moves.length === 1 ? '' : 's'}`,
    environment,
    target: { type: 'environment', id: environment },
    input: { ...input, moves: moves.length },
    steps: stepsOf(facts, input),
    changes: changesOf(shards, moves),
    checks: checksOf(facts, shards, rebalance),
    blast_radius: {
      tenants: listed.map(({ tenant_id }) => {
        const { plan = '', contact_email = null } = placed.get(tenant_id) ?? {};
        return { tenant_id, plan, contact_email };
      }),
      tenants_not_listed: moves.length - listed.length,
      nodes: nodes.map(({ node_id }) => node_id).toSorted(),
      services: [service],
    },
    revisions: { moves: canonicalHash(moves) },
    rollback:
      'What has moved stays where it is. To move a tenant back, migrate it; a cancel begins no more moves and lets those in flight come to their end.',
  };
  return { draft, input };
}

function inputOf(facts: RebalanceFacts, rebalance: Rebalance): RebalanceInput {
  const { request, thresholds, placements } = facts;
  const epochs = new Map(placements.map(({ tenant_id, epoch }) => [tenant_id, epoch]));
  const moves = rebalance.moves.map((move) => ({ ...move, epoch: epochs.get(move.tenant_id) ?? 0 }));
  const touched = [...new Set(moves.flatMap(({ from, to }) => [from, to]))].toSorted();
  const holders = touched.map((shard) => [shard, holdersOf(facts, shard).map(({ node_id }) => node_id)]);
  const { max_moves_per_node, max_failed_moves, drain_timeout_s, ack_timeout_s } = thresholds;
  // Check, drain, place, reload, acknowledge and verify; and the same again when it is undone.
  const move_timeout_s = 2 * (CHECK_TIMEOUT_S + drain_timeout_s + 4 * ack_timeout_s);
  return {
    ...request,
    moves,
    holders: Object.fromEntries(holders) as Record<string, string[]>,
    spread_before: rebalance.spread_before,
    spread_after: rebalance.spread_after,
    max_moves_per_node,
    max_failed_moves,
    ack_timeout_s,
    move_timeout_s,
  };
}

/** What the shards carry before and after, then each move, the first of many. */
function changesOf(shards: readonly ShardFacts[], moves: readonly PlacedMove[]): Change[] {
  const counts = shards.map(({ load: { shard, tenants } }): Change => {
    const gone = moves.filter(({ from }) => from === shard).length;
    const come = moves.filter(({ to }) => to === shard).length;
    return { path: `${shard} tenants`, before: tenants.length, after: tenants.length - gone + come };
  });
  const more = moves.length - MOST_LISTED;
  return [
    ...counts.filter(({ before, after }) => before !== after),
    ...moves.slice(0, MOST_LISTED).map(({ tenant_id, from, to }) => ({
      path: tenant_id,
      before: from,
      after: to,
    })),
    ...(more > 0 ? [{ path: `${more} more tenants`, before: 'not listed', after: 'not listed' }] : []),
  ];
}

function stepsOf({ seconds_per_move }: RebalanceFacts, input: RebalanceInput): PlanDraft['steps'] {
  const { moves, max_moves_per_node, move_timeout_s, ack_timeout_s } = input;
  const rounds = roundsOf(input);
  const step = (name: string, title: string, time_box_s: number): PlanDraft['steps'][number] => ({
    name,
    title,
    undo_title: null,
    point_of_no_return: false,
    changes_nothing: true,
    time_box_s,
    eta_s: null,
  });
  return [
    step('check', 'Check the nodes of the shards, and the gateways', CHECK_TIMEOUT_S),
    {
      ...step(
        'move',
        `Migrate ${moves.length} tenants, at most ${max_moves_per_node} at a time on a node`,
        Math.max(1, rounds) * move_timeout_s,
      ),
      undo_title: 'Let the moves in flight come to their end; what has moved stays',
      changes_nothing: false,
      eta_s: seconds_per_move === null ? null : Math.round(rounds * seconds_per_move),
    },
    step('verify', 'Compare what the shards carry with the plan', ack_timeout_s),
  ];
}

/** The checks that hold again when the job begins: nodes, index, another rebalance. */
export function standingChecks(facts: RebalanceFacts, receiving: readonly string[]): Check[] {
  const { request, nodes, index, live_jobs } = facts;
  const subject = { type: 'environment', id: request.environment } as const;
  return [
    ...live_jobs.map(({ job_id, title }) =>
      check('job_running', 'blocker', { type: 'job', id: job_id }, `Another job is at it: ${title}.`),
    ),
    index.state === 'live'
      ? check('placement_index_not_live', 'ok', subject, 'the placement index is up to date')
      : check(
          'placement_index_not_live',
          'blocker',
          subject,
          `The placement index of ${request.environment} is ${index.state}${index.detail === null ? '' : ` (${index.detail.replace(/\.$/, '')})`}, so nobody knows what the shards carry.`,
        ),
    ...checkAcknowledgers(nodes, ({ node_id }) => receiving.includes(node_id), 0),
  ];
}

function checksOf(facts: RebalanceFacts, shards: readonly ShardFacts[], rebalance: Rebalance): Check[] {
  const { request, placements } = facts;
  const service = { type: 'service', id: request.service } as const;
  const receiving = rebalance.moves.flatMap(({ to }) => holdersOf(facts, to).map(({ node_id }) => node_id));
  const unfit = shards.flatMap(({ load, unfit: reason }) =>
    reason === null
      ? []
      : [
          check(
            'shard_takes_nothing',
            'warning',
            { type: 'shard', id: load.shard },
            `${load.shard} is given no tenant: ${reason}.`,
          ),
        ],
  );
  const held = new Set(shards.map(({ load }) => load.shard));
  const lost = Map.groupBy(
    placements.filter(({ shard }) => !held.has(shard)),
    ({ shard }) => shard,
  );
  const orphaned = [...lost].map(([shard, { length }]) =>
    check(
      'shard_unknown',
      'warning',
      { type: 'shard', id: shard },
      `No node is known to hold ${shard}, with ${length} tenant${length === 1 ? '' : 's'}; no move touches it.`,
    ),
  );
  const staying = placements.filter((placed) => whyStays(placed) !== null).length;
  const { spread_before, spread_after, reason } = rebalance;
  const measure = {
    figure: Math.round(spread_after * 1000) / 10,
    threshold: Math.round(spread_before * 1000) / 10,
    unit: '%',
  };
  return [
    reason === null
      ? check(
          'nothing_to_improve',
          'ok',
          service,
          `the shard furthest from the average fill goes from ${percent(spread_before)} off it to ${percent(spread_after)}`,
          measure,
        )
      : check('nothing_to_improve', 'blocker', service, reason, measure),
    ...standingChecks(facts, receiving),
    ...unfit,
    ...orphaned,
    check(
      'tenants_stay',
      'ok',
      service,
      `${staying} of ${placements.length} tenants may not be moved now: not active, or held by a job`,
    ),
  ];
}
