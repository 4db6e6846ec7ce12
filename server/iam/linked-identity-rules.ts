/** Pure: what an account elsewhere that is linked to a user does here, by what is configured now. */
import type { LinkedIdentity } from '#contract/iam.ts';
import type { IdentityProvider } from './identity-provider.ts';
import type { ConfiguredIssuer } from './token-verifier.ts';

/** Who may speak for accounts elsewhere. */
export interface IdentitySources {
  providers: readonly Pick<IdentityProvider, 'provider_id' | 'title' | 'issuer'>[];
  issuers: readonly Pick<ConfiguredIssuer, 'issuer_id' | 'title' | 'issuer'>[];
}

/** The columns that the contract shows. */
export const IDENTITY_COLUMNS = [
  'identity_id',
  'provider_id',
  'issuer',
  'subject',
  'email',
  'created_at',
  'last_used_at',
] as const;
type IdentityRow = Pick<LinkedIdentity, (typeof IDENTITY_COLUMNS)[number]>;

export function describeIdentity(row: IdentityRow, { providers, issuers }: IdentitySources): LinkedIdentity {
  const signsIn = providers.filter(({ issuer }) => sameAddress(issuer, row.issuer));
  // `iss` of a bearer token is compared character by character.
  const speaks = issuers.filter(({ issuer }) => issuer === row.issuer);
  const [source] = [
    ...signsIn.filter(({ provider_id }) => provider_id === row.provider_id),
    ...speaks,
    ...signsIn,
  ];
  return {
    ...row,
    title: source?.title ?? null,
    opens: [
      ...(signsIn.length > 0 ? (['sign_in'] as const) : []),
      ...(speaks.length > 0 ? (['tokens'] as const) : []),
    ],
  };
}

/** A provider is configured by its address, with or without a slash at the end; discovery compares addresses, too. */
const sameAddress = (configured: string, issuer: string): boolean =>
  URL.canParse(configured) && URL.canParse(issuer) && new URL(configured).href === new URL(issuer).href;
