/** Ends sessions of tenants' end users: at their Gateway first, which is the record, then in the index. */
import type { NodeSessionRevokeRequest } from '#contract/node.ts';
import type { Session } from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { principalOf, type AllowedScopes, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { GatewayUnavailableError, type GatewayAdmin } from './gateway-admin.ts';
import { markGatewaySessionsEnded } from './gateway-session-store.ts';
import { findGatewaySession } from './session-list-store.ts';

export interface GatewaySessionDeps {
  db: Database;
  /** Of each environment. */
  gateways: readonly GatewayAdmin[];
}

/** Ends one session of a Gateway. */
export async function revokeGatewaySession(
  { db, gateways }: GatewaySessionDeps,
  context: CallContext,
  session: Session,
  scopes: AllowedScopes,
  reason: string,
): Promise<{ job_id: string; session: Session }> {
  const { session_id, gateway_session_id, tenant_id, end_user_id } = session;
  const environment = session.environment ?? '';
  const mutation = {
    action: 'iam.sessions.revoke',
    title: `End session ${session_id}`,
    permission: 'iam.sessions.revoke',
    target: { type: 'session', id: session_id },
    tenant_id,
    environment,
    reason,
  };
  return mutate(db, context, mutation, async (tx) => {
    const before = await findGatewaySession(tx, session_id, scopes);
    if (before?.state !== 'active')
      throw new ControlError(
        'action_not_allowed',
        `This session of ${end_user_id} of ${tenant_id} is ${before?.state ?? 'gone'} already.`,
      );
    await askGateway(gateways, environment, { session_ids: [gateway_session_id ?? ''] }, context);
    await markGatewaySessionsEnded(tx, { environment, session_ids: [session_id] }, endedBy(context, reason));
    const after = (await findGatewaySession(tx, session_id, scopes)) ?? before;
    return { before: shown(before), after: shown(after), result: { session: after } };
  });
}

/** Ends all sessions of a tenant's end users in an environment, or those of one of them. */
export async function revokeTenantSessions(
  { db, gateways }: GatewaySessionDeps,
  context: CallContext,
  {
    tenant_id,
    environment,
    end_user_id,
  }: { tenant_id: string; environment: string; end_user_id?: string | undefined },
  reason: string,
): Promise<{ job_id: string; sessions_ended: number }> {
  const whose =
    end_user_id === undefined ? `all end users of ${tenant_id}` : `${end_user_id} of ${tenant_id}`;
  const mutation = {
    action: 'iam.tenants.revoke_sessions',
    title: `End the sessions of ${whose} in ${environment}`,
    permission: 'iam.sessions.revoke',
    target: { type: 'tenant', id: tenant_id },
    tenant_id,
    environment,
    reason,
    details: { end_user_id: end_user_id ?? null },
  };
  return mutate(db, context, mutation, async (tx) => {
    const which = { tenant_id, ...(end_user_id === undefined ? {} : { user_id: end_user_id }) };
    const sessions_ended = await askGateway(gateways, environment, which, context);
    const marked = { environment, tenant_id, end_user_id: end_user_id ?? null };
    await markGatewaySessionsEnded(tx, marked, endedBy(context, reason));
    return {
      before: { active_sessions: sessions_ended },
      after: { active_sessions: 0 },
      result: { sessions_ended },
    };
  });
}

async function askGateway(
  gateways: readonly GatewayAdmin[],
  environment: string,
  which: NodeSessionRevokeRequest,
  { request_id }: CallContext,
): Promise<number> {
  const gateway = gateways.find((each) => each.environment === environment);
  if (!gateway) throw notFound('environment', environment);
  try {
    return await gateway.revokeSessions(which, { request_id });
  } catch (error) {
    if (!(error instanceof GatewayUnavailableError)) throw error;
    throw new ControlError('upstream_failed', `${error.message}. Try again when it answers.`, {
      cause: error,
    });
  }
}

const endedBy = (context: CallContext, reason: string) => `Ended by ${principalOf(context).label}: ${reason}`;

const shown = ({ environment, tenant_id, end_user_id, state, ended_reason }: Session) => ({
  environment,
  tenant_id,
  end_user_id,
  state,
  ended_reason,
});
