/** For tests: npm oidc-provider, a foreign OpenID Connect provider, with its own development sign-in page, which takes any name for the account. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
// @ts-expect-error: the package brings no types
import Provider from 'oidc-provider';

export const TEST_CLIENT = { client_id: 'control', secret: 'a client secret' };

/** The email of `name` is `name@example.com`, verified unless the name says otherwise. */
export async function startTestOidcProvider(redirect_uri: string) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const { client_id, secret } = TEST_CLIENT;
  const provider = new Provider(issuer, {
    clients: [{ client_id, client_secret: secret, redirect_uris: [redirect_uri] }],
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: !id.startsWith('unverified') }),
    }),
    cookies: { keys: ['a cookie key'] },
  });
  server.on('request', provider.callback());
  return {
    issuer,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
