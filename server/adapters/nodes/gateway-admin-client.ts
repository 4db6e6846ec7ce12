import { Compile, type Validator } from 'typebox/compile';
import type { TSchema } from 'typebox';
import {
  NodeSessionChangesSchema,
  NodeSessionListSchema,
  NodeSessionRevocationSchema,
  type NodeSessionChanges,
  type NodeSessionList,
  type NodeSessionRevocation,
} from '#contract/node.ts';
import {
  GatewayHistoryGoneError,
  GatewayUnavailableError,
  type GatewayAdmin,
  type GatewayCallOptions,
} from '#server/iam/gateway-admin.ts';
import { NodeCallError, type NodeAddress } from '#server/scale/node-admin.ts';
import { createNodeCaller, type NodeCallerOptions } from './node-calls.ts';

const validators = {
  list: Compile(NodeSessionListSchema),
  changes: Compile(NodeSessionChangesSchema),
  revocation: Compile(NodeSessionRevocationSchema),
};

interface Question {
  method: 'GET' | 'POST';
  path: string;
  body?: object;
  validator: Validator<Record<never, never>, TSchema>;
}

export interface GatewayAdminClientOptions extends NodeCallerOptions {
  environment: string;
  /** The gateways that are expected now; asked at each call. */
  gateways: () => readonly NodeAddress[];
}

/** The GatewayAdmin port over HTTP. Stays with the gateway that answered last, and turns to the others when it does not. */
export function createGatewayAdminClient(options: GatewayAdminClientOptions): GatewayAdmin {
  const { environment, gateways } = options;
  const send = createNodeCaller(options);
  let last: string | null = null;

  async function ask<T>(question: Question, callOptions: GatewayCallOptions): Promise<T> {
    const known = gateways().toSorted((a, b) => Number(b.node_id === last) - Number(a.node_id === last));
    const failures: string[] = [];
    for (const node of known) {
      try {
        const call = { ...question, node, accepted: [200], mismatch: () => null, options: callOptions };
        const answer = await send<T>(call);
        last = node.node_id;
        return answer;
      } catch (error) {
        if (!(error instanceof NodeCallError)) throw error;
        if (error.status === 410) throw new GatewayHistoryGoneError(environment);
        failures.push(`${node.node_id}: ${error.detail}`);
      }
    }
    throw new GatewayUnavailableError(environment, failures.join('; ') || 'none is configured');
  }

  return {
    environment,
    listSessions: (cursor, callOptions = {}) => {
      const query = cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`;
      const question = {
        method: 'GET',
        path: `/admin/sessions${query}`,
        validator: validators.list,
      } as const;
      return ask<NodeSessionList>(question, callOptions);
    },
    sessionChanges: ({ feed, revision }, callOptions = {}) => {
      const path = `/admin/sessions/changes?feed=${encodeURIComponent(feed)}&since=${revision}`;
      return ask<NodeSessionChanges>({ method: 'GET', path, validator: validators.changes }, callOptions);
    },
    revokeSessions: async (body, callOptions = {}) => {
      const path = '/admin/sessions/revoke';
      const question = { method: 'POST', path, body, validator: validators.revocation } as const;
      return (await ask<NodeSessionRevocation>(question, callOptions)).revoked;
    },
  };
}
