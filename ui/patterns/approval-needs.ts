/** What approvals something needs, before it is asked for. */
import { readRequirements, type Requirement } from '#contract/approvals.ts';
import type { Endpoint } from '#contract/endpoint.ts';
import { useEndpoint } from '#ui/api/queries.ts';

const NONE: readonly Requirement[] = [];

/** The approvals that an operation needs there; none while that is not known. The server has the last word. */
export function useRequirements(
  operation: Endpoint | undefined,
  environment: string | null | undefined,
): readonly Requirement[] {
  const { data } = useEndpoint(
    readRequirements,
    { query: { operation: operation?.id ?? '', ...(environment && { environment }) } },
    { enabled: operation !== undefined && environment !== undefined },
  );
  return operation === undefined ? NONE : (data?.requirements ?? NONE);
}

/** "needs 1 approval (operator)" */
export const needsText = (requirements: readonly Requirement[]): string =>
  `needs ${requirements
    .map(({ count, roles }) => `${count} ${count === 1 ? 'approval' : 'approvals'} (${roles.join(' or ')})`)
    .join(' and ')}`;

/** The request that an answer names when nothing has happened yet. */
export const askedFor = (data: object): string | null =>
  'approval_id' in data && typeof data.approval_id === 'string' ? data.approval_id : null;
