/** The session cookie. `__Host-` binds it to this host, the root path and secure transport (browsers count localhost as secure). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import '@fastify/cookie';

export const SESSION_COOKIE = '__Host-control_session';
const ATTRIBUTES = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const;

export const readSessionCookie = (request: FastifyRequest): string | undefined =>
  request.cookies[SESSION_COOKIE];

/** Sets the cookie, or clears it with null. It lives as long as the browser; the session's own end is kept by the server. */
export function writeSessionCookie(reply: FastifyReply, token: string | null): void {
  if (token === null) reply.clearCookie(SESSION_COOKIE, ATTRIBUTES);
  else reply.setCookie(SESSION_COOKIE, token, ATTRIBUTES);
}
