/** The typed client of the Admin API; every request derives from its endpoint's descriptor. */
import type { BodyOf, Endpoint, ParamsOf, QueryOf, ResponseOf } from '#contract/endpoint.ts';
import {
  addPasskey,
  confirmTotpEnrolment,
  login,
  loginSecondFactor,
  loginWithPasskey,
  loginWithProvider,
  me,
  startPasskeyProof,
  stepUp,
} from '#contract/iam.ts';
import type { Problem } from '#contract/problem.ts';
import { NetworkError, ProblemError } from './errors.ts';
import {
  keepCsrfToken,
  keepIdentity,
  leaveToSignIn,
  readCsrfToken,
  readIdentity,
  sessionLoss,
  startOver,
} from './session.ts';
import { askPasskey } from './passkeys.ts';
import { askStepUp, requestHash } from './step-up.ts';

export { NetworkError, ProblemError, StepUpCancelledError } from './errors.ts';

/** A form's empty field may be passed as undefined; it is not sent. */
type Loose<T> = { [K in keyof T]: T[K] | (undefined extends T[K] ? undefined : never) };
type Part<K extends string, T> = unknown extends T
  ? { [P in K]?: undefined }
  : Record<never, never> extends T
    ? { [P in K]?: Loose<T> | undefined }
    : { [P in K]: Loose<T> };

/** What a call of this endpoint takes: its path parameters, query and body. */
export type CallInput<E> = Part<'params', ParamsOf<E>> & Part<'query', QueryOf<E>> & Part<'body', BodyOf<E>>;

export interface CallOptions {
  /** ETag of what was read, for endpoints that require `If-Match`. */
  if_match?: string | undefined;
  /** One key for one intent, so that repeating it does nothing twice; made afresh when absent. */
  idempotency_key?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface Answer<E> {
  data: ResponseOf<E>;
  etag: string | null;
  status: number;
}

/** Arguments of `call`: the input may be left out when nothing in it is required. */
export type CallArguments<E> =
  Record<never, never> extends CallInput<E>
    ? [input?: CallInput<E> & CallOptions]
    : [input: CallInput<E> & CallOptions];

type Scalar = string | number | boolean | null | undefined;

interface AnyInput extends CallOptions {
  params?: Record<string, Scalar> | undefined;
  query?: Record<string, Scalar | readonly Scalar[]> | undefined;
  body?: unknown;
}

const TIMEOUT_MS = 30_000;

/** Path and query of a call: parameters filled in and encoded, arrays as repeated query parameters. */
export function addressOf(endpoint: Endpoint, input: Pick<AnyInput, 'params' | 'query'> = {}): string {
  const path = endpoint.path.replace(/:([a-z_]+)/g, (_, name: string) => {
    const value = input.params?.[name];
    if (value === undefined || value === null || value === '')
      throw new Error(`${endpoint.id} needs the path parameter ${name}`);
    return encodeURIComponent(String(value));
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input.query ?? {}))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined && one !== null && one !== '') query.append(name, String(one));
  return query.size > 0 ? `${path}?${query}` : path;
}

async function request(url: string, init: RequestInit, signal: AbortSignal | undefined): Promise<Response> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await fetch(url, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NetworkError(timeout.aborted ? 'timeout' : 'unreachable', error);
  }
}

async function readJson(response: Response): Promise<unknown> {
  if (!/[/+]json\b/.test(response.headers.get('content-type') ?? '')) throw new NetworkError('not_json');
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new NetworkError('not_json', error);
  }
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'code' in value && 'request_id' in value;

/** Endpoints whose answers carry the session's CSRF token. */
const CSRF_SOURCES: readonly string[] = [
  login,
  loginSecondFactor,
  loginWithPasskey,
  loginWithProvider,
  confirmTotpEnrolment,
  addPasskey,
  stepUp,
  me,
].map(({ id }) => id);

/** One request, without any second attempt. */
async function send(
  endpoint: Endpoint,
  input: AnyInput,
  extra: Record<string, string>,
): Promise<Answer<Endpoint>> {
  const headers = new Headers({ accept: 'application/json', ...extra });
  if (input.if_match !== undefined) headers.set('if-match', input.if_match);
  const csrfToken = readCsrfToken();
  if (endpoint.method !== 'GET' && csrfToken !== null) headers.set('x-csrf-token', csrfToken);
  const init: RequestInit = { method: endpoint.method, headers, credentials: 'same-origin' };
  if (input.body !== undefined) {
    headers.set('content-type', 'application/json');
    init.body = JSON.stringify(input.body);
  }
  const response = await request(addressOf(endpoint, input), init, input.signal);
  const data = await readJson(response);
  if (!response.ok) {
    if (!isProblem(data)) throw new NetworkError('not_json');
    const wait = Number(response.headers.get('retry-after') ?? NaN);
    throw new ProblemError(data, Number.isFinite(wait) ? wait : null);
  }
  if (CSRF_SOURCES.includes(endpoint.id)) {
    const { csrf_token } = data as { csrf_token: string | null };
    // A replay has none, and the session keeps the one that it has.
    if (csrf_token !== null) keepCsrfToken(csrf_token);
    if (endpoint.id === me.id) keepIdentity(data as ResponseOf<typeof me>);
  }
  return { data, etag: response.headers.get('etag'), status: response.status };
}

/** Asks for the step-up that a refusal demands; answers the headers that the repeated request needs. */
async function satisfyStepUp(
  endpoint: Endpoint,
  body: unknown,
  problem: Problem,
): Promise<Record<string, string>> {
  const demand = (problem.details ?? {}) as { acr_values?: string; max_age?: number };
  const level = demand.acr_values === 'bound' ? 'bound' : 'recent';
  const request_hash = level === 'bound' ? await requestHash(body) : undefined;
  let proof: string | null = null;
  await askStepUp({
    endpoint,
    level,
    max_age: demand.max_age ?? null,
    confirm: async (answer) => {
      const given = 'passkey' in answer ? { passkey: await answerWithPasskey() } : answer;
      const key = { 'idempotency-key': crypto.randomUUID() };
      const { data } = await send(stepUp, { body: { ...given, request_hash } }, key);
      proof = (data as ResponseOf<typeof stepUp>).proof;
    },
  });
  return proof === null ? {} : { 'x-step-up-proof': proof };
}

/** Asks one of the person's passkeys, as the session's challenge demands. */
async function answerWithPasskey() {
  const { data } = await send(startPasskeyProof, {}, {});
  return askPasskey((data as ResponseOf<typeof startPasskeyProof>).options);
}

/** An answer with a renewed cookie may still be on its way. */
const RENEWAL_MS = 250;
let check: Promise<boolean> | null = null;

/**
 * Whether the session is really gone. A step-up, here or in another tab, gives the session a new cookie, and refuses what was sent with
 * the old one a moment before; such a request only has to be sent again. Requests that fail together share one check.
 */
function sessionIsGone(): Promise<boolean> {
  if (readCsrfToken() === null) return Promise.resolve(true);
  check ??= (async () => {
    await new Promise((resolve) => setTimeout(resolve, RENEWAL_MS));
    try {
      await send(me, {}, {});
      return false;
    } catch (error) {
      return sessionLoss(error) !== null;
    } finally {
      check = null;
    }
  })();
  return check;
}

/**
 * Reads who one is anew. In another tab somebody may have begun or stopped to act as another user: then a change that was meant as one
 * person must not be made as another, and the page starts over.
 */
async function isSomebodyElse(): Promise<boolean> {
  const before = readIdentity();
  await send(me, {}, {});
  return before !== null && before !== readIdentity();
}

/**
 * Calls an endpoint. A change carries one idempotency key over all of its attempts. Two refusals are mended here and the request
 * repeated, once each: a demanded step-up, and a cookie or CSRF token that a step-up has just replaced. When the session is gone,
 * the browser goes to the sign-in page. Throws `ProblemError`, `NetworkError`, `StepUpCancelledError`, or an `AbortError` when `signal` fires.
 */
export async function call<E extends Endpoint>(
  endpoint: E,
  ...[given]: CallArguments<E>
): Promise<Answer<E>> {
  const input = (given ?? {}) as AnyInput;
  const isChange = endpoint.method !== 'GET';
  let headers: Record<string, string> = isChange
    ? { 'idempotency-key': input.idempotency_key ?? crypto.randomUUID() }
    : {};
  const mended = new Set<string>();
  for (;;) {
    try {
      const answer: Answer<E> = await send(endpoint, input, headers);
      return answer;
    } catch (error) {
      if (!(error instanceof ProblemError) || mended.has(error.code)) throw error;
      mended.add(error.code);
      const loss = sessionLoss(error);
      if (error.code === 'impersonation_ended') {
        startOver();
        throw error;
      }
      if (loss) {
        if (await sessionIsGone()) {
          leaveToSignIn(loss.why);
          throw error;
        }
      } else if (error.code === 'insufficient_user_authentication')
        headers = { ...headers, ...(await satisfyStepUp(endpoint, input.body, error.problem)) };
      else if (error.code === 'csrf_failed' && isChange) {
        if (await isSomebodyElse()) throw error;
      } else throw error;
    }
  }
}
