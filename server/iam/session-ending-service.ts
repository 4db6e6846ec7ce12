/** Plans the end of all sessions that fit a filter, and starts it. */
import { sql, type RawBuilder } from 'kysely';
import type { RevokeMatchingPlan } from '#contract/iam.ts';
import type { TouchedPeople } from '#contract/jobs.ts';
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
  const [ours, theirs, { rows: watched }, sample] = await Promise.all([
    countControl(db, control, own),
    countGateway(db, gateway),
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
  const ofTouched = watched.filter(({ environment }) => theirs.environments.includes(environment));
  const { sessions: control_sessions, own_fits: fits, ...users } = ours;
  const { sessions: gateway_sessions, environments, ...endUsers } = theirs;
  return {
    filter,
    include_own,
    matching: {
      sessions: control_sessions + gateway_sessions,
      control: control_sessions,
      gateway: gateway_sessions,
      own: { fits, ends: fits && include_own },
      observed_at: ofTouched.map(({ observed_at }) => observed_at ?? '').toSorted()[0] || null,
      sample: sample.items,
    },
    owners: { ...users, ...endUsers },
    unwatched: ofTouched
      .filter(({ old }) => old)
      .map(({ environment, detail }) => ({ environment, detail: detail ?? 'its Gateway is silent.' })),
  };
}

/** Sessions of ours that fit, and whose they are. */
async function countControl(db: Database, fits: RawBuilder<boolean>, own: string | null) {
  const { rows } = await sql<{
    email: string;
    sessions: number;
    users: number;
    own_fits: boolean;
  }>`/* planned for its values */
    select u.email, (sum(each.sessions) over ())::bigint as sessions, count(*) over () as users, bool_or(each.own_fits) over () as own_fits
    from (select s.user_id, count(*) as sessions, coalesce(bool_or(s.session_id = ${own}::uuid), false) as own_fits
      from sessions s where ${fits} group by s.user_id) each join users u using (user_id)
    order by each.sessions desc, u.email limit ${SHOWN}`.execute(db);
  const { sessions = 0, users = 0, own_fits = false } = rows[0] ?? {};
  return { sessions, users, own_fits, first_users: rows.map(({ email }) => email) };
}

/** Sessions of Gateways that fit, and whose they are. */
async function countGateway(db: Database, fits: RawBuilder<boolean>) {
  type Counted = { sessions: number; environments: string[] } & Pick<
    TouchedPeople,
    'end_users' | 'first_end_users' | 'tenants' | 'first_tenants'
  >;
  const { rows } = await sql<Counted>`/* planned for its values */
    with owners as materialized (select g.environment, g.tenant_id, g.end_user_id, count(*) as sessions
        from gateway_sessions g where ${fits} group by 1, 2, 3),
      tenants as (select environment, tenant_id, sum(sessions)::bigint as sessions, count(*) as end_users from owners group by 1, 2)
    select coalesce(sum(sessions), 0)::bigint as sessions, coalesce(sum(end_users), 0)::bigint as end_users, count(*) as tenants,
      coalesce(array_agg(distinct environment), '{}') as environments,
      (select coalesce(jsonb_agg(jsonb_build_object('end_user_id', end_user_id, 'tenant_id', tenant_id, 'environment', environment)), '[]')
        from (select * from owners order by sessions desc, environment, tenant_id, end_user_id limit ${SHOWN}) most) as first_end_users,
      (select coalesce(jsonb_agg(jsonb_build_object('tenant_id', tenant_id, 'environment', environment, 'sessions', sessions)), '[]')
        from (select * from tenants order by sessions desc, environment, tenant_id limit ${SHOWN}) most) as first_tenants
    from tenants`.execute(db);
  const [counted] = rows;
  if (!counted) throw new Error('An aggregate without groups answers one row.');
  return counted;
}
