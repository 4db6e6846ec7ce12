/** For tests: an issuer of bearer JWTs with real keys and a JWKS over HTTP, which can rotate its keys and fail. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

export const AUDIENCE = 'https://control.example.com';

interface IssuerKey {
  kid: string;
  alg: string;
  private: CryptoKey;
  public: JWK;
}

export async function makeKey(alg: string, kid: string = randomUUID()): Promise<IssuerKey> {
  const pair = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, private: pair.privateKey, public: { ...(await exportJWK(pair.publicKey)), kid, alg } };
}

export async function startTestTokenIssuer(alg = 'ES256') {
  let keys = [await makeKey(alg, 'first')];
  let calls = 0;
  let fault: ((response: ServerResponse) => void) | null = null;
  const server = createServer((_request, response) => {
    calls += 1;
    if (fault) return fault(response);
    response.setHeader('content-type', 'application/jwk-set+json');
    return response.end(JSON.stringify({ keys: keys.map((key) => key.public) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const newest = () => keys.at(-1) as IssuerKey;

  /** The claims of a token that is accepted, each of which may be replaced, or left out with undefined. */
  const claims = (changed: Record<string, unknown> = {}): JWTPayload => {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: origin,
      aud: AUDIENCE,
      sub: 'person-1',
      sid: 'session-1',
      iat: now,
      exp: now + 300,
      ...changed,
    };
  };

  return {
    issuer: origin,
    jwks_url: `${origin}/jwks.json`,
    key: newest,
    claims,
    calls: () => calls,
    /** Later signatures are by a new key; old ones stay published unless asked otherwise. */
    rotate: async (kid: string, keep = true) => {
      keys = [...(keep ? keys : []), await makeKey(alg, kid)];
    },
    publish: (...published: JWK[]) => {
      keys = [...keys, ...published.map((key) => ({ ...newest(), public: key }))];
    },
    /** The keys are these from now on, none of which this issuer signs by. */
    publishOnly: (published: readonly JWK[]) => {
      keys = published.map((key) => ({ ...newest(), public: key }));
    },
    fail: (how: typeof fault) => {
      fault = how;
    },
    sign: (
      changed: Record<string, unknown> = {},
      header: Record<string, unknown> = {},
      key = newest(),
    ): Promise<string> =>
      new SignJWT(claims(changed))
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
        .sign(key.private),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export type TestTokenIssuer = Awaited<ReturnType<typeof startTestTokenIssuer>>;
