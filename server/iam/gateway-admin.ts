/**
 * Port: the sessions of tenants' end users, as the Gateway of an environment keeps them (`docs/node-contract.md`, Sessions). The Gateway is
 * the record; what this database has of them is an index.
 */
import type { NodeSessionChanges, NodeSessionList, NodeSessionRevokeRequest } from '#contract/node.ts';

export interface GatewayCallOptions {
  signal?: AbortSignal;
  request_id?: string;
}

/** Where a reader of the changes is. */
export interface GatewayPosition {
  feed: string;
  revision: number;
}

/** Every call is idempotent, and rejects with GatewayUnavailableError when no gateway gave a valid answer. */
export interface GatewayAdmin {
  environment: string;
  /** A page of all sessions, ended ones too; `cursor` is the page before's `next_cursor`, null for the first. */
  listSessions(cursor: string | null, options?: GatewayCallOptions): Promise<NodeSessionList>;
  /** What changed after the position. Rejects with GatewayHistoryGoneError when that is not kept: then all has to be listed again. */
  sessionChanges(after: GatewayPosition, options?: GatewayCallOptions): Promise<NodeSessionChanges>;
  /** Ends sessions with their families; every gateway refuses them when this resolves. Answers how many ended by it. */
  revokeSessions(which: NodeSessionRevokeRequest, options?: GatewayCallOptions): Promise<number>;
}

/** Most ids that one revocation takes. */
export const REVOKE_AT_ONCE = 200;

export class GatewayUnavailableError extends Error {
  readonly environment: string;
  constructor(environment: string, detail: string, options?: ErrorOptions) {
    super(`The Gateway of ${environment} does not answer: ${detail}`, options);
    this.name = 'GatewayUnavailableError';
    this.environment = environment;
  }
}

export class GatewayHistoryGoneError extends Error {
  constructor(environment: string) {
    super(`The Gateway of ${environment} does not keep these changes.`);
    this.name = 'GatewayHistoryGoneError';
  }
}
