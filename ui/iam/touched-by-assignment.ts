import {
  explainUserPermissions,
  getRole,
  getServiceAccount,
  getUser,
  listAssignments,
  listRoles,
  listServiceAccounts,
  listUsers,
  me,
} from '#contract/iam.ts';

/** What a changed assignment makes stale; the own permissions too, because it may be one's own role. */
export const TOUCHED_BY_ASSIGNMENT = [
  listAssignments,
  listUsers,
  getUser,
  listServiceAccounts,
  getServiceAccount,
  listRoles,
  getRole,
  explainUserPermissions,
  me,
] as const;
