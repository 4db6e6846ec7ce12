/** Verifies bearer JWTs by jose: RFC 9068 with the advice of RFC 8725 (JSON Web Token Best Current Practices). */
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { TokenAlgorithm } from '#contract/iam.ts';
import {
  TokenRefused,
  type ConfiguredIssuer,
  type ProvenToken,
  type TokenVerifier,
} from '#server/iam/token-verifier.ts';
import { openJwksSource } from './jwks-source.ts';

export interface TokenIssuerSettings {
  issuer_id: string;
  title: string;
  issuer: string;
  audience: string;
  jwks_url: string;
  algorithms: readonly TokenAlgorithm[];
  /** Seconds that the issuer's clock may differ from ours. */
  clock_skew_s: number;
  /** Whose Gateways issue the tokens; null for any other issuer. */
  environment: string | null;
}

/** A header of 16 KiB is what Node takes; a token with room for anything sensible is a quarter of that. */
const MOST_CHARACTERS = 8 * 1024;
const MOST_ID_CHARACTERS = 255;
/** Whatever `exp` says. Also the reason why `iat` has to be there. */
const MOST_AGE_S = 24 * 3600;
/** RFC 8725 3.10: a token that brings its own key, or says where to fetch one, wants to be believed for its own sake. */
const KEY_HEADERS = ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'cty'] as const;
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export function openTokenVerifier(
  configured: readonly TokenIssuerSettings[],
  now: () => number = Date.now,
): TokenVerifier {
  const issuers = new Map(
    configured.map((settings) => [
      settings.issuer,
      { ...settings, source: openJwksSource(settings.jwks_url, now) },
    ]),
  );

  return {
    issuers: () =>
      [...issuers.values()].map(({ source, algorithms, ...settings }): ConfiguredIssuer => ({
        ...settings,
        algorithms: [...algorithms],
        ...source.state(),
      })),

    async verify(token) {
      const { iss } = readUnproven(token);
      const issuer = typeof iss === 'string' ? issuers.get(iss) : undefined;
      if (!issuer) throw new TokenRefused('unproven', 'unknown_issuer');
      try {
        const { payload } = await jwtVerify(token, (header) => issuer.source.find(header), {
          issuer: issuer.issuer,
          audience: issuer.audience,
          algorithms: [...issuer.algorithms],
          typ: 'at+jwt',
          requiredClaims: ['sub', 'exp', 'sid'],
          maxTokenAge: MOST_AGE_S,
          clockTolerance: issuer.clock_skew_s,
          currentDate: new Date(now()),
        });
        const { sub, sid, auth_time, exp } = payload;
        // JSON has numbers that are too large for a double.
        if (!Number.isFinite(exp)) throw new TokenRefused('unproven', 'claim_exp');
        return {
          issuer_id: issuer.issuer_id,
          issuer_title: issuer.title,
          issuer: issuer.issuer,
          environment: issuer.environment,
          subject: identifier('sub', sub),
          session_id: identifier('sid', sid),
          authenticated_at: instantOf(auth_time, now() + issuer.clock_skew_s * 1000),
        } satisfies ProvenToken;
      } catch (error) {
        throw refusalOf(error);
      }
    },
  };
}

/** What a token says of itself, before anything of it is believed: only good for choosing whom to ask about it. */
function readUnproven(token: string): { iss?: unknown } {
  if (token.length > MOST_CHARACTERS) throw new TokenRefused('unproven', 'too_long');
  if (!COMPACT.test(token)) throw new TokenRefused('unproven', 'malformed');
  try {
    const header = decodeProtectedHeader(token);
    if (KEY_HEADERS.some((name) => Object.hasOwn(header, name)))
      throw new TokenRefused('unproven', 'header_not_allowed');
    // Keys change: without an id the one that fits could only be guessed.
    if (typeof header.kid !== 'string' || header.kid === '')
      throw new TokenRefused('unproven', 'key_id_missing');
    return decodeJwt(token);
  } catch (error) {
    throw error instanceof TokenRefused ? error : new TokenRefused('unproven', 'malformed', { cause: error });
  }
}

function identifier(claim: 'sub' | 'sid', value: unknown): string {
  // PostgreSQL's text takes no NUL, and no id has control characters.
  if (typeof value !== 'string' || value === '' || value.length > MOST_ID_CHARACTERS || /\p{Cc}/u.test(value))
    throw new TokenRefused('unproven', `claim_${claim}`);
  return value;
}

/** RFC 9470: when the person last proved who they are. A time to come proves nothing. */
function instantOf(seconds: unknown, latest: number): string | null {
  if (seconds === undefined) return null;
  if (typeof seconds !== 'number' || !(seconds >= 0) || seconds * 1000 > latest)
    throw new TokenRefused('unproven', 'claim_auth_time');
  return new Date(seconds * 1000).toISOString();
}

function refusalOf(error: unknown): Error {
  if (error instanceof TokenRefused) return error;
  if (error instanceof errors.JWTExpired && error.claim === 'exp')
    return new TokenRefused('expired', 'expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return new TokenRefused('unproven', `claim_${error.claim}`, { cause: error });
  if (error instanceof errors.JOSEError) return new TokenRefused('unproven', error.code, { cause: error });
  // A key that cannot be imported and the like: the runtime's errors about what the issuer or the token brought.
  return new TokenRefused('unproven', 'unusable_key', { cause: error });
}
