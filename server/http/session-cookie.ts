/** The session cookie. `__Host-` binds it to this host, the root path and secure transport (browsers count localhost as secure). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import '@fastify/cookie';

export const SESSION_COOKIE = '__Host-control_session';
/** Beside the session's: of who acts as another user. It counts only together with the session's. */
export const ACTING_COOKIE = '__Host-control_acting';
const ATTRIBUTES = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const;

export const readSessionCookie = (request: FastifyRequest): string | undefined =>
  request.cookies[SESSION_COOKIE];

export const readActingCookie = (request: FastifyRequest): string | undefined =>
  request.cookies[ACTING_COOKIE];

/** A `set-cookie` that takes the acting cookie back, for an answer that is an error. */
export const CLEARED_ACTING_COOKIE = `${ACTING_COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict`;

/** Sets the cookie, or clears it with null. It lives as long as the browser; the session's own end is kept by the server. */
export const writeSessionCookie = (reply: FastifyReply, token: string | null): void =>
  write(reply, SESSION_COOKIE, token);

/** The same for the cookie of who acts as another user. */
export const writeActingCookie = (reply: FastifyReply, token: string | null): void =>
  write(reply, ACTING_COOKIE, token);

function write(reply: FastifyReply, name: string, token: string | null): void {
  if (token === null) reply.clearCookie(name, ATTRIBUTES);
  else reply.setCookie(name, token, ATTRIBUTES);
}
