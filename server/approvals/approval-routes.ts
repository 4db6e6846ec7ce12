/** The endpoints of approvals, and the guard before every operation that a policy may ask approvals for. */
import * as contract from '#contract/approvals.ts';
import type { Endpoint } from '#contract/endpoint.ts';
import type { Database } from '#server/db/database.ts';
import type { ApprovableOperation } from '#server/http/approvable-operation.ts';
import { AwaitingApproval } from '#server/http/awaiting-approval.ts';
import { route, type Route, type RouteCall } from '#server/http/route.ts';
import { policiesFor } from './approval-rules.ts';
import {
  commentOnRequest,
  getApproval,
  listApprovals,
  rejectRequest,
  withdrawRequest,
} from './approval-service.ts';
import { approveRequest, checkDrift } from './approve-service.ts';
import { askAgain, askIfGuarded } from './ask-service.ts';
import { listPolicies, policyOperation, readPolicies, setPolicy } from './policy-service.ts';

export interface ApprovalDeps {
  db: Database;
  /** The configured environments: a policy is for one of these, or for all. */
  environmentNames: readonly string[];
  /** What a policy may guard, besides policies themselves. */
  operations: readonly ApprovableOperation[];
}

/** The routes of approvals and all others, those of an approvable operation behind their guard. */
export function withApprovals(
  { db, environmentNames, operations: others }: ApprovalDeps,
  routes: readonly Route[],
): Route[] {
  const operations = [...others];
  const policies = { db, environmentNames, operations };
  operations.push(policyOperation(policies));
  const all = [
    ...routes,
    route(contract.updateApprovalPolicy, ({ context, body }) => setPolicy(policies, context, body)),
  ];
  const handlers = new Map(all.map(({ endpoint, handler }) => [endpoint.id, handler]));
  const deps = { db, operations, handlers };
  return [
    ...all.map((each) => guarded(db, operations, each)),
    route(contract.listApprovals, ({ context, query }) => listApprovals(db, context, query)),
    route(contract.getApproval, ({ context, params }) => getApproval(db, context, params.approval_id)),
    route(contract.checkApproval, ({ context, params }) => checkDrift(deps, context, params.approval_id)),
    route(contract.approveRequest, ({ context, params, body }) =>
      approveRequest(deps, context, params.approval_id, body),
    ),
    route(contract.rejectRequest, ({ context, params, body }) =>
      rejectRequest(db, context, params.approval_id, body.comment),
    ),
    route(contract.commentOnRequest, ({ context, params, body }) =>
      commentOnRequest(db, context, params.approval_id, body.comment),
    ),
    route(contract.withdrawRequest, ({ context, params, body }) =>
      withdrawRequest(db, context, params.approval_id, body.reason),
    ),
    route(contract.askAgain, ({ context, params, body }) =>
      askAgain(db, context, operations, params.approval_id, body),
    ),
    route(contract.readRequirements, async ({ query: { operation, environment } }) => {
      const guarding = policiesFor(await readPolicies(db), operation, environment ?? null);
      return { requirements: guarding.flatMap(({ requirements }) => requirements) };
    }),
    route(contract.listApprovalPolicies, () => listPolicies(policies)),
  ];
}

/** The route, which asks for approvals first where a policy says so. */
function guarded(db: Database, operations: readonly ApprovableOperation[], plain: Route): Route {
  const operation = operations.find(({ endpoint }) => endpoint.id === plain.endpoint.id);
  if (plain.endpoint.approvable !== (operation && true))
    throw new Error(`${plain.endpoint.id} is approvable in the contract or here, not both.`);
  if (!operation) return plain;
  const handler = async (call: RouteCall<Endpoint>) => {
    const { context, params, body, if_match } = call;
    const asked = await askIfGuarded(db, context, operation, { params, body, if_match } as never);
    return asked ? new AwaitingApproval(asked) : plain.handler(call);
  };
  return { endpoint: plain.endpoint, handler };
}
