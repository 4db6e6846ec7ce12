/**
 * Impersonation: somebody acts as another user for a while, to break glass. What they may do then is what that user may, less what
 * `NEVER_WHILE_ACTING` names; what they do carries both names; and another person reviews it afterwards (PRD 1.1).
 */
import { Type, type Static } from 'typebox';
import { listQuery, Mutated, Nullable, OneOf, Page, Reason, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { Grant } from './assignments.ts';
import { body, userParams } from './fields.ts';

/** `to_review`: it is over and nobody has looked at it. `overdue`: so late that its actor cannot begin another one. */
export const IMPERSONATION_STATES = ['active', 'to_review', 'overdue', 'reviewed'] as const;
export type ImpersonationState = (typeof IMPERSONATION_STATES)[number];

/** Why an impersonation is over, and how that reads. */
export const IMPERSONATION_ENDINGS = {
  actor: 'Ended by who acted',
  time: 'Its time was over',
  replaced: 'Another one was begun',
  revoked: 'Its session was ended',
  signed_out: 'The own session of who acted ended',
  actor_not_active: 'Who acted may not sign in any more',
  user_not_active: 'The user acted for may not sign in any more',
  permission_taken: 'Who acted may not impersonate any more',
} as const satisfies Record<string, string>;
export type ImpersonationEnding = keyof typeof IMPERSONATION_ENDINGS;

export const REVIEW_VERDICTS = ['in_order', 'not_in_order'] as const;

export const Impersonation = Type.Object({
  impersonation_id: Uuid,
  session_id: Uuid,
  actor_user_id: Uuid,
  actor_email: Type.String({ description: 'Who acted' }),
  user_id: Uuid,
  user_email: Type.String({ description: 'As whom' }),
  reason: Type.String(),
  state: OneOf(IMPERSONATION_STATES),
  started_at: Timestamp,
  ends_at: Timestamp,
  ended_at: Nullable(Timestamp),
  ending: Nullable(OneOf(Object.keys(IMPERSONATION_ENDINGS) as ImpersonationEnding[])),
  review_due_at: Timestamp,
  reviewed_at: Nullable(Timestamp),
  reviewed_by: Nullable(Type.String()),
  verdict: Nullable(OneOf(REVIEW_VERDICTS)),
  comment: Nullable(Type.String({ description: "The reviewer's" })),
});
export type Impersonation = Static<typeof Impersonation>;

/** What acting as a user would be, before it begins. */
export const ImpersonationPreview = Type.Object({
  user_id: Uuid,
  user_email: Type.String(),
  minutes: Type.Integer({ description: 'How long it lasts; it cannot be extended' }),
  review_days: Type.Integer({ description: 'How long after its end the review is due' }),
  blockers: Type.Array(Type.Object({ code: Type.String(), message: Type.String() })),
  grants: Type.Array(Grant, { description: 'What could be done' }),
  withheld: Type.Array(Type.String(), { description: 'Permissions of the user that acting does not give' }),
  reviewers: Type.Object({
    count: Type.Integer(),
    emails: Type.Array(Type.String(), { description: 'The first of them' }),
  }),
});
export type ImpersonationPreview = Static<typeof ImpersonationPreview>;

const params = Type.Object({ impersonation_id: Uuid });

export const previewImpersonation = endpoint({
  id: 'iam.impersonations.preview',
  method: 'POST',
  path: '/admin/v1/iam/users/:user_id/impersonation/preview',
  summary: 'What acting as a user would allow, and what stands against it',
  permission: 'iam.users.impersonate',
  scope: 'none',
  step_up: 'none',
  params: userParams,
  response: ImpersonationPreview,
  status: 200,
  problems: ['not_found'],
});
export const startImpersonation = endpoint({
  id: 'iam.impersonations.start',
  method: 'POST',
  path: '/admin/v1/iam/impersonations',
  summary: 'Act as a user for a while',
  description:
    'Sets a second cookie beside that of the session, which counts only together with it; every request acts as the user until it ends.',
  permission: 'iam.users.impersonate',
  scope: 'none',
  step_up: 'bound',
  body: body({ user_id: Uuid, reason: Reason }),
  response: Type.Object({ impersonation: Impersonation, csrf_token: Type.String() }),
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});
export const endImpersonation = endpoint({
  id: 'iam.impersonations.end',
  method: 'POST',
  path: '/admin/v1/iam/impersonations/end',
  summary: 'Stop acting as a user; your own session goes on',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  while_acting: true,
  response: Type.Object({ impersonation: Impersonation }),
  status: 200,
  problems: ['action_not_allowed'],
});
export const listImpersonations = endpoint({
  id: 'iam.impersonations.list',
  method: 'GET',
  path: '/admin/v1/iam/impersonations',
  summary: 'List who acted as whom, newest first',
  permission: 'iam.impersonations.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['started_at', 'review_due_at'], {
    state: Type.Optional(OneOf(IMPERSONATION_STATES)),
    unreviewed: Type.Optional(
      Type.Boolean({ description: 'true: those that are over and wait for their review' }),
    ),
    user_id: Type.Optional({ ...Uuid, description: 'Who acted, or as whom' }),
    q: Type.Optional(Type.String({ maxLength: 100, description: 'Part of either email' })),
  }),
  response: Page(Impersonation),
  status: 200,
});
export const getImpersonation = endpoint({
  id: 'iam.impersonations.get',
  method: 'GET',
  path: '/admin/v1/iam/impersonations/:impersonation_id',
  summary: 'One impersonation',
  permission: 'iam.impersonations.read',
  scope: 'none',
  step_up: 'none',
  params,
  response: Impersonation,
  status: 200,
  problems: ['not_found'],
});
export const reviewImpersonation = endpoint({
  id: 'iam.impersonations.review',
  method: 'POST',
  path: '/admin/v1/iam/impersonations/:impersonation_id/review',
  summary: 'Say whether what somebody did as another user was in order',
  permission: 'iam.impersonations.review',
  scope: 'none',
  step_up: 'recent',
  params,
  body: body({
    verdict: OneOf(REVIEW_VERDICTS),
    reason: Reason,
  }),
  response: Mutated({ impersonation: Impersonation }),
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});
