/** Asks for approvals instead of doing what a policy guards. */
import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { Approval } from '#contract/approvals.ts';
import type { Plan } from '#contract/jobs.ts';
import type { Permission } from '#contract/permissions.ts';
import { constraintOf, UNIQUE_VIOLATION, type Database, type Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import type { ApprovableCall, ApprovableOperation } from '#server/http/approvable-operation.ts';
import {
  mayDo,
  principalOf,
  responsibleUserId,
  type CallContext,
  type Principal,
} from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { readPeople, readTokenMakers } from '#server/iam/principal-queries.ts';
import { planOf } from '#server/jobs/plan-rules.ts';
import { confirmPlan } from '#server/jobs/plan-store.ts';
import { policiesFor, type Policy } from './approval-rules.ts';
import { assertAllows, getApproval, mutationOf, visibleApproval } from './approval-service.ts';
import { readPolicies, sharePolicies } from './policy-service.ts';

export type Call = ApprovableCall<never>;

/** What the endpoint's permission gate asks, asked again of whoever a call is made for. */
export function mayCall(operation: ApprovableOperation, principal: Principal, call: Call): boolean {
  const { endpoint } = operation;
  const target = typeof endpoint.scope === 'object' ? operation.scope(call) : {};
  return mayDo(principal, endpoint.permission as Permission, target);
}

/** Keeps the call as a request when a policy guards it there; null when none does. */
export async function askIfGuarded(
  db: Database,
  context: CallContext,
  operation: ApprovableOperation,
  call: Call,
): Promise<{ job_id: string; approval_id: string } | null> {
  const { environment } = operation.scope(call);
  const policies = policiesFor(await readPolicies(db), operation.endpoint.id, environment);
  if (policies.length === 0) return null;
  const draft = await operation.plan(context, call);
  const { plan_hash, reason = null } = call.body as { plan_hash?: string; reason?: string | null };
  const plan =
    plan_hash === undefined ? planOf(draft, new Date()) : await confirmPlan(db, context, plan_hash, draft);
  return keep(db, context, operation, { call, plan, policies, reason });
}

/** Asks for the same again with the plan as it is now, which its requester has read as `plan_hash`. */
export async function askAgain(
  db: Database,
  context: CallContext,
  operations: readonly ApprovableOperation[],
  approval_id: string,
  { plan_hash, reason }: { plan_hash: string; reason: string },
): Promise<{ job_id: string; approval: Approval }> {
  const row = await visibleApproval(db, context, approval_id);
  const operation = operations.find(({ endpoint }) => endpoint.id === row.operation);
  if (!operation || row.requester_id !== principalOf(context).user_id)
    throw new ControlError(
      'permission_denied',
      'Only who asked asks again; make the change yourself instead.',
    );
  assertAllows(row, 'ask_again');
  const kept = row.call as Call;
  if (!mayCall(operation, principalOf(context), kept))
    throw new ControlError(
      'permission_denied',
      `You do not hold ${operation.endpoint.permission} there any more.`,
    );
  const plan = planOf(await operation.plan(context, kept), new Date());
  if (plan.plan_hash !== plan_hash)
    throw new ControlError(
      'plan_drifted',
      'The plan has changed since you read the difference; read it again.',
      {
        details: { changes: [], plan },
      },
    );
  const body = {
    ...(kept.body as object),
    reason,
    ...('plan_hash' in (kept.body as object) && { plan_hash }),
  };
  const policies = policiesFor(await readPolicies(db), row.operation, row.environment);
  if (policies.length === 0)
    throw new ControlError('action_not_allowed', 'This needs no approval any more; do it where it is done.');
  const call = { ...kept, body } as Call;
  const asked = await keep(db, context, operation, { call, plan, policies, reason });
  return { job_id: asked.job_id, approval: await getApproval(db, context, asked.approval_id) };
}

interface Asked {
  call: Call;
  plan: Plan;
  policies: Policy[];
  reason: string | null;
}

async function keep(
  db: Database,
  context: CallContext,
  operation: ApprovableOperation,
  { call, plan, policies, reason }: Asked,
): Promise<{ job_id: string; approval_id: string }> {
  const principal = principalOf(context);
  if (responsibleUserId(principal) !== principal.user_id)
    throw new ControlError(
      'permission_denied',
      'This needs approvals, and nobody asks for them while acting as somebody else; end that first.',
    );
  if (plan.blockers.length > 0)
    throw new ControlError('plan_blocked', plan.blockers.map((blocker) => blocker.message).join(' '), {
      details: { blockers: plan.blockers },
    });
  if (context.idempotency) context.idempotency.response_status = 202;
  const approval_id = randomUUIDv7();
  const { id } = operation.endpoint;
  const scope = operation.scope(call);
  const subject_key = operation.subjectKey(call);
  const requirements = policies.flatMap((policy) => policy.requirements);
  const hours = Math.min(...policies.map(({ expires_after_h }) => expires_after_h));
  const mutation = mutationOf(
    { approval_id, title: plan.title, ...scope },
    'approvals.requests.create',
    'Ask for approval',
    operation.endpoint.permission,
  );
  const contributors = await contributorsOf(db, principal);
  return mutate(db, context, { ...mutation, reason, details: { operation: id } }, async (tx) => {
    await sharePolicies(tx);
    const earlier = await replaceWaiting(tx, context, id, subject_key, plan.plan_hash);
    await sql`insert into approval_requests (approval_id, operation, title, environment, tenant_id, target_type, target_id, subject_key, call, plan, plan_hash,
        policies, requirements, role_ids, requester_id, requester, token_id, contributor_ids, reason, expires_at)
      values (${approval_id}::uuid, ${id}, ${plan.title}, ${scope.environment}, ${scope.tenant_id}, ${plan.target.type}, ${plan.target.id}, ${subject_key},
        ${JSON.stringify(call)}::jsonb, ${JSON.stringify(plan)}::jsonb, ${plan.plan_hash},
        ${JSON.stringify(policies.map(({ policy_id, revision }) => ({ policy_id, revision })))}::jsonb, ${JSON.stringify(requirements)}::jsonb,
        ${[...new Set(requirements.flatMap(({ roles }) => roles))]}::text[], ${principal.user_id}::uuid, ${principal.label}, ${principal.token?.token_id ?? null}::uuid,
        ${[...new Set([...contributors, ...earlier])]}::uuid[], ${reason}, now() + ${hours} * interval '1 hour')`.execute(
      tx,
    );
    return {
      after: { state: 'waiting', operation: id, plan_hash: plan.plan_hash, requirements },
      result: { approval_id },
    };
  }).catch((error: unknown) => {
    const violation = constraintOf(error);
    if (violation?.code === UNIQUE_VIOLATION && violation.constraint === 'approval_requests_one_waiting')
      throw new ControlError(
        'conflict',
        `Somebody asked for ${plan.title} just now; read that request first.`,
      );
    throw error;
  });
}

/** Everybody who answers for what the principal asks: behind a service account those who made its tokens. */
async function contributorsOf(db: Database, principal: Principal): Promise<string[]> {
  const [facts] = await readPeople(db, [principal.user_id]);
  const behind = facts?.kind === 'service_account' ? await readTokenMakers(db, principal.user_id) : [];
  return [principal.user_id, responsibleUserId(principal), ...behind];
}

/** The one that waits for the same is edited by this: it is void, and who had a part in it has a part in the new one. */
async function replaceWaiting(
  tx: Tx,
  context: CallContext,
  operation: string,
  subject_key: string,
  plan_hash: string,
): Promise<string[]> {
  const { rows } = await sql<{
    approval_id: string;
    plan_hash: string;
    contributor_ids: string[];
    expired: boolean;
  }>`select approval_id, plan_hash, contributor_ids, expires_at <= now() as expired from approval_requests
    where operation = ${operation} and subject_key = ${subject_key} and state = 'waiting' for update`.execute(
    tx,
  );
  const [waiting] = rows;
  if (!waiting) return [];
  const { approval_id } = waiting;
  if (waiting.expired) {
    await sql`update approval_requests set state = 'expired', ended_at = expires_at where approval_id = ${approval_id}::uuid`.execute(
      tx,
    );
    return [];
  }
  if (waiting.plan_hash === plan_hash)
    throw new ControlError('already_exists', 'The same plan waits for its approvals already.', {
      details: { approval_id },
    });
  await sql`update approval_requests set state = 'voided', void_reason = 'edited', ended_at = now(), ended_by = ${principalOf(context).label},
      ended_detail = 'Another request for the same took its place.' where approval_id = ${approval_id}::uuid`.execute(
    tx,
  );
  return waiting.contributor_ids;
}
