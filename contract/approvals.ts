/**
 * Approvals: an operation that a policy guards does not happen when it is called. It becomes a request that holds the call and the plan
 * as it was read; people of the named roles decide on it, and with the last approval it happens in the requester's name, if everything is
 * still as it was read.
 */
import { Type, type Static } from 'typebox';
import {
  Environment,
  listQuery,
  Mutated,
  Nullable,
  OneOf,
  Page,
  Reason,
  Slug,
  Timestamp,
  Uuid,
} from './common.ts';
import { endpoint } from './endpoint.ts';
import { Change, Plan, PlanHash, Subject } from './jobs.ts';

export const APPROVAL_STATES = ['waiting', 'applied', 'rejected', 'withdrawn', 'voided', 'expired'] as const;
export type ApprovalState = (typeof APPROVAL_STATES)[number];

/** Which state allows which action. A comment is always taken. */
export const APPROVAL_ACTIONS = {
  approve: ['waiting'],
  reject: ['waiting'],
  withdraw: ['waiting'],
  ask_again: ['rejected', 'withdrawn', 'voided', 'expired'],
} as const satisfies Record<string, readonly ApprovalState[]>;
export type ApprovalAction = keyof typeof APPROVAL_ACTIONS;

/** Why a request no longer stands although nobody decided against it. */
export const VOID_REASONS = [
  'drifted',
  'edited',
  'policy_changed',
  'requester_not_allowed',
  'refused',
] as const;
export type VoidReason = (typeof VOID_REASONS)[number];

export const APPROVAL_VIEWS = ['waiting_for_me', 'mine', 'all'] as const;
export type ApprovalView = (typeof APPROVAL_VIEWS)[number];

/** So many people, each with one of these roles where the operation acts. All requirements of a policy are to be met; one approval may count for several. */
export const Requirement = Type.Object(
  {
    count: Type.Integer({ minimum: 1, maximum: 5 }),
    roles: Type.Array(Slug, { minItems: 1, maxItems: 10, uniqueItems: true }),
  },
  { additionalProperties: false },
);
export type Requirement = Static<typeof Requirement>;

const Progress = Type.Object({
  count: Type.Integer(),
  roles: Type.Array(Type.String()),
  have: Type.Integer({ description: 'Approvals that count for it now: the approver still holds the role' }),
});

const item = {
  approval_id: Uuid,
  operation: Type.String({ description: 'Id of the endpoint that was called' }),
  title: Type.String(),
  environment: Nullable(Environment),
  tenant_id: Nullable(Type.String()),
  target: Subject,
  state: OneOf(APPROVAL_STATES),
  void_reason: Nullable(OneOf(VOID_REASONS)),
  requester_id: Uuid,
  requester: Type.String(),
  reason: Nullable(Type.String()),
  requirements: Type.Array(Progress),
  job_id: Nullable(Type.String({ format: 'uuid', description: 'The job that it became' })),
  created_at: Timestamp,
  expires_at: Timestamp,
  ended_at: Nullable(Timestamp),
};
export const ApprovalListItem = Type.Object(item);
export type ApprovalListItem = Static<typeof ApprovalListItem>;

export const Approval = Type.Object({
  ...item,
  plan: Plan,
  policies: Type.Array(Type.Object({ policy_id: Uuid, revision: Type.Integer() })),
  contributors: Type.Array(Type.Object({ user_id: Uuid, label: Type.String() }), {
    description: 'Whoever had a part in it, the requester among them; none of them may decide',
  }),
  ended_detail: Nullable(Type.String()),
  ended_by: Nullable(Type.String()),
  drift: Type.Array(Change, { description: 'What differed from the plan when it was voided' }),
  decisions: Type.Array(
    Type.Object({
      user_id: Uuid,
      label: Type.String(),
      decision: OneOf(['approved', 'rejected']),
      roles: Type.Array(Type.String(), { description: 'By which it counted when it was made' }),
      counts: Type.Boolean({ description: 'Whether it counts now' }),
      comment: Nullable(Type.String()),
      decided_at: Timestamp,
    }),
  ),
  comments: Type.Array(
    Type.Object({
      comment_id: Uuid,
      user_id: Uuid,
      label: Type.String(),
      comment: Type.String(),
      created_at: Timestamp,
    }),
  ),
  against_deciding: Nullable(Type.String({ description: 'Why you may not decide; null when you may' })),
});
export type Approval = Static<typeof Approval>;

export const ApprovalPolicy = Type.Object({
  policy_id: Uuid,
  operation: Type.String(),
  environment: Nullable(Environment),
  requirements: Type.Array(Requirement, { description: 'None: it was taken away, and its revision goes on' }),
  expires_after_h: Type.Integer(),
  revision: Type.Integer(),
  approver_counts: Type.Array(Type.Integer(), {
    description: 'Active people who could approve, by requirement',
  }),
  updated_by: Type.String(),
  updated_at: Timestamp,
});
export type ApprovalPolicy = Static<typeof ApprovalPolicy>;

const params = Type.Object({ approval_id: Uuid });
const Comment = Type.String({ minLength: 1, maxLength: 2000, pattern: '\\S' });
const answer = Mutated({ approval: Approval });

export const listApprovals = endpoint({
  id: 'approvals.requests.list',
  method: 'GET',
  path: '/admin/v1/approvals',
  summary: 'Requests for approval, newest first: your own, and where you hold approvals.view',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['created_at'], {
    view: Type.Optional(OneOf(APPROVAL_VIEWS)),
    state: Type.Optional(OneOf(APPROVAL_STATES)),
    operation: Type.Optional(Type.String({ maxLength: 64 })),
    environment: Type.Optional(Environment),
    job_id: Type.Optional(Uuid),
  }),
  response: Page(ApprovalListItem),
  status: 200,
});
export const getApproval = endpoint({
  id: 'approvals.requests.get',
  method: 'GET',
  path: '/admin/v1/approvals/:approval_id',
  summary: 'One request: the plan as it was read, decisions, comments',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  params,
  response: Approval,
  status: 200,
  problems: ['not_found'],
});
export const checkApproval = endpoint({
  id: 'approvals.requests.check',
  method: 'GET',
  path: '/admin/v1/approvals/:approval_id/drift',
  summary: 'What differs now from the plan as it was read; changes nothing',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  params,
  response: Type.Object({
    changes: Type.Array(Change),
    plan_hash: Nullable(
      Type.String({ description: 'Of the plan made now; null where none can be made any more' }),
    ),
    problem: Nullable(Type.String({ description: 'Why no plan can be made now' })),
  }),
  status: 200,
  problems: ['not_found', 'upstream_failed'],
});
export const approveRequest = endpoint({
  id: 'approvals.requests.approve',
  method: 'POST',
  path: '/admin/v1/approvals/:approval_id/approve',
  summary:
    'Approve; the last approval that is needed applies it, or voids it where it is no longer what was read',
  permission: 'approvals.decide',
  scope: 'filtered',
  step_up: 'recent',
  params,
  body: Type.Object(
    { comment: Type.Optional(Comment), plan_hash: PlanHash },
    { additionalProperties: false },
  ),
  response: answer,
  status: 200,
  problems: ['not_found', 'action_not_allowed', 'permission_denied', 'plan_drifted', 'upstream_failed'],
});
export const rejectRequest = endpoint({
  id: 'approvals.requests.reject',
  method: 'POST',
  path: '/admin/v1/approvals/:approval_id/reject',
  summary: 'Reject with a comment that says why',
  permission: 'approvals.decide',
  scope: 'filtered',
  step_up: 'recent',
  params,
  body: Type.Object({ comment: Comment }, { additionalProperties: false }),
  response: answer,
  status: 200,
  problems: ['not_found', 'action_not_allowed', 'permission_denied'],
});
export const commentOnRequest = endpoint({
  id: 'approvals.requests.comment',
  method: 'POST',
  path: '/admin/v1/approvals/:approval_id/comments',
  summary: 'Comment on a request, in whatever state',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  params,
  body: Type.Object({ comment: Comment }, { additionalProperties: false }),
  response: answer,
  status: 200,
  problems: ['not_found'],
});
export const withdrawRequest = endpoint({
  id: 'approvals.requests.withdraw',
  method: 'POST',
  path: '/admin/v1/approvals/:approval_id/withdraw',
  summary: 'Withdraw your own request',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  params,
  body: Type.Object({ reason: Reason }, { additionalProperties: false }),
  response: answer,
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});
export const askAgain = endpoint({
  id: 'approvals.requests.ask_again',
  method: 'POST',
  path: '/admin/v1/approvals/:approval_id/ask-again',
  summary: 'Ask for the same again, with the plan as it is now',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'recent',
  params,
  body: Type.Object({ plan_hash: PlanHash, reason: Reason }, { additionalProperties: false }),
  response: Mutated({ approval: Approval }),
  status: 200,
  problems: [
    'not_found',
    'action_not_allowed',
    'permission_denied',
    'plan_drifted',
    'plan_blocked',
    'already_exists',
    'upstream_failed',
  ],
});
export const readRequirements = endpoint({
  id: 'approvals.requirements',
  method: 'GET',
  path: '/admin/v1/approval-requirements',
  summary: 'What approvals an operation would need there',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  query: Type.Object(
    {
      operation: Type.String({ maxLength: 64 }),
      environment: Type.Optional(Environment),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({ requirements: Type.Array(Requirement) }),
  status: 200,
});
export const listApprovalPolicies = endpoint({
  id: 'approvals.policies.list',
  method: 'GET',
  path: '/admin/v1/approval-policies',
  summary: 'Which operations need which approvals, and which could',
  permission: 'approvals.policies.view',
  scope: 'none',
  step_up: 'none',
  response: Type.Object({
    items: Type.Array(ApprovalPolicy),
    operations: Type.Array(Type.Object({ operation: Type.String(), summary: Type.String() }), {
      description: 'Every operation that a policy can guard',
    }),
  }),
  status: 200,
});
export const updateApprovalPolicy = endpoint({
  id: 'approvals.policies.update',
  method: 'PUT',
  path: '/admin/v1/approval-policies',
  summary: 'Set what approvals an operation needs in an environment, or everywhere; no requirements: none',
  description:
    'Refused with `unprocessable` where nobody could satisfy it. Waiting requests that were asked under another policy are voided.',
  permission: 'approvals.policies.update',
  scope: 'none',
  step_up: 'bound',
  approvable: true,
  body: Type.Object(
    {
      operation: Type.String({ maxLength: 64 }),
      environment: Nullable(Environment),
      requirements: Type.Array(Requirement, { maxItems: 5 }),
      expires_after_h: Type.Integer({ minimum: 1, maximum: 720, description: 'How long a request waits' }),
      revision: Type.Integer({ minimum: 0, description: 'Of the policy that was read; 0: there was none' }),
      reason: Reason,
    },
    { additionalProperties: false },
  ),
  response: Mutated({ policy: ApprovalPolicy }),
  status: 200,
  problems: ['unprocessable', 'precondition_failed', 'unknown_environment'],
});
