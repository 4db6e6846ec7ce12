/**
 * An endpoint descriptor is the single declaration of one HTTP operation. The server's route, the OpenAPI document and the
 * UI's typed client derive from it. Paths use Fastify's `:name` parameters.
 */
import type { Static, TSchema } from 'typebox';
import type { Permission } from './permissions.ts';
import type { ProblemCode } from './problem.ts';

/**
 * Where the permission gate reads the scope of a request. `none` = platform level (only a global grant passes);
 * `filtered` = a grant in any scope passes and the handler narrows what it returns to the granted scopes; otherwise the
 * named request fields hold the tenant and environment.
 */
export type ScopeSource =
  | 'none'
  | 'filtered'
  | {
      tenant_id?: 'params.tenant_id' | 'body.tenant_id' | 'query.tenant_id';
      environment?: 'params.environment' | 'body.environment' | 'query.environment';
    };

/**
 * RFC 9470 levels. `recent`: the person authenticated within 5 minutes (an API token created for the permission passes).
 * `bound`: a one-time proof bound to the hash of this request's body.
 */
export type StepUpLevel = 'none' | 'recent' | 'bound';

/** What a session may still lack after the first factor: the second one, or the enrolment of one. */
export type PendingSignIn = 'second_factor' | 'enrolment';

export interface Endpoint<
  P extends TSchema = TSchema,
  Q extends TSchema = TSchema,
  B extends TSchema = TSchema,
  R extends TSchema = TSchema,
> {
  /** `domain.noun.verb`, unique; OpenAPI operationId. */
  id: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: `/admin/v1/${string}`;
  summary: string;
  description?: string;
  /** `public`: no session needed. `authenticated`: any signed-in principal. */
  permission: Permission | 'public' | 'authenticated';
  scope: ScopeSource;
  step_up: StepUpLevel;
  /** Which unfinished sign-ins may call it. Left out, as nearly everywhere: none. */
  while_pending?: readonly PendingSignIn[];
  /** Open to somebody who acts as another user although it takes no permission. Left out, as nearly everywhere: closed. */
  while_acting?: true;
  params?: P;
  query?: Q;
  body?: B;
  response: R;
  status: 200 | 201 | 202;
  /** The answer carries an `ETag`; a change demands `If-Match`. */
  etag?: 'sends' | 'requires';
  /** A policy may ask for approvals before it happens: then it answers 202 with the request's `approval_id` instead. */
  approvable?: true;
  /** Answers `text/event-stream` of `response` objects. */
  stream?: true;
  /** An endpoint of OAuth 2.0: takes form-encoded bodies, too, and its problems carry `error` and `error_description` (RFC 6749 5.2). */
  oauth?: true;
  /** Problem codes beyond those that every endpoint may answer. */
  problems?: ProblemCode[];
}

/** Declares an endpoint; keeps the literal types for the route and the client. */
export const endpoint = <P extends TSchema, Q extends TSchema, B extends TSchema, R extends TSchema>(
  descriptor: Endpoint<P, Q, B, R>,
): Endpoint<P, Q, B, R> => descriptor;

type Part<T> = T extends TSchema ? (TSchema extends T ? unknown : Static<T>) : unknown;
export type ParamsOf<E> = E extends Endpoint<infer P, TSchema, TSchema, TSchema> ? Part<P> : never;
export type QueryOf<E> = E extends Endpoint<TSchema, infer Q, TSchema, TSchema> ? Part<Q> : never;
export type BodyOf<E> = E extends Endpoint<TSchema, TSchema, infer B, TSchema> ? Part<B> : never;
export type ResponseOf<E> = E extends Endpoint<TSchema, TSchema, TSchema, infer R> ? Part<R> : never;
