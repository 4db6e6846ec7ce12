/** The one place where an error becomes an answer (RFC 9457). */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEMS, type Problem } from '#contract/problem.ts';
import { isDatabaseAway } from '#server/db/database.ts';
import { ControlError } from './control-error.ts';
import { asOAuthError } from './oauth-wire.ts';
import { ValidationFailed } from './request-validation.ts';

const FRAMEWORK_CODES: Record<string, ConstructorParameters<typeof ControlError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'The body is larger than 256 KiB.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Bodies are taken as application/json only.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [
    'malformed_json',
    'The body is empty; send a JSON object, or no content-type.',
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed_json', 'The body is not valid JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed_json', 'The body is not as long as content-length says.'],
  FST_ERR_BAD_URL: ['not_found', 'The address is not well formed.'],
};

function asControlError(error: unknown): ControlError | null {
  if (error instanceof ControlError) return error;
  if (error instanceof ValidationFailed) {
    const first = error.errors[0];
    const more = error.errors.length > 1 ? `, and ${error.errors.length - 1} more` : '';
    return new ControlError(
      'validation_failed',
      first ? `${first.in} ${first.pointer || '/'} ${first.message}${more}.` : 'The request does not fit.',
      { errors: error.errors },
    );
  }
  const { code, statusCode } = error as Partial<FastifyError>;
  const known = code === undefined ? undefined : FRAMEWORK_CODES[code];
  if (known) return new ControlError(...known);
  if (error instanceof SyntaxError && statusCode === 400)
    return new ControlError('malformed_json', `The body is not valid JSON: ${error.message}.`);
  // 22021, 22P05: the NUL character, which JSON can carry and PostgreSQL's text cannot.
  if (code === '22021' || code === '22P05')
    return new ControlError('validation_failed', 'Text may not contain the NUL character.');
  if (statusCode === 429) return new ControlError('rate_limited', (error as Error).message);
  return null;
}

const DISK_FULL = '53100';

/** Of a change nobody knows whether it was made: the connection may have broken just before the answer. */
function databaseAway(error: unknown, isChange: boolean): ControlError {
  const what =
    (error as { code?: unknown }).code === DISK_FULL
      ? 'The disk of the database is full. Free some space and try again'
      : 'The database does not answer just now. Try again in a few seconds';
  const once = isChange
    ? '; with the same Idempotency-Key the change is made once, also when it was made already'
    : '';
  return new ControlError('unavailable', `${what}${once}.`, { headers: { 'retry-after': '5' } });
}

export function problemOf(
  error: unknown,
  { id: request_id, method }: Pick<FastifyRequest, 'id' | 'method'>,
): { problem: Problem; headers: Record<string, string>; expected: boolean } {
  const known =
    asControlError(error) ?? (isDatabaseAway(error) ? databaseAway(error, method !== 'GET') : null);
  const shown =
    known ??
    new ControlError(
      'internal',
      'Something failed inside the control plane; it is in the log under this request id.',
    );
  const { code, message: detail, details, errors, headers } = shown;
  return {
    problem: {
      type: `/admin/docs/problems#${code}`,
      title: PROBLEMS[code].title,
      status: shown.status,
      detail,
      code,
      request_id,
      ...(errors && { errors }),
      ...(details !== undefined && { details }),
    },
    headers,
    expected: known !== null && shown.status < 500,
  };
}

export function registerProblemHandler(app: FastifyInstance): void {
  app.setErrorHandler((error, request: FastifyRequest, reply: FastifyReply) => {
    const { problem, headers, expected } = problemOf(error, request);
    const about = { request_id: request.id, trace_id: request.context?.trace_id };
    // Every request meets a database that is away: where each of them was does not help.
    if (problem.code === 'unavailable')
      request.log.warn({ ...about, error: String(error) }, 'the database is away');
    else if (!expected) request.log.error({ ...about, err: error }, problem.title);
    const oauth = request.routeOptions.config?.oauth === true;
    return reply
      .code(problem.status)
      .headers(headers)
      .type(oauth ? 'application/json' : 'application/problem+json')
      .serializer(JSON.stringify)
      .send(oauth ? asOAuthError(problem) : problem);
  });
}
