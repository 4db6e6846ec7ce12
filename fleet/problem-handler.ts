import { randomUUID, timingSafeEqual, createHash } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { NodeProblem } from '#contract/node.ts';
import { NodeProblemError } from './node-problem.ts';

/** What both kinds of server of the fleet, the nodes' and the control endpoint's, do alike: request ids, tokens, problems. */

/** The caller's request id when it is a plausible one, else a new one. */
export function requestId(request: { headers: IncomingMessage['headers'] }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Throws NodeProblemError 401 unless the request carries the bearer token. */
export function requireToken(request: FastifyRequest, token: string): void {
  const given = request.headers.authorization ?? '';
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  // Digests have equal lengths, which the constant-time comparison needs.
  if (!timingSafeEqual(digest(given), digest(`Bearer ${token}`))) {
    throw new NodeProblemError(401, 'unauthorized', 'a valid service bearer token is required');
  }
}

/** Answers every failure of `app` as problem details, with the request id. */
export function installProblemHandler(app: FastifyInstance): void {
  const problem = (request: FastifyRequest, status: number, code: string, detail: string): NodeProblem => ({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
    request_id: request.id,
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.setErrorHandler((error: Error & { statusCode?: number; validation?: unknown }, request, reply) => {
    const status = error instanceof NodeProblemError ? error.status : (error.statusCode ?? 500);
    const code =
      error instanceof NodeProblemError ? error.code : status >= 500 ? 'internal' : 'invalid_request';
    if (status === 401) reply.header('www-authenticate', 'Bearer');
    return reply
      .status(status)
      .type('application/problem+json')
      .send(problem(request, status, code, error.message));
  });
  app.setNotFoundHandler((request, reply) =>
    reply
      .status(404)
      .type('application/problem+json')
      .send(problem(request, 404, 'not_found', `nothing answers ${request.method} here`)),
  );
}
