/** The checks before a handler runs, in the order of design 4: who, may they, is it really them, has it been done already. */
import { timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Endpoint } from '#contract/endpoint.ts';
import type { DenialRecorder } from '#server/audit/denial-recorder.ts';
import type { Database } from '#server/db/database.ts';
import { canonicalHash } from '#server/jobs/plan-rules.ts';
import { acceptedActing, checkActing } from './acting-guard.ts';
import type { Authenticator, AuthenticationResult } from './authenticator.ts';
import { allowedScopes, mayDo, type CallContext, type Principal } from './call-context.ts';
import { ControlError } from './control-error.ts';
import { permissionDenied, type MissingPermission } from './denial-rules.ts';
import { readActingCookie, readSessionCookie } from './session-cookie.ts';

export interface GuardDeps {
  db: Database;
  authenticator: Authenticator;
  denials: DenialRecorder;
  /** Told of every call whose caller is known. */
  onAuthenticated?: (context: CallContext) => void;
}

/** RFC 9470 max_age of level `recent`. */
const RECENT_SECONDS = 300;
const KEY = /^[\x21-\x7e]{1,128}$/;

/** Reads who calls from the bearer token or the session cookie; a session that changes something must also show that our page sent it. */
export async function authenticate(
  deps: GuardDeps,
  endpoint: Endpoint,
  request: FastifyRequest,
): Promise<Principal | null> {
  const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const cookie = readSessionCookie(request);
  if (endpoint.method !== 'GET' && bearer === undefined) checkOrigin(request);
  if (endpoint.permission === 'public') return null;
  if (bearer !== undefined) return accepted(await deps.authenticator.bearer(bearer));
  if (cookie === undefined) throw unauthenticated('This needs a session or an API token; sign in.');
  const acting = readActingCookie(request);
  const principal =
    acting === undefined
      ? accepted(await deps.authenticator.session(cookie))
      : acceptedActing(await deps.authenticator.acting(acting, cookie));
  checkSignedIn(endpoint, principal);
  if (endpoint.method !== 'GET') checkCsrf(request, principal);
  return principal;
}

/** A session that lacks a second factor is nobody's yet, but for what ends the lack. */
function checkSignedIn(endpoint: Endpoint, { session }: Principal): void {
  const lack = session?.pending ?? null;
  if (lack === null || endpoint.while_pending?.includes(lack)) return;
  throw unauthenticated(
    lack === 'second_factor'
      ? 'Signing in is not finished: a second factor is missing.'
      : 'Signing in is not finished: a role demands a second factor; enrol one.',
  );
}

const unauthenticated = (detail: string) =>
  new ControlError('unauthenticated', detail, { headers: { 'www-authenticate': 'Bearer' } });

/** RFC 6750 3.1. */
const INVALID_TOKEN = { 'www-authenticate': 'Bearer error="invalid_token"' };

function accepted(result: AuthenticationResult): Principal {
  if ('principal' in result) return result.principal;
  if (result.rejected === 'unknown') throw unauthenticated(result.detail);
  if (result.rejected === 'unproven')
    throw new ControlError('unauthenticated', result.detail, { headers: INVALID_TOKEN });
  throw new ControlError('session_revoked', result.detail, {
    headers: INVALID_TOKEN,
  });
}

/** A browser names the page that sends a change; only ours may. Other clients send neither header. */
function checkOrigin(request: FastifyRequest): void {
  const { origin, 'sec-fetch-site': site } = request.headers;
  const foreign =
    (origin !== undefined && origin !== `${request.protocol}://${request.host}`) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none');
  if (foreign)
    throw new ControlError(
      'csrf_failed',
      `Changes are taken from this application's own pages only, not from ${origin ?? 'another site'}.`,
    );
}

function checkCsrf(request: FastifyRequest, principal: Principal): void {
  const expected = Buffer.from(principal.session?.csrf_token ?? '');
  const given = Buffer.from(String(request.headers['x-csrf-token'] ?? ''));
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) {
    throw new ControlError(
      'csrf_failed',
      'Send the csrf_token of login or GET /admin/v1/iam/me as x-csrf-token.',
    );
  }
}

const field = (request: FastifyRequest, path: string | undefined): string | null => {
  const [part, name] = path?.split('.') ?? [];
  const holder = request[part as 'params' | 'body' | 'query'] as
    | Record<string, string | undefined>
    | undefined;
  return (name === undefined ? undefined : holder?.[name]) ?? null;
};

/**
 * What the principal lacks for the request; null = nothing. `early` asks before the body is read: is it held anywhere at all?
 */
export function missingPermission(
  { permission, scope: source }: Endpoint,
  principal: Principal | null,
  request: FastifyRequest,
  early = false,
): MissingPermission | null {
  if (!principal || permission === 'public' || permission === 'authenticated') return null;
  const target =
    typeof source === 'object' && !early
      ? { tenant_id: field(request, source.tenant_id), environment: field(request, source.environment) }
      : { tenant_id: null, environment: null };
  const scopes = allowedScopes(principal, permission);
  const anywhere = scopes.all || scopes.scopes.length > 0;
  const allowed = early || source === 'filtered' ? anywhere : mayDo(principal, permission, target);
  return allowed ? null : { permission, ...target };
}

/** Denies, audits and explains unless a grant holds the permission where the request acts. */
export async function checkPermission(
  deps: GuardDeps,
  endpoint: Endpoint,
  context: CallContext,
  request: FastifyRequest,
  early: boolean,
): Promise<void> {
  await checkActing(deps, endpoint, context);
  const missing = missingPermission(endpoint, context.principal, request, early);
  if (missing === null) return;
  const { tenant_id, environment } = missing;
  await deps.denials.record(context, {
    action: endpoint.id,
    target: { type: 'endpoint', id: endpoint.id },
    tenant_id,
    environment,
    details: { missing },
  });
  throw permissionDenied(missing, context.principal?.token ? 'this token does' : 'you do');
}

const SESSION_STEP_UP = {
  recent: 'You signed in more than 5 minutes ago; confirm with your password.',
  bound: 'Confirm this very request with your password.',
};
const ISSUED_STEP_UP = {
  recent:
    'The issuer of this token saw you sign in more than 5 minutes ago, or does not say when (auth_time); sign in there again.',
  bound:
    'A token of another issuer cannot confirm a single request; sign in to the control plane itself for this.',
};
const CLI_STEP_UP = {
  recent: 'You signed in more than 5 minutes ago; confirm in a browser: `control confirm`.',
  bound:
    'This has to be confirmed for this very request, which a command line cannot: do it in the Admin UI.',
};

/** `recent` is never asked of it. */
const API_TOKEN_STEP_UP = {
  recent: SESSION_STEP_UP.recent,
  bound:
    'This has to be confirmed by a person for this very request, which an API token cannot: do it in the Admin UI.',
};

/** How somebody confirms, by what they came with. */
function stepUpWords({ issued, token, session }: Principal): Record<'recent' | 'bound', string> {
  if (issued) return ISSUED_STEP_UP;
  if (token) return API_TOKEN_STEP_UP;
  return session?.client === 'cli' ? CLI_STEP_UP : SESSION_STEP_UP;
}

/** RFC 9470: asks for a fresh or bound authentication where the endpoint demands one. */
export async function checkStepUp(
  deps: GuardDeps,
  endpoint: Endpoint,
  context: CallContext,
  request: FastifyRequest,
): Promise<void> {
  const { principal } = context;
  if (endpoint.step_up === 'none' || !principal) return;
  if (endpoint.step_up === 'recent') {
    // An API token was created behind a step-up, for the permissions it names; nobody sits there to be asked again.
    if (principal.token) return;
    const { authenticated_at } = principal.session ?? principal.issued ?? {};
    const age = Date.now() - Date.parse(authenticated_at ?? '');
    if (age <= RECENT_SECONDS * 1000) return;
  } else {
    const proof = request.headers['x-step-up-proof'];
    if (
      typeof proof === 'string' &&
      (await deps.authenticator.provesBound(context, proof, canonicalHash(request.body ?? null)))
    )
      return;
  }
  const acr_values = endpoint.step_up;
  const max_age = acr_values === 'recent' ? RECENT_SECONDS : 0;
  throw new ControlError('insufficient_user_authentication', stepUpWords(principal)[acr_values], {
    details: { acr_values, max_age, action: endpoint.summary },
    headers: {
      'www-authenticate': `Bearer error="insufficient_user_authentication", error_description="Confirm that it is you", acr_values="${acr_values}", max_age="${max_age}"`,
    },
  });
}

/** The hash is kept, and a hash of a password could be guessed: passwords have no part in whether a request is the same. */
const withoutPasswords = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && !Array.isArray(body)
    ? Object.fromEntries(Object.entries(body).filter(([name]) => !name.includes('password')))
    : (body ?? null);

interface Replay {
  status: number;
  body: unknown;
}

/** Keys whose request this process is working on. Across processes the unique index on jobs stands behind it. */
const inFlight = new Set<string>();

/**
 * Reads `Idempotency-Key`. Answers the first answer when the same request was done before; otherwise marks the key as being worked on
 * until the reply is out, and puts it into the context for `mutate` to keep.
 */
export async function checkIdempotency(
  deps: GuardDeps,
  endpoint: Endpoint,
  context: CallContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Replay | null> {
  const key = request.headers['idempotency-key'];
  const { principal } = context;
  if (endpoint.method === 'GET' || key === undefined || !principal) return null;
  if (typeof key !== 'string' || !KEY.test(key)) {
    throw new ControlError(
      'validation_failed',
      'Idempotency-Key takes 1 to 128 printable ASCII characters without spaces.',
      { errors: [{ in: 'header', pointer: '/idempotency-key', message: 'is malformed' }] },
    );
  }
  const request_hash = canonicalHash({
    method: endpoint.method,
    url: request.url,
    body: withoutPasswords(request.body),
  });
  const mark = `${principal.principal_id} ${key}`;
  if (inFlight.has(mark))
    throw new ControlError(
      'idempotency_in_progress',
      'A request with this Idempotency-Key is still being worked on; wait for its answer.',
    );
  inFlight.add(mark);
  reply.raw.once('close', () => inFlight.delete(mark));
  const done = await deps.db
    .selectFrom('jobs')
    .select(['request_hash', 'response_status', 'response_body'])
    .where('principal_id', '=', principal.principal_id)
    .where('idempotency_key', '=', key)
    .executeTakeFirst();
  if (!done) {
    context.idempotency = { key, request_hash, response_status: endpoint.status };
    return null;
  }
  if (done.request_hash !== request_hash)
    throw new ControlError(
      'idempotency_mismatch',
      'This Idempotency-Key was used for another request; use a new key.',
    );
  return { status: done.response_status ?? endpoint.status, body: done.response_body };
}
