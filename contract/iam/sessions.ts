/** Sessions: seen, and ended (PRD 1.2). */
import { Type, type Static } from 'typebox';
import { listQuery, Mutated, Nullable, OneOf, Page, Reason, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { userParams, body } from './fields.ts';

/** `pending`: the second factor, or the enrolment of one, is missing; it opens nothing. */
export const SESSION_STATES = ['active', 'pending', 'expired', 'revoked'] as const;
export const Session = Type.Object({
  session_id: Uuid,
  user_id: Uuid,
  user_email: Type.String(),
  state: OneOf(SESSION_STATES),
  ended_reason: Nullable(Type.String()),
  methods: Type.Array(Type.String(), {
    description: 'How the person proved who they are: password, passkey, provider, totp, recovery_code',
  }),
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
