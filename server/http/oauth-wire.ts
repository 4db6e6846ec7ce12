/** What endpoints of OAuth 2.0 do otherwise on the wire (RFC 6749 3.2 and 5.2): form-encoded bodies, and errors by `error`. */
import type { FastifyInstance } from 'fastify';
import type { Problem, ProblemCode } from '#contract/problem.ts';
import { ControlError } from './control-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The endpoint is one of OAuth 2.0. */
    oauth?: boolean;
  }
}

/** Codes that are errors of OAuth by the same name. */
const SAME_NAME: readonly ProblemCode[] = [
  'authorization_pending',
  'slow_down',
  'access_denied',
  'expired_token',
  'invalid_grant',
  'unsupported_grant_type',
];

/** A problem that a client of OAuth understands as well: our members stay, its two are added. */
export function asOAuthError(problem: Problem): Problem & { error: string; error_description: string } {
  const { code, detail, status } = problem;
  const same = SAME_NAME.find((known) => known === code);
  const other =
    status === 503 ? 'temporarily_unavailable' : status >= 500 ? 'server_error' : 'invalid_request';
  return { ...problem, error: same ?? other, error_description: detail };
}

/** Reads forms for endpoints of OAuth, and for no other: a form is what a foreign site can make a browser send. */
export function registerFormBodies(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (request: { routeOptions: { config: { oauth?: boolean } } }, body: string | Buffer) => {
      if (request.routeOptions.config.oauth !== true)
        throw new ControlError('unsupported_media_type', 'Bodies are taken as application/json only.');
      return Object.fromEntries(new URLSearchParams(String(body)));
    },
  );
}
