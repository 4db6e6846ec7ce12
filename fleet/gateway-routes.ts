import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { NodeSessionRevokeRequestSchema, type NodeSessionRevokeRequest } from '#contract/node.ts';
import type { GatewaySessions } from './gateway-sessions.ts';
import type { GatewayTokens } from './gateway-tokens.ts';
import { NodeProblemError } from './node-problem.ts';

/** What a gateway has and other nodes have not. */
export interface Gateway {
  sessions: GatewaySessions;
  tokens: GatewayTokens;
}

interface GatewayNode {
  state: { timeOfDay(): number };
  gateway: Gateway | null;
  metrics: { countRevoked(cause: 'operator', sessions: number): void };
}

const ListQuery = Type.Object(
  {
    tenant_id: Type.Optional(Type.String({ minLength: 1 })),
    cursor: Type.Optional(Type.String({ pattern: '^[0-9]{1,9}$' })),
  },
  { additionalProperties: false },
);
const ChangesQuery = Type.Object(
  { feed: Type.String({ maxLength: 64 }), since: Type.String({ pattern: '^[0-9]{1,15}$' }) },
  { additionalProperties: false },
);
const SignInBody = Type.Object(
  {
    tenant_id: Type.String({ minLength: 1, maxLength: 128 }),
    user_id: Type.String({ minLength: 1, maxLength: 128 }),
  },
  { additionalProperties: false },
);
const RefreshBody = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 128 }) },
  { additionalProperties: false },
);

/**
 * The sessions of a gateway: for operators under `/admin`, and for end users a sign-in that asks for no password (this platform is a
 * simulation), refresh, sign-out, and one page that wants an access token.
 */
export function addGatewayRoutes(
  app: FastifyInstance,
  nodeOf: (request: FastifyRequest) => GatewayNode,
): void {
  const gatewayOf = (request: FastifyRequest): Gateway => {
    const { gateway } = nodeOf(request);
    if (gateway === null) throw new NodeProblemError(404, 'not_found', 'only gateways keep sessions');
    return gateway;
  };
  const timeOf = (request: FastifyRequest): number => nodeOf(request).state.timeOfDay();

  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/admin/sessions',
    { schema: { querystring: ListQuery } },
    async (request) =>
      gatewayOf(request).sessions.list(request.query.tenant_id ?? null, request.query.cursor ?? null),
  );
  app.get<{ Querystring: Static<typeof ChangesQuery> }>(
    '/admin/sessions/changes',
    { schema: { querystring: ChangesQuery } },
    async (request) => gatewayOf(request).sessions.changes(request.query.feed, Number(request.query.since)),
  );
  app.post<{ Body: NodeSessionRevokeRequest }>(
    '/admin/sessions/revoke',
    { schema: { body: NodeSessionRevokeRequestSchema } },
    async (request) => {
      const revoked = gatewayOf(request).sessions.revoke(request.body, timeOf(request));
      nodeOf(request).metrics.countRevoked('operator', revoked);
      return { revoked };
    },
  );

  app.get('/.well-known/jwks.json', async (request) => gatewayOf(request).tokens.keys());
  app.post<{ Body: Static<typeof SignInBody> }>(
    '/sign-in',
    { schema: { body: SignInBody } },
    async (request) => {
      const { sessions, tokens } = gatewayOf(request);
      const user_agent = request.headers['user-agent']?.slice(0, 512) ?? '';
      const { session, refresh_token } = sessions.open(
        { ...request.body, ip: request.ip, user_agent },
        timeOf(request),
      );
      return { ...(await tokens.sign(session)), refresh_token, session_id: session.session_id };
    },
  );
  app.post<{ Body: Static<typeof RefreshBody> }>(
    '/refresh',
    { schema: { body: RefreshBody } },
    async (request) => {
      const { sessions, tokens } = gatewayOf(request);
      const refreshed = sessions.refresh(request.body.refresh_token, timeOf(request));
      if (refreshed === undefined)
        throw new NodeProblemError(401, 'unauthorized', 'this refresh token opens nothing');
      return { ...(await tokens.sign(refreshed.session)), refresh_token: refreshed.refresh_token };
    },
  );
  app.get('/me', async (request) => {
    const { tenant_id, user_id, session_id } = await sessionOf(request);
    return { tenant_id, user_id, session_id };
  });
  app.post('/sign-out', async (request) => {
    const { session_id } = await sessionOf(request);
    gatewayOf(request).sessions.signOut(session_id, timeOf(request));
    return { session_id };
  });

  /** The live session of the request's access token; asked at every request, so that an ended one is refused at the next. */
  async function sessionOf(request: FastifyRequest) {
    const { sessions, tokens } = gatewayOf(request);
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const session_id = await tokens.sessionOf(bearer);
    const session = session_id === undefined ? undefined : sessions.use(session_id, timeOf(request));
    if (session === undefined)
      throw new NodeProblemError(401, 'unauthorized', 'the session has ended, or there was none');
    return session;
  }
}
