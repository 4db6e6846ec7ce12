/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
import type { FastifyReply } from 'fastify';
import { ControlError } from './control-error.ts';
import type { StreamMessage } from './route.ts';

/** A comment keeps proxies from closing a quiet stream; with each the caller's session and permission are looked at again. */
const HEARTBEAT_MS = 5_000;

/** Streams that are open; they have no end of their own, so a closing server ends them, and their readers come back elsewhere. */
const open = new Set<AbortController>();
export const endEventStreams = (): void => open.forEach((stream) => stream.abort());

/** Sends messages until they end, the caller leaves, or `stillAllowed` says no. */
export async function sendEventStream(
  reply: FastifyReply,
  messages: AsyncIterable<StreamMessage>,
  leave: AbortController,
  stillAllowed: () => Promise<boolean>,
): Promise<void> {
  open.add(leave);
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  raw.write('retry: 1000\n\n');
  const heartbeat = setInterval(() => {
    raw.write(': still here\n\n');
    stillAllowed().then(
      (allowed) => allowed || leave.abort(),
      () => leave.abort(),
    );
  }, HEARTBEAT_MS);
  try {
    for await (const { event, id, data } of messages) {
      if (leave.signal.aborted) break;
      raw.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  } catch (error) {
    // A stream that is refused ends as one that is over: its reader asks again, and is told why.
    if (!leave.signal.aborted && !(error instanceof ControlError))
      reply.log.warn({ err: error }, 'an event stream broke');
  } finally {
    clearInterval(heartbeat);
    open.delete(leave);
    raw.end();
  }
}
