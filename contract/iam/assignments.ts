/** Assignments: who has which role, where, and until when (PRD 1.3). */
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
} from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { scopeFields, body } from './fields.ts';
import { USER_KINDS } from './users.ts';

/** `temporary`: it will end by itself. `expired`: it did, and allows nothing any more. */
export const ASSIGNMENT_STATES = ['lasting', 'temporary', 'expired'] as const;
export type AssignmentState = (typeof ASSIGNMENT_STATES)[number];

export const Assignment = Type.Object({
  assignment_id: Uuid,
  user_id: Uuid,
  user_email: Type.String(),
  user_kind: OneOf(USER_KINDS),
  role_id: Slug,
  ...scopeFields,
  state: OneOf(ASSIGNMENT_STATES),
  expires_at: Nullable(Timestamp),
  created_by: Nullable(Type.String()),
  created_at: Timestamp,
});
export type Assignment = Static<typeof Assignment>;

/** A grant as the permission decision sees it. */
export const Grant = Type.Object({
  role_id: Type.String(),
  permissions: Type.Array(Type.String()),
  ...scopeFields,
  expires_at: Nullable(Timestamp),
});
export type Grant = Static<typeof Grant>;

/** What an assignment is made of: who, which role, where, and until when. */
export const NewAssignment = {
  user_id: Uuid,
  role_id: Slug,
  tenant_id: Type.Optional(Nullable(Slug)),
  environment: Type.Optional(Nullable(Environment)),
  expires_at: Type.Optional(
    Nullable(
      Type.String({ format: 'date-time', description: 'Ends by itself then; absent or null: it lasts' }),
    ),
  ),
};

/** A time at which it ends by itself; null: it lasts. */
export const NewExpiry = {
  expires_at: Nullable(
    Type.String({ format: 'date-time', description: 'Ends by itself then; null: it lasts' }),
  ),
};

export const listAssignments = endpoint({
  id: 'iam.assignments.list',
  method: 'GET',
  path: '/admin/v1/iam/assignments',
  summary: 'Who has which role, and where',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['created_at', 'expires_at'], {
    user_id: Type.Optional(Uuid),
    role_id: Type.Optional(Slug),
    tenant_id: Type.Optional(Slug),
    environment: Type.Optional(Environment),
    state: Type.Optional(OneOf(ASSIGNMENT_STATES)),
    ends_within_days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 365, description: 'Live ones that end within so many days' }),
    ),
  }),
  response: Page(Assignment),
  status: 200,
});
export const createAssignment = endpoint({
  id: 'iam.assignments.create',
  method: 'POST',
  path: '/admin/v1/iam/assignments',
  summary: 'Give a role, globally or for a tenant or environment, for good or until a time',
  permission: 'iam.roles.assign',
  scope: 'none',
  step_up: 'recent',
  approvable: true,
  body: body({ ...NewAssignment, reason: Type.Optional(Reason) }),
  response: Mutated({ assignment: Assignment }),
  status: 201,
  problems: ['not_found', 'already_exists', 'unprocessable', 'permission_denied'],
});
export const changeAssignmentExpiry = endpoint({
  id: 'iam.assignments.change_expiry',
  method: 'POST',
  path: '/admin/v1/iam/assignments/:assignment_id/expiry',
  summary: 'Change when an assignment ends: later, sooner, or not at all',
  permission: 'iam.roles.assign',
  scope: 'none',
  step_up: 'recent',
  params: Type.Object({ assignment_id: Uuid }),
  body: body({ ...NewExpiry, reason: Reason }),
  response: Mutated({ assignment: Assignment }),
  status: 200,
  problems: ['not_found', 'conflict', 'unprocessable', 'permission_denied'],
});
export const deleteAssignment = endpoint({
  id: 'iam.assignments.delete',
  method: 'POST',
  path: '/admin/v1/iam/assignments/:assignment_id/delete',
  summary: 'Take a role away; the last owner stays',
  permission: 'iam.roles.assign',
  scope: 'none',
  step_up: 'recent',
  params: Type.Object({ assignment_id: Uuid }),
  body: body({ reason: Reason }),
  response: Mutated({}),
  status: 200,
  problems: ['not_found', 'conflict', 'permission_denied'],
});
