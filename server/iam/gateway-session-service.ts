/** Ends sessions of tenants' end users: at their Gateway, which is the record, and in the index. */
import type { NodeSessionRevokeRequest } from '#contract/node.ts';
import type { Session } from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { GatewayUnavailableError, type GatewayAdmin } from './gateway-admin.ts';
import { openEnding, recordUnanswered, settleRequest, type EndingRequest } from './gateway-endings.ts';

export interface GatewaySessionDeps {
  db: Database;
  /** Of each environment. */
  gateways: readonly GatewayAdmin[];
}

/** Ends one session of a Gateway. */
export async function revokeGatewaySession(
  deps: GatewaySessionDeps,
  context: CallContext,
  session: Session,
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
  if (session.state !== 'active')
    throw new ControlError(
      'action_not_allowed',
      `This session of ${end_user_id} of ${tenant_id} is ${session.state} already.`,
    );
  const which = { session_ids: [gateway_session_id ?? ''] };
  const ended = await endAtGateway(deps, context, which, { mutation, session });
  return { job_id: ended.job_id, session: ended.session ?? session };
}

/** Ends all sessions of a tenant's end users in an environment, or those of one of them. */
export async function revokeTenantSessions(
  deps: GatewaySessionDeps,
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
  const which = { tenant_id, ...(end_user_id === undefined ? {} : { user_id: end_user_id }) };
  const { job_id, sessions_ended } = await endAtGateway(deps, context, which, { mutation, session: null });
  return { job_id, sessions_ended };
}

/** Writes down what the Gateway is asked for, asks, and records what came of it. */
async function endAtGateway(
  { db, gateways }: GatewaySessionDeps,
  context: CallContext,
  which: NodeSessionRevokeRequest,
  { mutation, session }: Omit<EndingRequest, 'context'>,
) {
  const environment = mutation.environment ?? '';
  const gateway = gateways.find((each) => each.environment === environment);
  if (!gateway) throw notFound('environment', environment);
  const ended_reason = `Ended by ${principalOf(context).label}: ${mutation.reason}`;
  const ending = await openEnding(db, { environment, which, ended_reason }, { context, mutation, session });
  const answered = await gateway
    .revokeSessions(which, { request_id: context.request_id })
    .catch(async (error: unknown) => {
      if (!(error instanceof GatewayUnavailableError)) throw error;
      await recordUnanswered(db, ending, error.message);
      const message = `${error.message}. Try again when it answers.`;
      throw new ControlError('upstream_failed', message, { cause: error });
    });
  return settleRequest(db, ending, answered);
}
