/** A route: an endpoint of the contract and the one call that serves it. */
import type { BodyOf, Endpoint, ParamsOf, QueryOf, ResponseOf } from '#contract/endpoint.ts';
import type { CallContext } from './call-context.ts';
import type { JsonText } from './json-text.ts';

export interface RouteCall<E extends Endpoint> {
  context: CallContext;
  params: ParamsOf<E>;
  query: QueryOf<E>;
  body: BodyOf<E>;
  /** The revision that `If-Match` names; present where the endpoint demands one. */
  if_match: number;
  /** `Last-Event-ID` of a stream that is resumed; 0 otherwise. */
  last_event_id: number;
  /** Aborts when the caller goes away. */
  signal: AbortSignal;
  /** Gives the session that calls this token by its cookie, or takes all cookies back with null. */
  setSession(token: string | null): void;
  /** Sets the cookie of somebody who acts as another user, or takes it back with null. */
  setActing(token: string | null): void;
}

/** Answers the response, or for a stream an async iterable of messages. */
export type RouteHandler<E extends Endpoint> = (
  call: RouteCall<E>,
) => Promise<ResponseOf<E> | JsonText<ResponseOf<E>>> | AsyncIterable<StreamMessage>;

/** One server-sent event; `id` is what `Last-Event-ID` resumes from. */
export interface StreamMessage {
  event: string;
  id?: string;
  data: unknown;
}

export interface Route {
  endpoint: Endpoint;
  // A route forgets its endpoint's types once it is made: `route` has checked that handler and endpoint fit.
  handler: (call: RouteCall<never>) => unknown;
}

/** Binds a handler to an endpoint; the compiler holds it to the endpoint's schemas. */
export const route = <E extends Endpoint>(endpoint: E, handler: RouteHandler<E>): Route => ({
  endpoint,
  handler: handler as Route['handler'],
});
