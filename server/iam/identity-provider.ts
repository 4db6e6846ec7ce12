/** Port: somebody else who says who a person is, by OpenID Connect (authorization code with PKCE). */
export interface OidcChecks {
  state: string;
  nonce: string;
  code_verifier: string;
}

export interface ProvenIdentity {
  issuer: string;
  subject: string;
  email: string | null;
  email_verified: boolean;
}

export interface IdentityProvider {
  readonly provider_id: string;
  readonly title: string;
  /** As it is configured. */
  readonly issuer: string;
  /** Who comes for the first time is taken for the active user of the same verified email. */
  readonly link_verified_email: boolean;
  /** Where to send the browser. Throws IdentityProviderError when the provider does not answer. */
  authorizationUrl(redirectUri: string, checks: OidcChecks): Promise<string>;
  /** Who came back, by the address that the browser came back to. Throws IdentityProviderError. */
  identify(returnedTo: URL, checks: OidcChecks): Promise<ProvenIdentity>;
}

/** `refused`: the provider or the person said no, or what came back does not hold. `away`: the provider did not answer. */
export class IdentityProviderError extends Error {
  override readonly name = 'IdentityProviderError';
  readonly kind: 'refused' | 'away';
  constructor(kind: 'refused' | 'away', message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
