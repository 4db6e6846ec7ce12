/**
 * Requests as people see them and what they do with them, but for approving (`approve-service.ts`):
 *
 *     waiting → applied | rejected | withdrawn | voided | expired
 *
 * The last approval and what was asked for are one transaction: there is no state in between in which a crash could leave a request.
 */
import { sql } from 'kysely';
import {
  APPROVAL_ACTIONS,
  type Approval,
  type ApprovalAction,
  type ApprovalListItem,
} from '#contract/approvals.ts';
import type { Page } from '#contract/common.ts';
import type { Database } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import {
  mayDo,
  principalOf,
  responsibleUserId,
  type CallContext,
  type Principal,
} from '#server/http/call-context.ts';
import { ControlError, notFound } from '#server/http/control-error.ts';
import { readPeople } from '#server/iam/principal-queries.ts';
import { progressOf, rolesByRequirements, type Person } from './approval-rules.ts';
import {
  addDecision,
  endApproval,
  listApprovalRows,
  lockApproval,
  maySee,
  readApproval,
  readComments,
  readDecisions,
  type ApprovalFilter,
  type ApprovalRow,
} from './approval-store.ts';
import { asPerson } from './policy-service.ts';

export const scopeOfRequest = ({
  tenant_id,
  environment,
}: Pick<ApprovalRow, 'tenant_id' | 'environment'>) => ({
  tenant_id,
  environment,
});

/** A page of requests, each with how many approvals count for it now. */
export async function listApprovals(
  db: Database,
  context: CallContext,
  filter: ApprovalFilter,
): Promise<Page<ApprovalListItem>> {
  const page = await listApprovalRows(db, principalOf(context), filter);
  const decisions = await readDecisions(
    db,
    page.items.map(({ approval_id }) => approval_id),
  );
  const people = (
    await readPeople(
      db,
      decisions.map(({ user_id }) => user_id),
    )
  ).map(asPerson);
  const items = page.items.map(({ contributor_ids, ...row }) => {
    const approvers = new Set(
      decisions
        .filter((each) => each.approval_id === row.approval_id && each.decision === 'approved')
        .map(({ user_id }) => user_id),
    );
    const counting = people.filter(({ user_id }) => approvers.has(user_id));
    return {
      ...row,
      requirements: progressOf(row.requirements, counting, contributor_ids, scopeOfRequest(row)),
    };
  });
  return { ...page, items };
}

/** The request, if the caller may see it; `not_found` otherwise. */
export async function visibleApproval(
  db: Database,
  context: CallContext,
  approval_id: string,
): Promise<ApprovalRow> {
  const row = await readApproval(db, approval_id);
  const principal = principalOf(context);
  const sees = maySee(principal, row) || mayDo(principal, 'approvals.decide', scopeOfRequest(row));
  if (!sees) throw notFound('request for approval', approval_id);
  return row;
}

/** All of a request, for the caller. */
export async function getApproval(
  db: Database,
  context: CallContext,
  approval_id: string,
): Promise<Approval> {
  const row = await visibleApproval(db, context, approval_id);
  const { contributor_ids } = row;
  const principal = principalOf(context);
  const [decisions, comments] = await Promise.all([
    readDecisions(db, [approval_id]),
    readComments(db, approval_id),
  ]);
  const facts = await readPeople(db, [
    ...new Set([...contributor_ids, ...decisions.map(({ user_id }) => user_id), principal.user_id]),
  ]);
  const people = new Map(facts.map((each) => [each.user_id, asPerson(each)]));
  const scope = scopeOfRequest(row);
  const approvers = decisions.flatMap(({ user_id, decision }) =>
    decision === 'approved' ? (people.get(user_id) ?? []) : [],
  );
  const counts = (user_id: string) => {
    const person = people.get(user_id);
    return person !== undefined && rolesByRequirements(person, row.requirements, scope).length > 0;
  };
  const decided = decisions.some(({ user_id }) => user_id === principal.user_id);
  return {
    ...row,
    requirements: progressOf(row.requirements, approvers, contributor_ids, scope),
    contributors: facts
      .filter(({ user_id }) => contributor_ids.includes(user_id))
      .map(({ user_id, email }) => ({ user_id, label: email })),
    decisions: decisions.map((decision) => ({
      ...decision,
      counts: decision.decision === 'approved' && counts(decision.user_id),
    })),
    comments,
    against_deciding:
      againstDeciding(row, principal, people.get(principal.user_id), decided)?.message ?? null,
  };
}

type Judged = Pick<
  ApprovalRow,
  'state' | 'expires_at' | 'contributor_ids' | 'requirements' | 'tenant_id' | 'environment'
>;

/** Why the caller may not decide on the request; null when they may. */
export function againstDeciding(
  row: Judged,
  principal: Principal,
  person: Person | undefined,
  decided: boolean,
): ControlError | null {
  const responsible = responsibleUserId(principal);
  if (row.state !== 'waiting') return notAllowed(row, 'approve');
  if (row.contributor_ids.includes(responsible) || row.contributor_ids.includes(principal.user_id))
    return new ControlError(
      'permission_denied',
      'You asked for this or had a part in it, so somebody else decides on it.',
    );
  if (responsible !== principal.user_id)
    return new ControlError(
      'permission_denied',
      'Nobody decides while acting as somebody else; end that first.',
    );
  if (decided) return new ControlError('action_not_allowed', 'You have decided on this request already.');
  const scope = scopeOfRequest(row);
  const held = person ? rolesByRequirements(person, row.requirements, scope) : [];
  if (held.length === 0 || !mayDo(principal, 'approvals.decide', scope)) {
    const roles = [...new Set(row.requirements.flatMap((each) => each.roles))].join(', ');
    return new ControlError(
      'permission_denied',
      `A decision on this takes approvals.decide and one of the roles ${roles} where it acts, held by a person.`,
    );
  }
  return null;
}

const notAllowed = (
  { state, expires_at }: Pick<ApprovalRow, 'state' | 'expires_at'>,
  action: ApprovalAction,
) => {
  const what =
    state === 'expired' ? `expired at ${expires_at}` : state === 'waiting' ? 'still waits' : `was ${state}`;
  return new ControlError(
    'action_not_allowed',
    `This request ${what}; ${action.replace('_', ' ')} needs it ${APPROVAL_ACTIONS[action].join(' or ')}.`,
  );
};

/** Refuses what the present state does not allow. */
export function assertAllows(row: Pick<ApprovalRow, 'state' | 'expires_at'>, action: ApprovalAction): void {
  if (!(APPROVAL_ACTIONS[action] as readonly string[]).includes(row.state)) throw notAllowed(row, action);
}

/** Who decides, judged; rejects when they may not. */
export async function assertMayDecide(db: Database, context: CallContext, row: ApprovalRow) {
  const principal = principalOf(context);
  const [facts] = await readPeople(db, [principal.user_id]);
  const decisions = await readDecisions(db, [row.approval_id]);
  const person = facts && asPerson(facts);
  const against = againstDeciding(
    row,
    principal,
    person,
    decisions.some(({ user_id }) => user_id === principal.user_id),
  );
  if (against || !person) throw against ?? notFound('user', principal.user_id);
  return { person, roles: rolesByRequirements(person, row.requirements, scopeOfRequest(row)) };
}

/** What every change of a request is recorded as. */
export const mutationOf = (
  row: Pick<ApprovalRow, 'approval_id' | 'title' | 'tenant_id' | 'environment'>,
  action: string,
  verb: string,
  permission: string,
) => ({
  action,
  title: `${verb}: ${row.title}`,
  permission,
  target: { type: 'approval', id: row.approval_id },
  ...scopeOfRequest(row),
});

/** Rejects the request; the comment says why. */
export async function rejectRequest(
  db: Database,
  context: CallContext,
  approval_id: string,
  comment: string,
): Promise<{ job_id: string; approval: Approval }> {
  const row = await visibleApproval(db, context, approval_id);
  const { roles } = await assertMayDecide(db, context, row);
  const { user_id, label } = principalOf(context);
  const mutation = mutationOf(row, 'approvals.requests.reject', 'Reject', 'approvals.decide');
  const { job_id } = await mutate(db, context, { ...mutation, details: { comment } }, async (tx) => {
    assertAllows(await lockApproval(tx, approval_id), 'reject');
    await addDecision(tx, approval_id, { user_id, label, decision: 'rejected', roles, comment });
    await endApproval(tx, approval_id, { state: 'rejected', ended_by: label, ended_detail: comment });
    return { before: { state: 'waiting' }, after: { state: 'rejected' }, result: {} };
  });
  return { job_id, approval: await getApproval(db, context, approval_id) };
}

/** Takes one's own request back. */
export async function withdrawRequest(
  db: Database,
  context: CallContext,
  approval_id: string,
  reason: string,
): Promise<{ job_id: string; approval: Approval }> {
  const row = await visibleApproval(db, context, approval_id);
  const { user_id, label } = principalOf(context);
  if (row.requester_id !== user_id)
    throw new ControlError('permission_denied', 'Only who asked withdraws a request; reject it instead.');
  const mutation = mutationOf(row, 'approvals.requests.withdraw', 'Withdraw', 'authenticated');
  const { job_id } = await mutate(db, context, { ...mutation, reason }, async (tx) => {
    assertAllows(await lockApproval(tx, approval_id), 'withdraw');
    await endApproval(tx, approval_id, { state: 'withdrawn', ended_by: label, ended_detail: reason });
    return { before: { state: 'waiting' }, after: { state: 'withdrawn' }, result: {} };
  });
  return { job_id, approval: await getApproval(db, context, approval_id) };
}

/** Adds a comment, in whatever state the request is. */
export async function commentOnRequest(
  db: Database,
  context: CallContext,
  approval_id: string,
  comment: string,
): Promise<{ job_id: string; approval: Approval }> {
  const row = await visibleApproval(db, context, approval_id);
  const { user_id, label } = principalOf(context);
  const mutation = mutationOf(row, 'approvals.requests.comment', 'Comment', 'authenticated');
  const { job_id } = await mutate(db, context, mutation, async (tx) => {
    await sql`insert into approval_comments (approval_id, user_id, label, comment)
      values (${approval_id}::uuid, ${user_id}::uuid, ${label}, ${comment})`.execute(tx);
    return { after: { comment }, result: {} };
  });
  return { job_id, approval: await getApproval(db, context, approval_id) };
}
