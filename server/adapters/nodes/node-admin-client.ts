import { Compile } from 'typebox/compile';
import {
  NodeReadySchema,
  NodeReloadSchema,
  NodeStatusSchema,
  NodeTenantSchema,
  type NodeDrainRequest,
  type NodeReady,
  type NodeReload,
  type NodeStatus,
  type NodeTenant,
} from '#contract/node.ts';
import type { NodeAddress, NodeAdmin, NodeCallOptions } from '#server/scale/node-admin.ts';
import { createNodeCaller, type NodeCallerOptions } from './node-calls.ts';

const validators = {
  ready: Compile(NodeReadySchema),
  reload: Compile(NodeReloadSchema),
  status: Compile(NodeStatusSchema),
  tenant: Compile(NodeTenantSchema),
};

/** The NodeAdmin port over HTTP. */
export function createNodeAdminClient(options: NodeCallerOptions): NodeAdmin {
  const send = createNodeCaller(options);

  const tenantCall = (
    node: NodeAddress,
    tenant_id: string,
    request: { method: 'GET' | 'POST'; action: '' | '/drain' | '/resume'; body?: object },
    options: NodeCallOptions,
  ): Promise<NodeTenant> =>
    send<NodeTenant>({
      node,
      method: request.method,
      path: `/admin/tenants/${encodeURIComponent(tenant_id)}${request.action}`,
      ...(request.body === undefined ? {} : { body: request.body }),
      accepted: [200],
      validator: validators.tenant,
      mismatch: (answer) =>
        answer.tenant_id === tenant_id ? null : `answered for tenant ${answer.tenant_id}`,
      options,
    });

  const isFrom =
    (node: NodeAddress) =>
    (answer: { node_id: string }): string | null =>
      answer.node_id === node.node_id ? null : `node ${answer.node_id} answered`;

  const statusCall = (
    node: NodeAddress,
    request: { method: 'GET' | 'POST'; path: string },
    options: NodeCallOptions,
    mismatch: (answer: NodeStatus) => string | null = isFrom(node),
  ): Promise<NodeStatus> =>
    send<NodeStatus>({
      node,
      ...request,
      accepted: [200],
      validator: validators.status,
      mismatch,
      options,
    });

  return {
    status: (node, options = {}) => statusCall(node, { method: 'GET', path: '/admin/status' }, options),
    identify: (node, options = {}) =>
      statusCall(node, { method: 'GET', path: '/admin/status' }, options, () => null),
    drainNode: (node, options = {}) => statusCall(node, { method: 'POST', path: '/admin/drain' }, options),
    resumeNode: (node, options = {}) => statusCall(node, { method: 'POST', path: '/admin/resume' }, options),
    ready: (node, options = {}) =>
      send<NodeReady>({
        node,
        method: 'GET',
        path: '/ready',
        accepted: [200, 503],
        validator: validators.ready,
        mismatch: () => null,
        options,
      }),
    tenant: (node, tenant_id, options = {}) =>
      tenantCall(node, tenant_id, { method: 'GET', action: '' }, options),
    drainTenant: (node, tenant_id, deadline, options = {}) => {
      const body: NodeDrainRequest = { deadline };
      return tenantCall(node, tenant_id, { method: 'POST', action: '/drain', body }, options);
    },
    resumeTenant: (node, tenant_id, options = {}) =>
      tenantCall(node, tenant_id, { method: 'POST', action: '/resume' }, options),
    reload: (node, options = {}) =>
      send<NodeReload>({
        node,
        method: 'POST',
        path: '/admin/reload',
        accepted: [200],
        validator: validators.reload,
        mismatch: isFrom(node),
        options,
      }),
  };
}
