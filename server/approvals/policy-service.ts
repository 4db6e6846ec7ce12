/** Policies: read, and changed. Nobody sets one that nobody could satisfy. */
import { sql } from 'kysely';
import { updateApprovalPolicy, type ApprovalPolicy, type Requirement } from '#contract/approvals.ts';
import { decide, permissionMatches } from '#contract/permission-rules.ts';
import type { PlanDraft } from '#contract/jobs.ts';
import type { Permission } from '#contract/permissions.ts';
import type { Database, Tx } from '#server/db/database.ts';
import { mutate } from '#server/db/mutate.ts';
import { diffOf } from '#server/audit/audit-diff.ts';
import { principalOf, type CallContext } from '#server/http/call-context.ts';
import { approvable, type ApprovableOperation } from '#server/http/approvable-operation.ts';
import { ControlError } from '#server/http/control-error.ts';
import { readHoldersOfRoles, readRolePermissions, type PersonFacts } from '#server/iam/principal-queries.ts';
import {
  describeRequirement,
  normalized,
  rolesThatCount,
  unsatisfiable,
  type Person,
  type Policy,
} from './approval-rules.ts';

/** Any constant, the same in every replica: who changes policies waits for those who apply under them, and the other way round. */
const POLICY_LOCK = 7_070_041;

export interface PolicyDeps {
  db: Database;
  environmentNames: readonly string[];
  operations: readonly ApprovableOperation[];
}

type PolicyRow = Policy & { updated_by: string; updated_at: string };
export interface PolicyChange {
  operation: string;
  environment: string | null;
  requirements: Requirement[];
  expires_after_h: number;
  revision: number;
  reason: string;
}

export const asPerson = ({ user_id, status, kind, grants }: PersonFacts): Person => ({
  user_id,
  may_approve: status === 'active' && kind === 'person',
  grants,
});

export async function readPolicies(db: Database): Promise<PolicyRow[]> {
  const { rows } =
    await sql<PolicyRow>`select policy_id, operation, environment, requirements, expires_after_h, revision, updated_by, updated_at
    from approval_policies order by operation, environment nulls first`.execute(db);
  return rows;
}

/** Holds the policies as they are until the transaction ends. */
export async function sharePolicies(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(${POLICY_LOCK})`.execute(tx);
}

/** Every policy that there is or was, with how many could approve now, and every operation that could have one. */
export async function listPolicies({ db, operations }: PolicyDeps) {
  const policies = await readPolicies(db);
  return {
    items: await withApproverCounts(db, policies),
    operations: operations.map(({ endpoint }) => ({ operation: endpoint.id, summary: endpoint.summary })),
  };
}

async function withApproverCounts(db: Database, policies: readonly PolicyRow[]): Promise<ApprovalPolicy[]> {
  const roles = policies.flatMap(({ requirements }) => requirements.flatMap((each) => each.roles));
  const people = (await readHoldersOfRoles(db, roles)).map(asPerson);
  return policies.map((policy) => ({
    ...policy,
    approver_counts: policy.requirements.map(
      (requirement) =>
        people.filter((person) => rolesThatCount(person, requirement, scopeOf(policy)).length > 0).length,
    ),
  }));
}

const scopeOf = ({ environment }: { environment: string | null }) => ({ tenant_id: null, environment });
const nameOf = ({ operation, environment }: { operation: string; environment: string | null }) =>
  `${operation} ${environment === null ? 'everywhere' : `in ${environment}`}`;

/** Sets the policy of an operation in an environment; without requirements there is none any more. */
export async function setPolicy(
  deps: PolicyDeps,
  context: CallContext,
  change: PolicyChange,
): Promise<{ job_id: string; policy: ApprovalPolicy }> {
  await assertSensible(deps, change);
  const { operation, environment, expires_after_h, reason } = change;
  const requirements = change.requirements.map(normalized);
  const mutation = {
    action: updateApprovalPolicy.id,
    title: `Set the approvals of ${nameOf(change)}`,
    permission: updateApprovalPolicy.permission,
    target: { type: 'approval_policy', id: nameOf(change) },
    environment,
    reason,
  };
  return mutate(deps.db, context, mutation, async (tx) => {
    await sql`select pg_advisory_xact_lock(${POLICY_LOCK})`.execute(tx);
    const before = await findPolicy(tx, change);
    assertRead(before, change);
    const { label } = principalOf(context);
    await sql`insert into approval_policies (operation, environment, requirements, expires_after_h, updated_by)
      values (${operation}, ${environment}, ${JSON.stringify(requirements)}::jsonb, ${expires_after_h}, ${label})
      on conflict on constraint approval_policies_once do update set requirements = excluded.requirements, expires_after_h = excluded.expires_after_h,
        revision = approval_policies.revision + 1, updated_by = excluded.updated_by, updated_at = now()`.execute(
      tx,
    );
    const after = await findPolicy(tx, change);
    if (!after) throw new Error('The policy that was just written is not there.');
    await voidAskedBefore(tx, context, after);
    const [policy] = await withApproverCounts(tx, [after]);
    return { before: shown(before), after: shown(after), result: { policy: policy as ApprovalPolicy } };
  });
}

const shown = (policy: PolicyRow | undefined) =>
  policy
    ? {
        operation: policy.operation,
        environment: policy.environment,
        ...needs(policy),
        revision: policy.revision,
      }
    : null;

const needs = ({ requirements, expires_after_h }: Pick<Policy, 'requirements' | 'expires_after_h'>) => ({
  requirements: requirements.map(describeRequirement),
  expires_after_h,
});

const findPolicy = async (
  db: Database,
  { operation, environment }: Pick<Policy, 'operation' | 'environment'>,
) =>
  (await readPolicies(db)).find((each) => each.operation === operation && each.environment === environment);

function assertRead(present: PolicyRow | undefined, { revision }: PolicyChange): void {
  const now = present?.revision ?? 0;
  if (now !== revision)
    throw new ControlError(
      'precondition_failed',
      `The policy is at revision ${now}, you read ${revision}; read it again and repeat your change.`,
      { details: { revision: now } },
    );
}

/** Whoever waits asked under another policy; whichever was approved already has happened. The one that is being applied here goes on. */
async function voidAskedBefore(
  tx: Tx,
  context: CallContext,
  { operation, environment }: PolicyRow,
): Promise<void> {
  await sql`update approval_requests set state = 'voided', void_reason = 'policy_changed', ended_at = now(), ended_by = ${principalOf(context).label},
      ended_detail = 'The policy for this was changed while it waited.'
    where state = 'waiting' and operation = ${operation} and (${environment}::text is null or environment is null or environment = ${environment})
      and approval_id is distinct from ${context.approval?.approval_id ?? null}::uuid`.execute(tx);
}

async function assertSensible({ db, environmentNames, operations }: PolicyDeps, change: PolicyChange) {
  const { environment, requirements } = change;
  const operation = operations.find(({ endpoint }) => endpoint.id === change.operation);
  if (!operation)
    throw new ControlError(
      'unprocessable',
      `${change.operation} cannot be guarded; there are ${operations.map(({ endpoint }) => endpoint.id).join(', ')}.`,
      { errors: [{ in: 'body', pointer: '/operation', message: 'cannot be guarded' }] },
    );
  if (environment !== null && !environmentNames.includes(environment))
    throw new ControlError(
      'unknown_environment',
      `There is no environment ${environment}; there are ${environmentNames.join(', ')}.`,
    );
  const roles = await readRolePermissions(db);
  const unknown = requirements
    .flatMap((each) => each.roles)
    .filter((role_id) => !roles.some((role) => role.role_id === role_id));
  if (unknown.length > 0)
    throw new ControlError('unprocessable', `There is no role ${unknown.join(', ')}.`, {
      errors: [{ in: 'body', pointer: '/requirements', message: `names no role: ${unknown.join(', ')}` }],
    });
  if (requirements.length === 0) return;
  const permission = operation.endpoint.permission as Permission;
  const asking = roles.filter(({ permissions }) =>
    permissions.some((held) => permissionMatches(held, permission)),
  );
  const named = requirements.flatMap((each) => each.roles);
  const people = await readHoldersOfRoles(db, [...named, ...asking.map(({ role_id }) => role_id)]);
  const scope = scopeOf(change);
  const requesters = people.filter(({ grants }) => decide(grants, permission, scope).allowed);
  const lack = unsatisfiable(
    requirements,
    people.map(asPerson),
    requesters.map(({ user_id }) => user_id),
    scope,
  );
  if (lack)
    throw new ControlError(
      'unprocessable',
      `Nobody could satisfy this: ${describeRequirement(lack.requirement)} takes ${lack.requirement.count} active people other than whoever asks, each with one of these roles and approvals.decide there, and there are ${lack.approvers} in all. Give the role to more people first.`,
      { errors: [{ in: 'body', pointer: '/requirements', message: 'cannot be satisfied by anybody' }] },
    );
}

/** The change of a policy as an operation that a policy may itself guard. */
export const policyOperation = (deps: PolicyDeps): ApprovableOperation =>
  approvable(updateApprovalPolicy, {
    scope: ({ body: { environment } }) => ({ tenant_id: null, environment }),
    subjectKey: ({ body }) => nameOf(body),
    plan: async (_, { body }): Promise<PlanDraft> => {
      await assertSensible(deps, body);
      const before = await findPolicy(deps.db, body);
      assertRead(before, body);
      return {
        kind: updateApprovalPolicy.id,
        title: `Set the approvals of ${nameOf(body)}`,
        environment: body.environment,
        target: { type: 'approval_policy', id: nameOf(body) },
        input: { ...body },
        steps: [],
        changes: diffOf(before ? needs(before) : null, needs(body)),
        checks: [],
        blast_radius: { tenants: [], nodes: [], services: [] },
        revisions: { policy: before?.revision ?? 0 },
        rollback: 'Set the policy as it was',
      };
    },
  });
