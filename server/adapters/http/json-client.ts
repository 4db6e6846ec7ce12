/** Asks an outside server for JSON, and trusts nothing: time and size are bounded, redirects refused, answers held to a schema. */
import { Type, type Static, type TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import { QUERY_LIMITS } from '#contract/observability.ts';
import { SourceError, type CallOptions } from '#server/observability/outside-source.ts';

/** Asked at each call; may throw, with anything. */
export type HttpCredentials =
  | { kind: 'bearer'; token: () => string }
  | { kind: 'basic'; user: string; password: () => string };

export interface HttpServer {
  /** Origin and path prefix, without a slash at its end. */
  url: string;
  credentials: HttpCredentials | null;
}

export interface JsonCall<Schema extends TSchema> extends CallOptions {
  method?: 'GET' | 'POST';
  path: string;
  query?: Record<string, string | number | readonly string[]>;
  body?: unknown;
  answer: Validator<Record<never, never>, Schema>;
}

export interface JsonClient {
  readonly source: string;
  readonly address: string;
  /** Rejects with SourceError, or with the reason of the caller's signal. */
  readonly call: <Schema extends TSchema>(call: JsonCall<Schema>) => Promise<Static<Schema>>;
}

export interface JsonClientLimits {
  timeout_ms: number;
  most_bytes: number;
}

/** RFC 3339 as Date reads it: without leap seconds. */
export const Instant = Type.String({ format: 'date-time', pattern: '^(?!.*:60)' });

const MOST_SHOWN = 300;

/** `name` is what the server is, for messages: `vmalert`. */
export function createJsonClient(
  name: string,
  { url, credentials }: HttpServer,
  { timeout_ms, most_bytes }: JsonClientLimits = QUERY_LIMITS,
): JsonClient {
  const source = `${name} ${url}`;
  const fail = (code: SourceError['code'], detail: string, cause?: unknown): SourceError =>
    new SourceError(code, source, detail, cause === undefined ? {} : { cause });

  async function call<Schema extends TSchema>(asked: JsonCall<Schema>): Promise<Static<Schema>> {
    const { method = 'GET', path, query = {}, body, answer } = asked;
    const secret = readSecret(credentials, fail);
    const deadline = AbortSignal.timeout(timeout_ms);
    let status: number;
    let text: string | null;
    try {
      const response = await fetch(addressOf(url + path, query), {
        method,
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(secret === null ? {} : { authorization: secret.header }),
        },
        // Followed, it would lead to a host that the configuration does not name.
        redirect: 'manual',
        signal: asked.signal === undefined ? deadline : AbortSignal.any([deadline, asked.signal]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      ({ status } = response);
      text = await readText(response, most_bytes);
    } catch (error) {
      asked.signal?.throwIfAborted();
      if (deadline.aborted) throw fail('timeout', `${path} brought no whole answer within ${timeout_ms} ms`);
      throw fail('unreachable', networkDetail(error), error);
    }
    if (status >= 300 && status < 400)
      throw fail('bad_response', `${path} is redirected (${status}); name its final address`);
    if (status === 401 || status === 403)
      throw fail(
        'refused',
        `${path} refuses ${secret === null ? 'a call without' : 'the'} credentials (${status})`,
      );
    if (text === null) throw fail('bad_response', `${path} answers more than ${most_bytes} bytes`);
    const value = parseJson(text);
    if (status >= 400)
      throw fail(
        'bad_status',
        `${path} answers ${status}${said(withoutSecret(messageOf(value, text), secret))}`,
      );
    if (value === undefined) throw fail('bad_response', `${path} answers no JSON`);
    if (!answer.Check(value)) {
      const [error] = answer.Errors(value);
      throw fail(
        'bad_response',
        `${path} answers in an unknown shape: ${error?.instancePath || '/'} ${error?.message ?? 'does not fit'}`,
      );
    }
    return value;
  }

  return { source, address: url, call };
}

interface Secret {
  value: string;
  header: string;
}

function readSecret(
  credentials: HttpCredentials | null,
  fail: (code: 'refused', detail: string) => SourceError,
): Secret | null {
  if (credentials === null) return null;
  let value: string;
  try {
    value = credentials.kind === 'bearer' ? credentials.token() : credentials.password();
  } catch {
    throw fail('refused', 'the file of its credentials cannot be read');
  }
  // Said here: fetch would show the header that it does not take.
  if (!/^[\x20-\x7e]+$/.test(value))
    throw fail('refused', 'its credentials are empty or more than one line of printable ASCII');
  return credentials.kind === 'bearer'
    ? { value, header: `Bearer ${value}` }
    : { value, header: `Basic ${Buffer.from(`${credentials.user}:${value}`).toString('base64')}` };
}

function addressOf(address: string, query: NonNullable<JsonCall<TSchema>['query']>): URL {
  const url = new URL(address);
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(each));
  }
  return url;
}

/** Null when the body is larger than the limit; what is left of it is not read. */
async function readText(response: Response, most_bytes: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (size > most_bytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Servers put their message under one of these names, or answer it as text. */
function messageOf(value: unknown, text: string): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return text;
  const { error, message } = value as { error?: unknown; message?: unknown };
  const found = error ?? message;
  return typeof found === 'string' ? found : '';
}

const withoutSecret = (text: string, secret: Secret | null): string =>
  secret === null
    ? text
    : text
        .replaceAll(secret.header.replace(/^\w+ /, ''), '[redacted]')
        .replaceAll(secret.value, '[redacted]');

function said(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim();
  if (line === '') return '';
  return `: ${line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}…` : line}`;
}

function networkDetail(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const code = cause?.code ?? '';
  if (code === 'ECONNREFUSED') return `nothing listens there (${code})`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `its name is not known (${code})`;
  return `the connection failed (${code || (cause?.message ?? String(error))})`;
}
