/** Plans the end of all sessions that fit a filter, and starts it. */
import { sql } from 'kysely';
import type { RevokeMatchingPlan } from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { confirmPlan, makePlan } from '#server/jobs/plan-store.ts';
import { controlCondition, gatewayCondition } from './session-filter-conditions.ts';
import { listSessionRows } from './session-list-store.ts';
import type { RevokeMatchingInput } from './session-ending-job.ts';
import {
  planRevokeMatchingDraft,
  REVOKE_MATCHING,
  type RevokeMatchingFacts,
  type RevokeMatchingRequest,
} from './session-ending-rules.ts';

const EVERYWHERE = { all: true } as const;
const SHOWN = 10;
/** An index that was not heard of for this long is called old. */
const OLD_AFTER = sql.raw(`interval '30 seconds'`);

/** The plan, with whom it touches; changes nothing. */
export async function planRevokeMatching(
  db: Database,
  context: CallContext,
  request: RevokeMatchingRequest,
): Promise<RevokeMatchingPlan> {
  const facts = await readFacts(db, context, request);
  return { ...(await makePlan(db, context, planRevokeMatchingDraft(facts))), matching: facts.matching };
}

/** Starts what was read as `plan_hash`, if it would still be planned the same. */
export async function startRevokeMatching(
  db: Database,
  context: CallContext,
  { plan_hash, reason, filter, include_own }: RevokeMatchingRequest & { plan_hash: string; reason: string },
): Promise<{ job_id: string }> {
  const request = { filter, include_own };
  const facts = await readFacts(db, context, request);
  const plan = await confirmPlan(db, context, plan_hash, planRevokeMatchingDraft(facts));
  const { session, label } = principalOf(context);
  const input: RevokeMatchingInput = {
    ...request,
    own_session_id: session?.session_id ?? null,
    ended_reason: `Ended by ${label}: ${reason}`,
  };
  const mutation = {
    action: `${REVOKE_MATCHING}.start`,
    title: plan.title,
    permission: 'iam.sessions.revoke',
    target: plan.target,
    reason,
    details: { filter, include_own, sessions: facts.matching.sessions },
    run: { kind: REVOKE_MATCHING, input, plan, steps: plan.steps },
  };
  return mutate(db, context, mutation, async () => ({
    before: { live_sessions: facts.matching.sessions },
    after: { live_sessions: facts.matching.own.fits && !facts.matching.own.ends ? 1 : 0 },
    result: {},
  }));
}

async function readFacts(
  db: Database,
  context: CallContext,
  { filter, include_own }: RevokeMatchingRequest,
): Promise<RevokeMatchingFacts> {
  const own = principalOf(context).session?.session_id ?? null;
  const live = { ...filter, state: 'live' as const };
  const control = controlCondition(live, EVERYWHERE) ?? sql<boolean>`false`;
  const gateway = gatewayCondition(live, EVERYWHERE) ?? sql<boolean>`false`;
  const [{ rows: controls }, { rows: tenants }, { rows: watched }, sample] = await Promise.all([
    sql<{
      sessions: number;
      users: number;
      own_fits: boolean;
    }>`/* planned for its values */ select count(*) as sessions,
      count(distinct s.user_id) as users, coalesce(bool_or(s.session_id = ${own}::uuid), false) as own_fits from sessions s where ${control}`.execute(
      db,
    ),
    sql<{
      environment: string;
      tenant_id: string;
      sessions: number;
      end_users: number;
    }>`/* planned for its values */
      select g.environment, g.tenant_id, count(*) as sessions, count(distinct g.end_user_id) as end_users
      from gateway_sessions g where ${gateway} group by 1, 2 order by 3 desc, 1, 2`.execute(db),
    sql<{
      environment: string;
      observed_at: string | null;
      detail: string | null;
      old: boolean;
    }>`select environment, observed_at, detail,
      (state <> 'live' or observed_at < now() - ${OLD_AFTER}) as old from gateway_session_watch`.execute(db),
    listSessionRows(
      db,
      { ...live, sort: '-last_seen_at', limit: SHOWN },
      { currentSessionId: own, scopes: EVERYWHERE },
    ),
  ]);
  const touched = new Set(tenants.map(({ environment }) => environment));
  const ofTouched = watched.filter(({ environment }) => touched.has(environment));
  const { sessions: ours = 0, users = 0, own_fits: fits = false } = controls[0] ?? {};
  const sum = (name: 'sessions' | 'end_users') => tenants.reduce((total, row) => total + row[name], 0);
  return {
    filter,
    include_own,
    matching: {
      sessions: ours + sum('sessions'),
      control: ours,
      gateway: sum('sessions'),
      users,
      end_users: sum('end_users'),
      tenants: tenants
        .slice(0, SHOWN)
        .map(({ environment, tenant_id, sessions }) => ({ environment, tenant_id, sessions })),
      own: { fits, ends: fits && include_own },
      observed_at: ofTouched.map(({ observed_at }) => observed_at ?? '').toSorted()[0] || null,
      sample: sample.items,
    },
    unwatched: ofTouched
      .filter(({ old }) => old)
      .map(({ environment, detail }) => ({ environment, detail: detail ?? 'its Gateway is silent.' })),
  };
}
