/** Ending many sessions: all of a tenant or of one of its end users, and all that fit a filter, as a job with a plan. */
import { Type, type Static } from 'typebox';
import { Environment, Mutated, Nullable, Reason, Slug } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { Plan, PlanHash } from '../jobs.ts';
import { body } from './fields.ts';
import { Session, sessionFilters } from './sessions.ts';

export const revokeTenantSessions = endpoint({
  id: 'iam.tenants.revoke_sessions',
  method: 'POST',
  path: '/admin/v1/iam/tenants/:tenant_id/revoke-sessions',
  summary: 'End all sessions of the end users of a tenant in an environment, or of one of them',
  description:
    'The Gateway ends them before this answers; access tokens of the sessions are refused at the next request.',
  permission: 'iam.sessions.revoke',
  scope: { tenant_id: 'params.tenant_id', environment: 'body.environment' },
  step_up: 'recent',
  params: Type.Object({ tenant_id: Slug }),
  body: body({
    environment: Environment,
    end_user_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    reason: Reason,
  }),
  response: Mutated({ sessions_ended: Type.Integer() }),
  status: 200,
  problems: ['unknown_environment', 'upstream_failed'],
});

/** Which sessions are to end: live ones that fit every field, at least one of which is given. */
export const SessionsToEnd = Type.Object(sessionFilters, { additionalProperties: false, minProperties: 1 });
export type SessionsToEnd = Static<typeof SessionsToEnd>;

const matching = {
  filter: SessionsToEnd,
  include_own: Type.Boolean({ description: 'Also the session that asks, should it fit; it ends last' }),
};

/** The plan, and whom it touches as of now. */
export const RevokeMatchingPlan = Type.Object({
  plan: Plan,
  matching: Type.Object({
    sessions: Type.Integer({ description: 'Live sessions that fit now' }),
    control: Type.Integer(),
    gateway: Type.Integer(),
    users: Type.Integer({ description: 'Our users among their owners' }),
    end_users: Type.Integer(),
    tenants: Type.Array(
      Type.Object({ environment: Type.String(), tenant_id: Type.String(), sessions: Type.Integer() }),
      {
        description: 'The ten with the most',
      },
    ),
    own: Type.Object({
      fits: Type.Boolean({ description: 'The session that asks fits the filter' }),
      ends: Type.Boolean({ description: 'It fits and would end too' }),
    }),
    observed_at: Nullable(
      Type.String({ format: 'date-time', description: 'Of the oldest Gateway index that was read' }),
    ),
    sample: Type.Array(Session, { description: 'The ten that were seen last' }),
  }),
});
export type RevokeMatchingPlan = Static<typeof RevokeMatchingPlan>;

export const planRevokeMatching = endpoint({
  id: 'iam.sessions.revoke_matching.plan',
  method: 'POST',
  path: '/admin/v1/iam/sessions/revoke-matching/plan',
  summary: 'Plan the end of all sessions that fit a filter; changes nothing',
  permission: 'iam.sessions.revoke',
  scope: 'none',
  step_up: 'none',
  body: body(matching),
  response: RevokeMatchingPlan,
  status: 200,
});
export const revokeMatching = endpoint({
  id: 'iam.sessions.revoke_matching',
  method: 'POST',
  path: '/admin/v1/iam/sessions/revoke-matching',
  summary: 'End all live sessions that fit a filter, as a job without a way back',
  permission: 'iam.sessions.revoke',
  scope: 'none',
  step_up: 'recent',
  body: body({ ...matching, plan_hash: PlanHash, reason: Reason }),
  response: Mutated({}),
  status: 202,
  problems: ['plan_drifted', 'plan_blocked', 'plan_expired', 'job_conflict'],
});
