/**
 * Approves. Everything is checked anew at each approval, and once more in the transaction of the last one, which holds the approval, the
 * end of the request and the change that was asked for: all of it happens, or none. What is not as it was read any more is voided, by
 * name, and the decision is kept with it.
 */
import type { Approval, checkApproval, VoidReason } from '#contract/approvals.ts';
import type { ResponseOf } from '#contract/endpoint.ts';
import type { Change } from '#contract/jobs.ts';
import type { ProblemCode } from '#contract/problem.ts';
import { diffOf } from '#server/audit/audit-diff.ts';
import { auditInsert } from '#server/audit/audit-store.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import type { ApprovableOperation } from '#server/http/approvable-operation.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { Route } from '#server/http/route.ts';
import { readPeople, readPrincipal } from '#server/iam/principal-queries.ts';
import { planDrift, planOf } from '#server/jobs/plan-rules.ts';
import { makePlan } from '#server/jobs/plan-store.ts';
import { isSatisfied, policiesFor, progressOf } from './approval-rules.ts';
import {
  assertAllows,
  assertMayDecide,
  getApproval,
  mutationOf,
  scopeOfRequest,
  visibleApproval,
} from './approval-service.ts';
import {
  addDecision,
  endApproval,
  lockApproval,
  readApproval,
  readDecisions,
  type ApprovalRow,
  type Decision,
} from './approval-store.ts';
import { mayCall, type Call } from './ask-service.ts';
import { asPerson, readPolicies, sharePolicies } from './policy-service.ts';

export interface ApproveDeps {
  db: Database;
  operations: readonly ApprovableOperation[];
  /** The handler behind the guard, by the endpoint's id. */
  handlers: ReadonlyMap<string, Route['handler']>;
}

/** Why a request does not stand any more. */
class Voided extends Error {
  readonly why: VoidReason;
  readonly drift: Change[];
  constructor(why: VoidReason, detail: string, drift: Change[] = []) {
    super(detail);
    this.why = why;
    this.drift = drift;
  }
}
/** Somebody else's approval came in between: it has to be judged again whether this one is the last. */
class Overtaken extends Error {}

/** Problems that say nothing of the request: it may be tried again. */
const PASSING: readonly ProblemCode[] = [
  'upstream_failed',
  'unavailable',
  'internal',
  'rate_limited',
  'not_configured',
];
/** Many approvals of one request at the same time overtake each other this often at most: there are 25 at most. */
const MOST_ATTEMPTS = 30;

type Approving = Omit<Decision, 'decided_at'>;
const ACTION = 'approvals.requests.approve';

/** Approves the request; the last approval that is needed applies it. */
export async function approveRequest(
  deps: ApproveDeps,
  context: CallContext,
  approval_id: string,
  { comment = null, plan_hash }: { comment?: string | null | undefined; plan_hash: string },
): Promise<{ job_id: string; approval: Approval }> {
  for (let attempt = 1; ; attempt += 1) {
    const row = await visibleApproval(deps.db, context, approval_id);
    const { roles } = await assertMayDecide(deps.db, context, row);
    if (plan_hash !== row.plan_hash)
      throw new ControlError('plan_drifted', 'This is not the plan of the request; read the request again.');
    const { user_id, label } = principalOf(context);
    const decision: Approving = { user_id, label, decision: 'approved', roles, comment };
    try {
      const { job_id } = await approveOnce(deps, context, row, decision);
      return { job_id, approval: await getApproval(deps.db, context, approval_id) };
    } catch (error) {
      if (!(error instanceof Overtaken) || attempt >= MOST_ATTEMPTS) throw error;
    }
  }
}

async function approveOnce(deps: ApproveDeps, context: CallContext, row: ApprovalRow, decision: Approving) {
  try {
    const requester = await recheck(deps, context, row);
    return (await completes(deps.db, row, decision))
      ? await apply(deps, context, requester, row, decision)
      : await record(deps.db, context, row, decision);
  } catch (error) {
    const voided = await asVoided(deps.db, row, error);
    return voidRequest(deps.db, context, row, decision, voided);
  }
}

/** Whether the approvals that count, with this one, are all that it takes. */
async function completes(db: Database, row: ApprovalRow, { user_id }: Approving): Promise<boolean> {
  const given = await readDecisions(db, [row.approval_id]);
  const approvers = given.filter((each) => each.decision === 'approved').map((each) => each.user_id);
  const people = (await readPeople(db, [...approvers, user_id])).map(asPerson);
  return isSatisfied(progressOf(row.requirements, people, row.contributor_ids, scopeOfRequest(row)));
}

/** Checks that the request is what it was when it was asked; answers the call's context in the requester's name. Throws `Voided`. */
async function recheck(deps: ApproveDeps, context: CallContext, row: ApprovalRow): Promise<CallContext> {
  await assertSamePolicies(deps.db, row);
  const { requester, draft } = await planAnew(deps, context, row);
  if (planOf(draft, new Date()).plan_hash !== row.plan_hash) {
    const drift = planDrift(row.plan, draft);
    throw new Voided(
      'drifted',
      `Since it was asked, ${drift.map(({ path }) => path).join(', ')} changed.`,
      drift,
    );
  }
  // The operation itself reads the plan again, as whoever starts it has read it.
  await makePlan(deps.db, requester, draft);
  return requester;
}

async function planAnew(deps: ApproveDeps, context: CallContext, row: ApprovalRow) {
  const found = await readPrincipal(deps.db, row.requester_id, row.token_id);
  if ('gone' in found) throw new Voided('requester_not_allowed', `${found.gone}.`);
  const { request_id, trace_id } = context;
  const requester: CallContext = {
    principal: found.principal,
    request_id,
    trace_id,
    ip: null,
    user_agent: null,
    idempotency: null,
  };
  const operation = operationOf(deps, row);
  if (!mayCall(operation, found.principal, row.call as Call))
    throw new Voided(
      'requester_not_allowed',
      `${row.requester} does not hold ${operation.endpoint.permission} there any more.`,
    );
  return { requester, draft: await operation.plan(requester, row.call as Call) };
}

function operationOf({ operations }: ApproveDeps, { operation }: ApprovalRow): ApprovableOperation {
  const found = operations.find(({ endpoint }) => endpoint.id === operation);
  if (!found) throw new Voided('refused', `There is no operation ${operation} any more.`);
  return found;
}

async function assertSamePolicies(db: Database, row: ApprovalRow): Promise<void> {
  const now = policiesFor(await readPolicies(db), row.operation, row.environment);
  const key = (policies: ApprovalRow['policies']) =>
    policies.map(({ policy_id, revision }) => `${policy_id} ${revision}`).join();
  if (key(now) !== key(row.policies))
    throw new Voided('policy_changed', 'The policy for this was changed while it waited.');
}

/** One approval of several. */
const record = (db: Database, context: CallContext, row: ApprovalRow, decision: Approving) =>
  mutate(db, context, approval(row, decision), async (tx) => {
    const present = await hold(tx, row);
    if (await completes(tx, present, decision)) throw new Overtaken();
    await addDecision(tx, row.approval_id, decision);
    return { after: { approved_by: decision.label, roles: decision.roles }, result: {} };
  });

const approval = (row: ApprovalRow, { comment }: Approving) => ({
  ...mutationOf(row, ACTION, 'Approve', 'approvals.decide'),
  details: { comment, plan_hash: row.plan_hash },
});

async function hold(tx: Tx, { approval_id }: ApprovalRow): Promise<ApprovalRow> {
  await sharePolicies(tx);
  const present = await lockApproval(tx, approval_id);
  assertAllows(present, 'approve');
  await assertSamePolicies(tx, present);
  return present;
}

/** The last approval: the call is made in the requester's name, and its transaction takes the approval in. */
async function apply(
  { handlers }: ApproveDeps,
  context: CallContext,
  requester: CallContext,
  row: ApprovalRow,
  decision: Approving,
): Promise<{ job_id: string }> {
  const settle = async (tx: Tx, job_id: string): Promise<void> => {
    const present = await hold(tx, row);
    if (!(await completes(tx, present, decision))) throw new Overtaken();
    await addDecision(tx, row.approval_id, decision);
    const { label } = principalOf(context);
    await endApproval(tx, row.approval_id, { state: 'applied', ended_by: label, job_id });
    const { action, target, details } = approval(row, decision);
    const changes = diffOf(
      { state: 'waiting' },
      { state: 'applied', approved_by: label, roles: decision.roles },
    );
    await auditInsert(context, {
      action,
      target,
      ...scopeOfRequest(row),
      outcome: 'succeeded',
      details,
      changes,
      job_id,
    }).execute(tx);
  };
  const handler = handlers.get(row.operation);
  if (!handler) throw new Voided('refused', `There is no operation ${row.operation} any more.`);
  const call = {
    ...row.call,
    context: { ...requester, approval: { approval_id: row.approval_id, settle } },
    query: {},
    last_event_id: 0,
    signal: new AbortController().signal,
    setSession: () => undefined,
    setActing: () => undefined,
  };
  const { job_id } = (await handler(call as never)) as { job_id: string };
  return { job_id };
}

/** Why the request is void by this error; rethrows what says nothing against it, and says when it has ended meanwhile. */
async function asVoided(db: Database, { approval_id }: ApprovalRow, error: unknown): Promise<Voided> {
  if (error instanceof Voided) return error;
  if (!(error instanceof ControlError) || PASSING.includes(error.code)) throw error;
  assertAllows(await readApproval(db, approval_id), 'approve');
  const drifted = [
    'plan_drifted',
    'plan_blocked',
    'precondition_failed',
    'not_found',
    'job_conflict',
    'same_shard',
    'not_placed',
    'unknown_shard',
    'already_exists',
  ];
  return new Voided(drifted.includes(error.code) ? 'drifted' : 'refused', error.message);
}

const voidRequest = (
  db: Database,
  context: CallContext,
  row: ApprovalRow,
  decision: Approving,
  { why, message, drift }: Voided,
) =>
  mutate(
    db,
    context,
    {
      ...mutationOf(row, 'approvals.requests.void', 'Void', 'approvals.decide'),
      details: { void_reason: why, detail: message },
    },
    async (tx) => {
      assertAllows(await lockApproval(tx, row.approval_id), 'approve');
      await addDecision(tx, row.approval_id, decision);
      await endApproval(tx, row.approval_id, {
        state: 'voided',
        ended_by: decision.label,
        void_reason: why,
        ended_detail: message,
        drift,
      });
      return { before: { state: 'waiting' }, after: { state: 'voided' }, result: {} };
    },
  );

/** What differs now from what was read; changes nothing. */
export async function checkDrift(
  deps: ApproveDeps,
  context: CallContext,
  approval_id: string,
): Promise<ResponseOf<typeof checkApproval>> {
  const row = await visibleApproval(deps.db, context, approval_id);
  try {
    const { draft } = await planAnew(deps, context, row);
    const { plan_hash } = planOf(draft, new Date());
    return {
      changes: plan_hash === row.plan_hash ? [] : planDrift(row.plan, draft),
      plan_hash,
      problem: null,
    };
  } catch (error) {
    if (error instanceof Voided) return { changes: error.drift, plan_hash: null, problem: error.message };
    if (error instanceof ControlError && !PASSING.includes(error.code))
      return { changes: [], plan_hash: null, problem: error.message };
    throw error;
  }
}
