/** Signing in and out, confirming who one is, and one's own account. */
import { Type, type Static } from 'typebox';
import { Mutated, Nullable, OneOf, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { SESSION_CLIENTS } from './sessions.ts';
import { User } from './users.ts';
import { Grant } from './assignments.ts';
import {
  scopeFields,
  Password,
  NewPassword,
  PasskeyOptions,
  PasskeyResponse,
  RecoveryCode,
  TotpCode,
  body,
} from './fields.ts';

/** What a sign-in can begin with. A passkey proves possession and the person, so nothing has to follow it. */
export const SIGN_IN_METHODS = ['password', 'passkey', 'provider'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];

/** What can follow a password or an identity provider. */
export const SECOND_FACTORS = ['totp', 'passkey', 'recovery_code'] as const;
export type SecondFactor = (typeof SECOND_FACTORS)[number];

/** What one step of signing in leads to. The session's cookie is set already; until `next` is `done` it opens nothing else. */
export const SignInStep = Type.Object({
  user: User,
  csrf_token: Type.String(),
  next: OneOf(['done', 'second_factor', 'enrolment'], {
    description:
      '`second_factor`: answer with one of `second_factors` (10 minutes). `enrolment`: a role demands a second factor and there is none yet.',
  }),
  second_factors: Type.Array(OneOf(SECOND_FACTORS)),
});
export type SignInStep = Static<typeof SignInStep>;

export const Me = Type.Object({
  user: User,
  session: Nullable(
    Type.Object({
      session_id: Uuid,
      client: OneOf(SESSION_CLIENTS),
      authenticated_at: Timestamp,
      expires_at: Timestamp,
    }),
  ),
  token: Nullable(
    Type.Object({
      token_id: Uuid,
      name: Type.String(),
      permissions: Type.Array(Type.String()),
      ...scopeFields,
    }),
  ),
  grants: Type.Array(Grant),
  impersonation: Nullable(
    Type.Object(
      {
        impersonation_id: Uuid,
        actor_email: Type.String({ description: 'Who you really are' }),
        reason: Type.String(),
        started_at: Timestamp,
        ends_at: Timestamp,
      },
      { description: 'You act as another user; `user` and `grants` are theirs' },
    ),
  ),
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
  response: SignInStep,
  status: 200,
  problems: ['invalid_credentials', 'rate_limited', 'action_not_allowed'],
});
export const startPasskeyLogin = endpoint({
  id: 'iam.login.passkey.start',
  method: 'POST',
  path: '/admin/v1/iam/login/passkey/start',
  summary: 'Begin signing in with a passkey: what the browser asks the authenticator',
  permission: 'public',
  scope: 'none',
  step_up: 'none',
  response: Type.Object({ options: PasskeyOptions }),
  status: 200,
  problems: ['rate_limited'],
});
export const loginWithPasskey = endpoint({
  id: 'iam.login.passkey',
  method: 'POST',
  path: '/admin/v1/iam/login/passkey',
  summary: 'Sign in with a passkey',
  permission: 'public',
  scope: 'none',
  step_up: 'none',
  body: body({ passkey: PasskeyResponse }),
  response: SignInStep,
  status: 200,
  problems: ['invalid_credentials', 'rate_limited', 'action_not_allowed'],
});
export const startPasskeyProof = endpoint({
  id: 'iam.passkey_proof.start',
  method: 'POST',
  path: '/admin/v1/iam/passkey-proof/start',
  summary: 'Begin answering with a passkey, as second factor or to step up',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  while_acting: true,
  while_pending: ['second_factor'],
  response: Type.Object({ options: PasskeyOptions }),
  status: 200,
  problems: ['action_not_allowed'],
});
export const loginSecondFactor = endpoint({
  id: 'iam.login.second_factor',
  method: 'POST',
  path: '/admin/v1/iam/login/second-factor',
  summary: 'Finish signing in with one second factor: a code, a recovery code or a passkey',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  while_pending: ['second_factor'],
  body: body({
    totp_code: Type.Optional(TotpCode),
    recovery_code: Type.Optional(RecoveryCode),
    passkey: Type.Optional(PasskeyResponse),
  }),
  response: SignInStep,
  status: 200,
  problems: ['invalid_credentials', 'rate_limited', 'action_not_allowed', 'unprocessable'],
});
export const logout = endpoint({
  id: 'iam.logout',
  method: 'POST',
  path: '/admin/v1/iam/logout',
  summary: 'Sign out: end this session',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  while_acting: true,
  while_pending: ['second_factor', 'enrolment'],
  response: Type.Object({ ended: Type.Boolean() }),
  status: 200,
});
export const stepUp = endpoint({
  id: 'iam.step_up',
  method: 'POST',
  path: '/admin/v1/iam/step-up',
  summary: 'Confirm that it is you, by password, one-time code or passkey',
  description:
    'Raises the session to level `recent` and gives it a new session id (ASVS 7.2.4). With `request_hash` (sha-256, hex, of the RFC 8785 canonical form of the body about to be sent) it answers a `proof` for level `bound`: send it once as `x-step-up-proof`.',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  while_acting: true,
  body: body({
    password: Type.Optional(Password),
    totp_code: Type.Optional(TotpCode),
    passkey: Type.Optional(PasskeyResponse),
    request_hash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  }),
  response: Type.Object({
    authenticated_at: Timestamp,
    csrf_token: Type.String(),
    proof: Nullable(Type.String()),
  }),
  status: 200,
  problems: ['invalid_credentials', 'rate_limited', 'unprocessable'],
});
export const me = endpoint({
  id: 'iam.me',
  method: 'GET',
  path: '/admin/v1/iam/me',
  summary: 'Who am I, and what may I do',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  while_acting: true,
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
