/** Speaks with one control plane as the person who signed in here: gets the next tokens when it has to, and keeps them at once. */
import { hostname } from 'node:os';
import manifest from '../package.json' with { type: 'json' };
import {
  authorizeDevice,
  CLI_CLIENT_ID,
  DEVICE_CODE_GRANT,
  issueTokens,
  REFRESH_TOKEN_GRANT,
  revokeTokens,
  type DeviceAuthorization,
  type IssuedTokens,
} from '#contract/iam.ts';
import type { Problem } from '#contract/problem.ts';
import { CommandError, EXIT } from './command-error.ts';
import { keepCredentials, readCredentials, type Credentials } from './credentials.ts';
import { readEvents, type StreamedEvent } from './event-stream.ts';

const TIMEOUT_MS = 30_000;
/** Tokens are renewed this long before they expire, so that none expires on its way. */
const RENEW_BEFORE_MS = 30_000;
/** A stream says every 5 s that it is still there. */
const SILENCE_MS = 20_000;

/** As user agents call it, so that lists of sessions name the system. */
const SYSTEMS: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'Mac OS X',
  linux: 'Linux',
  win32: 'Windows',
};
const SYSTEM = SYSTEMS[process.platform] ?? process.platform;

export interface Answer {
  status: number;
  body: unknown;
}

interface Sent {
  body?: unknown;
  token?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

async function send(url: string, method: string, { body, token, headers, signal }: Sent): Promise<Response> {
  try {
    return await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        'user-agent': `control-cli/${manifest.version} (${SYSTEM}; ${process.arch})`,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(method !== 'GET' && { 'idempotency-key': crypto.randomUUID() }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: signal ?? AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw unreachable(url, error);
  }
}

function unreachable(url: string, error: unknown): CommandError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  return new CommandError(
    `${new URL(url).origin} does not answer: ${cause}. Check the address and the network.`,
    EXIT.unreachable,
  );
}

/** One request. Throws when there is no answer in JSON; a refusal is an answer. */
async function request(url: string, method: string, sent: Sent = {}): Promise<Answer> {
  return answerOf(url, await send(url, method, sent));
}

async function answerOf(url: string, answer: Response): Promise<Answer> {
  const text = await answer.text().catch((error: unknown) => {
    throw unreachable(url, error);
  });
  try {
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  } catch {
    throw new CommandError(
      `${new URL(url).origin} answered ${answer.status} without JSON: is it a control plane?`,
      EXIT.unreachable,
    );
  }
}

export const problemOf = ({ body }: Answer): Partial<Problem> & { error?: string } =>
  typeof body === 'object' && body !== null ? body : {};

/** The exit code of an answer that is not what was asked for. */
export function exitOfStatus(status: number): number {
  if (status === 401) return EXIT.signedOut;
  return status >= 500 ? EXIT.unreachable : EXIT.refused;
}

/** Fails with what the server said. */
export function refusal(answer: Answer): CommandError {
  const { title, detail, code, request_id } = problemOf(answer);
  const reference = [code, request_id].filter((part) => part !== undefined).join(', ');
  return new CommandError(
    `${detail ?? title ?? `The server answered ${answer.status}.`} (${reference})`,
    exitOfStatus(answer.status),
  );
}

/** How this machine calls itself to who approves. */
export const clientName = (): string => hostname().slice(0, 80);

export async function beginSignIn(url: string): Promise<DeviceAuthorization> {
  const body = { client_id: CLI_CLIENT_ID, client_name: clientName() };
  const answer = await request(url + authorizeDevice.path, authorizeDevice.method, { body });
  if (answer.status !== 200) throw refusal(answer);
  return answer.body as DeviceAuthorization;
}

/** Asks until somebody has decided (RFC 8628 3.5). */
export async function awaitApproval(
  url: string,
  { device_code, interval, expires_in }: DeviceAuthorization,
  wait: (seconds: number) => Promise<void>,
): Promise<IssuedTokens> {
  const deadline = Date.now() + expires_in * 1000;
  let every = interval;
  for (;;) {
    await wait(every);
    const body = { client_id: CLI_CLIENT_ID, grant_type: DEVICE_CODE_GRANT, device_code };
    const answer = await request(url + issueTokens.path, issueTokens.method, { body });
    if (answer.status === 200) return answer.body as IssuedTokens;
    const { error } = problemOf(answer);
    if (error === 'slow_down') every += 5;
    else if (error !== 'authorization_pending' || Date.now() > deadline) throw refusal(answer);
  }
}

/** Keeps tokens that were issued just now. */
export async function keepTokens(url: string, tokens: IssuedTokens): Promise<Credentials> {
  const { access_token, refresh_token, expires_in } = tokens;
  const expires_at = new Date(Date.now() + expires_in * 1000).toISOString();
  const credentials = { url, access_token, refresh_token, expires_at };
  await keepCredentials(credentials);
  return credentials;
}

async function renewed({ url, refresh_token }: Credentials): Promise<Credentials> {
  const body = { client_id: CLI_CLIENT_ID, grant_type: REFRESH_TOKEN_GRANT, refresh_token };
  const answer = await request(url + issueTokens.path, issueTokens.method, { body });
  if (answer.status === 200) return keepTokens(url, answer.body as IssuedTokens);
  if (problemOf(answer).error === 'invalid_grant')
    throw new CommandError(`${problemOf(answer).detail ?? ''} Use: control login`, EXIT.signedOut);
  throw refusal(answer);
}

/** Runs a request with tokens that are good, and once more with the next ones when the server refuses them as tokens. */
async function signedIn<A extends Answer | Response>(
  work: (credentials: Credentials) => Promise<A>,
  problem: (answer: A) => Promise<Partial<Problem>>,
): Promise<A> {
  const kept = await readCredentials();
  if (kept === null) throw new CommandError('Nobody is signed in here. Use: control login', EXIT.signedOut);
  const expires = Date.parse(kept.expires_at) - RENEW_BEFORE_MS < Date.now();
  const credentials = expires ? await renewed(kept) : kept;
  const answer = await work(credentials);
  if (answer.status !== 401) return answer;
  const { code } = await problem(answer);
  if (code !== 'session_revoked' && code !== 'unauthenticated') return answer;
  // This machine's clock may be behind, or another command have got new tokens meanwhile.
  const now = await readCredentials();
  return work(
    now !== null && now.access_token !== credentials.access_token ? now : await renewed(credentials),
  );
}

/** A request as who is signed in here. `path` begins with a slash. */
export const callSignedIn = (method: string, path: string, body?: unknown): Promise<Answer> =>
  signedIn(
    ({ url, access_token }) => request(url + path, method, { body, token: access_token }),
    async (answer) => problemOf(answer),
  );

/**
 * Events of a stream after the one with the id `after`, as who is signed in here, until the server ends it. Throws `unreachable` when the
 * line is lost, and when nothing is heard for so long that it must be.
 */
export async function* streamSignedIn(path: string, after: string): AsyncGenerator<StreamedEvent> {
  let asked = path;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error('nothing was heard any more')), SILENCE_MS);
  try {
    const answer = await signedIn(
      ({ url, access_token }) =>
        send((asked = url + path), 'GET', {
          token: access_token,
          headers: { accept: 'text/event-stream', ...(after !== '' && { 'last-event-id': after }) },
          signal: silence.signal,
        }),
      async (refused) => problemOf(await answerOf(asked, refused.clone())),
    );
    if (answer.status === 429 || answer.status >= 500)
      throw unreachable(asked, new Error(`answered ${answer.status}`));
    if (answer.status !== 200 || !answer.body) throw refusal(await answerOf(asked, answer));
    yield* readEvents(linesOf(answer.body, () => timer.refresh()));
  } catch (error) {
    throw error instanceof CommandError ? error : unreachable(asked, error);
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

async function* linesOf(body: ReadableStream<Uint8Array>, heard: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    heard();
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** Ends the session at the server. */
export async function giveUp({ url, refresh_token }: Credentials): Promise<void> {
  const body = { client_id: CLI_CLIENT_ID, token: refresh_token };
  const answer = await request(url + revokeTokens.path, revokeTokens.method, { body });
  if (answer.status !== 200) throw refusal(answer);
}
