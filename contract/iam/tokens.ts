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

export const TOKEN_STATES = ['active', 'expired', 'revoked'] as const;
export const ApiToken = Type.Object({
  token_id: Uuid,
  user_id: Uuid,
  user_email: Type.String(),
  name: Type.String(),
  prefix: Type.String({ description: 'First characters, to recognise it by' }),
  permissions: Type.Array(Type.String()),
  ...scopeFields,
  state: OneOf(TOKEN_STATES),
  created_at: Timestamp,
  expires_at: Timestamp,
  last_used_at: Nullable(Timestamp),
  revoked_at: Nullable(Timestamp),
});
export type ApiToken = Static<typeof ApiToken>;

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
  body: body({
    name: Type.String({ minLength: 1, maxLength: 100 }),
    permissions: Type.Array(PermissionPattern, { minItems: 1, maxItems: 50, uniqueItems: true }),
    tenant_id: Type.Optional(Nullable(Slug)),
    environment: Type.Optional(Nullable(Environment)),
    expires_in_days: Type.Integer({ minimum: 1, maximum: 365 }),
    reason: Type.Optional(Reason),
  }),
  response: Mutated({
    token: ApiToken,
    value: Nullable(
      Type.String({ description: 'Shown in the first answer only; a replay of the request answers null' }),
    ),
  }),
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
