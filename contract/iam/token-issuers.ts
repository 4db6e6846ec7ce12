/** Bearer JWTs of issuers that `control.yaml` names: who issues, which identities there are whose here, and their sessions' end (design 1). */
import { Type, type Static } from 'typebox';
import { Mutated, Nullable, OneOf, Reason, Timestamp } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { body, userParams } from './fields.ts';
import { LinkedIdentity } from './my-account.ts';

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

/**
 * How reading the keys goes. `unread`: no token has asked for them of late, and none need be read. `ageing`: the last reading failed, and the
 * known keys serve until `keys_until`. `missing`: it failed, and none serve, so every token of the issuer is refused.
 */
export const ISSUER_KEY_STATES = ['unread', 'current', 'ageing', 'missing'] as const;
export type IssuerKeyState = (typeof ISSUER_KEY_STATES)[number];

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
  keys_state: OneOf(ISSUER_KEY_STATES),
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
  keys_until: Nullable({
    ...Timestamp,
    description: 'How long these keys serve if they cannot be read again',
  }),
  last_failure: Nullable(Type.Object({ at: Timestamp, detail: Type.String() })),
  linked_accounts: Type.Integer({ description: 'Its accounts that act as somebody here' }),
  last_used_at: Nullable({ ...Timestamp, description: 'When one of them last did, exact to a minute' }),
});
export type TokenIssuer = Static<typeof TokenIssuer>;

export const listTokenIssuers = endpoint({
  id: 'iam.token_issuers.list',
  method: 'GET',
  path: '/admin/v1/iam/token-issuers',
  summary: 'Issuers whose tokens are accepted: how reading their keys goes, and when they were last used',
  permission: 'iam.users.read',
  scope: 'none',
  step_up: 'none',
  response: Type.Object({ items: Type.Array(TokenIssuer) }),
  status: 200,
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
  response: Mutated({ identity: LinkedIdentity }),
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
