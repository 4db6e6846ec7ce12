/** Signing in at a terminal by a browser elsewhere: the device authorization grant (RFC 8628) and its tokens (RFC 6749, 7009). */
import { Type, type Static } from 'typebox';
import { Nullable, OneOf, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { body } from './fields.ts';

/** The one client there is; it is public, so it has no secret (RFC 6749 2.1). */
export const CLI_CLIENT_ID = 'control-cli';
export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
export const REFRESH_TOKEN_GRANT = 'refresh_token';
/** Where people type the user code. */
export const DEVICE_PAGE = '/device';

/** RFC 6749 3.2: what is not known is not refused. */
const form = Type.Object;
const ClientId = OneOf([CLI_CLIENT_ID]);
const Secret = Type.String({ minLength: 1, maxLength: 256 });
const ClientName = Type.String({
  maxLength: 80,
  description: 'How the device calls itself; shown to who approves, unproved',
});
/** Upper or lower case, with or without the hyphen. */
const UserCode = Type.String({
  minLength: 1,
  maxLength: 40,
  description: 'Eight letters as the terminal shows them',
});

/** RFC 8628 3.2. */
export const DeviceAuthorization = Type.Object({
  device_code: Type.String(),
  user_code: Type.String({ description: 'Eight consonants, like WDJB-MJHT' }),
  verification_uri: Type.String(),
  verification_uri_complete: Type.String(),
  expires_in: Type.Integer({ description: 'Seconds' }),
  interval: Type.Integer({ description: 'Seconds between two questions at least' }),
});
export type DeviceAuthorization = Static<typeof DeviceAuthorization>;

/** RFC 6749 5.1. */
export const IssuedTokens = Type.Object({
  access_token: Type.String({ description: 'Leak scanners find one by `clca_[A-Za-z0-9_-]{49}`' }),
  token_type: Type.String({ enum: ['Bearer'] }),
  expires_in: Type.Integer({ description: 'Seconds' }),
  refresh_token: Type.String({
    description:
      'Used once: the answer has the next. Used again it ends the session. Leak scanners find one by `clcr_[A-Za-z0-9_-]{49}`.',
  }),
});
export type IssuedTokens = Static<typeof IssuedTokens>;

export const DEVICE_PURPOSES = ['sign_in', 'step_up'] as const;

/** What a person sees before they decide. */
export const DeviceRequest = Type.Object({
  authorization_id: Uuid,
  purpose: OneOf(DEVICE_PURPOSES, {
    description: '`sign_in`: a new session. `step_up`: one of yours asks to be confirmed.',
  }),
  client_name: ClientName,
  ip: Type.String(),
  user_agent: Type.String(),
  created_at: Timestamp,
  expires_at: Timestamp,
  session_id: Nullable({ ...Uuid, description: 'The session that asks to be confirmed' }),
});
export type DeviceRequest = Static<typeof DeviceRequest>;

const oauth = { permission: 'public', scope: 'none', step_up: 'none', status: 200, oauth: true } as const;
const decision = { permission: 'authenticated', scope: 'none', status: 200 } as const;

export const authorizeDevice = endpoint({
  ...oauth,
  id: 'iam.oauth.device_authorization',
  method: 'POST',
  path: '/admin/v1/iam/oauth/device-authorization',
  summary: 'Ask to sign in at a device without a browser (RFC 8628 3.1)',
  body: form({ client_id: ClientId, client_name: Type.Optional(ClientName) }),
  response: DeviceAuthorization,
});
export const issueTokens = endpoint({
  ...oauth,
  id: 'iam.oauth.token',
  method: 'POST',
  path: '/admin/v1/iam/oauth/token',
  summary:
    'Get tokens for a device code that was approved, or for a refresh token (RFC 8628 3.4, RFC 6749 6)',
  body: form({
    client_id: ClientId,
    grant_type: Type.String({
      maxLength: 100,
      description: `\`${DEVICE_CODE_GRANT}\` with \`device_code\`, or \`${REFRESH_TOKEN_GRANT}\` with \`refresh_token\``,
    }),
    device_code: Type.Optional(Secret),
    refresh_token: Type.Optional(Secret),
  }),
  response: IssuedTokens,
  problems: [
    'authorization_pending',
    'slow_down',
    'access_denied',
    'expired_token',
    'invalid_grant',
    'unsupported_grant_type',
  ],
});
export const revokeTokens = endpoint({
  ...oauth,
  id: 'iam.oauth.revoke',
  method: 'POST',
  path: '/admin/v1/iam/oauth/revoke',
  summary: 'Sign out by a token: ends its session (RFC 7009)',
  body: form({ client_id: Type.Optional(ClientId), token: Secret }),
  response: Type.Object({}),
});

export const authorizeDeviceStepUp = endpoint({
  id: 'iam.step_up.device_authorization',
  method: 'POST',
  path: '/admin/v1/iam/step-up/device-authorization',
  summary: 'Ask, from the command line, that the person confirms this session in a browser',
  description:
    'Raises the session to level `recent` once it is approved: ask for tokens with the device code, they take the place of the present ones.',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  body: body({ client_name: Type.Optional(ClientName) }),
  response: DeviceAuthorization,
  status: 200,
  problems: ['action_not_allowed', 'rate_limited'],
});
export const inspectDeviceRequest = endpoint({
  ...decision,
  id: 'iam.device_requests.inspect',
  method: 'POST',
  path: '/admin/v1/iam/device-requests/inspect',
  summary: 'What asks to be signed in with this code',
  step_up: 'none',
  body: body({ user_code: UserCode }),
  response: DeviceRequest,
  problems: ['not_found', 'action_not_allowed', 'rate_limited'],
});
export const approveDeviceRequest = endpoint({
  ...decision,
  id: 'iam.device_requests.approve',
  method: 'POST',
  path: '/admin/v1/iam/device-requests/approve',
  summary: 'Let the device in that asks with this code, as yourself',
  step_up: 'recent',
  body: body({ user_code: UserCode }),
  response: Type.Object({ approved: Type.Boolean() }),
  problems: ['not_found', 'action_not_allowed', 'rate_limited'],
});
export const denyDeviceRequest = endpoint({
  ...decision,
  id: 'iam.device_requests.deny',
  method: 'POST',
  path: '/admin/v1/iam/device-requests/deny',
  summary: 'Keep the device out that asks with this code',
  step_up: 'none',
  body: body({ user_code: UserCode }),
  response: Type.Object({ denied: Type.Boolean() }),
  problems: ['not_found', 'action_not_allowed', 'rate_limited'],
});
