/** Roles: sets of permissions (PRD 1.3). */
import { Type, type Static } from 'typebox';
import { listQuery, Mutated, OneOf, Page, Reason, Slug, Timestamp } from '../common.ts';
import { endpoint } from '../endpoint.ts';
import { PermissionPattern, body } from './fields.ts';

export const Role = Type.Object({
  role_id: Slug,
  title: Type.String(),
  description: Type.String(),
  permissions: Type.Array(Type.String()),
  built_in: Type.Boolean(),
  assignment_count: Type.Integer(),
  revision: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Role = Static<typeof Role>;

const roleParams = Type.Object({ role_id: Slug });

export const listPermissions = endpoint({
  id: 'iam.permissions.list',
  method: 'GET',
  path: '/admin/v1/iam/permissions',
  summary: 'Every permission, and the endpoints that need it',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  response: Type.Object({
    items: Type.Array(
      Type.Object({
        permission: Type.String(),
        description: Type.String(),
        endpoints: Type.Array(Type.String()),
      }),
    ),
  }),
  status: 200,
});
/** How the permission gate judges an endpoint, as its descriptor says. */
export const EndpointAccess = Type.Object({
  id: Type.String(),
  method: Type.String(),
  path: Type.String(),
  summary: Type.String(),
  permission: Type.String({ description: 'A permission, or `public`, or `authenticated`' }),
  scope: OneOf(['platform', 'filtered', 'named'], {
    description:
      'platform: only a grant everywhere passes; filtered: any grant passes and narrows the answer; named: the request names the scope',
  }),
  scope_fields: Type.Array(Type.String(), { description: 'Where a named scope is read from' }),
  step_up: OneOf(['none', 'recent', 'bound']),
});
export type EndpointAccess = Static<typeof EndpointAccess>;

export const listEndpoints = endpoint({
  id: 'iam.endpoints.list',
  method: 'GET',
  path: '/admin/v1/iam/endpoints',
  summary: 'Every endpoint: the permission it needs, where, and whether it asks who you are again',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  response: Type.Object({ items: Type.Array(EndpointAccess) }),
  status: 200,
});
export const listRoles = endpoint({
  id: 'iam.roles.list',
  method: 'GET',
  path: '/admin/v1/iam/roles',
  summary: 'List roles',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  query: listQuery(['role_id', 'created_at'], { q: Type.Optional(Type.String({ maxLength: 100 })) }),
  response: Page(Role),
  status: 200,
});
export const getRole = endpoint({
  id: 'iam.roles.get',
  method: 'GET',
  path: '/admin/v1/iam/roles/:role_id',
  summary: 'One role',
  permission: 'iam.roles.read',
  scope: 'none',
  step_up: 'none',
  params: roleParams,
  response: Role,
  status: 200,
  etag: 'sends',
  problems: ['not_found'],
});
const roleBody = {
  title: Type.String({ minLength: 1, maxLength: 60 }),
  description: Type.String({ maxLength: 300 }),
  permissions: Type.Array(PermissionPattern, { minItems: 1, maxItems: 100, uniqueItems: true }),
};
export const createRole = endpoint({
  id: 'iam.roles.create',
  method: 'POST',
  path: '/admin/v1/iam/roles',
  summary: 'Create a role out of permissions that you hold',
  permission: 'iam.roles.create',
  scope: 'none',
  step_up: 'recent',
  body: body({ role_id: Slug, ...roleBody, reason: Type.Optional(Reason) }),
  response: Mutated({ role: Role }),
  status: 201,
  problems: ['already_exists', 'unprocessable', 'permission_denied'],
});
export const updateRole = endpoint({
  id: 'iam.roles.update',
  method: 'PUT',
  path: '/admin/v1/iam/roles/:role_id',
  summary: 'Change a role; takes effect on the next request of everyone who has it',
  permission: 'iam.roles.update',
  scope: 'none',
  step_up: 'recent',
  approvable: true,
  params: roleParams,
  body: body({ ...roleBody, reason: Reason }),
  response: Mutated({ role: Role }),
  status: 200,
  etag: 'requires',
  problems: ['not_found', 'action_not_allowed', 'unprocessable'],
});
export const deleteRole = endpoint({
  id: 'iam.roles.delete',
  method: 'POST',
  path: '/admin/v1/iam/roles/:role_id/delete',
  summary: 'Delete a role that nobody has',
  permission: 'iam.roles.update',
  scope: 'none',
  step_up: 'recent',
  params: roleParams,
  body: body({ reason: Reason }),
  response: Mutated({}),
  status: 200,
  problems: ['not_found', 'action_not_allowed', 'conflict'],
});
