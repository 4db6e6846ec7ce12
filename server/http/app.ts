/** The HTTP application: every route of the contract behind the pipeline, the UI, health and metrics. */
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { ENDPOINTS } from '#contract/endpoints.ts';
import { ControlError } from './control-error.ts';
import { registerApiReference } from './api-reference.ts';
import { endEventStreams } from './event-stream.ts';
import type { HttpMetrics } from './http-metrics.ts';
import { registerProblemHandler } from './problem-handler.ts';
import { registerFormBodies } from './oauth-wire.ts';
import { registerRoute } from './register-route.ts';
import type { GuardDeps } from './request-guards.ts';
import { requestIdOf } from './request-identity.ts';
import { validatorCompiler } from './request-validation.ts';
import type { Route } from './route.ts';
import { unknownAddress } from './unknown-address.ts';
import { registerAdminUi } from './admin-ui.ts';

/** A check of `/ready`. */
export interface ReadyCheck {
  name: string;
  ok: boolean;
  detail: string;
}

export interface AppOptions extends GuardDeps {
  routes: readonly Route[];
  logger: FastifyBaseLogger;
  metrics: HttpMetrics;
  ready(): Promise<ReadyCheck[]>;
  /** Folder of the built UI, or null to serve the API alone. */
  uiFolder: string | null;
  trustProxy: boolean;
  /** Requests a second that one principal or address may make. */
  requestsPerSecond: number;
}

const BODY_LIMIT = 256 * 1024;
/** What is still being answered this long after the server began to close is cut off. */
const CLOSE_WITHIN_MS = 10_000;

/** Builds the application; rejects when a route has no endpoint in the contract, or an endpoint no route. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: options.logger,
    trustProxy: options.trustProxy,
    bodyLimit: BODY_LIMIT,
    genReqId: (request) => requestIdOf(request.headers),
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { ignoreTrailingSlash: false },
    // A closing server takes no new connections, answers what was sent, and says with each answer that the connection ends.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // Each line names its request itself; a logger a request costs more than most handlers.
    childLoggerFactory: (logger) => logger,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.removeContentTypeParser('text/plain');
  registerFormBodies(app);
  registerProblemHandler(app);
  await app.register(cookie);
  app.decorateRequest('context');

  app.addHook('onRequest', (request, reply, done) => {
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const template = request.routeOptions.url ?? 'unmatched';
    options.metrics.observe(request.method, template, reply.statusCode, reply.elapsedTime / 1000);
    const level = reply.statusCode >= 500 ? 'warn' : 'debug';
    request.log[level](
      {
        request_id: request.id,
        trace_id: request.context?.trace_id,
        method: request.method,
        route: template,
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime * 10) / 10,
        principal: request.context?.principal?.label,
      },
      'request',
    );
    done();
  });

  app.addHook('preClose', async () => {
    endEventStreams();
    setTimeout(() => app.server.closeAllConnections(), CLOSE_WITHIN_MS).unref();
  });

  app.get('/health', async () => ({ status: 'ok' }));
  app.get('/ready', async (_request, reply) => {
    const checks = await options.ready();
    const ready = checks.every((check) => check.ok);
    return reply.code(ready ? 200 : 503).send({ ready, checks });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(options.metrics.contentType).send(await options.metrics.text()),
  );

  await app.register(async (api) => {
    await api.register(rateLimit, {
      max: options.requestsPerSecond * 10,
      timeWindow: 10_000,
      keyGenerator: (request) => request.context?.principal?.principal_id ?? request.ip,
      hook: 'preHandler',
      errorResponseBuilder: (_request, limit) =>
        new ControlError('rate_limited', `More than ${limit.max} requests in 10 s; wait ${limit.after}.`),
    });
    for (const route of options.routes) {
      if (!ENDPOINTS.includes(route.endpoint))
        throw new Error(`${route.endpoint.id} has a route but is not in the contract.`);
      registerRoute(api, options, route);
    }
  });
  const missing = ENDPOINTS.filter(
    (endpoint) => !options.routes.some((route) => route.endpoint === endpoint),
  );
  if (missing.length > 0)
    throw new Error(
      `The contract has endpoints without a route: ${missing.map((endpoint) => endpoint.id).join(', ')}.`,
    );

  await registerApiReference(app);
  if (options.uiFolder) await registerAdminUi(app, options.uiFolder);
  else
    app.setNotFoundHandler((request) => {
      throw unknownAddress(request.url);
    });
  return app;
}
