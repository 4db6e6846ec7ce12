import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { PlacementStoreError, type PlacementStoreErrorCode } from '#server/scale/placement-store.ts';
import { NatsLinkError } from './nats-link.ts';

/** Error codes of JetStream's API, as its server names them. */
export const JETSTREAM = {
  stream_wrong_last_sequence: 10071,
  stream_not_found: 10059,
  stream_name_in_use: 10058,
  consumer_not_found: 10014,
  subjects_overlap: 10065,
} as const;

/** No room: for the stream, the account or the server. */
const FULL = new Set([10077, 10047, 10028, 10023, 10002]);
/** Sealed, or an operation that this stream or user may not do. */
const REFUSED = new Set([10109, 10110]);

/** The code of JetStream's answer, or null when the error is not one. */
export const jetStreamCode = (error: unknown): number | null =>
  error instanceof JetStreamApiError ? error.code : null;

/** The store error for a failure of NATS; `what` is the store, as in "placement bucket X on nats://…". Errors of the port stay. */
export function placementNatsError(error: unknown, what: string): unknown {
  if (error instanceof PlacementStoreError) return error;
  const [code, text] = describeNatsError(error, what);
  return code === null ? error : new PlacementStoreError(code, text, { cause: error });
}

/** What a failure of NATS means and what to do about it; the code is null when it is not of NATS. */
export function describeNatsError(error: unknown, what: string): [PlacementStoreErrorCode | null, string] {
  if (error instanceof NatsLinkError) return [error.closed ? 'closed' : 'unavailable', error.message];
  const code = jetStreamCode(error);
  const said = error instanceof Error ? error.message : String(error);
  if (code !== null && FULL.has(code)) {
    return ['full', `${what} has no room left (${said}); raise its size or the server's limits, then repeat`];
  }
  if (code !== null && REFUSED.has(code)) return ['not_writable', `${what} refuses the write (${said})`];
  if (code === JETSTREAM.stream_not_found) {
    return [
      'unavailable',
      `${what} does not exist: the control plane makes it when it starts; if it was deleted, restore it from a backup first`,
    ];
  }
  if (code !== null) return ['unavailable', `${what}: ${said}`];
  if (error instanceof Error && error.name === 'JetStreamNotEnabled') {
    return [
      'unavailable',
      `${what} gets no answer from JetStream (not enabled for this account, or no server leads); see "nats server report jetstream"`,
    ];
  }
  if (error instanceof errors.TimeoutError) {
    return [
      'unavailable',
      `${what} did not answer in time; a write may or may not have happened: read again`,
    ];
  }
  const cause = error instanceof Error ? error.cause : undefined;
  if ([error, cause].some((each) => each instanceof errors.PermissionViolationError)) {
    return ['not_writable', `${what} may not be used with these credentials (${said})`];
  }
  if (error instanceof Error && Object.values(errors).some((kind) => error instanceof kind)) {
    return ['unavailable', `${what}: ${said}`];
  }
  return [null, said];
}
