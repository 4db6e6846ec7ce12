/** Operators of the control plane: their life as a state table, and what changes it (PRD 1.1). */
import { Type, type Static } from 'typebox';
import { Email, listQuery, Mutated, Nullable, OneOf, Page, Reason, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { scopeFields, NewPassword, userParams, body } from './fields.ts';

export const USER_STATUSES = ['invited', 'active', 'suspended', 'disabled', 'deleted'] as const;
export type UserStatus = (typeof USER_STATUSES)[number];

/** A service account has roles and API tokens, and no way to sign in. */
export const USER_KINDS = ['person', 'service_account'] as const;
export type UserKind = (typeof USER_KINDS)[number];

/** Which status allows which action, and what follows. The server's guard and the UI's disabled reason read this table. */
export const USER_ACTIONS = {
  suspend: { from: ['active'], to: 'suspended' },
  reactivate: { from: ['suspended', 'disabled'], to: 'active' },
  disable: { from: ['active', 'suspended', 'invited'], to: 'disabled' },
  delete: { from: ['invited', 'active', 'suspended', 'disabled'], to: 'deleted' },
} as const satisfies Record<string, { from: readonly UserStatus[]; to: UserStatus }>;
export type UserAction = keyof typeof USER_ACTIONS;

/** What a person does themselves, with a link that was sent to them. */
export const USER_LINKS = {
  invitation: { from: ['invited'], to: 'active' },
  password_reset: { from: ['active'], to: 'active' },
} as const satisfies Record<string, { from: readonly UserStatus[]; to: UserStatus }>;
export type UserLink = keyof typeof USER_LINKS;

/** Which status allows what leaves the status as it is. */
export const USER_UPKEEP = {
  edit: ['invited', 'active', 'suspended', 'disabled'],
  resend_invitation: ['invited'],
  reset_password: ['active'],
  set_password: ['active', 'suspended', 'disabled'],
  reset_mfa: ['active', 'suspended', 'disabled'],
  revoke_recovery_codes: ['active', 'suspended', 'disabled'],
  unlink_identity: ['active', 'suspended', 'disabled'],
} as const satisfies Record<string, readonly UserStatus[]>;
export type UserUpkeep = keyof typeof USER_UPKEEP;

/** A word to find people by; it grants nothing. */
export const TAG_PATTERN = '^[a-z0-9][a-z0-9-]{0,30}$';
const Tags = Type.Array(Type.String({ pattern: TAG_PATTERN }), {
  maxItems: 20,
  uniqueItems: true,
});

export const User = Type.Object({
  user_id: Uuid,
  kind: OneOf(USER_KINDS),
  email: Type.String(),
  display_name: Type.String(),
  status: OneOf(USER_STATUSES),
  tags: Tags,
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
    tag: Type.Optional(Type.String({ maxLength: 31 })),
    kind: Type.Optional(
      OneOf([...USER_KINDS, 'any'], { description: 'Left out: people, and no service account' }),
    ),
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
    tags: Type.Optional(Tags),
    reason: Type.Optional(Reason),
  }),
  response: Mutated({ user: User }),
  status: 200,
  etag: 'requires',
  problems: ['not_found', 'already_exists', 'action_not_allowed'],
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
  problems: ['not_found', 'unprocessable', 'action_not_allowed'],
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
