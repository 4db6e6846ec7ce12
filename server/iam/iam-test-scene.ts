/** For tests: the domain's routes on a real database, called as a browser or a script would, less the HTTP. */
import type { BodyOf, Endpoint, ParamsOf, QueryOf, ResponseOf } from '#contract/endpoint.ts';
import * as contract from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import type { CallContext, Principal } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import type { SignInSettings } from './account-deps.ts';
import { createAuthenticator } from './authentication-service.ts';
import { BREAK_GLASS_DEFAULTS } from './impersonation-rules.ts';
import type { GatewayAdmin } from './gateway-admin.ts';
import { hashPassword } from './password-hashing.ts';
import { iamRoutes } from './iam-routes.ts';
import { createSecretBox } from './secret-box.ts';
import { isAccessToken, isApiToken } from './secret-values.ts';

export const PASSWORD = 'nine blue kettles sing';
export const PUBLIC_URL = 'https://control.example.com';
/** Neither a key nor mail nor providers. */
export const NO_SIGN_IN_SETTINGS: SignInSettings = {
  publicUrl: PUBLIC_URL,
  box: null,
  mailer: { delivers: false, send: async () => ({ file: null }) },
  providers: [],
  breakGlass: BREAK_GLASS_DEFAULTS,
  tokenVerifier: null,
  onBackgroundError: (error) => {
    throw error;
  },
};
/** Hashing takes the most of a test's time: every user that the scene adds has the same password. */
const hashed = hashPassword(PASSWORD);

interface Request<E extends Endpoint> {
  /** Session token or API token. */
  as?: string;
  params?: ParamsOf<E>;
  query?: QueryOf<E>;
  body?: BodyOf<E>;
  if_match?: number;
  ip?: string;
  idempotency?: CallContext['idempotency'];
}

interface Answer<E extends Endpoint> {
  answer: ResponseOf<E>;
  /** What the cookie was set to, if it was. */
  cookie: string | null | undefined;
}

export function openScene(
  db: Database,
  settings: Partial<SignInSettings> = {},
  gateways: readonly GatewayAdmin[] = [],
) {
  const authenticator = createAuthenticator(db);
  const routes = iamRoutes({
    db,
    environmentNames: ['dev', 'prod'],
    gateways,
    signIn: { ...NO_SIGN_IN_SETTINGS, box: createSecretBox([Buffer.alloc(32, 7)]), ...settings },
  });
  let addresses = 0;

  const authenticate = (value: string) =>
    isApiToken(value) || isAccessToken(value) ? authenticator.bearer(value) : authenticator.session(value);

  /** Each call comes from an address of its own unless it names one, so that tests do not throttle each other. */
  const contextOf = (
    principal: Principal | null,
    ip = `10.0.${addresses >> 8}.${addresses++ & 255}`,
  ): CallContext => ({
    principal,
    request_id: 'request-1',
    trace_id: null,
    ip,
    user_agent: 'scene',
    idempotency: null,
  });

  async function principalOf(value: string): Promise<Principal> {
    const result = await authenticate(value);
    if ('rejected' in result) throw new ControlError('session_revoked', result.detail);
    return result.principal;
  }

  async function request<E extends Endpoint>(endpoint: E, asked: Request<E> = {}): Promise<Answer<E>> {
    const { as, params, query = {}, body, if_match = 0, ip, idempotency = null } = asked;
    const context = { ...contextOf(as === undefined ? null : await principalOf(as), ip), idempotency };
    const found = routes.find((candidate) => candidate.endpoint.id === endpoint.id);
    if (!found) throw new Error(`No route for ${endpoint.id}`);
    let cookie: string | null | undefined;
    const setSession = (token: string | null) => {
      cookie = token;
    };
    const call = { context, params, query, body, if_match, signal: new AbortController().signal, setSession };
    return { answer: (await found.handler(call as never)) as ResponseOf<E>, cookie };
  }

  /** The answer alone. */
  const call = async <E extends Endpoint>(endpoint: E, asked: Request<E> = {}): Promise<ResponseOf<E>> =>
    (await request(endpoint, asked)).answer;

  async function signIn(email: string, password = PASSWORD): Promise<string> {
    const { cookie } = await request(contract.login, { body: { email, password } });
    return cookie ?? '';
  }

  /** An active user with these roles everywhere. */
  async function addUser(email: string, ...roles: string[]): Promise<string> {
    const { user_id } = await db
      .insertInto('users')
      .values({ email, display_name: `Who is ${email}`, status: 'active', password_hash: await hashed })
      .returning('user_id')
      .executeTakeFirstOrThrow();
    for (const role_id of roles) await db.insertInto('assignments').values({ user_id, role_id }).execute();
    return user_id;
  }

  /** Adds a user and signs them in. */
  async function enter(email: string, ...roles: string[]): Promise<{ user_id: string; token: string }> {
    const user_id = await addUser(email, ...roles);
    return { user_id, token: await signIn(email) };
  }

  return { authenticator, authenticate, contextOf, principalOf, request, call, signIn, addUser, enter };
}

export type Scene = ReturnType<typeof openScene>;
