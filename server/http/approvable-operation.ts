/**
 * An operation that a policy may guard. A domain says here what the approvals need to know of it; what happens with the approval is
 * the call itself, made again in the requester's name.
 */
import type { BodyOf, Endpoint, ParamsOf } from '#contract/endpoint.ts';
import type { PlanDraft } from '#contract/jobs.ts';
import type { PermissionScope } from '#contract/permission-rules.ts';
import type { CallContext } from './call-context.ts';

/** The part of a call that is kept until it is approved. It holds no secret: no approvable operation takes one. */
export interface ApprovableCall<E extends Endpoint = Endpoint> {
  params: ParamsOf<E>;
  body: BodyOf<E>;
  /** 0 where the endpoint demands none. */
  if_match: number;
}

export interface ApprovableOperation {
  endpoint: Endpoint;
  /** Where it acts; null environment: in every one of them, so that the policies of each count. */
  scope(call: ApprovableCall<never>): PermissionScope;
  /** What it would change. Of two requests for the same the second takes the place of the first. */
  subjectKey(call: ApprovableCall<never>): string;
  /** What it would do now; changes nothing. Rejects as the operation itself would where it makes no sense (any more). */
  plan(context: CallContext, call: ApprovableCall<never>): Promise<PlanDraft>;
}

/** Binds the parts to an endpoint; the compiler holds them to its schemas. */
export const approvable = <E extends Endpoint>(
  endpoint: E,
  parts: {
    scope(call: ApprovableCall<E>): PermissionScope;
    subjectKey(call: ApprovableCall<E>): string;
    plan(context: CallContext, call: ApprovableCall<E>): Promise<PlanDraft>;
  },
): ApprovableOperation => ({ endpoint, ...parts });
