import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { HOST_AVAILABILITIES } from '#contract/fleet.ts';
import {
  OrchestratorConflictError,
  OrchestratorError,
  type OrchestratorEvent,
} from '#server/scale/orchestrator.ts';
import type { FaultBoard } from './faults.ts';
import { NodeProblemError } from './node-problem.ts';
import type { SimulatedOrchestrator } from './simulated-orchestrator.ts';

/** How long a burst may last before a watcher hears that it has caught up, and how often it hears so without any. */
const BURST_MS = 5;
const HEARTBEAT_MS = 500;

const Version = Type.Integer({ minimum: 0 });
const ServiceChangeSchema = Type.Object(
  {
    expected_version: Version,
    change: Type.Union([
      Type.Object(
        { replicas: Type.Integer({ minimum: 0, maximum: 1_000 }) },
        { additionalProperties: false },
      ),
      Type.Object({ image: Type.String({ maxLength: 512 }) }, { additionalProperties: false }),
      Type.Object({ restart: Type.Literal(true) }, { additionalProperties: false }),
      Type.Object({ spec: Type.String() }, { additionalProperties: false }),
    ]),
  },
  { additionalProperties: false },
);
const AvailabilitySchema = Type.Object(
  { expected_version: Version, availability: Type.Enum([...HOST_AVAILABILITIES]) },
  { additionalProperties: false },
);

type In = { Params: { environment: string } };
type Named = { Params: { environment: string; id: string } };

/** Adds `/orchestrators/{environment}/…`: the port of `server/scale/orchestrator.ts` over HTTP, the watch as lines of JSON. */
export function addOrchestratorRoutes(
  app: FastifyInstance,
  orchestrators: ReadonlyMap<string, SimulatedOrchestrator>,
  faults: FaultBoard,
): void {
  const of = (request: FastifyRequest<In>): SimulatedOrchestrator => {
    const orchestrator = orchestrators.get(request.params.environment);
    if (orchestrator === undefined)
      throw new NodeProblemError(404, 'not_found', `there is no environment ${request.params.environment}`);
    return orchestrator;
  };
  const answer = async <T>(
    request: FastifyRequest<In>,
    work: (of: SimulatedOrchestrator) => T | Promise<T>,
  ) => {
    const { environment } = request.params;
    if (faults.find(environment, 'orchestrator_hangs') !== null) await new Promise(() => undefined);
    if (faults.find(environment, 'orchestrator_unreachable') !== null) request.raw.socket.destroy();
    try {
      return await work(of(request));
    } catch (error) {
      throw asProblem(error);
    }
  };
  app.get<Named>('/orchestrators/:environment/hosts/:id', (request) =>
    answer(request, (orchestrator) => orchestrator.host(request.params.id)),
  );
  app.get<Named>('/orchestrators/:environment/services/:id', (request) =>
    answer(request, (orchestrator) => orchestrator.service(request.params.id)),
  );
  app.get<Named>('/orchestrators/:environment/services/:id/tasks', (request) =>
    answer(request, (orchestrator) => ({ items: orchestrator.tasks(request.params.id) })),
  );
  app.post<Named & { Body: Static<typeof ServiceChangeSchema> }>(
    '/orchestrators/:environment/services/:id',
    { schema: { body: ServiceChangeSchema } },
    (request) =>
      answer(request, (orchestrator) =>
        orchestrator.updateService(request.params.id, request.body.expected_version, request.body.change),
      ),
  );
  app.post<Named & { Body: Static<typeof AvailabilitySchema> }>(
    '/orchestrators/:environment/hosts/:id',
    { schema: { body: AvailabilitySchema } },
    (request) =>
      answer(request, (orchestrator) =>
        orchestrator.setAvailability(
          request.params.id,
          request.body.expected_version,
          request.body.availability,
        ),
      ),
  );
  app.get<In>('/orchestrators/:environment/watch', (request, reply) =>
    answer(request, async (orchestrator) => {
      reply.hijack();
      await sendWatch(orchestrator, faults, reply);
    }),
  );
}

/** Sends what there is and what changes until the reader goes away, or the orchestrator's connection is cut. */
async function sendWatch(
  orchestrator: SimulatedOrchestrator,
  faults: FaultBoard,
  { raw }: FastifyReply,
): Promise<void> {
  const { environment } = orchestrator;
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  const silent = (): boolean => faults.find(environment, 'orchestrator_hangs') !== null;
  let pending: OrchestratorEvent[] = [];
  let wake: () => void = () => undefined;
  const stop = orchestrator.listen((event) => {
    pending.push(event);
    wake();
  });
  try {
    while (!raw.destroyed) {
      if (!silent()) {
        const events = pending;
        pending = [];
        raw.write([...events, { kind: 'caught_up' }].map((event) => `${JSON.stringify(event)}\n`).join(''));
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const timer = setTimeout(resolve, HEARTBEAT_MS);
      raw.once('close', resolve);
      await promise;
      clearTimeout(timer);
      raw.off('close', resolve);
      if (faults.find(environment, 'orchestrator_unreachable') !== null) raw.destroy();
      await pause(BURST_MS);
    }
  } finally {
    stop();
  }
}

function asProblem(error: unknown): unknown {
  if (error instanceof OrchestratorConflictError) return new NodeProblemError(409, 'conflict', error.message);
  if (!(error instanceof OrchestratorError)) return error;
  return error.code === 'not_found'
    ? new NodeProblemError(404, 'not_found', error.message)
    : new NodeProblemError(422, 'refused', error.message);
}
