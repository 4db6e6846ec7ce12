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

const TIMEOUT_MS = 30_000;
/** Tokens are renewed this long before they expire, so that none expires on its way. */
const RENEW_BEFORE_MS = 30_000;

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

/** One request. Throws when there is no answer in JSON; a refusal is an answer. */
export async function request(
  url: string,
  method: string,
  { body, token }: { body?: unknown; token?: string } = {},
): Promise<Answer> {
  const init: RequestInit = {
    method,
    headers: {
      accept: 'application/json',
      'user-agent': `control-cli/${manifest.version} (${SYSTEM}; ${process.arch})`,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(method !== 'GET' && { 'idempotency-key': crypto.randomUUID() }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
  const { origin } = new URL(url);
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new CommandError(
      `${origin} does not answer: ${cause}. Check the address and the network.`,
      EXIT.unreachable,
    );
  }
  const text = await answer.text();
  try {
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  } catch {
    throw new CommandError(
      `${origin} answered ${answer.status} without JSON: is it a control plane?`,
      EXIT.unreachable,
    );
  }
}

export const problemOf = ({ body }: Answer): Partial<Problem> & { error?: string } =>
  typeof body === 'object' && body !== null ? body : {};

/** Fails with what the server said. */
export function refusal(answer: Answer): CommandError {
  const { title, detail, code, request_id } = problemOf(answer);
  const reference = [code, request_id].filter((part) => part !== undefined).join(', ');
  const exit = answer.status === 401 ? EXIT.signedOut : EXIT.refused;
  return new CommandError(
    `${detail ?? title ?? `The server answered ${answer.status}.`} (${reference})`,
    exit,
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

/** A request as who is signed in here. `path` begins with a slash. */
export async function callSignedIn(method: string, path: string, body?: unknown): Promise<Answer> {
  let credentials = await readCredentials();
  if (credentials === null)
    throw new CommandError('Nobody is signed in here. Use: control login', EXIT.signedOut);
  if (Date.parse(credentials.expires_at) - RENEW_BEFORE_MS < Date.now())
    credentials = await renewed(credentials);
  const answer = await request(credentials.url + path, method, { body, token: credentials.access_token });
  if (answer.status === 401 && problemOf(answer).code === 'session_revoked')
    throw new CommandError(`${problemOf(answer).detail ?? ''} Use: control login`, EXIT.signedOut);
  return answer;
}

/** Ends the session at the server. */
export async function giveUp({ url, refresh_token }: Credentials): Promise<void> {
  const body = { client_id: CLI_CLIENT_ID, token: refresh_token };
  const answer = await request(url + revokeTokens.path, revokeTokens.method, { body });
  if (answer.status !== 200) throw refusal(answer);
}
