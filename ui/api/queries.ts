/** React hooks over the client: reading an endpoint, changing by one, and what the signed-in person may do. */
import { useRef } from 'react';
import {
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
  type UseQueryOptions,
} from '@tanstack/react-query';
import { listAuditEvents } from '#contract/audit.ts';
import type { Endpoint } from '#contract/endpoint.ts';
import { me, type Me } from '#contract/iam.ts';
import { listJobs } from '#contract/jobs.ts';
import { decide, scopesOf, type PermissionTarget } from '#contract/permission-rules.ts';
import { PERMISSIONS, type Permission } from '#contract/permissions.ts';
import { call, type Answer, type CallArguments, type CallInput, type CallOptions } from './client.ts';
import { NetworkError, ProblemError } from './errors.ts';

/** A request that cannot leave fails and says so; waiting for the browser to think itself online would look like loading. */
const NETWORK_MODE = 'always';

type ReadInput<E> = Omit<CallInput<E>, 'body'>;
type ReadArguments<E, Options> =
  Record<never, never> extends ReadInput<E>
    ? [input?: ReadInput<E>, options?: Options]
    : [input: ReadInput<E>, options?: Options];
type QueryKeyOf = readonly [id: string, params: unknown, query: unknown];

/** The query of an endpoint, for loaders and prefetching; `useEndpoint` uses the same key. */
export const endpointQuery = <E extends Endpoint>(endpoint: E, ...[input]: ReadArguments<E, never>) => {
  const { params, query } = (input ?? {}) as { params?: unknown; query?: unknown };
  return queryOptions({
    queryKey: [endpoint.id, params ?? null, query ?? null] as QueryKeyOf,
    networkMode: NETWORK_MODE,
    queryFn: ({ signal }) => {
      const read = { params, query, signal } as unknown;
      return call(endpoint, ...([read] as CallArguments<E>));
    },
  });
};

export type EndpointOptions<E> = Pick<
  UseQueryOptions<Answer<E>, Error, Answer<E>, QueryKeyOf>,
  'enabled' | 'refetchInterval' | 'staleTime' | 'gcTime' | 'refetchOnWindowFocus'
>;

/**
 * Reads an endpoint. While another page or filter of the same resource loads, the last data stays (`isPlaceholderData`); another
 * resource (other path parameters) starts empty. The request is aborted when the page is left. `etag` is what a change must match.
 */
export function useEndpoint<E extends Endpoint>(
  endpoint: E,
  ...[input, options]: ReadArguments<E, EndpointOptions<E>>
) {
  const query = endpointQuery(endpoint, ...([input] as ReadArguments<E, never>));
  const { data: answer, ...rest } = useQuery<Answer<E>, Error, Answer<E>, QueryKeyOf>({
    queryKey: query.queryKey,
    queryFn: query.queryFn as never,
    networkMode: NETWORK_MODE,
    placeholderData: (previous, previousQuery) =>
      JSON.stringify(previousQuery?.queryKey[1]) === JSON.stringify(query.queryKey[1]) ? previous : undefined,
    ...options,
  });
  return { ...rest, data: answer?.data, etag: answer?.etag ?? null };
}

/** Every change leaves an audit event and a job. */
const CHANGED_BY_ALL: readonly Endpoint[] = [listAuditEvents, listJobs];

export interface ChangeOptions<E> {
  /** What the change makes stale. The audit log and the list of jobs are always refreshed. */
  invalidates?: readonly Endpoint[];
  onSuccess?: (answer: Answer<E>) => void;
}

/**
 * Changes by an endpoint: `change.mutate({ params, body })`. The idempotency key belongs to the intent: while it is not known
 * whether a request was carried out (no answer, or a failed server), the same input goes out again under the same key.
 */
export function useChange<E extends Endpoint>(endpoint: E, options: ChangeOptions<E> = {}) {
  const queryClient = useQueryClient();
  const open = useRef<{ input: string; key: string } | null>(null);
  return useMutation<Answer<E>, Error, CallInput<E> & Pick<CallOptions, 'if_match'>>({
    mutationKey: [endpoint.id],
    networkMode: NETWORK_MODE,
    mutationFn: (input) => {
      const text = JSON.stringify(input);
      if (open.current?.input !== text) open.current = { input: text, key: crypto.randomUUID() };
      const change = { ...input, idempotency_key: open.current.key } as unknown;
      return call(endpoint, ...([change] as CallArguments<E>));
    },
    onSuccess: (answer) => options.onSuccess?.(answer),
    onSettled: (_, error) => {
      const unknown =
        error instanceof NetworkError ||
        (error instanceof ProblemError &&
          (error.problem.status >= 500 || error.code === 'idempotency_in_progress'));
      if (!unknown) open.current = null;
      const stale = new Set([...CHANGED_BY_ALL, ...(options.invalidates ?? [])].map(({ id }) => id));
      void queryClient.invalidateQueries({ predicate: ({ queryKey }) => stale.has(String(queryKey[0])) });
    },
  });
}

/** Who is signed in, and what they may do. */
export const useMe = () => useEndpoint(me, {}, { staleTime: 30_000 });

export type Allowance = { allowed: true; reason: null } | { allowed: false; reason: string };

/** Whether the signed-in person may do something somewhere, by the server's own decision; a denial says what is missing. */
export function may(
  signedIn: Me | undefined,
  permission: Permission,
  target: PermissionTarget = {},
): Allowance {
  if (!signedIn) return { allowed: false, reason: 'Your permissions are still being read' };
  const decision = decide(signedIn.grants, permission, target);
  if (decision.allowed) return { allowed: true, reason: null };
  const { tenant_id, environment } = decision.missing;
  const where = [tenant_id && `tenant ${tenant_id}`, environment && `environment ${environment}`].filter(
    Boolean,
  );
  const scope = where.length > 0 ? ` for ${where.join(' in ')}` : '';
  return {
    allowed: false,
    reason: `Needs the permission ${permission} (${PERMISSIONS[permission].toLowerCase()})${scope}`,
  };
}

/** Whether the signed-in person may do something in any scope at all: for lists, which the server narrows to their scopes. */
export function mayAnywhere(signedIn: Me | undefined, permission: Permission): Allowance {
  const allowed = signedIn && scopesOf(signedIn.grants, permission);
  if (allowed && (allowed.all || allowed.scopes.length > 0)) return { allowed: true, reason: null };
  return may(signedIn, permission);
}
