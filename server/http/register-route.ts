/** Turns a route into a Fastify route behind the request pipeline: authenticate → permission → step-up → idempotency → handler. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type TSchema } from 'typebox';
import type { Endpoint } from '#contract/endpoint.ts';
import { AwaitsApproval } from '#contract/common.ts';
import { Problem } from '#contract/problem.ts';
import { AwaitingApproval } from './awaiting-approval.ts';
import type { CallContext } from './call-context.ts';
import { ControlError } from './control-error.ts';
import { sendEventStream } from './event-stream.ts';
import { JsonText } from './json-text.ts';
import {
  authenticate,
  checkIdempotency,
  checkPermission,
  checkStepUp,
  missingPermission,
  type GuardDeps,
} from './request-guards.ts';
import { traceIdOf } from './request-identity.ts';
import type { Route, RouteCall, StreamMessage } from './route.ts';
import { writeActingCookie, writeSessionCookie } from './session-cookie.ts';

declare module 'fastify' {
  interface FastifyRequest {
    context: CallContext;
  }
}

const SPAN = '0000000000000001';
const nothing = Type.Object({}, { additionalProperties: false });
/** A body is optional where an endpoint takes none. */
const noBody = Type.Unsafe<undefined>({ type: ['object', 'null'], additionalProperties: false });

function schemaOf(endpoint: Endpoint): Record<string, TSchema | Record<number | string, TSchema>> {
  return {
    params: endpoint.params ?? nothing,
    querystring: endpoint.query ?? nothing,
    ...(endpoint.method !== 'GET' && { body: endpoint.body ?? noBody }),
    ...(!endpoint.stream && {
      response: {
        ...(endpoint.approvable && { 202: AwaitsApproval }),
        [endpoint.status]: endpoint.response,
        '4xx': Problem,
        '5xx': Problem,
      },
    }),
  };
}

export function registerRoute(app: FastifyInstance, deps: GuardDeps, { endpoint, handler }: Route): void {
  app.route({
    method: endpoint.method,
    url: endpoint.path,
    schema: schemaOf(endpoint),
    config: { oauth: endpoint.oauth === true },
    onRequest: async (request, reply) => {
      const context: CallContext = {
        principal: null,
        request_id: request.id,
        trace_id: traceIdOf(request.headers),
        ip: request.ip,
        user_agent: request.headers['user-agent']?.slice(0, 300) ?? null,
        idempotency: null,
      };
      request.context = context;
      // https://www.w3.org/TR/trace-context-2/#trace-context-http-response-headers-format: the span is not ours to name.
      reply.headers({ 'cache-control': 'no-store', traceresponse: `00-${context.trace_id}-${SPAN}-00` });
      context.principal = await authenticate(deps, endpoint, request);
      deps.onAuthenticated?.(context);
      await checkPermission(deps, endpoint, context, request, true);
    },
    preHandler: async (request, reply) => {
      await checkPermission(deps, endpoint, request.context, request, false);
      await checkStepUp(deps, endpoint, request.context, request);
      const replay = await checkIdempotency(deps, endpoint, request.context, request, reply);
      if (replay) return reply.code(replay.status).header('idempotency-replayed', 'true').send(replay.body);
    },
    handler: (request, reply) => handle(deps, endpoint, handler, request, reply),
  });
}

async function handle(
  deps: GuardDeps,
  endpoint: Endpoint,
  handler: Route['handler'],
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  let leave: AbortController | null = null;
  const leaving = () => {
    if (leave) return leave;
    const controller = new AbortController();
    reply.raw.once('close', () => controller.abort());
    return (leave = controller);
  };
  const call: RouteCall<Endpoint> = {
    context: request.context,
    params: request.params,
    query: request.query,
    body: request.body,
    if_match: endpoint.etag === 'requires' ? ifMatchOf(request) : 0,
    last_event_id: Number(request.headers['last-event-id']) || 0,
    // Made when asked for: most handlers are done before anybody could leave.
    get signal() {
      return leaving().signal;
    },
    setSession: (token) => {
      const write = request.context.principal?.impersonation ? writeActingCookie : writeSessionCookie;
      if (token !== null) return write(reply, token);
      writeSessionCookie(reply, null);
      writeActingCookie(reply, null);
    },
    setActing: (token) => writeActingCookie(reply, token),
  };
  const answer = handler(call);
  if (endpoint.stream) {
    const stillAllowed = async () => {
      const principal = await authenticate(deps, endpoint, request);
      request.context.principal = principal;
      return missingPermission(endpoint, principal, request) === null;
    };
    await sendEventStream(reply, answer as AsyncIterable<StreamMessage>, leaving(), stillAllowed);
    return reply;
  }
  const body = (await answered(deps, endpoint, request.context, answer)) as
    | { job_id?: string; revision?: number }
    | JsonText<unknown>
    | AwaitingApproval;
  if (body instanceof AwaitingApproval)
    return reply.code(202).header('location', `/admin/v1/approvals/${body.body.approval_id}`).send(body.body);
  if (body instanceof JsonText) {
    return reply
      .code(endpoint.status)
      .type('application/json; charset=utf-8')
      .serializer(String)
      .send(body.text);
  }
  if (endpoint.etag === 'sends') void reply.header('etag', `"${body.revision}"`);
  if (endpoint.status === 202 && body.job_id) void reply.header('location', `/admin/v1/jobs/${body.job_id}`);
  return reply.code(endpoint.status).send(body);
}

/** A handler denies, too: nobody grants what they do not hold. That is audited like what the gate denies. */
async function answered(
  { denials }: GuardDeps,
  endpoint: Endpoint,
  context: CallContext,
  answer: unknown,
): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ControlError && error.code === 'permission_denied')
      await denials.record(context, {
        action: endpoint.id,
        target: { type: 'endpoint', id: endpoint.id },
        details: error.details,
      });
    throw error;
  }
}

/** The revision in `If-Match: "3"`. */
function ifMatchOf(request: FastifyRequest): number {
  const given = request.headers['if-match'];
  if (given === undefined)
    throw new ControlError(
      'precondition_required',
      'Send If-Match with the ETag of what you read, so that nobody else’s change is overwritten.',
    );
  const revision = /^(?:W\/)?"(\d+)"$/.exec(given)?.[1];
  if (revision === undefined)
    throw new ControlError('precondition_failed', 'If-Match must be one ETag as this API gave it, like "3".');
  return Number(revision);
}
