/** Ids that tie a request's log lines, answer and audit events together: our request id, and the W3C trace it belongs to. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const REQUEST_ID = /^[\w.:-]{1,128}$/;
/** https://www.w3.org/TR/trace-context/#traceparent-header: version, trace id, parent id, flags; all-zero ids are invalid. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The caller's `x-request-id` when it is well formed, else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** The trace of the caller's `traceparent`, else a new one. */
export function traceIdOf(headers: IncomingHttpHeaders): string {
  const { traceparent } = headers;
  return (
    (typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent)?.[1] : undefined) ??
    // Its randomness is drawn ahead in bulk, unlike randomBytes.
    randomUUID().replaceAll('-', '')
  );
}
