/** Serves the built UI: hashed assets for ever, and one page for every address that is not the API's, with a nonce for its style tags. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import serveStatic from '@fastify/static';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readSessionCookie } from './session-cookie.ts';
import { unknownAddress } from './unknown-address.ts';

/** Only what the server itself sends runs or styles the page; the nonce is for the style tags that the components make. */
const contentSecurityPolicy = (nonce: string) =>
  `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;

/** Whether the page will be used as it is loaded: by somebody with a session, and not to sign in. */
const isSignedIn = (request: FastifyRequest): boolean =>
  readSessionCookie(request) !== undefined && !request.url.startsWith('/sign-in');

export async function registerAdminUi(app: FastifyInstance, folder: string): Promise<void> {
  const page = await readFile(path.join(folder, 'index.html'), 'utf8');
  // Whoever signs in first would be given, after that, what was answered before.
  const signInPage = page.replaceAll(/<link rel="preload" as="fetch"[^>]*>/g, '');
  await app.register(serveStatic, {
    root: folder,
    wildcard: false,
    index: false,
    preCompressed: true,
    // Everything under assets/ has its hash in its name.
    setHeaders: (reply, file) =>
      void reply.header(
        'cache-control',
        file.includes(`${path.sep}assets${path.sep}`) ? 'public, max-age=31536000, immutable' : 'no-cache',
      ),
  });
  app.setNotFoundHandler(async (request, reply) => {
    const isPage =
      request.method === 'GET' &&
      !request.url.startsWith('/admin/') &&
      !request.url.startsWith('/assets/') &&
      (request.headers.accept ?? '').includes('text/html');
    if (!isPage) throw unknownAddress(request.url);
    const nonce = randomBytes(16).toString('base64');
    return reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('content-security-policy', contentSecurityPolicy(nonce))
      .send((isSignedIn(request) ? page : signInPage).replaceAll('__CSP_NONCE__', nonce));
  });
}
