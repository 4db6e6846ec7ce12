/** How the pipeline learns who calls; implemented by the iam domain. */
import type { CallContext, Principal } from './call-context.ts';

export type AuthenticationResult =
  | { principal: Principal }
  /** `unproven`: a token that proves nobody; RFC 6750 calls it invalid. */
  | { rejected: 'unknown' | 'unproven' | 'expired' | 'revoked' | 'user_not_active'; detail: string };

export interface Authenticator {
  /** Whose session this cookie value is. */
  session(token: string): Promise<AuthenticationResult>;
  /** Who acts as whom by this cookie value, beside the actor's own session. */
  acting(token: string, own: string): Promise<AuthenticationResult>;
  /** Whose bearer value this is; its shape says what it is. */
  bearer(token: string): Promise<AuthenticationResult>;
  /** Uses up a step-up proof; true when it was made for this session and this request and had not been used. */
  provesBound(context: CallContext, proof: string, request_hash: string): Promise<boolean>;
}
