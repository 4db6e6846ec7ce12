/** Sessions as an administrator sees and ends them. An ended one is refused on its next request. */
import type { Page } from '#contract/common.ts';
import type { Session } from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { allowedScopes, principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import type { ListRequest } from '#server/http/cursor.ts';
import { revokeGatewaySession, type GatewaySessionDeps } from './gateway-session-service.ts';
import type { SessionFilter } from './session-filter-conditions.ts';
import { findGatewaySession, listSessionRows } from './session-list-store.ts';
import { endSession, endSessionsOf, lockSession } from './session-store.ts';
import { lockUser, readUser } from './user-store.ts';

const currentSession = (context: CallContext) => principalOf(context).session?.session_id ?? null;

/** Sessions that fit the filter, ended ones too; the one that asks is marked. */
export const listSessions = (
  db: Database,
  context: CallContext,
  filter: SessionFilter & ListRequest,
): Promise<Page<Session>> =>
  listSessionRows(db, filter, {
    currentSessionId: currentSession(context),
    scopes: allowedScopes(principalOf(context), 'iam.sessions.list'),
  });

/** Ends one session, of ours or of a Gateway. */
export async function revokeSession(
  deps: GatewaySessionDeps,
  context: CallContext,
  sessionId: string,
  reason: string,
): Promise<{ job_id: string; session: Session }> {
  const { db } = deps;
  const scopes = allowedScopes(principalOf(context), 'iam.sessions.revoke');
  const gatewaySession = await findGatewaySession(db, sessionId, scopes);
  if (gatewaySession) return revokeGatewaySession(deps, context, gatewaySession, reason);
  if (!scopes.all) throw notFound('session', sessionId);
  const current = currentSession(context);
  return mutate(
    db,
    context,
    {
      action: 'iam.sessions.revoke',
      title: `End session ${sessionId}`,
      permission: 'iam.sessions.revoke',
      target: { type: 'session', id: sessionId },
      reason,
    },
    async (tx) => {
      const before = await lockSession(tx, sessionId, current);
      if (!before) throw notFound('session', sessionId);
      const ended =
        before.state === 'active' &&
        (await endSession(tx, sessionId, `Ended by ${principalOf(context).label}: ${reason}`));
      if (!ended)
        throw new ControlError(
          'action_not_allowed',
          `This session of ${before.user_email} is ${before.state} already.`,
        );
      const session = (await lockSession(tx, sessionId, current)) ?? before;
      return { before: shown(before), after: shown(session), result: { session } };
    },
  );
}

const shown = ({ user_email, state, ended_reason }: Session) => ({ user_email, state, ended_reason });

/** Ends all sessions of a user, the caller's own too. */
export async function revokeUserSessions(
  db: Database,
  context: CallContext,
  userId: string,
  reason: string,
): Promise<{ job_id: string; sessions_ended: number }> {
  const { email } = await readUser(db, userId);
  return mutate(
    db,
    context,
    {
      action: 'iam.users.revoke_sessions',
      title: `End all sessions of ${email}`,
      permission: 'iam.sessions.revoke',
      target: { type: 'user', id: userId },
      reason,
    },
    async (tx) => {
      await lockUser(tx, userId);
      const sessions_ended = await endSessionsOf(
        tx,
        userId,
        `Ended by ${principalOf(context).label}: ${reason}`,
      );
      return {
        before: { active_sessions: sessions_ended },
        after: { active_sessions: 0 },
        result: { sessions_ended },
      };
    },
  );
}
