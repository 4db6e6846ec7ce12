/** Opens what signing in needs: the box of kept secrets, mail, identity providers. Their clients are loaded only where they are used. */
import path from 'node:path';
import type { Logger } from 'pino';
import type { SignInSettings } from '#server/iam/account-deps.ts';
import type { IdentityProvider } from '#server/iam/identity-provider.ts';
import type { Mailer } from '#server/iam/mailer.ts';
import { createSecretBox } from '#server/iam/secret-box.ts';
import type { TokenVerifier } from '#server/iam/token-verifier.ts';
import { keepSecretKey, type SignInConfiguration } from './sign-in-configuration.ts';

const SMTP_PORT = 587;
/** Where there is neither a mail server nor a disk: links are shown and nothing else. */
const NO_MAIL: Mailer = { delivers: false, send: async () => ({ file: null }) };

/** `dataDir` is null where nothing is written to disk. */
export async function openSignIn(
  { publicUrl, secretKeys, mail, providers, breakGlass, tokenIssuers }: SignInConfiguration,
  { port, dataDir, logger }: { port: number; dataDir: string | null; logger: Logger },
): Promise<SignInSettings> {
  const keys = secretKeys ?? (dataDir === null ? null : keepSecretKey(dataDir));
  return {
    publicUrl: publicUrl ?? `http://localhost:${port}`,
    box: keys && createSecretBox(keys),
    breakGlass,
    mailer: await openMailer(mail, dataDir),
    providers: await openProviders(providers),
    tokenVerifier: await openIssuers(tokenIssuers),
    onBackgroundError: (error) => logger.error({ err: error }, 'a request for a password reset failed'),
  };
}

async function openMailer(mail: SignInConfiguration['mail'], dataDir: string | null): Promise<Mailer> {
  if (mail) {
    const { openSmtpMailer } = await import('#server/adapters/mail/smtp-mailer.ts');
    const { from, host, port = SMTP_PORT, security = 'starttls', user, password } = mail;
    const credentials = user === undefined ? null : { user, password: password ?? '' };
    return openSmtpMailer({ from, host, port, security, credentials });
  }
  if (dataDir === null) return NO_MAIL;
  const folder = path.join(dataDir, 'mail');
  return {
    delivers: false,
    send: async (message) => {
      const { openFileMailer } = await import('#server/adapters/mail/file-mailer.ts');
      return openFileMailer(folder).send(message);
    },
  };
}

async function openProviders(providers: SignInConfiguration['providers']): Promise<IdentityProvider[]> {
  if (providers.length === 0) return [];
  const { openOidcProvider } = await import('#server/adapters/oidc/oidc-provider.ts');
  return providers.map(({ scopes = ['email', 'profile'], link_verified_email = false, ...provider }) =>
    openOidcProvider({ ...provider, scopes, link_verified_email }),
  );
}

async function openIssuers(issuers: SignInConfiguration['tokenIssuers']): Promise<TokenVerifier | null> {
  if (issuers.length === 0) return null;
  const { openTokenVerifier } = await import('#server/adapters/jose/jose-token-verifier.ts');
  return openTokenVerifier(issuers);
}
