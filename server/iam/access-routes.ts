/** The endpoints of roles and assignments: what they are, who has them, what that allows, and what a change would do. */
import * as contract from '#contract/iam.ts';
import type { Database } from '#server/db/database.ts';
import { route, type Route } from '#server/http/route.ts';
import {
  explainToken,
  explainUser,
  previewAssignment,
  previewRoleChange,
  previewUnassignment,
} from './access-service.ts';
import { changeAssignmentExpiry, previewAssignmentExpiry } from './assignment-expiry-service.ts';
import { createAssignment, deleteAssignment } from './assignment-service.ts';
import { listAssignmentRows } from './assignment-store.ts';
import {
  createRole,
  deleteRole,
  describeEndpoints,
  describePermissions,
  updateRole,
} from './role-service.ts';
import { listRoleRows, readRole } from './role-store.ts';

/** `environmentNames`: the configured environments; a role is limited to one of these. */
export const accessRoutes = (db: Database, environmentNames: readonly string[]): Route[] => [
  route(contract.listPermissions, async () => describePermissions()),
  route(contract.listEndpoints, async () => describeEndpoints()),
  route(contract.explainUserPermissions, ({ params }) => explainUser(db, params.user_id)),
  route(contract.explainTokenPermissions, ({ params }) => explainToken(db, params.token_id)),

  route(contract.listRoles, ({ query }) => listRoleRows(db, query)),
  route(contract.getRole, ({ params }) => readRole(db, params.role_id)),
  route(contract.createRole, ({ context, body }) => createRole(db, context, body)),
  route(contract.previewRole, ({ context, params, body }) =>
    previewRoleChange(db, context, params.role_id, body),
  ),
  route(contract.updateRole, ({ context, params, body, if_match }) =>
    updateRole(db, context, params.role_id, if_match, body),
  ),
  route(contract.deleteRole, ({ context, params, body }) =>
    deleteRole(db, context, params.role_id, body.reason),
  ),

  route(contract.listAssignments, ({ query }) => listAssignmentRows(db, query)),
  route(contract.previewAssignment, ({ context, body }) =>
    previewAssignment(db, context, environmentNames, body),
  ),
  route(contract.createAssignment, ({ context, body }) =>
    createAssignment(db, context, environmentNames, body),
  ),
  route(contract.previewAssignmentExpiry, ({ context, params, body }) =>
    previewAssignmentExpiry(db, context, params.assignment_id, body),
  ),
  route(contract.changeAssignmentExpiry, ({ context, params, body }) =>
    changeAssignmentExpiry(db, context, params.assignment_id, body),
  ),
  route(contract.previewUnassignment, ({ context, params }) =>
    previewUnassignment(db, context, params.assignment_id),
  ),
  route(contract.deleteAssignment, ({ context, params, body }) =>
    deleteAssignment(db, context, params.assignment_id, body.reason),
  ),
];
