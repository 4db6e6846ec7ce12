/**
 * Permissions as data. A permission is `domain.resource.verb` or `domain.verb`; a role holds permissions and wildcards
 * (`iam.*`, `*`). A wildcard matches whole segments at its end only.
 */
export const PERMISSIONS = {
  'iam.users.read': 'See users',
  'iam.users.create': 'Create users',
  'iam.users.update': 'Change users and their passwords',
  'iam.users.suspend': 'Suspend and reactivate users',
  'iam.users.delete': 'Delete users',
  'iam.users.impersonate': 'Act as another user for a while (break-glass)',
  'iam.impersonations.read': 'See who acted as whom',
  'iam.impersonations.review': 'Review what was done as another user',
  'iam.sessions.list': 'See sessions',
  'iam.sessions.revoke': 'End sessions',
  'iam.detections.read': 'See detections of suspicious activity',
  'iam.detections.resolve': 'Acknowledge and resolve detections',
  'iam.roles.read': 'See roles and assignments',
  'iam.roles.create': 'Create roles',
  'iam.roles.update': 'Change and delete roles',
  'iam.roles.assign': 'Give and take roles',
  'iam.tokens.read': 'See API tokens',
  'iam.tokens.create': 'Create API tokens',
  'iam.tokens.rotate': 'Put a new API token in the place of one',
  'iam.tokens.revoke': 'Revoke API tokens',
  'iam.service_accounts.read': 'See service accounts',
  'iam.service_accounts.create': 'Create service accounts',
  'iam.service_accounts.update': 'Change, disable and enable service accounts',
  'iam.service_accounts.delete': 'Delete service accounts',
  'iam.service_accounts.create_tokens': 'Create and rotate API tokens of service accounts',
  'tenants.read': 'See tenants',
  'tenants.create': 'Create tenants',
  'tenants.update': 'Change tenant metadata',
  'tenants.archive': 'Archive tenants',
  'scale.view': 'See nodes, shards and placements',
  'scale.migrate': 'Move tenants between shards',
  'scale.drain': 'Drain and resume tenants',
  'scale.apply': 'Change how many replicas a service runs',
  'ops.restart': 'Restart services',
  'ops.drain': 'Cordon, drain and activate hosts and nodes',
  'observability.view': 'See metrics, logs, alerts and dashboards',
  'approvals.view': 'See requests for approval of others',
  'approvals.decide': 'Approve and reject requests, by the roles that a policy names',
  'approvals.policies.view': 'See which operations need approvals',
  'approvals.policies.update': 'Set which operations need approvals',
  'jobs.view': 'See jobs',
  'jobs.cancel': 'Cancel jobs',
  'jobs.resolve': 'Retry or skip what is stuck',
  'audit.view': 'Read the audit log',
} as const satisfies Record<string, string>;

export type Permission = keyof typeof PERMISSIONS;
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as Permission[];

/** Pattern of a permission or wildcard in a role: `*`, `iam.*`, `iam.users.*`, `iam.users.read`. */
export const PERMISSION_PATTERN = '^(\\*|[a-z]+(\\.[a-z_]+)*(\\.\\*)?)$';

/** The seven role templates of PRD 1.3; seeded as built-in roles, which cannot be changed. */
export const ROLE_TEMPLATES = {
  owner: { title: 'Owner', description: 'Everything, everywhere', permissions: ['*'] },
  admin: {
    title: 'Admin',
    description: 'Runs the platform: tenants, placement, people and their roles',
    permissions: [
      'iam.*',
      'tenants.*',
      'scale.*',
      'ops.*',
      'observability.*',
      'approvals.*',
      'jobs.*',
      'audit.*',
    ],
  },
  operator: {
    title: 'Operator',
    description: 'Operates production: moves tenants, follows and cancels jobs',
    permissions: [
      'tenants.read',
      'tenants.update',
      'scale.*',
      'ops.*',
      'observability.*',
      'approvals.view',
      'approvals.decide',
      'jobs.*',
      'audit.view',
    ],
  },
  support: {
    title: 'Support',
    description: 'Looks, and ends sessions',
    permissions: [
      'tenants.read',
      'scale.view',
      'observability.view',
      'approvals.view',
      'jobs.view',
      'audit.view',
      'iam.users.read',
      'iam.sessions.*',
    ],
  },
  'read-only': {
    title: 'Read-only',
    description: 'Sees everything but people and secrets, changes nothing',
    permissions: [
      'tenants.read',
      'scale.view',
      'observability.view',
      'approvals.view',
      'jobs.view',
      'audit.view',
    ],
  },
  'security-admin': {
    title: 'Security admin',
    description: 'Access reviews: users, sessions, roles, tokens and the audit log',
    permissions: ['iam.*', 'approvals.*', 'audit.*', 'tenants.read', 'observability.view', 'jobs.view'],
  },
  'break-glass': {
    title: 'Break-glass',
    description:
      'Emergency operation of the platform in one’s own name: without any say over access, and without acting as others',
    permissions: ['tenants.*', 'scale.*', 'ops.*', 'observability.*', 'jobs.*', 'audit.view'],
  },
} as const satisfies Record<string, { title: string; description: string; permissions: readonly string[] }>;
