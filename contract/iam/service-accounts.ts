/** Service accounts: users that no person signs in as. They have roles and API tokens, and nothing else to come in with (PRD 1.1). */
import { Type, type Static } from 'typebox';
import { listQuery, Mutated, Nullable, OneOf, Page, Reason, Slug, Timestamp, Uuid } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { body, scopeFields, userParams } from './fields.ts';
import { CreatedToken, newTokenFields } from './tokens.ts';

export const SERVICE_ACCOUNT_STATUSES = ['active', 'disabled', 'deleted'] as const;
export type ServiceAccountStatus = (typeof SERVICE_ACCOUNT_STATUSES)[number];

/** Which status allows which action, and what follows. The server's guard and the UI's disabled reason read this table. */
export const SERVICE_ACCOUNT_ACTIONS = {
  disable: { from: ['active'], to: 'disabled' },
  enable: { from: ['disabled'], to: 'active' },
  delete: { from: ['active', 'disabled'], to: 'deleted' },
} as const satisfies Record<string, { from: readonly ServiceAccountStatus[]; to: ServiceAccountStatus }>;
export type ServiceAccountAction = keyof typeof SERVICE_ACCOUNT_ACTIONS;

/** Which status allows what leaves the status as it is. */
export const SERVICE_ACCOUNT_UPKEEP = {
  edit: ['active', 'disabled'],
  create_token: ['active'],
} as const satisfies Record<string, readonly ServiceAccountStatus[]>;

/** What stands behind `@` in a label: no address of a person ends like that, for it has no dot. */
export const SERVICE_ACCOUNT_DOMAIN = 'service-account';

export const ServiceAccount = Type.Object({
  user_id: Uuid,
  email: Type.String({
    description: `Its label in lists and in the audit log, \`name@${SERVICE_ACCOUNT_DOMAIN}\`; no mail arrives there`,
  }),
  display_name: Type.String(),
  status: OneOf(SERVICE_ACCOUNT_STATUSES),
  revision: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
  roles: Type.Array(Type.Object({ role_id: Type.String(), ...scopeFields })),
  token_count: Type.Integer({ description: 'Tokens that work now' }),
  last_used_at: Nullable({ ...Timestamp, description: 'When one of its tokens was last used' }),
});
export type ServiceAccount = Static<typeof ServiceAccount>;

const DisplayName = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: '\\S',
  description: 'What it is for',
});
const onOne = { scope: 'none', params: userParams, status: 200 } as const;
const changed = Mutated({ service_account: ServiceAccount });

export const listServiceAccounts = endpoint({
  id: 'iam.service_accounts.list',
  method: 'GET',
  path: '/admin/v1/iam/service-accounts',
  summary: 'List service accounts',
  permission: 'iam.service_accounts.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['email', 'created_at'], {
    q: Type.Optional(Type.String({ maxLength: 100, description: 'Part of the label or name' })),
    status: Type.Optional(OneOf(SERVICE_ACCOUNT_STATUSES)),
  }),
  response: Page(ServiceAccount),
  status: 200,
});
export const createServiceAccount = endpoint({
  id: 'iam.service_accounts.create',
  method: 'POST',
  path: '/admin/v1/iam/service-accounts',
  summary: 'Create a service account, which may do nothing until it is given a role',
  permission: 'iam.service_accounts.create',
  scope: 'none',
  step_up: 'recent',
  body: body({ name: Slug, display_name: DisplayName, reason: Type.Optional(Reason) }),
  response: changed,
  status: 201,
  problems: ['already_exists'],
});
export const getServiceAccount = endpoint({
  ...onOne,
  id: 'iam.service_accounts.get',
  method: 'GET',
  path: '/admin/v1/iam/service-accounts/:user_id',
  summary: 'One service account',
  permission: 'iam.service_accounts.read',
  step_up: 'none',
  response: ServiceAccount,
  etag: 'sends',
  problems: ['not_found'],
});
export const updateServiceAccount = endpoint({
  ...onOne,
  id: 'iam.service_accounts.update',
  method: 'PATCH',
  path: '/admin/v1/iam/service-accounts/:user_id',
  summary: 'Change what a service account is called',
  permission: 'iam.service_accounts.update',
  step_up: 'recent',
  body: body({ display_name: DisplayName, reason: Type.Optional(Reason) }),
  response: changed,
  etag: 'requires',
  problems: ['not_found', 'action_not_allowed'],
});

const action = <const A extends ServiceAccountAction>(
  name: A,
  permission: 'iam.service_accounts.update' | 'iam.service_accounts.delete',
  summary: string,
) =>
  endpoint({
    ...onOne,
    id: `iam.service_accounts.${name}`,
    method: 'POST',
    path: `/admin/v1/iam/service-accounts/:user_id/${name}`,
    summary,
    permission,
    step_up: 'recent',
    body: body({ reason: Reason }),
    response: changed,
    problems: ['not_found', 'action_not_allowed'],
  });
export const disableServiceAccount = action(
  'disable',
  'iam.service_accounts.update',
  'Disable a service account: its tokens are refused from the next request on',
);
export const enableServiceAccount = action(
  'enable',
  'iam.service_accounts.update',
  'Enable a service account: tokens that have neither expired nor been revoked work again',
);
export const deleteServiceAccount = action(
  'delete',
  'iam.service_accounts.delete',
  'Delete a service account: a tombstone stays, so that the audit log stays readable; the name is free again',
);

export const createServiceAccountToken = endpoint({
  id: 'iam.service_accounts.create_token',
  method: 'POST',
  path: '/admin/v1/iam/service-accounts/:user_id/tokens',
  summary: 'Create an API token of a service account; its value is shown once',
  description:
    'Acts as the service account, narrowed to `permissions` and, if given, to a tenant or environment. Whoever makes it must hold all of that themselves for as long as the token lasts.',
  permission: 'iam.service_accounts.create_tokens',
  scope: 'none',
  step_up: 'recent',
  params: userParams,
  body: body(newTokenFields),
  response: CreatedToken,
  status: 201,
  problems: ['not_found', 'permission_denied', 'unprocessable', 'action_not_allowed'],
});
