/** What the services of accounts need of their surroundings; `control-plane.ts` brings it. */
import type { CredentialDeps } from './credential-service.ts';
import type { BreakGlassSettings } from './impersonation-rules.ts';
import type { IdentityProvider } from './identity-provider.ts';
import type { Mailer } from './mailer.ts';
import type { SecretBox } from './secret-box.ts';
import type { TokenVerifier } from './token-verifier.ts';

export interface SignInSettings {
  /** Origin of this control plane as browsers see it: in links of mails, and what passkeys are bound to. */
  publicUrl: string;
  /** Null: no key is configured, so nothing can be kept that has to be read again. */
  box: SecretBox | null;
  mailer: Mailer;
  /** How long somebody acts as another user, and until when that is reviewed. */
  breakGlass: BreakGlassSettings;
  providers: readonly IdentityProvider[];
  /** Whose bearer JWTs are taken; null: no issuer is configured. */
  tokenVerifier: TokenVerifier | null;
  /** Told of what failed after its request was answered. */
  onBackgroundError: (error: unknown) => void;
}

export type AccountDeps = CredentialDeps & SignInSettings;
