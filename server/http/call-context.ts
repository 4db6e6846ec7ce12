/** Who calls, from where, and with which authority; every service takes it first and every audit event is made of it. */
import type { PendingSignIn } from '#contract/endpoint.ts';
import type { Grant } from '#contract/iam.ts';
import { decide, scopesOf, type PermissionScope } from '#contract/permission-rules.ts';
import type { Permission } from '#contract/permissions.ts';
import type { Tx } from '#server/db/database.ts';

/** A person who acts as another one for a while (break-glass). What they do is theirs: every record names both. */
export interface ActingFor {
  impersonation_id: string;
  /** The person who really sits there. */
  actor_user_id: string;
  actor_label: string;
  /** Email of whom they act for; the principal's `user_id` is that person's. */
  target_label: string;
  ends_at: string;
}

export interface Principal {
  type: 'user' | 'api_token';
  /** Whose Idempotency-Keys these are: the user's id, or the token's. */
  principal_id: string;
  user_id: string;
  /** Email, with the token's name for a token. */
  label: string;
  session: {
    session_id: string;
    authenticated_at: string;
    expires_at: string;
    /** What holds it: a browser by a cookie, or the command line client by tokens. */
    client: 'browser' | 'cli';
    /** Null where no cookie is sent, so that no other site could send it. */
    csrf_token: string | null;
    /** What signing in still lacks; then the session opens only what says so. */
    pending: PendingSignIn | null;
  } | null;
  token: (PermissionScope & { token_id: string; name: string; permissions: string[] }) | null;
  /** Set where the caller came with a JWT of a configured issuer instead of a session of ours. */
  issued?: {
    issuer_id: string;
    /** `sid` there. */
    session_id: string;
    /** When the person last proved who they are, as the issuer says (RFC 9470 `auth_time`). */
    authenticated_at: string | null;
  };
  /** What the user's roles grant; a token narrows it further. */
  grants: Grant[];
  /** Set while somebody else acts as this user. */
  impersonation: ActingFor | null;
}

export interface CallContext {
  principal: Principal | null;
  request_id: string;
  trace_id: string | null;
  ip: string | null;
  user_agent: string | null;
  /** Set when the request carries an Idempotency-Key. */
  idempotency: { key: string; request_hash: string; response_status: number } | null;
  /**
   * Set when this is a call that people approved, made again in its requester's name. `settle` runs in the transaction of the change
   * and throws when the approvals no longer hold; then nothing happens.
   */
  approval?: { approval_id: string; settle(tx: Tx, job_id: string): Promise<void> };
}

/** The principal of a call behind the permission gate. */
export function principalOf(context: CallContext): Principal {
  if (!context.principal)
    throw new Error('A handler behind the permission gate was called without a principal.');
  return context.principal;
}

/**
 * The person who answers for what the principal does: who acts, when somebody acts as another; a token's owner. Whoever must not
 * decide on their own work is compared by it.
 */
export const responsibleUserId = ({ impersonation, user_id }: Principal): string =>
  impersonation?.actor_user_id ?? user_id;

/** Whether the principal may do this there. A token must pass both as its user and within its own limits. */
export function mayDo(
  principal: Principal,
  permission: Permission,
  target: Partial<PermissionScope> = {},
): boolean {
  return (
    decide(principal.grants, permission, target).allowed &&
    (principal.token === null || decide([principal.token], permission, target).allowed)
  );
}

/** Whether the principal holds anything at all in an environment. One where it holds nothing is not shown to it. */
export function reachesEnvironment({ grants, token }: Principal, environment: string): boolean {
  const within = (scope: PermissionScope) => scope.environment === null || scope.environment === environment;
  return grants.some(within) && (token === null || within(token));
}

export type AllowedScopes = { all: true } | { all: false; scopes: PermissionScope[] };

/** Where the principal holds the permission: everywhere, or in these scopes (none of them: nowhere). Lists narrow to it. */
export function allowedScopes(principal: Principal, permission: Permission): AllowedScopes {
  const granted = scopesOf(principal.grants, permission);
  if (principal.token === null) return granted;
  const limit = scopesOf([principal.token], permission);
  if (limit.all) return granted;
  if (granted.all) return limit;
  const narrow = (a: string | null, b: string | null) =>
    a === null ? b : b === null || a === b ? a : undefined;
  const scopes = granted.scopes.flatMap((left) =>
    limit.scopes.flatMap((right) => {
      const tenant_id = narrow(left.tenant_id, right.tenant_id);
      const environment = narrow(left.environment, right.environment);
      return tenant_id === undefined || environment === undefined ? [] : [{ tenant_id, environment }];
    }),
  );
  return { all: false, scopes };
}
