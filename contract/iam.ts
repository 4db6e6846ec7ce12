/** Identity and access: users, sessions, roles, assignments, API tokens (PRD 1). */
import { Type, type Static } from 'typebox';
import {
  Email,
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
import { PERMISSION_PATTERN } from './permissions.ts';

export const USER_STATUSES = ['invited', 'active', 'suspended', 'disabled', 'deleted'] as const;
export type UserStatus = (typeof USER_STATUSES)[number];

/** Which status allows which action, and what follows. The server's guard and the UI's disabled reason read this table. */
export const USER_ACTIONS = {
  suspend: { from: ['active'], to: 'suspended' },
  reactivate: { from: ['suspended', 'disabled'], to: 'active' },
  disable: { from: ['active', 'suspended', 'invited'], to: 'disabled' },
  delete: { from: ['invited', 'active', 'suspended', 'disabled'], to: 'deleted' },
} as const satisfies Record<string, { from: readonly UserStatus[]; to: UserStatus }>;
export type UserAction = keyof typeof USER_ACTIONS;

/** Scope of a grant: both null = global; both set = that tenant in that environment only. */
const scopeFields = { tenant_id: Nullable(Slug), environment: Nullable(Environment) };

export const User = Type.Object({
  user_id: Uuid,
  email: Type.String(),
  display_name: Type.String(),
  status: OneOf(USER_STATUSES),
  revision: Type.Integer(),
  last_sign_in_at: Nullable(Timestamp),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type User = Static<typeof User>;

export const UserListItem = Type.Object({
  ...User.properties,
  roles: Type.Array(Type.Object({ role_id: Type.String(), ...scopeFields })),
  session_count: Type.Integer(),
});
export type UserListItem = Static<typeof UserListItem>;

export const SESSION_STATES = ['active', 'expired', 'revoked'] as const;
export const Session = Type.Object({
  session_id: Uuid,
  user_id: Uuid,
  user_email: Type.String(),
  state: OneOf(SESSION_STATES),
  ended_reason: Nullable(Type.String()),
  ip: Type.String(),
  user_agent: Type.String(),
  current: Type.Boolean({ description: 'This is the session that asks' }),
  authenticated_at: Timestamp,
  created_at: Timestamp,
  last_seen_at: Timestamp,
  expires_at: Timestamp,
  ended_at: Nullable(Timestamp),
});
export type Session = Static<typeof Session>;

export const Role = Type.Object({
  role_id: Slug,
  title: Type.String(),
  description: Type.String(),
  permissions: Type.Array(Type.String()),
  built_in: Type.Boolean(),
  assignment_count: Type.Integer(),
  revision: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Role = Static<typeof Role>;

export const Assignment = Type.Object({
  assignment_id: Uuid,
  user_id: Uuid,
  user_email: Type.String(),
  role_id: Slug,
  ...scopeFields,
  created_by: Nullable(Type.String()),
  created_at: Timestamp,
});
export type Assignment = Static<typeof Assignment>;

/** A grant as the permission decision sees it. */
export const Grant = Type.Object({
  role_id: Type.String(),
  permissions: Type.Array(Type.String()),
  ...scopeFields,
});
export type Grant = Static<typeof Grant>;

export const TOKEN_STATES = ['active', 'expired', 'revoked'] as const;
export const ApiToken = Type.Object({
  token_id: Uuid,
  user_id: Uuid,
  user_email: Type.String(),
  name: Type.String(),
  prefix: Type.String({ description: 'First characters, to recognise it by' }),
  permissions: Type.Array(Type.String()),
  ...scopeFields,
  state: OneOf(TOKEN_STATES),
  created_at: Timestamp,
  expires_at: Timestamp,
  last_used_at: Nullable(Timestamp),
  revoked_at: Nullable(Timestamp),
});
export type ApiToken = Static<typeof ApiToken>;

export const Me = Type.Object({
  user: User,
  session: Nullable(Type.Object({ session_id: Uuid, authenticated_at: Timestamp, expires_at: Timestamp })),
  token: Nullable(
    Type.Object({
      token_id: Uuid,
      name: Type.String(),
      permissions: Type.Array(Type.String()),
      ...scopeFields,
    }),
  ),
  grants: Type.Array(Grant),
  csrf_token: Nullable(
    Type.String({ description: 'Send as x-csrf-token with every change; null for API tokens' }),
  ),
});
export type Me = Static<typeof Me>;

const Password = Type.String({ minLength: 1, maxLength: 256 });
/** ASVS 5.0 6.2.1: at least 12 characters here, no composition rules, long ones allowed. */
const NewPassword = Type.String({
  minLength: 12,
  maxLength: 256,
  description: '12 characters at least; common passwords are refused',
});
const PermissionPattern = Type.String({ pattern: PERMISSION_PATTERN, maxLength: 64 });
const userParams = Type.Object({ user_id: Uuid });
const roleParams = Type.Object({ role_id: Slug });
const body = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });

export const login = endpoint({
  id: 'iam.login',
  method: 'POST',
  path: '/admin/v1/iam/login',
  summary: 'Sign in with email and password',
  permission: 'public',
  scope: 'none',
  step_up: 'none',
  body: body({ email: Type.String({ maxLength: 254, minLength: 1 }), password: Password }),
  response: Type.Object({ user: User, csrf_token: Type.String() }),
  status: 200,
  problems: ['invalid_credentials', 'rate_limited'],
});
export const logout = endpoint({
  id: 'iam.logout',
  method: 'POST',
  path: '/admin/v1/iam/logout',
  summary: 'Sign out: end this session',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  response: Type.Object({ ended: Type.Boolean() }),
  status: 200,
});
export const stepUp = endpoint({
  id: 'iam.step_up',
  method: 'POST',
  path: '/admin/v1/iam/step-up',
  summary: 'Confirm that it is you, by password',
  description:
    'Raises the session to level `recent` and gives it a new session id (ASVS 7.2.4). With `request_hash` (sha-256, hex, of the RFC 8785 canonical form of the body about to be sent) it answers a `proof` for level `bound`: send it once as `x-step-up-proof`.',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  body: body({ password: Password, request_hash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })) }),
  response: Type.Object({
    authenticated_at: Timestamp,
    csrf_token: Type.String(),
    proof: Nullable(Type.String()),
  }),
  status: 200,
  problems: ['invalid_credentials', 'rate_limited'],
});
export const me = endpoint({
  id: 'iam.me',
  method: 'GET',
  path: '/admin/v1/iam/me',
  summary: 'Who am I, and what may I do',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  response: Me,
  status: 200,
});
export const changeMyPassword = endpoint({
  id: 'iam.me.change_password',
  method: 'POST',
  path: '/admin/v1/iam/me/password',
  summary: 'Change your own password; ends your other sessions',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  body: body({ current_password: Password, new_password: NewPassword }),
  response: Mutated({}),
  status: 200,
  problems: ['invalid_credentials', 'unprocessable', 'rate_limited'],
});

export const listUsers = endpoint({
  id: 'iam.users.list',
  method: 'GET',
  path: '/admin/v1/iam/users',
  summary: 'List users',
  permission: 'iam.users.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['email', 'created_at', 'last_sign_in_at'], {
    q: Type.Optional(Type.String({ maxLength: 100, description: 'Part of the email or name' })),
    status: Type.Optional(OneOf(USER_STATUSES)),
  }),
  response: Page(UserListItem),
  status: 200,
});
export const createUser = endpoint({
  id: 'iam.users.create',
  method: 'POST',
  path: '/admin/v1/iam/users',
  summary: 'Create a user with a first password',
  permission: 'iam.users.create',
  scope: 'none',
  step_up: 'recent',
  body: body({
    email: Email,
    display_name: Type.String({ minLength: 1, maxLength: 100 }),
    password: NewPassword,
    reason: Type.Optional(Reason),
  }),
  response: Mutated({ user: User }),
  status: 201,
  problems: ['already_exists', 'unprocessable'],
});
export const getUser = endpoint({
  id: 'iam.users.get',
  method: 'GET',
  path: '/admin/v1/iam/users/:user_id',
  summary: 'One user',
  permission: 'iam.users.read',
  scope: 'none',
  step_up: 'none',
  params: userParams,
  response: UserListItem,
  status: 200,
  etag: 'sends',
  problems: ['not_found'],
});
export const updateUser = endpoint({
  id: 'iam.users.update',
  method: 'PATCH',
  path: '/admin/v1/iam/users/:user_id',
  summary: 'Change a user',
  permission: 'iam.users.update',
  scope: 'none',
  step_up: 'recent',
  params: userParams,
  body: body({
    display_name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    email: Type.Optional(Email),
    reason: Type.Optional(Reason),
  }),
  response: Mutated({ user: User }),
  status: 200,
  etag: 'requires',
  problems: ['not_found', 'already_exists'],
});
export const setUserPassword = endpoint({
  id: 'iam.users.set_password',
  method: 'POST',
  path: '/admin/v1/iam/users/:user_id/password',
  summary: "Set a user's password; ends all of their sessions",
  permission: 'iam.users.update',
  scope: 'none',
  step_up: 'recent',
  params: userParams,
  body: body({ new_password: NewPassword, reason: Reason }),
  response: Mutated({ sessions_ended: Type.Integer() }),
  status: 200,
  problems: ['not_found', 'unprocessable'],
});
const userAction = <const A extends UserAction>(
  action: A,
  permission: 'iam.users.suspend' | 'iam.users.delete',
  summary: string,
) =>
  endpoint({
    id: `iam.users.${action}`,
    method: 'POST',
    path: `/admin/v1/iam/users/:user_id/${action}`,
    summary,
    permission,
    scope: 'none',
    step_up: 'recent',
    params: userParams,
    body: body({ reason: Reason }),
    response: Mutated({ user: User, sessions_ended: Type.Integer() }),
    status: 200,
    problems: ['not_found', 'action_not_allowed'],
  });
export const suspendUser = userAction(
  'suspend',
  'iam.users.suspend',
  'Suspend a user; ends all of their sessions',
);
export const reactivateUser = userAction(
  'reactivate',
  'iam.users.suspend',
  'Let a suspended or disabled user in again',
);
export const disableUser = userAction(
  'disable',
  'iam.users.suspend',
  'Disable a user for good; ends all of their sessions',
);
export const deleteUser = userAction(
  'delete',
  'iam.users.delete',
  'Delete a user: a tombstone stays, so that the audit log stays readable; the email is free again',
);

export const listSessions = endpoint({
  id: 'iam.sessions.list',
  method: 'GET',
  path: '/admin/v1/iam/sessions',
  summary: 'List sessions, ended ones too',
  permission: 'iam.sessions.list',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['created_at', 'last_seen_at'], {
    user_id: Type.Optional(Uuid),
    state: Type.Optional(OneOf(SESSION_STATES)),
    q: Type.Optional(
      Type.String({ maxLength: 100, description: 'Part of the email, or the start of the address' }),
    ),
  }),
  response: Page(Session),
  status: 200,
});
export const revokeSession = endpoint({
  id: 'iam.sessions.revoke',
  method: 'POST',
  path: '/admin/v1/iam/sessions/:session_id/revoke',
  summary: 'End a session; its next request is refused',
  permission: 'iam.sessions.revoke',
  scope: 'none',
  step_up: 'none',
  params: Type.Object({ session_id: Uuid }),
  body: body({ reason: Reason }),
  response: Mutated({ session: Session }),
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});
export const revokeUserSessions = endpoint({
  id: 'iam.users.revoke_sessions',
  method: 'POST',
  path: '/admin/v1/iam/users/:user_id/revoke-sessions',
  summary: 'End all sessions of a user',
  permission: 'iam.sessions.revoke',
  scope: 'none',
  step_up: 'none',
  params: userParams,
  body: body({ reason: Reason }),
  response: Mutated({ sessions_ended: Type.Integer() }),
  status: 200,
  problems: ['not_found'],
});

export const listPermissions = endpoint({
  id: 'iam.permissions.list',
  method: 'GET',
  path: '/admin/v1/iam/permissions',
  summary: 'Every permission, and the endpoints that need it',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  response: Type.Object({
    items: Type.Array(
      Type.Object({
        permission: Type.String(),
        description: Type.String(),
        endpoints: Type.Array(Type.String()),
      }),
    ),
  }),
  status: 200,
});
export const listRoles = endpoint({
  id: 'iam.roles.list',
  method: 'GET',
  path: '/admin/v1/iam/roles',
  summary: 'List roles',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['role_id', 'created_at'], { q: Type.Optional(Type.String({ maxLength: 100 })) }),
  response: Page(Role),
  status: 200,
});
export const getRole = endpoint({
  id: 'iam.roles.get',
  method: 'GET',
  path: '/admin/v1/iam/roles/:role_id',
  summary: 'One role',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  params: roleParams,
  response: Role,
  status: 200,
  etag: 'sends',
  problems: ['not_found'],
});
const roleBody = {
  title: Type.String({ minLength: 1, maxLength: 60 }),
  description: Type.String({ maxLength: 300 }),
  permissions: Type.Array(PermissionPattern, { minItems: 1, maxItems: 100, uniqueItems: true }),
};
export const createRole = endpoint({
  id: 'iam.roles.create',
  method: 'POST',
  path: '/admin/v1/iam/roles',
  summary: 'Create a role out of permissions that you hold',
  permission: 'iam.roles.create',
  scope: 'none',
  step_up: 'recent',
  body: body({ role_id: Slug, ...roleBody, reason: Type.Optional(Reason) }),
  response: Mutated({ role: Role }),
  status: 201,
  problems: ['already_exists', 'unprocessable', 'permission_denied'],
});
export const updateRole = endpoint({
  id: 'iam.roles.update',
  method: 'PUT',
  path: '/admin/v1/iam/roles/:role_id',
  summary: 'Change a role; takes effect on the next request of everyone who has it',
  permission: 'iam.roles.update',
  scope: 'none',
  step_up: 'recent',
  params: roleParams,
  body: body({ ...roleBody, reason: Reason }),
  response: Mutated({ role: Role }),
  status: 200,
  etag: 'requires',
  problems: ['not_found', 'action_not_allowed', 'unprocessable'],
});
export const deleteRole = endpoint({
  id: 'iam.roles.delete',
  method: 'POST',
  path: '/admin/v1/iam/roles/:role_id/delete',
  summary: 'Delete a role that nobody has',
  permission: 'iam.roles.update',
  scope: 'none',
  step_up: 'recent',
  params: roleParams,
  body: body({ reason: Reason }),
  response: Mutated({}),
  status: 200,
  problems: ['not_found', 'action_not_allowed', 'conflict'],
});
export const listAssignments = endpoint({
  id: 'iam.assignments.list',
  method: 'GET',
  path: '/admin/v1/iam/assignments',
  summary: 'Who has which role, and where',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['created_at'], {
    user_id: Type.Optional(Uuid),
    role_id: Type.Optional(Slug),
    tenant_id: Type.Optional(Slug),
    environment: Type.Optional(Environment),
  }),
  response: Page(Assignment),
  status: 200,
});
export const createAssignment = endpoint({
  id: 'iam.assignments.create',
  method: 'POST',
  path: '/admin/v1/iam/assignments',
  summary: 'Give a role, globally or for a tenant or environment',
  permission: 'iam.roles.assign',
  scope: 'none',
  step_up: 'recent',
  body: body({
    user_id: Uuid,
    role_id: Slug,
    tenant_id: Type.Optional(Nullable(Slug)),
    environment: Type.Optional(Nullable(Environment)),
    reason: Type.Optional(Reason),
  }),
  response: Mutated({ assignment: Assignment }),
  status: 201,
  problems: ['not_found', 'already_exists', 'unprocessable', 'permission_denied'],
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

export const listTokens = endpoint({
  id: 'iam.tokens.list',
  method: 'GET',
  path: '/admin/v1/iam/tokens',
  summary: 'List API tokens; their values are never shown again',
  permission: 'iam.tokens.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['created_at', 'expires_at'], {
    user_id: Type.Optional(Uuid),
    state: Type.Optional(OneOf(TOKEN_STATES)),
  }),
  response: Page(ApiToken),
  status: 200,
});
export const createToken = endpoint({
  id: 'iam.tokens.create',
  method: 'POST',
  path: '/admin/v1/iam/tokens',
  summary: 'Create an API token for automation; its value is shown once',
  description:
    'Acts as you, narrowed to `permissions` and, if given, to a tenant or environment. It never does more than you may at the time of the call.',
  permission: 'iam.tokens.create',
  scope: 'none',
  step_up: 'recent',
  body: body({
    name: Type.String({ minLength: 1, maxLength: 100 }),
    permissions: Type.Array(PermissionPattern, { minItems: 1, maxItems: 50, uniqueItems: true }),
    tenant_id: Type.Optional(Nullable(Slug)),
    environment: Type.Optional(Nullable(Environment)),
    expires_in_days: Type.Integer({ minimum: 1, maximum: 365 }),
    reason: Type.Optional(Reason),
  }),
  response: Mutated({
    token: ApiToken,
    value: Nullable(
      Type.String({ description: 'Shown in the first answer only; a replay of the request answers null' }),
    ),
  }),
  status: 201,
  problems: ['permission_denied', 'unprocessable'],
});
export const revokeToken = endpoint({
  id: 'iam.tokens.revoke',
  method: 'POST',
  path: '/admin/v1/iam/tokens/:token_id/revoke',
  summary: 'Revoke an API token; its next request is refused',
  permission: 'iam.tokens.revoke',
  scope: 'none',
  step_up: 'none',
  params: Type.Object({ token_id: Uuid }),
  body: body({ reason: Reason }),
  response: Mutated({ token: ApiToken }),
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});
