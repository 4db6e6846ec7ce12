/** What `control.yaml` and the environment say of signing in: this server's address, mail, identity providers, token issuers, the key of kept secrets. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Type, type Static } from 'typebox';
import { Environment, OneOf } from '#contract/common.ts';
import { TOKEN_ALGORITHMS } from '#contract/iam.ts';
import {
  BREAK_GLASS_DEFAULTS,
  MOST_MINUTES,
  MOST_REVIEW_DAYS,
  type BreakGlassSettings,
} from '#server/iam/impersonation-rules.ts';
import { readSecretKeys } from '#server/iam/secret-box.ts';

const strict = { additionalProperties: false };
const Name = Type.String({ minLength: 1 });

export const PublicUrl = Type.String({
  pattern: '^https?://[^/?#@]+$',
  description: 'Origin of this control plane as browsers see it, without a path',
});

export const MailConfiguration = Type.Object(
  {
    from: Type.String({
      pattern: '@',
      description: 'Sender: control@example.com, or Control <control@example.com>',
    }),
    host: Name,
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: '587 when left out' })),
    security: Type.Optional(
      OneOf(['starttls', 'tls', 'none'], {
        description: '`starttls` (default) refuses a server without it; `none` is for a relay on this host',
      }),
    ),
    user: Type.Optional(Name),
  },
  { ...strict, description: 'SMTP server; its password is CONTROL_SMTP_PASSWORD' },
);
export type MailConfiguration = Static<typeof MailConfiguration>;

const ProviderConfiguration = Type.Object(
  {
    provider_id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$' }),
    title: Type.String({ minLength: 1, maxLength: 60, description: 'On the button of the sign-in page' }),
    issuer: Type.String({ pattern: '^https?://', description: 'https, unless on this host' }),
    client_id: Name,
    scopes: Type.Optional(
      Type.Array(Name, { description: 'Beside openid; email and profile when left out' }),
    ),
    link_verified_email: Type.Optional(
      Type.Boolean({
        description:
          'Who comes for the first time is taken for the active user of the same email, where the provider says that it verified it',
      }),
    ),
  },
  { ...strict, description: 'OpenID Connect; the secret is CONTROL_OIDC_<PROVIDER_ID>_SECRET' },
);
export type ProviderConfiguration = Static<typeof ProviderConfiguration>;

export const SignInSection = Type.Object(
  { providers: Type.Optional(Type.Array(ProviderConfiguration)) },
  strict,
);

const TokenIssuerConfiguration = Type.Object(
  {
    issuer_id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$' }),
    title: Type.String({ minLength: 1, maxLength: 60, description: 'Names the issuer in the audit log' }),
    issuer: Type.String({
      minLength: 1,
      maxLength: 255,
      description: '`iss` of its tokens, to the character: a slash at the end counts',
    }),
    audience: Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'Has to be in `aud`: this control plane',
    }),
    jwks_url: Type.String({ pattern: '^https?://[^/?#@]+/', description: 'https, unless on this host' }),
    algorithms: Type.Array(OneOf(TOKEN_ALGORITHMS), { minItems: 1, uniqueItems: true }),
    clock_skew_s: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 300, description: 'How much clocks may differ; 30 when left out' }),
    ),
    environment: Type.Optional(Environment),
  },
  { ...strict, description: 'Whose bearer JWTs (RFC 9068, `typ` at+jwt) are accepted' },
);
export const TokenIssuersSection = Type.Array(TokenIssuerConfiguration, { maxItems: 20 });

const CLOCK_SKEW_S = 30;
type TokenIssuerSettings = Omit<Static<typeof TokenIssuerConfiguration>, 'environment'> & {
  clock_skew_s: number;
  environment: string | null;
};

export interface SignInConfiguration {
  /** Null: the address that this process listens on. */
  publicUrl: string | null;
  /** The first one seals. Null: there is none, so authenticator apps cannot be enrolled. */
  secretKeys: Buffer[] | null;
  mail: (MailConfiguration & { password: string | null }) | null;
  providers: (ProviderConfiguration & { secret: string | null })[];
  breakGlass: BreakGlassSettings;
  tokenIssuers: TokenIssuerSettings[];
}

export const BreakGlassSection = Type.Object(
  {
    minutes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MOST_MINUTES,
        description: 'How long somebody may act as another user; 30 when left out',
      }),
    ),
    review_days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MOST_REVIEW_DAYS,
        description: 'Within how many days somebody else has to review it; 3 when left out',
      }),
    ),
  },
  { ...strict, description: 'Acting as another user' },
);

interface SignInFile {
  http?: { public_url?: string };
  mail?: MailConfiguration;
  sign_in?: Static<typeof SignInSection>;
  break_glass?: Static<typeof BreakGlassSection>;
  token_issuers?: Static<typeof TokenIssuersSection>;
}

const secretVariable = (provider_id: string) =>
  `CONTROL_OIDC_${provider_id.toUpperCase().replaceAll('-', '_')}_SECRET`;

const isLocal = (address: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(URL.canParse(address) ? new URL(address).hostname : '');

/** What is wrong beyond the schema, each with its path. */
export function signInProblems({ http, mail, sign_in, token_issuers = [] }: SignInFile): string[] {
  const problems: string[] = [];
  const providers = sign_in?.providers ?? [];
  const ids = providers.map(({ provider_id }) => provider_id);
  providers.forEach(({ provider_id, issuer }, index) => {
    if (ids.indexOf(provider_id) < index)
      problems.push(`/sign_in/providers/${index}/provider_id ${provider_id} stands there twice`);
    if (issuer.startsWith('http:') && !isLocal(issuer))
      problems.push(`/sign_in/providers/${index}/issuer must be https, or on this host`);
  });
  token_issuers.forEach(({ issuer_id, issuer, jwks_url }, index) => {
    const first = token_issuers.findIndex((one) => one.issuer_id === issuer_id || one.issuer === issuer);
    if (first < index)
      problems.push(`/token_issuers/${index} has the issuer_id or the issuer of /token_issuers/${first}`);
    if (!URL.canParse(jwks_url)) problems.push(`/token_issuers/${index}/jwks_url is no address`);
    else if (jwks_url.startsWith('http:') && !isLocal(jwks_url))
      problems.push(`/token_issuers/${index}/jwks_url must be https, or on this host`);
  });
  if (http?.public_url === undefined) {
    if (mail) problems.push('/http/public_url is required where there is mail: links lead there');
    if (providers.length > 0)
      problems.push(
        '/http/public_url is required where there are identity providers: they send people back there',
      );
  }
  return problems;
}

/** Reads what is secret by `secret`, which answers a variable's value or that of the file it names. Throws a sentence. */
export function readSignInConfiguration(
  { http, mail, sign_in, break_glass, token_issuers = [] }: SignInFile,
  secret: (name: string) => string | undefined,
): SignInConfiguration {
  const keys = secret('CONTROL_SECRET_KEY');
  return {
    publicUrl: http?.public_url ?? null,
    secretKeys: keys === undefined ? null : readSecretKeys(keys),
    mail: mail === undefined ? null : { ...mail, password: secret('CONTROL_SMTP_PASSWORD') ?? null },
    providers: (sign_in?.providers ?? []).map((provider) => ({
      ...provider,
      secret: secret(secretVariable(provider.provider_id)) ?? null,
    })),
    breakGlass: { ...BREAK_GLASS_DEFAULTS, ...break_glass },
    tokenIssuers: token_issuers.map((issuer) => ({
      ...issuer,
      clock_skew_s: issuer.clock_skew_s ?? CLOCK_SKEW_S,
      environment: issuer.environment ?? null,
    })),
  };
}

/** The key of an installation that keeps its own: made once, readable by its user alone. */
export function keepSecretKey(dataDir: string): Buffer[] {
  const file = path.join(dataDir, 'secret.key');
  try {
    writeFileSync(file, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readSecretKeys(readFileSync(file, 'utf8').trim());
}
