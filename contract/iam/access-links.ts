/** Links that let somebody choose a password: invitations and resets. Each works once and expires; the newest voids those before. */
import { Type, type Static } from 'typebox';
import { Email, Mutated, Nullable, OneOf, Reason, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { body, NewPassword, userParams } from './fields.ts';
import { SignInMethods } from './my-account.ts';
import { User, USER_LINKS, type UserLink } from './users.ts';

/** How a link reached the person. It is shown to who asked only where no mail can carry it. */
export const LinkDelivery = Type.Object({
  way: OneOf(['sent', 'shown', 'failed'], {
    description:
      '`sent`: by mail. `shown`: there is no mail server; hand `link` over. `failed`: the mail server did not take it; send it again.',
  }),
  link: Nullable(
    Type.String({ description: 'In the first answer only; a replay of the request answers null' }),
  ),
  file: Nullable(Type.String({ description: 'Where the mail was written instead, on the server' })),
  expires_at: Timestamp,
});
export type LinkDelivery = Static<typeof LinkDelivery>;

const delivered = { user: User, delivery: Nullable(LinkDelivery) };
const onUser = { scope: 'none', step_up: 'recent', method: 'POST', params: userParams, status: 200 } as const;
const LinkToken = Type.String({ minLength: 1, maxLength: 128 });

export const inviteUser = endpoint({
  id: 'iam.users.invite',
  method: 'POST',
  path: '/admin/v1/iam/users/invite',
  summary: 'Invite a user, who chooses a password by a link',
  permission: 'iam.users.create',
  scope: 'none',
  step_up: 'recent',
  body: body({
    email: Email,
    display_name: Type.String({ minLength: 1, maxLength: 100 }),
    reason: Type.Optional(Reason),
  }),
  response: Mutated(delivered),
  status: 201,
  problems: ['already_exists'],
});
export const resendInvitation = endpoint({
  ...onUser,
  id: 'iam.users.resend_invitation',
  path: '/admin/v1/iam/users/:user_id/resend-invitation',
  summary: 'Send an invitation again; the link before stops working',
  permission: 'iam.users.create',
  body: body({ reason: Reason }),
  response: Mutated(delivered),
  problems: ['not_found', 'action_not_allowed'],
});
export const resetUserPassword = endpoint({
  ...onUser,
  id: 'iam.users.reset_password',
  path: '/admin/v1/iam/users/:user_id/reset-password',
  summary: 'Send a user a link to choose a new password',
  permission: 'iam.users.update',
  body: body({ reason: Reason }),
  response: Mutated(delivered),
  problems: ['not_found', 'action_not_allowed', 'permission_denied'],
});
export const resetUserMfa = endpoint({
  ...onUser,
  id: 'iam.users.reset_mfa',
  path: '/admin/v1/iam/users/:user_id/reset-mfa',
  summary: "Take a user's second factors away, all of them; ends all of their sessions",
  permission: 'iam.users.update',
  body: body({ reason: Reason }),
  response: Mutated({ sessions_ended: Type.Integer() }),
  problems: ['not_found', 'action_not_allowed', 'permission_denied'],
});
export const revokeUserRecoveryCodes = endpoint({
  ...onUser,
  id: 'iam.users.revoke_recovery_codes',
  path: '/admin/v1/iam/users/:user_id/revoke-recovery-codes',
  summary: "Void a user's recovery codes",
  permission: 'iam.users.update',
  body: body({ reason: Reason }),
  response: Mutated({ revoked: Type.Integer() }),
  problems: ['not_found', 'action_not_allowed', 'permission_denied'],
});
export const unlinkUserIdentity = endpoint({
  ...onUser,
  id: 'iam.users.unlink_identity',
  path: '/admin/v1/iam/users/:user_id/identities/:identity_id/unlink',
  summary: 'Unlink an account at an identity provider from a user, who can no longer sign in by it',
  permission: 'iam.users.update',
  params: Type.Object({ user_id: Uuid, identity_id: Uuid }),
  body: body({ reason: Reason }),
  response: Mutated({}),
  problems: ['not_found', 'action_not_allowed'],
});
export const getUserSignInMethods = endpoint({
  id: 'iam.users.sign_in_methods',
  method: 'GET',
  path: '/admin/v1/iam/users/:user_id/sign-in-methods',
  summary: 'How a user can sign in, and what their roles demand',
  permission: 'iam.users.read',
  scope: 'none',
  step_up: 'none',
  params: userParams,
  response: SignInMethods,
  status: 200,
  problems: ['not_found'],
});

export const requestPasswordReset = endpoint({
  id: 'iam.password_reset.request',
  method: 'POST',
  path: '/admin/v1/iam/password-reset',
  summary: 'Ask for a link to choose a new password',
  description: 'Answers the same, as fast, whether or not there is such a user.',
  permission: 'public',
  scope: 'none',
  step_up: 'none',
  body: body({ email: Type.String({ minLength: 1, maxLength: 254 }) }),
  response: Type.Object({ accepted: Type.Boolean() }),
  status: 200,
  problems: ['rate_limited'],
});
export const inspectLink = endpoint({
  id: 'iam.links.inspect',
  method: 'POST',
  path: '/admin/v1/iam/links/inspect',
  summary: 'What a link is for; does not use it up',
  permission: 'public',
  scope: 'none',
  step_up: 'none',
  body: body({ token: LinkToken }),
  response: Type.Object({
    purpose: OneOf(Object.keys(USER_LINKS) as UserLink[]),
    email: Type.String(),
    display_name: Type.String(),
    expires_at: Timestamp,
  }),
  status: 200,
  problems: ['not_found'],
});
export const redeemLink = endpoint({
  id: 'iam.links.redeem',
  method: 'POST',
  path: '/admin/v1/iam/links/redeem',
  summary: 'Choose a password by a link, which is used up; ends all sessions',
  permission: 'public',
  scope: 'none',
  step_up: 'none',
  body: body({ token: LinkToken, new_password: NewPassword }),
  response: Type.Object({ email: Type.String() }),
  status: 200,
  problems: ['not_found', 'unprocessable'],
});
