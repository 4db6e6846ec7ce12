/** An OpenID Connect provider by openid-client, which checks signature, issuer, audience, times, state, nonce and PKCE. */
import * as client from 'openid-client';
import {
  IdentityProviderError,
  type IdentityProvider,
  type OidcChecks,
  type ProvenIdentity,
} from '#server/iam/identity-provider.ts';

export interface OidcOptions {
  provider_id: string;
  title: string;
  issuer: string;
  client_id: string;
  /** Null: a public client, which PKCE alone protects. */
  secret: string | null;
  scopes: readonly string[];
  link_verified_email: boolean;
}

const TIMEOUT_S = 10;
/** Its keys and addresses are read again after this. */
const DISCOVERY_LIFE_MS = 3_600_000;

export function openOidcProvider(options: OidcOptions): IdentityProvider {
  const { provider_id, title, issuer, client_id, secret, scopes, link_verified_email } = options;
  let known: { configuration: Promise<client.Configuration>; until: number } | null = null;
  const discover = (): Promise<client.Configuration> => {
    if (known && known.until > Date.now()) return known.configuration;
    const configuration = client.discovery(
      new URL(issuer),
      client_id,
      secret ?? undefined,
      secret === null ? client.None() : undefined,
      // `control.yaml` takes http for providers on this host only.
      // oxlint-disable-next-line typescript/no-deprecated -- marked so to stand out; it is meant
      { timeout: TIMEOUT_S, ...(issuer.startsWith('http:') && { execute: [client.allowInsecureRequests] }) },
    );
    known = { configuration, until: Date.now() + DISCOVERY_LIFE_MS };
    configuration.catch(() => (known = null));
    return configuration;
  };

  return {
    provider_id,
    title,
    issuer,
    link_verified_email,
    authorizationUrl: (redirect_uri, { state, nonce, code_verifier }) =>
      speaking(title, async () => {
        const url = client.buildAuthorizationUrl(await discover(), {
          redirect_uri,
          scope: ['openid', ...scopes].join(' '),
          state,
          nonce,
          code_challenge: await client.calculatePKCECodeChallenge(code_verifier),
          code_challenge_method: 'S256',
        });
        return url.href;
      }),
    identify: (returnedTo, checks) =>
      speaking(title, async () => identify(await discover(), returnedTo, checks)),
  };
}

async function identify(
  configuration: client.Configuration,
  returnedTo: URL,
  { state, nonce, code_verifier }: OidcChecks,
): Promise<ProvenIdentity> {
  const tokens = await client.authorizationCodeGrant(configuration, returnedTo, {
    pkceCodeVerifier: code_verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  if (!claims) throw new IdentityProviderError('refused', 'the provider sent no ID token');
  const told =
    claims.email === undefined
      ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub)
      : claims;
  return {
    issuer: claims.iss,
    subject: claims.sub,
    email: typeof told.email === 'string' ? told.email : null,
    email_verified: told.email_verified === true,
  };
}

async function speaking<T>(title: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof IdentityProviderError) throw error;
    if (error instanceof client.AuthorizationResponseError)
      throw new IdentityProviderError(
        'refused',
        `${title} refused: ${error.error_description ?? error.error}`,
        {
          cause: error,
        },
      );
    if (error instanceof client.ResponseBodyError)
      throw new IdentityProviderError(
        'refused',
        `${title} refused: ${error.error_description ?? error.error}`,
        {
          cause: error,
        },
      );
    if (error instanceof client.ClientError)
      throw new IdentityProviderError(
        'refused',
        `what ${title} said does not hold (${error.code ?? error.message})`,
        {
          cause: error,
        },
      );
    throw new IdentityProviderError('away', `${title} does not answer`, { cause: error });
  }
}
