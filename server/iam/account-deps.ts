/** What the services of accounts need of their surroundings; `control-plane.ts` brings it. */
import type { CredentialDeps } from './credential-service.ts';
import type { SecretBox } from './secret-box.ts';

export interface SignInSettings {
  /** Origin of this control plane as browsers see it: in links of mails, and what passkeys are bound to. */
  publicUrl: string;
  /** Null: no key is configured, so nothing can be kept that has to be read again. */
  box: SecretBox | null;
}

export type AccountDeps = CredentialDeps & SignInSettings;
