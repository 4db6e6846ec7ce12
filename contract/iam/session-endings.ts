/** Ending all sessions that fit a filter, as a job with a plan. */
import { Type, type Static } from 'typebox';
import { Mutated, Nullable, Reason } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { Plan, PlanHash } from '../jobs.ts';
import { body } from './fields.ts';
import { Session, sessionFilters } from './sessions.ts';

/** Which sessions are to end: live ones that fit every field, at least one of which is given. */
export const SessionsToEnd = Type.Object(sessionFilters, { additionalProperties: false, minProperties: 1 });
export type SessionsToEnd = Static<typeof SessionsToEnd>;

const matching = {
  filter: SessionsToEnd,
  include_own: Type.Boolean({ description: 'Also the session that asks, should it fit; it ends last' }),
};

/** The plan, whose `blast_radius.people` says whom it touches, and what fits as of now. */
export const RevokeMatchingPlan = Type.Object({
  ...Plan.properties,
  matching: Type.Object({
    sessions: Type.Integer({ description: 'Live sessions that fit now' }),
    control: Type.Integer(),
    gateway: Type.Integer(),
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
  id: 'iam.sessions.revoke_matching.start',
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
