import Fastify, { type FastifyInstance } from 'fastify';
import { FaultRequestSchema, type Fault, type FaultBoard, type FaultRequest } from './faults.ts';
import { NodeProblemError } from './node-problem.ts';
import { addOrchestratorRoutes } from './orchestrator-server.ts';
import { installProblemHandler, requestId, requireToken } from './problem-handler.ts';
import type { SimulatedOrchestrator } from './simulated-orchestrator.ts';

export type FaultSwitch = {
  list: () => Fault[];
  /** Throws NodeProblemError 404 for an unknown node, host or environment, and 400 when the request does not name one. */
  switchOn: (request: FaultRequest) => Fault;
  /** False when no fault has this id. */
  switchOff: (id: string) => boolean;
  clear: () => void;
};

/**
 * The endpoint beside the nodes: `GET|POST|DELETE /faults` and `DELETE /faults/{id}` switch faults on and off, `/orchestrators/…` is
 * the orchestrator of each environment, `GET /targets` what a scraper asks for metrics. Every call needs the token.
 */
export function createControlServer(
  token: string,
  faults: FaultSwitch,
  orchestrators: { of: ReadonlyMap<string, SimulatedOrchestrator>; faults: FaultBoard },
): FastifyInstance {
  const app = Fastify({
    bodyLimit: 64 * 1024,
    genReqId: requestId,
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });
  installProblemHandler(app);
  app.addHook('onRequest', async (request) => requireToken(request, token));
  app.get('/faults', async () => ({ items: faults.list() }));
  app.post<{ Body: FaultRequest }>(
    '/faults',
    { schema: { body: FaultRequestSchema } },
    async (request, reply) => reply.status(201).send(faults.switchOn(request.body)),
  );
  app.delete<{ Params: { id: string } }>('/faults/:id', async (request, reply) => {
    if (!faults.switchOff(request.params.id))
      throw new NodeProblemError(404, 'not_found', 'no fault has this id');
    return reply.status(204).send();
  });
  app.delete('/faults', async (_request, reply) => {
    faults.clear();
    return reply.status(204).send();
  });
  app.get('/targets', async () => scrapeTargets([...orchestrators.of.values()]));
  addOrchestratorRoutes(app, orchestrators.of, orchestrators.faults);
  return app;
}

/** The nodes as Prometheus' HTTP service discovery wants them; one that is down and should not be is among them. */
const scrapeTargets = (orchestrators: readonly SimulatedOrchestrator[]) =>
  orchestrators.flatMap(({ environment, nodes }) =>
    nodes.map(({ node: { state, port } }) => ({
      targets: [`127.0.0.1:${port}`],
      labels: { env: environment, service: state.spec.kind, instance: state.spec.node_id },
    })),
  );
