/** Signing in and out, confirming who one is, and one's own account. */
import { Type, type Static } from 'typebox';
import { Mutated, Nullable, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { User } from './users.ts';
import { Grant } from './assignments.ts';
import { scopeFields, Password, NewPassword, body } from './fields.ts';

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
