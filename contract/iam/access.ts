/** What somebody may do and why, and what a change of roles would do to it: questions that change nothing (PRD 1.3). */
import { Type, type Static } from 'typebox';
import { Nullable, OneOf, Timestamp, Uuid, Slug } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { NewAssignment, NewExpiry } from './assignments.ts';
import { body, PermissionPattern, scopeFields, userParams } from './fields.ts';
import { USER_STATUSES } from './users.ts';

const PermissionReason = Type.Object({
  assignment_id: Uuid,
  role_id: Slug,
  role_title: Type.String(),
  pattern: Type.String({
    description: 'What the role holds that covers the permission: itself or a wildcard',
  }),
  token_pattern: Nullable(
    Type.String({ description: 'What the token names that covers it; null for a user' }),
  ),
  ...scopeFields,
  expires_at: Nullable(Timestamp),
});
export type PermissionReason = Static<typeof PermissionReason>;

export const EffectivePermissions = Type.Object({
  principal: Type.Object({
    type: OneOf(['user', 'api_token']),
    label: Type.String(),
    may_act: Type.Boolean({
      description: 'False: the user is not active or the token is not, so that none of this counts now',
    }),
  }),
  items: Type.Array(
    Type.Object({
      permission: Type.String(),
      description: Type.String(),
      reasons: Type.Array(PermissionReason, {
        description: 'Each assignment that grants it, and where; the widest first',
      }),
    }),
  ),
});
export type EffectivePermissions = Static<typeof EffectivePermissions>;

const explain = {
  method: 'GET',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  response: EffectivePermissions,
  status: 200,
} as const;
export const explainUserPermissions = endpoint({
  ...explain,
  id: 'iam.users.permissions',
  path: '/admin/v1/iam/users/:user_id/permissions',
  summary: 'What a user may do, where, and by which role',
  params: userParams,
  problems: ['not_found'],
});
export const explainTokenPermissions = endpoint({
  ...explain,
  id: 'iam.tokens.permissions',
  path: '/admin/v1/iam/tokens/:token_id/permissions',
  summary: 'What an API token may do: what its user may, within what it names',
  params: Type.Object({ token_id: Uuid }),
  problems: ['not_found'],
});

const ScopedPermission = Type.Object({ permission: Type.String(), ...scopeFields });
export type ScopedPermission = Static<typeof ScopedPermission>;

const AffectedUser = Type.Object({
  user_id: Uuid,
  email: Type.String(),
  display_name: Type.String(),
  status: OneOf(USER_STATUSES),
  gains: Type.Array(ScopedPermission),
  loses: Type.Array(ScopedPermission),
  session_count: Type.Integer({
    description: 'Live sessions, which the change touches on their next request',
  }),
  token_count: Type.Integer({ description: 'Live API tokens of the user' }),
});
export type AffectedUser = Static<typeof AffectedUser>;

/** The most users that a preview names. */
export const PREVIEW_USERS = 100;

export const AccessPreview = Type.Object({
  blockers: Type.Array(Type.Object({ code: Type.String(), detail: Type.String() }), {
    description: 'Why the change would be refused',
  }),
  users: Type.Array(AffectedUser, {
    description: `Who gains or loses something, by email; ${PREVIEW_USERS} at most`,
  }),
  user_count: Type.Integer({ description: 'How many gain or lose something' }),
  unchanged_count: Type.Integer({ description: 'How many have the role and keep exactly what they may do' }),
  session_count: Type.Integer({ description: 'Live sessions of those who gain or lose something' }),
  token_count: Type.Integer(),
});
export type AccessPreview = Static<typeof AccessPreview>;

const preview = {
  method: 'POST',
  scope: 'none',
  step_up: 'none',
  response: AccessPreview,
  status: 200,
} as const;
export const previewRole = endpoint({
  ...preview,
  id: 'iam.roles.preview',
  path: '/admin/v1/iam/roles/:role_id/preview',
  summary: 'Who would gain or lose what if a role held these permissions; changes nothing',
  permission: 'iam.roles.update',
  params: Type.Object({ role_id: Slug }),
  body: body({
    permissions: Type.Array(PermissionPattern, { minItems: 1, maxItems: 100, uniqueItems: true }),
  }),
  problems: ['not_found', 'unprocessable'],
});
export const previewAssignment = endpoint({
  ...preview,
  id: 'iam.assignments.preview',
  path: '/admin/v1/iam/assignments/preview',
  summary: 'What a user would gain by a role; changes nothing',
  permission: 'iam.roles.assign',
  body: body(NewAssignment),
  problems: ['not_found', 'unprocessable'],
});
export const previewAssignmentExpiry = endpoint({
  ...preview,
  id: 'iam.assignments.change_expiry.preview',
  path: '/admin/v1/iam/assignments/:assignment_id/expiry/preview',
  summary: 'What a user would gain if an assignment ended at another time; changes nothing',
  permission: 'iam.roles.assign',
  params: Type.Object({ assignment_id: Uuid }),
  body: body(NewExpiry),
  problems: ['not_found'],
});
export const previewUnassignment = endpoint({
  ...preview,
  id: 'iam.assignments.delete.preview',
  path: '/admin/v1/iam/assignments/:assignment_id/delete/preview',
  summary: 'What a user would lose with an assignment; changes nothing',
  permission: 'iam.roles.assign',
  params: Type.Object({ assignment_id: Uuid }),
  problems: ['not_found'],
});
