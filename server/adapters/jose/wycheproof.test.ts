/** The JWS and JWK vectors of Wycheproof: their keys are published as an issuer's, and their signatures judged by what we verify tokens by. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { compactVerify, decodeProtectedHeader, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOKEN_ALGORITHMS } from '#contract/iam.ts';
import { TokenRefused } from '#server/iam/token-verifier.ts';
import { startTestTokenIssuer, type TestTokenIssuer } from '#tools/test-token-issuer.ts';
import { findWycheproof } from '#tools/wycheproof.mjs';
import { openTokenVerifier } from './jose-token-verifier.ts';
import { openJwksSource } from './jwks-source.ts';

type Keys = JWK | { keys: JWK[] };
interface VectorFile {
  testGroups: {
    public?: Keys;
    /** The only one of symmetric keys. */
    private: Keys;
    tests: { tcId: number; comment: string; jws: string; result: 'valid' | 'invalid' }[];
  }[];
}
interface Vector {
  name: string;
  keys: JWK[];
  jws: string;
  result: 'valid' | 'invalid';
}

const vectors = findWycheproof();
const vectorsOf = (file: string): Vector[] => {
  if (!('path' in vectors)) return [];
  const { testGroups } = JSON.parse(readFileSync(path.join(vectors.path, file), 'utf8')) as VectorFile;
  return testGroups.flatMap((group) => {
    const published = group.public ?? group.private;
    const keys = 'keys' in published ? published.keys : [published];
    return group.tests.map(({ tcId, comment, jws, result }) => ({
      name: `${tcId} ${comment}`,
      keys,
      jws,
      result,
    }));
  });
};

let issuer: TestTokenIssuer;
beforeAll(async () => {
  issuer = await startTestTokenIssuer();
});
afterAll(() => issuer.close());

/** In base64url without anything else, by an algorithm that issuers can be configured with and that its key is for (RFC 7517 4.4). */
function isForUs({ jws, keys }: Vector): boolean {
  if (!/^[\w.-]+$/.test(jws)) return false;
  const { alg, kid } = decodeProtectedHeader(jws);
  const key = keys.find((one) => one.kid === kid);
  return TOKEN_ALGORITHMS.some((allowed) => allowed === alg) && (key?.alg ?? alg) === alg;
}

async function judge({ jws, keys }: Vector): Promise<'accepted' | 'refused'> {
  issuer.publishOnly(keys);
  const source = openJwksSource(issuer.jwks_url);
  return compactVerify(jws, (header) => source.find(header), { algorithms: [...TOKEN_ALGORITHMS] }).then(
    () => 'accepted',
    () => 'refused',
  );
}

describe.skipIf(!('path' in vectors))('of Wycheproof', () => {
  describe.each([
    ['signature', 'json_web_signature_test.json', 300, 25],
    ['key', 'json_web_key_test.json', 20, 1],
  ])('the %s vector', (_kind, file, most, fewest) => {
    const all = vectorsOf(file);
    const good = all.filter((vector) => vector.result === 'valid' && isForUs(vector));
    const bad = all.filter((vector) => !good.includes(vector));

    it.each(bad)('$name is refused', async (vector) => {
      expect(await judge(vector)).toBe('refused');
    });
    it.each(good)('$name is accepted', async (vector) => {
      expect(await judge(vector)).toBe('accepted');
    });
    it('is one of many', () => {
      expect(bad.length).toBeGreaterThan(most);
      expect(good.length).toBeGreaterThanOrEqual(fewest);
    });
    it('is no token of an issuer, and refused as such', async () => {
      const verifier = openTokenVerifier([
        {
          issuer_id: 'gateway',
          title: 'Gateway',
          issuer: issuer.issuer,
          audience: 'https://control.example.com',
          jwks_url: issuer.jwks_url,
          algorithms: TOKEN_ALGORITHMS,
          clock_skew_s: 30,
          environment: null,
        },
      ]);
      for (const { jws } of all) await expect(verifier.verify(jws)).rejects.toBeInstanceOf(TokenRefused);
    });
  });
});
