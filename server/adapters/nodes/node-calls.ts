/** One call to a node over HTTP, repeated where that may help: what every adapter of the node contract does alike. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { NodeProblemSchema } from '#contract/node.ts';
import { NodeCallError, type NodeAddress, type NodeCallOptions } from '#server/scale/node-admin.ts';

const MAX_ATTEMPTS = 3;
const MAX_BODY_BYTES = 256 * 1024;
const FIRST_RETRY_MS = 50;

const problemValidator = Compile(NodeProblemSchema);

export type NodeCallerOptions = {
  /** The service bearer token; a function is asked before each call, so that a rotated token is picked up. */
  token: string | (() => string);
  /** Time for one call with all its retries. */
  deadlineMs?: number;
};

export type NodeCall<T> = {
  node: NodeAddress;
  method: 'GET' | 'POST';
  path: string;
  body?: object;
  accepted: readonly number[];
  validator: Validator<Record<never, never>, TSchema>;
  /** Says what is wrong with an answer that fits the schema but not the question, or null. */
  mismatch: (answer: T) => string | null;
  options: NodeCallOptions;
};

/** Answers a function that sends one call. It repeats on connection errors and 5xx, at most three times within its deadline. */
export function createNodeCaller(clientOptions: NodeCallerOptions): <T>(call: NodeCall<T>) => Promise<T> {
  const deadlineMs = clientOptions.deadlineMs ?? 2_000;

  return async function send<T>(call: NodeCall<T>): Promise<T> {
    const { options, node, path } = call;
    if (node.url === null) {
      const detail = node.absent ?? 'its address is not known';
      throw new NodeCallError('unreachable', { node_id: node.node_id, path, status: null, detail });
    }
    const origin = node.url;
    const headers = {
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      accept: 'application/json',
      authorization: `Bearer ${typeof clientOptions.token === 'string' ? clientOptions.token : clientOptions.token()}`,
      'x-request-id': options.request_id ?? randomUUID(),
    };
    const deadline = AbortSignal.timeout(deadlineMs);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await sendOnce(call, origin, headers, signal);
      } catch (error) {
        options.signal?.throwIfAborted();
        if (deadline.aborted) throw timedOut(call, deadlineMs, error);
        if (attempt === MAX_ATTEMPTS || !isWorthRepeating(error)) throw error;
      }
      // Jitter, so that many watchers of one failing node do not come back together.
      const backoff = FIRST_RETRY_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
      await pause(backoff, undefined, { signal }).catch((error: unknown) => {
        options.signal?.throwIfAborted();
        throw timedOut(call, deadlineMs, error);
      });
    }
  };
}

async function sendOnce<T>(
  call: NodeCall<T>,
  origin: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<T> {
  const { node, path } = call;
  let response: Response;
  let text: string | null;
  try {
    response = await fetch(new URL(path, origin), {
      method: call.method,
      headers,
      redirect: 'error',
      signal,
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    text = await readText(response);
  } catch (cause) {
    throw new NodeCallError(
      'unreachable',
      { node_id: node.node_id, path, status: null, detail: networkDetail(cause) },
      { cause },
    );
  }
  const { status } = response;
  const fail = (code: 'bad_status' | 'bad_response', detail: string): NodeCallError =>
    new NodeCallError(code, { node_id: node.node_id, path, status, detail });
  if (text === null) throw fail('bad_response', `answer is larger than ${MAX_BODY_BYTES} bytes`);
  const body = parseJson(text);
  // A status code counts as an answer only with a body that fits: a 503 from something in between is an error status.
  if (call.accepted.includes(status) && (response.ok || call.validator.Check(body))) {
    if (body === undefined) throw fail('bad_response', 'answer is not JSON');
    if (!call.validator.Check(body)) {
      const [error] = call.validator.Errors(body);
      throw fail(
        'bad_response',
        `answer breaks the contract: ${error?.instancePath ?? ''} ${error?.message ?? ''}`,
      );
    }
    const mismatch = call.mismatch(body as T);
    if (mismatch !== null) throw fail('bad_response', mismatch);
    return body as T;
  }
  throw fail('bad_status', problemValidator.Check(body) ? body.detail : `unexpected status ${status}`);
}

function isWorthRepeating(error: unknown): boolean {
  if (!(error instanceof NodeCallError)) return false;
  return error.code === 'unreachable' || (error.code === 'bad_status' && (error.status ?? 0) >= 500);
}

function timedOut(
  call: { node: NodeAddress; path: string },
  deadlineMs: number,
  last: unknown,
): NodeCallError {
  const before = last instanceof NodeCallError && last.status !== null ? `; before that: ${last.detail}` : '';
  return new NodeCallError(
    'timeout',
    {
      node_id: call.node.node_id,
      path: call.path,
      status: null,
      detail: `no answer within ${deadlineMs} ms${before}`,
    },
    { cause: last },
  );
}

/** The body as text, or null when it is too large; stops reading there, so a node cannot fill our memory. */
async function readText(response: Response): Promise<string | null> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let size = 0;
  let text = '';
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Fetch hides the reason ("fetch failed") in a chain of causes; the innermost says what happened. */
function networkDetail(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  if (!(innermost instanceof Error)) return String(innermost);
  const code = 'code' in innermost && typeof innermost.code === 'string' ? innermost.code : '';
  return innermost.message === '' ? code : innermost.message;
}
