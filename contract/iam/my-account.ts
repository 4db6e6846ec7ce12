/** What everybody does for themselves: how they sign in, their name, their sessions. An API token has no account of its own. */
import { Type, type Static } from 'typebox';
import { Mutated, Nullable, OneOf, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { body, PasskeyCreationOptions, PasskeyRegistration, TotpCode } from './fields.ts';
import { Session } from './sessions.ts';
import { SIGN_IN_METHODS } from './sign-in.ts';
import { User } from './users.ts';

export const Passkey = Type.Object({
  passkey_id: Uuid,
  name: Type.String(),
  synced: Type.Boolean({ description: 'Synchronised between devices, not bound to one' }),
  created_at: Timestamp,
  last_used_at: Nullable(Timestamp),
});
export type Passkey = Static<typeof Passkey>;

/** What an account elsewhere does here: its person signs in by it, or its tokens act as the user it is linked to. */
const IDENTITY_USES = ['sign_in', 'tokens'] as const;

/** An account at an OpenID Connect provider or a token issuer that opens this one. */
export const LinkedIdentity = Type.Object({
  identity_id: Uuid,
  provider_id: Type.String({
    description: 'The identity provider or the token issuer that it was linked through',
  }),
  title: Nullable(
    Type.String({ description: 'What the provider is called; null when it is configured no longer' }),
  ),
  issuer: Type.String(),
  subject: Type.String(),
  opens: Type.Array(OneOf(IDENTITY_USES), {
    description: 'Empty: what it was linked for is configured no longer',
  }),
  email: Nullable(Type.String({ description: 'As the provider named it when it was linked' })),
  created_at: Timestamp,
  last_used_at: Nullable(Timestamp),
});
export type LinkedIdentity = Static<typeof LinkedIdentity>;

/** How somebody can sign in, and what their roles demand of it. */
export const SignInMethods = Type.Object({
  password: Type.Boolean(),
  totp: Nullable(Type.Object({ created_at: Timestamp })),
  passkeys: Type.Array(Passkey),
  recovery_codes_left: Type.Integer(),
  identities: Type.Array(LinkedIdentity),
  policy: Type.Object({
    methods: Type.Array(OneOf(SIGN_IN_METHODS)),
    mfa_required: Type.Boolean(),
    roles: Type.Array(Type.String(), { description: 'The roles that demand it' }),
  }),
});
export type SignInMethods = Static<typeof SignInMethods>;

const RecoveryCodes = Type.Array(Type.String(), {
  description: 'Each works once; shown in the first answer only',
});
/** After an enrolment that a role demanded the session is whole and has a new cookie and CSRF token. */
const Enrolled = Mutated({
  csrf_token: Nullable(
    Type.String({ description: "The session's; null in a replay, which leaves the session as it is" }),
  ),
  recovery_codes: Nullable(RecoveryCodes),
});

const own = { permission: 'authenticated', scope: 'none', status: 200 } as const;

export const getMySignInMethods = endpoint({
  ...own,
  id: 'iam.me.sign_in_methods',
  method: 'GET',
  path: '/admin/v1/iam/me/sign-in-methods',
  summary: 'How you can sign in',
  step_up: 'none',
  response: SignInMethods,
});
export const updateMyProfile = endpoint({
  ...own,
  id: 'iam.me.update',
  method: 'PATCH',
  path: '/admin/v1/iam/me',
  summary: 'Change your name',
  step_up: 'none',
  body: body({ display_name: Type.String({ minLength: 1, maxLength: 100, pattern: '\\S' }) }),
  response: Mutated({ user: User }),
});
export const startTotpEnrolment = endpoint({
  ...own,
  id: 'iam.me.totp.start',
  method: 'POST',
  path: '/admin/v1/iam/me/totp/start',
  summary: 'Begin with an authenticator app: its key, shown once',
  step_up: 'recent',
  while_pending: ['enrolment'],
  response: Mutated({
    enrolment: Nullable(
      Type.Object({
        secret: Type.String({ description: 'To type in, base32' }),
        uri: Type.String({ description: 'otpauth: address, to show as a QR code' }),
      }),
    ),
  }),
  problems: ['not_configured'],
});
export const confirmTotpEnrolment = endpoint({
  ...own,
  id: 'iam.me.totp.confirm',
  method: 'POST',
  path: '/admin/v1/iam/me/totp/confirm',
  summary: 'Take an authenticator app into use by its first code; replaces the one before',
  step_up: 'none',
  while_pending: ['enrolment'],
  body: body({ code: TotpCode }),
  response: Enrolled,
  problems: ['invalid_credentials', 'action_not_allowed', 'rate_limited'],
});
export const removeTotp = endpoint({
  ...own,
  id: 'iam.me.totp.remove',
  method: 'POST',
  path: '/admin/v1/iam/me/totp/remove',
  summary: 'Stop using an authenticator app',
  step_up: 'recent',
  response: Mutated({}),
  problems: ['action_not_allowed'],
});
export const renewRecoveryCodes = endpoint({
  ...own,
  id: 'iam.me.recovery_codes.renew',
  method: 'POST',
  path: '/admin/v1/iam/me/recovery-codes',
  summary: 'New recovery codes; the ones before stop working',
  step_up: 'recent',
  response: Mutated({ recovery_codes: Nullable(RecoveryCodes) }),
  problems: ['action_not_allowed'],
});
export const startPasskeyEnrolment = endpoint({
  ...own,
  id: 'iam.me.passkeys.start',
  method: 'POST',
  path: '/admin/v1/iam/me/passkeys/start',
  summary: 'Begin with a new passkey: what the browser asks the authenticator',
  step_up: 'recent',
  while_pending: ['enrolment'],
  response: Type.Object({ options: PasskeyCreationOptions }),
});
export const addPasskey = endpoint({
  ...own,
  id: 'iam.me.passkeys.add',
  method: 'POST',
  path: '/admin/v1/iam/me/passkeys',
  summary: 'Take a new passkey into use',
  step_up: 'none',
  while_pending: ['enrolment'],
  body: body({
    name: Type.String({ minLength: 1, maxLength: 60, pattern: '\\S' }),
    passkey: PasskeyRegistration,
  }),
  response: Enrolled,
  problems: ['already_exists', 'unprocessable', 'action_not_allowed'],
});
export const removePasskey = endpoint({
  ...own,
  id: 'iam.me.passkeys.remove',
  method: 'POST',
  path: '/admin/v1/iam/me/passkeys/:passkey_id/remove',
  summary: 'Stop using a passkey',
  step_up: 'recent',
  params: Type.Object({ passkey_id: Uuid }),
  response: Mutated({}),
  problems: ['not_found', 'action_not_allowed'],
});

export const listMySessions = endpoint({
  ...own,
  id: 'iam.me.sessions.list',
  method: 'GET',
  path: '/admin/v1/iam/me/sessions',
  summary: 'Where you are signed in',
  step_up: 'none',
  response: Type.Object({ items: Type.Array(Session, { description: 'Active ones, the latest 200' }) }),
});
export const endMySession = endpoint({
  ...own,
  id: 'iam.me.sessions.end',
  method: 'POST',
  path: '/admin/v1/iam/me/sessions/:session_id/end',
  summary: 'End one of your sessions',
  step_up: 'none',
  params: Type.Object({ session_id: Uuid }),
  response: Mutated({}),
  problems: ['not_found', 'action_not_allowed'],
});
export const endMyOtherSessions = endpoint({
  ...own,
  id: 'iam.me.sessions.end_others',
  method: 'POST',
  path: '/admin/v1/iam/me/sessions/end-others',
  summary: 'End all of your sessions but this one',
  step_up: 'none',
  response: Mutated({ sessions_ended: Type.Integer() }),
});
