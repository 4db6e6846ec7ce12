/**
 * Port: who vouches for bearer JWTs (RFC 9068) of configured issuers. The adapter proves a token; what its bearer may do here is never
 * read from it.
 */
import type { TokenIssuer } from '#contract/iam.ts';

/** An issuer as it is configured, and how reading its keys goes. */
export type ConfiguredIssuer = Omit<TokenIssuer, 'linked_accounts' | 'last_used_at'>;

/** What a token proves once its signature, issuer, audience, type and times hold. */
export interface ProvenToken {
  issuer_id: string;
  issuer_title: string;
  issuer: string;
  /** Whose Gateways issue these tokens; null for any other issuer. */
  environment: string | null;
  subject: string;
  /** The session at the issuer, by which the token can be revoked here before it expires. */
  session_id: string;
  /** When the person last proved who they are (`auth_time`), as an ISO instant; null where the issuer does not say. */
  authenticated_at: string | null;
}

export interface TokenVerifier {
  issuers(): ConfiguredIssuer[];
  /** Throws TokenRefused. Reads keys over the network only where a configured issuer is named and its known keys do not serve. */
  verify(token: string): Promise<ProvenToken>;
}

/**
 * Why a token is not taken. `expired`: it held until its `exp`. `unproven`: anything else; `cause_code` says what to the log, and the
 * caller is not told, so that nobody can feel their way along the checks.
 */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
  readonly kind: 'expired' | 'unproven';
  readonly cause_code: string;
  constructor(kind: 'expired' | 'unproven', cause_code: string, options?: ErrorOptions) {
    super(`The token is refused: ${cause_code}.`, options);
    this.kind = kind;
    this.cause_code = cause_code;
  }
}
