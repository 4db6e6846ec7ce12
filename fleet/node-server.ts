import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { NodeDrainRequestSchema, NodeRebuildRequestSchema, type NodeDrainRequest } from '#contract/node.ts';
import type { FaultBoard } from './faults.ts';
import { addGatewayRoutes, type Gateway } from './gateway-routes.ts';
import type { NodeMetrics } from './metrics/node-metrics.ts';
import { NodeProblemError } from './node-problem.ts';
import type { NodeState } from './node-state.ts';
import type { PlacementFollower } from './placement-follower.ts';
import { installProblemHandler, requestId, requireToken } from './problem-handler.ts';

/**
 * The node contract over HTTP. One Fastify application holds the routes for all nodes; each node listens with a plain server
 * of its own that hands its requests over, which is far lighter than thirty applications.
 */

export type FleetNode = {
  state: NodeState;
  metrics: NodeMetrics;
  placements: PlacementFollower;
  /** Null unless the node is a gateway. */
  gateway: Gateway | null;
};

const BODY_LIMIT_BYTES = 16 * 1024;
const RELOAD_TIMEOUT_MS = 1_500;

const TenantParamsSchema = Type.Object({ tenant_id: Type.String({ minLength: 1, maxLength: 128 }) });
type TenantParams = { Params: Static<typeof TenantParamsSchema> };

export class NodeApplication {
  readonly #app: FastifyInstance;
  readonly #owners = new WeakMap<IncomingMessage, FleetNode>();
  readonly #faults: FaultBoard;

  constructor(token: string, faults: FaultBoard) {
    this.#faults = faults;
    this.#app = Fastify({
      bodyLimit: BODY_LIMIT_BYTES,
      genReqId: requestId,
      // Longer than any tenant id, so that the schema refuses a long one, not the router.
      routerOptions: { maxParamLength: 512 },
      // Wrong types are refused, not mended, as the contract says.
      ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    });
    installProblemHandler(this.#app);
    this.#app.addHook('onResponse', async (request, reply) => {
      const path = request.routeOptions.url ?? 'unmatched';
      this.#nodeOf(request).metrics.observeRequest(
        path,
        request.method,
        reply.statusCode,
        reply.elapsedTime / 1_000,
      );
    });
    this.#app.addHook('onRequest', async (request, reply) => {
      if (await this.#misbehave(request))
        return reply.type('application/json').send('{"node_id":"\u0000","inflight":-');
      if (request.url.startsWith('/admin/')) requireToken(request, token);
    });
    this.#addPublicRoutes();
    this.#addTenantRoutes();
    this.#addNodeRoutes();
    addGatewayRoutes(this.#app, (request) => this.#nodeOf(request));
  }

  async prepare(): Promise<void> {
    await this.#app.ready();
  }

  /** Listens for a node; port 0 takes a free one. Rejects with the error of the system when the port is taken. */
  async listen(node: FleetNode, port: number, host = '127.0.0.1'): Promise<{ server: Server; port: number }> {
    const server = createServer((request, response) => {
      this.#owners.set(request, node);
      this.#app.routing(request, response);
    });
    server.listen(port, host);
    await once(server, 'listening');
    return { server, port: (server.address() as AddressInfo).port };
  }

  async close(): Promise<void> {
    await this.#app.close();
  }

  #nodeOf(request: FastifyRequest): FleetNode {
    const node = this.#owners.get(request.raw);
    if (node === undefined) throw new Error('a request came in past the servers of the nodes');
    return node;
  }

  /** Acts out the transport faults of the node; answers true when the answer is to be rubbish. */
  async #misbehave(request: FastifyRequest): Promise<boolean> {
    const { node_id } = this.#nodeOf(request).state.spec;
    if (this.#faults.find(node_id, 'hang') !== null) await new Promise(() => undefined);
    const slow = this.#faults.find(node_id, 'slow');
    if (slow !== null) await pause(slow.value ?? 1_000, undefined, { ref: false });
    if (this.#faults.find(node_id, 'error_500') !== null)
      throw new NodeProblemError(500, 'internal', 'the node has failed');
    return this.#faults.find(node_id, 'garbage') !== null;
  }

  #addPublicRoutes(): void {
    this.#app.get('/health', async () => ({ status: 'ok' }));
    this.#app.get('/ready', async (request, reply) => {
      const answer = this.#nodeOf(request).state.ready();
      return reply.status(answer.ready ? 200 : 503).send(answer);
    });
    this.#app.get('/metrics', async (request, reply) => {
      const { contentType, body } = await this.#nodeOf(request).metrics.text();
      return reply.type(contentType).send(body);
    });
  }

  #addTenantRoutes(): void {
    const params = TenantParamsSchema;
    this.#app.get<TenantParams>('/admin/tenants/:tenant_id', { schema: { params } }, async (request) =>
      this.#nodeOf(request).state.tenant(request.params.tenant_id),
    );
    this.#app.post<TenantParams & { Body: NodeDrainRequest }>(
      '/admin/tenants/:tenant_id/drain',
      { schema: { params, body: NodeDrainRequestSchema } },
      async (request) =>
        this.#nodeOf(request).state.drainTenant(request.params.tenant_id, Date.parse(request.body.deadline)),
    );
    this.#app.post<TenantParams>(
      '/admin/tenants/:tenant_id/resume',
      { schema: { params } },
      async (request) => this.#nodeOf(request).state.resumeTenant(request.params.tenant_id),
    );
  }

  #addNodeRoutes(): void {
    this.#app.get('/admin/status', async (request) => this.#nodeOf(request).state.status());
    this.#app.post('/admin/drain', async (request) => {
      const { state } = this.#nodeOf(request);
      state.drainNode();
      return state.status();
    });
    this.#app.post('/admin/resume', async (request) => {
      const { state } = this.#nodeOf(request);
      state.resumeNode();
      return state.status();
    });
    this.#app.post('/admin/reload', async (request) => {
      const { state, placements } = this.#nodeOf(request);
      if (!(await placements.catchUp(RELOAD_TIMEOUT_MS))) {
        throw new NodeProblemError(
          503,
          'placement_unavailable',
          'the newest placements could not be read in time',
        );
      }
      state.advance(true);
      const { node_id, placement_revision } = state.status();
      return { node_id, placement_revision };
    });
    this.#app.post<{ Body: Static<typeof NodeRebuildRequestSchema> }>(
      '/admin/rebuild',
      { schema: { body: NodeRebuildRequestSchema } },
      async (request, reply) => {
        const { state } = this.#nodeOf(request);
        if (state.spec.kind !== 'projection')
          throw new NodeProblemError(404, 'not_found', 'only projection nodes rebuild views');
        return reply.status(202).send(state.rebuild(request.body.view, request.body.tenant_id ?? null));
      },
    );
  }
}
