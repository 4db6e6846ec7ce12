/** Pure: which approvals an operation needs, who may give one, and which of those given count. */
import type { Requirement } from '#contract/approvals.ts';
import { decide, type PermissionGrant, type PermissionScope } from '#contract/permission-rules.ts';

export interface Policy {
  policy_id: string;
  operation: string;
  environment: string | null;
  requirements: Requirement[];
  expires_after_h: number;
  revision: number;
}

/** A person as they are now. */
export interface Person {
  user_id: string;
  /** Active, and no service account: nobody answers for what a machine approves. */
  may_approve: boolean;
  grants: readonly (PermissionGrant & { role_id: string })[];
}

/**
 * The policies that guard an operation there, in a stable order. One of an environment also guards what acts in every environment, and
 * one of every environment what acts in a single one.
 */
export const policiesFor = <P extends Policy>(
  policies: readonly P[],
  operation: string,
  environment: string | null,
): P[] =>
  policies
    .filter(
      (policy) =>
        policy.operation === operation &&
        policy.requirements.length > 0 &&
        (policy.environment === null || environment === null || policy.environment === environment),
    )
    .toSorted((a, b) => a.policy_id.localeCompare(b.policy_id));

const within = (grant: PermissionGrant, { tenant_id, environment }: PermissionScope) =>
  (grant.tenant_id === null || grant.tenant_id === tenant_id) &&
  (grant.environment === null || grant.environment === environment);

/** The roles of the requirement by which the person may approve there; none = they may not. */
export function rolesThatCount(person: Person, { roles }: Requirement, scope: PermissionScope): string[] {
  if (!person.may_approve || !decide(person.grants, 'approvals.decide', scope).allowed) return [];
  return roles.filter((role_id) =>
    person.grants.some((grant) => grant.role_id === role_id && within(grant, scope)),
  );
}

/** All roles by which the person's approval counts for some requirement. */
export const rolesByRequirements = (
  person: Person,
  requirements: readonly Requirement[],
  scope: PermissionScope,
): string[] => [
  ...new Set(requirements.flatMap((requirement) => rolesThatCount(person, requirement, scope))),
];

export type Progress = Requirement & { have: number };

/** How many of these approvers count for each requirement now: one person once, and nobody who had a part in the request. */
export function progressOf(
  requirements: readonly Requirement[],
  approvers: readonly Person[],
  contributors: readonly string[],
  scope: PermissionScope,
): Progress[] {
  const others = new Map(
    approvers
      .filter(({ user_id }) => !contributors.includes(user_id))
      .map((person) => [person.user_id, person]),
  );
  return requirements.map((requirement) => ({
    ...requirement,
    have: [...others.values()].filter((person) => rolesThatCount(person, requirement, scope).length > 0)
      .length,
  }));
}

export const isSatisfied = (progress: readonly Progress[]): boolean =>
  progress.every(({ have, count }) => have >= count);

/**
 * What is lacking for anybody at all to get these approvals, by requirement; null when somebody can. Nobody counts for their own
 * request, so one of those who may ask must be left with enough others.
 */
export function unsatisfiable(
  requirements: readonly Requirement[],
  people: readonly Person[],
  requesters: readonly string[],
  scope: PermissionScope,
): { requirement: Requirement; approvers: number } | null {
  const counted = requirements.map((requirement) => ({
    requirement,
    approvers: people.filter((person) => rolesThatCount(person, requirement, scope).length > 0),
  }));
  const left = (requester: string) =>
    counted.find(
      ({ requirement, approvers }) =>
        approvers.filter(({ user_id }) => user_id !== requester).length < requirement.count,
    );
  const short = requesters.map(left);
  if (short.includes(undefined)) return null;
  const worst =
    short.find((each) => each !== undefined) ??
    counted.find(({ requirement, approvers }) => approvers.length < requirement.count);
  return worst ? { requirement: worst.requirement, approvers: worst.approvers.length } : null;
}

/** "2 approvals (operator or owner)" */
export const describeRequirement = ({ count, roles }: Requirement): string =>
  `${count} ${count === 1 ? 'approval' : 'approvals'} (${roles.join(' or ')})`;

/** A requirement in a canonical order, so that equal ones are kept equal. */
export const normalized = ({ count, roles }: Requirement): Requirement => ({
  count,
  roles: roles.toSorted(),
});
