import type { NodeReady, NodeReload, NodeStatus, NodeTenant } from '#contract/node.ts';
import type { NodeKind } from '#contract/placement-record.ts';

/** Port: the administrative calls to one platform node (`docs/node-contract.md`). Every call is idempotent. */

/**
 * Where a node answers; `url` is its origin, from configuration or the orchestrator, never from a user. Null: nobody knows where, for the
 * reason in `absent`; every call then fails.
 */
export type NodeAddress = {
  node_id: string;
  kind: NodeKind;
  environment: string;
  url: string | null;
  absent?: string;
};

/** `signal` cancels the call (it then rejects with the signal's reason); `request_id` is sent along as `x-request-id`. */
export type NodeCallOptions = { signal?: AbortSignal; request_id?: string };

/** Each method rejects with NodeCallError unless the node gave a valid answer in time. */
export type NodeAdmin = {
  status(node: NodeAddress, options?: NodeCallOptions): Promise<NodeStatus>;
  /** The status of whichever node answers there: the name in the address is not held against it. */
  identify(node: NodeAddress, options?: NodeCallOptions): Promise<NodeStatus>;
  /** Resolves for a node that says it is not ready, too: see `ready` and `checks`. */
  ready(node: NodeAddress, options?: NodeCallOptions): Promise<NodeReady>;
  tenant(node: NodeAddress, tenant_id: string, options?: NodeCallOptions): Promise<NodeTenant>;
  /** `deadline` is an ISO 8601 time. Status 409 when the node does not serve the tenant. */
  drainTenant(
    node: NodeAddress,
    tenant_id: string,
    deadline: string,
    options?: NodeCallOptions,
  ): Promise<NodeTenant>;
  /** Status 409 when the node does not serve the tenant. */
  resumeTenant(node: NodeAddress, tenant_id: string, options?: NodeCallOptions): Promise<NodeTenant>;
  /** Makes the node apply the newest placements before it answers. */
  reload(node: NodeAddress, options?: NodeCallOptions): Promise<NodeReload>;
  /** Makes the whole node finish what it has and take nothing new; answers at once, with what is left. */
  drainNode(node: NodeAddress, options?: NodeCallOptions): Promise<NodeStatus>;
  /** Ends the drain of the whole node; tenants that are drained by themselves stay so. */
  resumeNode(node: NodeAddress, options?: NodeCallOptions): Promise<NodeStatus>;
};

/**
 * `unreachable`: no connection, or it broke. `timeout`: no complete answer within the deadline. `bad_status`: an error status
 * (`status`, and the problem's detail). `bad_response`: an answer that breaks the contract, is too large, or comes from another node.
 */
export type NodeCallErrorCode = 'unreachable' | 'timeout' | 'bad_status' | 'bad_response';

/** A call to a node that brought no valid answer. `status` is null when no HTTP status was received. */
export class NodeCallError extends Error {
  readonly code: NodeCallErrorCode;
  readonly node_id: string;
  readonly path: string;
  readonly status: number | null;
  readonly detail: string;
  constructor(
    code: NodeCallErrorCode,
    call: { node_id: string; path: string; status: number | null; detail: string },
    options?: ErrorOptions,
  ) {
    super(
      `node ${call.node_id} ${call.path}: ${code}${call.status === null ? '' : ` ${call.status}`}: ${call.detail}`,
      options,
    );
    this.name = 'NodeCallError';
    this.code = code;
    this.node_id = call.node_id;
    this.path = call.path;
    this.status = call.status;
    this.detail = call.detail;
  }
}
