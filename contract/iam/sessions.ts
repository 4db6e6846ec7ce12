/**
 * Sessions: seen, and ended (PRD 1.2). One view over the sessions of operators (`control`), which are ours, and those of tenants' end users
 * (`gateway`), which the Gateway of their environment keeps and this API indexes.
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
} from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { userParams, body } from './fields.ts';

/** `control`: an operator's, of this control plane. `gateway`: of an end user of a tenant. */
export const SESSION_SOURCES = ['control', 'gateway'] as const;
/** What holds a session of ours: a browser by a cookie, or the command line client by tokens. */
export const SESSION_CLIENTS = ['browser', 'cli'] as const;
/** `pending`: the second factor, or the enrolment of one, is missing; it opens nothing. Gateway sessions are never pending. */
export const SESSION_STATES = ['active', 'pending', 'expired', 'revoked'] as const;
/** What a user agent says it runs on; `null` where it says nothing that is known. Anybody can say anything. */
export const DEVICE_SYSTEMS = ['iOS', 'Android', 'macOS', 'Windows', 'ChromeOS', 'Linux'] as const;
export const DEVICE_BROWSERS = ['Edge', 'Opera', 'Firefox', 'Chrome', 'Safari', 'curl'] as const;

export const Session = Type.Object({
  session_id: Uuid,
  source: OneOf(SESSION_SOURCES),
  user_id: Nullable(
    Type.String({ format: 'uuid', description: 'Whose it is, where it is one of our users' }),
  ),
  user_email: Nullable(Type.String()),
  end_user_id: Nullable(
    Type.String({ description: "The tenant's own name for its end user; null for sessions of our users" }),
  ),
  tenant_id: Nullable(Type.String()),
  environment: Nullable(Type.String()),
  gateway_session_id: Nullable(
    Type.String({ description: '`sid` of its access tokens; null for our own sessions' }),
  ),
  family_id: Nullable(Type.String({ description: 'Its refresh tokens: all that came out of one sign-in' })),
  state: OneOf(SESSION_STATES),
  ended_reason: Nullable(Type.String()),
  methods: Type.Array(Type.String(), {
    description:
      'How the person proved who they are: password, passkey, provider, totp, recovery_code. Empty where the Gateway knows',
  }),
  ip: Type.String(),
  client: Nullable(OneOf(SESSION_CLIENTS, { description: 'What holds it; null where the Gateway knows' })),
  network: Nullable(
    Type.String({
      description: 'The address by its /24 (IPv4) or /48 (IPv6), to group by; null when it is none',
    }),
  ),
  user_agent: Type.String(),
  device: Type.Object(
    { system: Nullable(OneOf(DEVICE_SYSTEMS)), browser: Nullable(OneOf(DEVICE_BROWSERS)) },
    { description: 'What the user agent says about itself' },
  ),
  current: Type.Boolean({ description: 'This is the session that asks' }),
  authenticated_at: Nullable(Timestamp),
  created_at: Timestamp,
  last_seen_at: Timestamp,
  expires_at: Timestamp,
  ended_at: Nullable(Timestamp),
  observed_at: Nullable(
    Type.String({
      format: 'date-time',
      description:
        'Up to when the index has followed the Gateway; null for our own sessions, which are as they are now',
    }),
  ),
});
export type Session = Static<typeof Session>;

/**
 * What sessions can be picked by; all that are given must fit. `user_id` and `client` pick among our own sessions only, `tenant_id`,
 * `environment` and `end_user_id` among those of Gateways only.
 */
export const sessionFilters = {
  source: Type.Optional(OneOf(SESSION_SOURCES)),
  client: Type.Optional(OneOf(SESSION_CLIENTS)),
  user_id: Type.Optional(Uuid),
  end_user_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  tenant_id: Type.Optional(Slug),
  environment: Type.Optional(Environment),
  ip: Type.Optional(
    Type.String({
      pattern: '^[0-9a-fA-F:.]{2,45}(/[0-9]{1,3})?$',
      description: 'An address, or a network: 203.0.113.7, 203.0.113.0/24, 2001:db8::/48',
    }),
  ),
  device_system: Type.Optional(OneOf(DEVICE_SYSTEMS)),
  device_browser: Type.Optional(OneOf(DEVICE_BROWSERS)),
  created_from: Type.Optional(Timestamp),
  created_to: Type.Optional(Timestamp),
  last_seen_from: Type.Optional(Timestamp),
  last_seen_to: Type.Optional(Timestamp),
  q: Type.Optional(
    Type.String({
      maxLength: 100,
      description: 'Part of the email, or the start of the address or of the id of the end user',
    }),
  ),
};

export const listSessions = endpoint({
  id: 'iam.sessions.list',
  method: 'GET',
  path: '/admin/v1/iam/sessions',
  summary: 'List sessions of operators and of end users, ended ones too',
  description:
    'Times are from (inclusive) to (exclusive). Who may see one tenant or environment sees the Gateway sessions there, and no operators.',
  permission: 'iam.sessions.list',
  scope: 'filtered',
  step_up: 'none',
  query: listQuery(['created_at', 'last_seen_at'], {
    ...sessionFilters,
    state: Type.Optional(OneOf(SESSION_STATES)),
  }),
  response: Page(Session),
  status: 200,
});
export const revokeSession = endpoint({
  id: 'iam.sessions.revoke',
  method: 'POST',
  path: '/admin/v1/iam/sessions/:session_id/revoke',
  summary: 'End a session; its next request is refused',
  description:
    'A session of a Gateway is ended there, with its refresh tokens, before this answers. Who may end those of one tenant or environment ends no others.',
  permission: 'iam.sessions.revoke',
  scope: 'filtered',
  step_up: 'none',
  params: Type.Object({ session_id: Uuid }),
  body: body({ reason: Reason }),
  response: Mutated({ session: Session }),
  status: 200,
  problems: ['not_found', 'action_not_allowed', 'upstream_failed'],
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
export const revokeTenantSessions = endpoint({
  id: 'iam.tenants.revoke_sessions',
  method: 'POST',
  path: '/admin/v1/iam/tenants/:tenant_id/revoke-sessions',
  summary: 'End all sessions of the end users of a tenant in an environment, or of one of them',
  description:
    'The Gateway ends them before this answers; access tokens of the sessions are refused at the next request.',
  permission: 'iam.sessions.revoke',
  scope: { tenant_id: 'params.tenant_id', environment: 'body.environment' },
  step_up: 'recent',
  params: Type.Object({ tenant_id: Slug }),
  body: body({
    environment: Environment,
    end_user_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    reason: Reason,
  }),
  response: Mutated({ sessions_ended: Type.Integer() }),
  status: 200,
  problems: ['not_found', 'upstream_failed'],
});
