import { exportJWK, generateKeyPair, jwtVerify, SignJWT, type CryptoKey, type JWK } from 'jose';
import { randomUUID } from 'node:crypto';
import type { NodeSession } from '#contract/node.ts';

const ALGORITHM = 'EdDSA';
const AUDIENCE = 'cloudlysis-platform';
const LIFE_S = 300;

/** Access tokens as the gateways of one environment sign and check them: JWTs (RFC 9068) by a key that lives as long as the process. */
export class GatewayTokens {
  readonly #issuer: string;
  readonly #keys: Promise<{ privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK }>;

  constructor(environment: string) {
    this.#issuer = `https://gateway.${environment}.simulated`;
    this.#keys = generateKeyPair(ALGORITHM).then(async ({ privateKey, publicKey }) => {
      const jwk = { ...(await exportJWK(publicKey)), kid: randomUUID(), alg: ALGORITHM, use: 'sig' };
      return { privateKey, publicKey, jwk };
    });
  }

  /** The public key, as `/.well-known/jwks.json` answers it. */
  async keys(): Promise<{ keys: JWK[] }> {
    return { keys: [(await this.#keys).jwk] };
  }

  async sign({
    session_id,
    tenant_id,
    user_id,
  }: NodeSession): Promise<{ access_token: string; expires_in: number }> {
    const { privateKey, jwk } = await this.#keys;
    const access_token = await new SignJWT({ sid: session_id, tenant_id })
      .setProtectedHeader({ alg: ALGORITHM, kid: jwk.kid ?? '', typ: 'at+jwt' })
      .setIssuer(this.#issuer)
      .setAudience(AUDIENCE)
      .setSubject(user_id)
      .setJti(randomUUID())
      .setIssuedAt()
      .setExpirationTime(`${LIFE_S}s`)
      .sign(privateKey);
    return { access_token, expires_in: LIFE_S };
  }

  /** The session that a token of ours names; undefined for any other. Whether that session still lives is for its keeper to say. */
  async sessionOf(access_token: string): Promise<string | undefined> {
    const { publicKey } = await this.#keys;
    const options = { issuer: this.#issuer, audience: AUDIENCE, algorithms: [ALGORITHM], typ: 'at+jwt' };
    const verified = await jwtVerify(access_token, publicKey, options).catch(() => null);
    const sid = verified?.payload['sid'];
    return typeof sid === 'string' ? sid : undefined;
  }
}
