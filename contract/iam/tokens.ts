/** API tokens: what automation calls with. */
import { Type, type Static } from 'typebox';
import {
  Environment,
  listQuery,
  Mutated,
  Nullable,
  OneOf,
  Page,
  Reason,
  Slug,
  Timestamp,
  Uuid,
} from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { scopeFields, PermissionPattern, body } from './fields.ts';
import { USER_KINDS } from './users.ts';

/** `retiring`: it was rotated; its successor and itself work until the overlap has passed. */
export const TOKEN_STATES = ['active', 'retiring', 'expired', 'revoked'] as const;
export type TokenState = (typeof TOKEN_STATES)[number];

/** Which state allows which action. The server's guard and the UI's disabled reason read this table. */
export const TOKEN_ACTIONS = {
  rotate: ['active'],
  revoke: ['active', 'retiring'],
} as const satisfies Record<string, readonly TokenState[]>;

export const TOKEN_LIFE_DAYS = 365;
/** The longest that a rotated token goes on beside its successor: a week, to find everything that uses it. */
export const TOKEN_OVERLAP_HOURS = 7 * 24;

const link = { token_id: Uuid, prefix: Type.String() };
export const ApiToken = Type.Object({
  token_id: Uuid,
  user_id: Uuid,
  user_email: Type.String(),
  user_kind: OneOf(USER_KINDS),
  name: Type.String(),
  prefix: Type.String({ description: 'First characters, to recognise it by' }),
  permissions: Type.Array(Type.String()),
  ...scopeFields,
  state: OneOf(TOKEN_STATES),
  created_by: Nullable(Type.String()),
  created_at: Timestamp,
  expires_at: Timestamp,
  last_used_at: Nullable(Timestamp),
  revoked_at: Nullable(Timestamp),
  rotated_from: Nullable(Type.Object(link, { description: 'The token whose place it took' })),
  rotated_to: Nullable(Type.Object(link, { description: 'The token that took its place' })),
});
export type ApiToken = Static<typeof ApiToken>;

const ExpiresInDays = Type.Integer({ minimum: 1, maximum: TOKEN_LIFE_DAYS });
/** What a token is made of. */
export const newTokenFields = {
  name: Type.String({ minLength: 1, maxLength: 100 }),
  permissions: Type.Array(PermissionPattern, { minItems: 1, maxItems: 50, uniqueItems: true }),
  tenant_id: Type.Optional(Nullable(Slug)),
  environment: Type.Optional(Nullable(Environment)),
  expires_in_days: ExpiresInDays,
  reason: Type.Optional(Reason),
};
const Value = Nullable(
  Type.String({
    description:
      'Shown in the first answer only; a replay of the request answers null. Leak scanners find one by `clc_[A-Za-z0-9_-]{49}`.',
  }),
);
export const CreatedToken = Mutated({ token: ApiToken, value: Value });
export type CreatedToken = Static<typeof CreatedToken>;

export const listTokens = endpoint({
  id: 'iam.tokens.list',
  method: 'GET',
  path: '/admin/v1/iam/tokens',
  summary: 'List API tokens; their values are never shown again',
  permission: 'iam.tokens.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['created_at', 'expires_at'], {
    user_id: Type.Optional(Uuid),
    q: Type.Optional(Type.String({ maxLength: 100, description: 'Part of the name or of whom it acts as' })),
    state: Type.Optional(OneOf(TOKEN_STATES)),
  }),
  response: Page(ApiToken),
  status: 200,
});
export const createToken = endpoint({
  id: 'iam.tokens.create',
  method: 'POST',
  path: '/admin/v1/iam/tokens',
  summary: 'Create an API token for automation; its value is shown once',
  description:
    'Acts as you, narrowed to `permissions` and, if given, to a tenant or environment. It never does more than you may at the time of the call.',
  permission: 'iam.tokens.create',
  scope: 'none',
  step_up: 'recent',
  body: body(newTokenFields),
  response: CreatedToken,
  status: 201,
  problems: ['permission_denied', 'unprocessable'],
});
export const revokeToken = endpoint({
  id: 'iam.tokens.revoke',
  method: 'POST',
  path: '/admin/v1/iam/tokens/:token_id/revoke',
  summary: 'Revoke an API token; its next request is refused',
  permission: 'iam.tokens.revoke',
  scope: 'none',
  step_up: 'none',
  params: Type.Object({ token_id: Uuid }),
  body: body({ reason: Reason }),
  response: Mutated({ token: ApiToken }),
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});
export const rotateToken = endpoint({
  id: 'iam.tokens.rotate',
  method: 'POST',
  path: '/admin/v1/iam/tokens/:token_id/rotate',
  summary: 'Put a new API token in the place of one, which goes on for a while; the new value is shown once',
  description:
    'One of your own, or of a service account if you may create tokens for it and hold what the token may do for as long as the new one lasts.',
  permission: 'iam.tokens.rotate',
  scope: 'none',
  step_up: 'recent',
  params: Type.Object({ token_id: Uuid }),
  body: body({
    expires_in_days: ExpiresInDays,
    overlap_hours: Type.Integer({
      minimum: 0,
      maximum: TOKEN_OVERLAP_HOURS,
      description: 'How long the old token goes on, within its own life; 0 ends it at once',
    }),
    reason: Type.Optional(Reason),
  }),
  response: Mutated({ token: ApiToken, replaced: ApiToken, value: Value }),
  status: 201,
  problems: ['not_found', 'permission_denied', 'action_not_allowed'],
});
