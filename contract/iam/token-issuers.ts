/** Bearer JWTs of issuers that `control.yaml` names: who issues, which identities there are whose here, and their sessions' end (design 1). */
import { Type, type Static } from 'typebox';
import { Mutated, Nullable, OneOf, Reason, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { body, userParams } from './fields.ts';

/** Signatures that an issuer may be configured with (RFC 7518 3.1, RFC 8037): asymmetric ones alone, so that no key that is public can sign. */
export const TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

const IssuerId = Type.String({ minLength: 1, maxLength: 31 });
/** RFC 7519 4.1.2 bounds nothing; 255 is what OpenID Connect Core 2 gives `sub`. */
const Subject = Type.String({ minLength: 1, maxLength: 255 });

export const TokenIssuer = Type.Object({
  issuer_id: Type.String(),
  title: Type.String(),
  issuer: Type.String({ description: '`iss`, compared character by character' }),
  audience: Type.String({ description: 'What `aud` has to hold' }),
  algorithms: Type.Array(OneOf(TOKEN_ALGORITHMS)),
  clock_skew_s: Type.Integer({ description: 'Seconds that clocks may differ by' }),
  jwks_url: Type.String(),
  environment: Nullable(
    Type.String({ description: 'Its Gateways issue the tokens: a session that ended there is refused here' }),
  ),
  keys: Type.Array(
    Type.Object({
      kid: Nullable(Type.String()),
      kty: Type.String(),
      alg: Nullable(Type.String()),
      first_seen_at: Timestamp,
    }),
    { description: 'As this replica knows them now' },
  ),
  read_at: Nullable(Timestamp),
  last_failure: Nullable(Type.Object({ at: Timestamp, detail: Type.String() })),
});
export type TokenIssuer = Static<typeof TokenIssuer>;

export const UserIdentity = Type.Object({
  identity_id: Uuid,
  provider_id: Type.String({
    description: 'The identity provider or the token issuer that it was linked through',
  }),
  issuer: Type.String(),
  subject: Type.String(),
  email: Nullable(Type.String()),
  created_at: Timestamp,
  last_used_at: Nullable(Timestamp),
});
export type UserIdentity = Static<typeof UserIdentity>;

export const listTokenIssuers = endpoint({
  id: 'iam.token_issuers.list',
  method: 'GET',
  path: '/admin/v1/iam/token-issuers',
  summary: 'Issuers whose tokens are accepted, with the age of their keys and the last failure to read them',
  permission: 'iam.users.read',
  scope: 'none',
  step_up: 'none',
  response: Type.Object({ items: Type.Array(TokenIssuer) }),
  status: 200,
});
export const listUserIdentities = endpoint({
  id: 'iam.users.identities.list',
  method: 'GET',
  path: '/admin/v1/iam/users/:user_id/identities',
  summary: 'Accounts elsewhere that are linked to a user',
  permission: 'iam.users.read',
  scope: 'none',
  step_up: 'none',
  params: userParams,
  response: Type.Object({ items: Type.Array(UserIdentity) }),
  status: 200,
  problems: ['not_found'],
});
export const linkUserIdentity = endpoint({
  id: 'iam.users.identities.link',
  method: 'POST',
  path: '/admin/v1/iam/users/:user_id/identities',
  summary: 'Link an account at a token issuer to a user: its tokens then act as this user',
  permission: 'iam.users.update',
  scope: 'none',
  step_up: 'recent',
  params: userParams,
  body: body({ issuer_id: IssuerId, subject: Subject, reason: Reason }),
  response: Mutated({ identity: UserIdentity }),
  status: 201,
  problems: ['not_found', 'already_exists', 'action_not_allowed', 'permission_denied'],
});
export const revokeTokenSession = endpoint({
  id: 'iam.token_sessions.revoke',
  method: 'POST',
  path: '/admin/v1/iam/token-sessions/revoke',
  summary: 'Refuse all tokens of a session at a token issuer from the next request on',
  permission: 'iam.sessions.revoke',
  scope: 'none',
  step_up: 'none',
  body: body({
    issuer_id: IssuerId,
    session_id: Type.String({ minLength: 1, maxLength: 255, description: '`sid` of the tokens' }),
    reason: Reason,
  }),
  response: Mutated({}),
  status: 200,
  problems: ['not_found'],
});
