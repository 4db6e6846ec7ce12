/**
 * The one table of problem codes (RFC 9457). `code` is the stable, machine-readable name; `title` never varies for a code;
 * what happened, where and what to do goes into `detail`.
 */
import { Type, type Static } from 'typebox';

export const PROBLEMS = {
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  authorization_pending: { status: 400, title: 'Nobody has decided yet' },
  slow_down: { status: 400, title: 'You ask too often' },
  access_denied: { status: 400, title: 'The sign-in was denied' },
  expired_token: { status: 400, title: 'The code has expired' },
  invalid_grant: { status: 400, title: 'This code or refresh token is not valid' },
  unsupported_grant_type: { status: 400, title: 'There is no such grant type here' },
  malformed_cursor: { status: 400, title: 'The cursor is not one that this list gave' },
  validation_failed: { status: 400, title: 'The request does not fit its schema' },
  unauthenticated: { status: 401, title: 'Sign in first' },
  invalid_credentials: { status: 401, title: 'Email or password is wrong' },
  session_revoked: { status: 401, title: 'This session has ended' },
  impersonation_ended: { status: 401, title: 'You do not act as another user any more' },
  insufficient_user_authentication: { status: 401, title: 'Confirm that it is you' },
  permission_denied: { status: 403, title: 'You do not hold the permission for this' },
  csrf_failed: { status: 403, title: 'The request did not come from this application' },
  not_found: { status: 404, title: 'There is nothing here' },
  conflict: { status: 409, title: 'This conflicts with what is there' },
  already_exists: { status: 409, title: 'This already exists' },
  action_not_allowed: { status: 409, title: 'The present state does not allow this' },
  plan_drifted: { status: 409, title: 'The world moved since this plan was made' },
  plan_blocked: { status: 409, title: 'The plan has blockers' },
  plan_expired: { status: 409, title: 'This plan has expired or was never made' },
  job_conflict: { status: 409, title: 'Another job holds this target' },
  idempotency_in_progress: { status: 409, title: 'A request with this key is still running' },
  precondition_failed: { status: 412, title: 'It changed since you read it' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'Send application/json' },
  unknown_environment: { status: 422, title: 'There is no such environment' },
  unknown_shard: { status: 422, title: 'There is no such shard' },
  same_shard: { status: 422, title: 'The tenant is on this shard already' },
  not_placed: { status: 422, title: 'The tenant is not placed there' },
  not_configured: { status: 422, title: 'This environment has no such system' },
  unprocessable: { status: 422, title: 'The request is understood but cannot be carried out' },
  idempotency_mismatch: { status: 422, title: 'This key was used for another request' },
  precondition_required: { status: 428, title: 'Say which version you are changing' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'The control plane failed' },
  upstream_failed: { status: 502, title: 'A system behind the control plane did not answer as it should' },
  unavailable: { status: 503, title: 'The control plane is not ready' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing that is wrong with the input; `pointer` is an RFC 6901 JSON pointer into `in`. */
export const FieldError = Type.Object({
  in: Type.Union([Type.Literal('body'), Type.Literal('query'), Type.Literal('path'), Type.Literal('header')]),
  pointer: Type.String(),
  message: Type.String(),
});
export type FieldError = Static<typeof FieldError>;

/** RFC 9457 problem details with this API's extensions. `details` depends on the code (the new plan for `plan_drifted`, the missing permission for `permission_denied`, …). */
export const Problem = Type.Object({
  type: Type.String({ description: 'URI of the code: /admin/docs/problems#<code>' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.String(),
  request_id: Type.String(),
  errors: Type.Optional(Type.Array(FieldError)),
  details: Type.Optional(Type.Unknown()),
});
export type Problem = Static<typeof Problem>;
