/** Tenants: lifecycle, metadata, search (PRD 2). */
import { Type, type Static } from 'typebox';
import {
  Email,
  Environment,
  listQuery,
  Mutated,
  Nullable,
  Observation,
  OneOf,
  Page,
  Reason,
  Slug,
  Timestamp,
} from './common.ts';
import { endpoint } from './endpoint.ts';
import { Check, Plan, PlanHash } from './jobs.ts';
import { SERVICE_KINDS } from './placement-record.ts';

export const TENANT_STATUSES = [
  'provisioning',
  'active',
  'draining',
  'migrating',
  'degraded',
  'suspended',
  'archived',
] as const;
export type TenantStatus = (typeof TENANT_STATUSES)[number];

/**
 * Which status allows which action. `from` guards the start; a job moves the tenant to `during` while it runs and to `to` when it
 * has succeeded (back to where it was when it is undone). The server's guard and the UI's disabled reason read this table.
 */
export const TENANT_ACTIONS = {
  update: {
    from: ['provisioning', 'active', 'draining', 'migrating', 'degraded', 'suspended'],
    during: null,
    to: null,
  },
  migrate: { from: ['active', 'degraded', 'suspended'], during: 'migrating', to: null },
  archive: { from: ['active', 'degraded', 'suspended'], during: 'draining', to: 'archived' },
  /** `active`, unless it was suspended or not served everywhere when it was archived. */
  restore: { from: ['archived'], during: 'provisioning', to: 'active' },
  /** A drained tenant stays `draining` until it is resumed; from there it may be drained in another environment too. */
  drain: { from: ['active', 'degraded', 'suspended', 'draining'], during: 'draining', to: 'draining' },
  /** Back to where the drain found it, unless it is still drained in another environment. */
  resume: { from: ['draining', 'degraded'], during: 'draining', to: null },
} as const satisfies Record<
  string,
  { from: readonly TenantStatus[]; during: TenantStatus | null; to: TenantStatus | null }
>;
export type TenantAction = keyof typeof TENANT_ACTIONS;

/** Which status follows which. A failed provisioning ends in `degraded`, an undone restore in `archived`. */
export const TENANT_TRANSITIONS = {
  provisioning: ['active', 'degraded', 'suspended', 'archived'],
  active: ['draining', 'migrating', 'degraded', 'suspended'],
  draining: ['active', 'degraded', 'suspended', 'archived'],
  migrating: ['active', 'degraded', 'suspended'],
  degraded: ['active', 'draining', 'migrating', 'suspended', 'archived'],
  suspended: ['active', 'draining', 'migrating', 'degraded'],
  archived: ['provisioning'],
} as const satisfies Record<TenantStatus, readonly TenantStatus[]>;

export const TENANT_PLANS = ['bronze', 'silver', 'gold', 'platinum'] as const;

/** Limits that the platform holds the tenant to. */
export const Quotas = Type.Object(
  {
    commands_per_second: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    storage_bytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 50 })),
    projections: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  },
  { additionalProperties: false },
);
export const FeatureFlags = Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,62}$' }), Type.Boolean(), {
  maxProperties: 100,
});
export const Contact = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 100 })),
    email: Type.Optional(Nullable(Email)),
    phone: Type.Optional(Type.String({ maxLength: 40 })),
  },
  { additionalProperties: false },
);
export const Billing = Type.Object(
  {
    account: Type.Optional(Type.String({ maxLength: 100 })),
    cost_center: Type.Optional(Type.String({ maxLength: 100 })),
    currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
  },
  { additionalProperties: false },
);

const metadata = {
  name: Type.String({ minLength: 1, maxLength: 100 }),
  plan: OneOf(TENANT_PLANS),
  quotas: Quotas,
  feature_flags: FeatureFlags,
  contact: Contact,
  billing: Billing,
};

export const Tenant = Type.Object({
  tenant_id: Slug,
  status: OneOf(TENANT_STATUSES),
  status_since: Timestamp,
  environments: Type.Array(Environment),
  ...metadata,
  revision: Type.Integer(),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type Tenant = Static<typeof Tenant>;

/** A stream or bucket of an archived tenant: read-only, and deleted after its time. */
export const KeptResource = Type.Object({
  environment: Environment,
  kind: OneOf(['stream', 'bucket']),
  name: Type.String(),
  retired_at: Timestamp,
  delete_after: Timestamp,
});
export type KeptResource = Static<typeof KeptResource>;

/** The tenant, and what is kept of it since it was archived. */
export const TenantDetail = Type.Object({
  ...Tenant.properties,
  kept_resources: Type.Array(KeptResource),
});
export type TenantDetail = Static<typeof TenantDetail>;

/** The shard that serves the tenant, by service kind, in the environment asked for; null = not placed. */
export const PlacementSummary = Type.Object({
  aggregate: Nullable(Type.String()),
  projection: Nullable(Type.String()),
  runner: Nullable(Type.String()),
});

export const TenantListItem = Type.Object({
  tenant_id: Slug,
  name: Type.String(),
  status: OneOf(TENANT_STATUSES),
  plan: OneOf(TENANT_PLANS),
  environments: Type.Array(Environment),
  contact_email: Nullable(Type.String()),
  placements: Nullable(PlacementSummary),
  created_at: Timestamp,
  updated_at: Timestamp,
});
export type TenantListItem = Static<typeof TenantListItem>;

const params = Type.Object({ tenant_id: Slug });
const body = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
const { name, plan, quotas, feature_flags, contact, billing } = metadata;
const Environments = Type.Array(Environment, { minItems: 1, maxItems: 16, uniqueItems: true });

export const listTenants = endpoint({
  id: 'tenants.list',
  method: 'GET',
  path: '/admin/v1/tenants',
  summary: 'Search, filter and sort tenants',
  permission: 'tenants.read',
  scope: 'filtered',
  step_up: 'none',
  query: listQuery(['tenant_id', 'name', 'created_at', 'updated_at'], {
    q: Type.Optional(Type.String({ maxLength: 100, description: 'Part of the id or name' })),
    status: Type.Optional(
      Type.Array(OneOf(TENANT_STATUSES), { maxItems: 7, description: 'Any of these; repeat the parameter' }),
    ),
    plan: Type.Optional(Type.Array(OneOf(TENANT_PLANS), { maxItems: 4 })),
    environment: Type.Optional(Environment),
    shard: Type.Optional(
      Type.String({ maxLength: 64, description: 'Served by this shard of the environment' }),
    ),
  }),
  response: Page(TenantListItem),
  status: 200,
});
export const getTenant = endpoint({
  id: 'tenants.get',
  method: 'GET',
  path: '/admin/v1/tenants/:tenant_id',
  summary: 'One tenant',
  permission: 'tenants.read',
  scope: 'filtered',
  step_up: 'none',
  params,
  response: TenantDetail,
  status: 200,
  etag: 'sends',
  problems: ['not_found'],
});
export const createTenant = endpoint({
  id: 'tenants.create',
  method: 'POST',
  path: '/admin/v1/tenants',
  summary: 'Create a tenant and provision it',
  description:
    'A job places it on the least loaded shard of each service kind in each environment and verifies that the nodes serve it.',
  permission: 'tenants.create',
  scope: 'none',
  step_up: 'none',
  body: body({
    tenant_id: Slug,
    name,
    plan: Type.Optional(plan),
    environments: Environments,
    quotas: Type.Optional(quotas),
    feature_flags: Type.Optional(feature_flags),
    contact: Type.Optional(contact),
    billing: Type.Optional(billing),
    reason: Type.Optional(Reason),
  }),
  response: Mutated({ tenant: Tenant }),
  status: 202,
  problems: ['already_exists', 'unknown_environment'],
});
export const updateTenant = endpoint({
  id: 'tenants.update',
  method: 'PATCH',
  path: '/admin/v1/tenants/:tenant_id',
  summary: 'Change tenant metadata',
  description: 'Objects (`quotas`, `contact`, `billing`, `feature_flags`) are replaced whole.',
  permission: 'tenants.update',
  scope: { tenant_id: 'params.tenant_id' },
  step_up: 'none',
  params,
  body: Type.Object(
    {
      name: Type.Optional(name),
      plan: Type.Optional(plan),
      quotas: Type.Optional(quotas),
      feature_flags: Type.Optional(feature_flags),
      contact: Type.Optional(contact),
      billing: Type.Optional(billing),
      reason: Type.Optional(Reason),
    },
    { additionalProperties: false, minProperties: 1 },
  ),
  response: Mutated({ tenant: Tenant }),
  status: 200,
  etag: 'requires',
  problems: ['not_found', 'action_not_allowed'],
});
export const addTenantEnvironment = endpoint({
  id: 'tenants.environments.add',
  method: 'POST',
  path: '/admin/v1/tenants/:tenant_id/environments',
  summary: 'Provision the tenant in another environment',
  permission: 'tenants.update',
  scope: { tenant_id: 'params.tenant_id', environment: 'body.environment' },
  step_up: 'none',
  params,
  body: body({ environment: Environment, reason: Reason }),
  response: Mutated({}),
  status: 202,
  problems: ['not_found', 'already_exists', 'action_not_allowed', 'job_conflict', 'unknown_environment'],
});
export const planTenantArchive = endpoint({
  id: 'tenants.archive.plan',
  method: 'POST',
  path: '/admin/v1/tenants/:tenant_id/archive/plan',
  summary: 'Plan the archiving of a tenant; changes nothing',
  permission: 'tenants.archive',
  scope: { tenant_id: 'params.tenant_id' },
  step_up: 'none',
  params,
  response: Plan,
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});
export const archiveTenant = endpoint({
  id: 'tenants.archive',
  method: 'POST',
  path: '/admin/v1/tenants/:tenant_id/archive',
  summary: 'Archive a tenant: drain it everywhere and take it off its shards',
  permission: 'tenants.archive',
  scope: { tenant_id: 'params.tenant_id' },
  step_up: 'recent',
  params,
  body: body({ plan_hash: PlanHash, reason: Reason }),
  response: Mutated({}),
  status: 202,
  problems: [
    'not_found',
    'action_not_allowed',
    'plan_drifted',
    'plan_blocked',
    'plan_expired',
    'job_conflict',
  ],
});
export const planTenantRestore = endpoint({
  id: 'tenants.restore.plan',
  method: 'POST',
  path: '/admin/v1/tenants/:tenant_id/restore/plan',
  summary: 'Plan the restore of an archived tenant; changes nothing',
  permission: 'tenants.archive',
  scope: { tenant_id: 'params.tenant_id' },
  step_up: 'none',
  params,
  response: Plan,
  status: 200,
  problems: ['not_found', 'action_not_allowed'],
});
export const restoreTenant = endpoint({
  id: 'tenants.restore',
  method: 'POST',
  path: '/admin/v1/tenants/:tenant_id/restore',
  summary: 'Restore an archived tenant: place it where it was, with what is kept of it',
  permission: 'tenants.archive',
  scope: { tenant_id: 'params.tenant_id' },
  step_up: 'recent',
  params,
  body: body({ plan_hash: PlanHash, reason: Reason }),
  response: Mutated({}),
  status: 202,
  problems: [
    'not_found',
    'action_not_allowed',
    'plan_drifted',
    'plan_blocked',
    'plan_expired',
    'job_conflict',
  ],
});

export const TenantHealth = Type.Object({
  tenant_id: Slug,
  environments: Type.Array(
    Type.Object({
      environment: Environment,
      services: Type.Array(
        Type.Object({
          service: OneOf(SERVICE_KINDS),
          shard: Nullable(Type.String()),
          node_id: Nullable(Type.String()),
          state: OneOf(['absent', 'active', 'draining', 'drained', 'unknown']),
          inflight: Nullable(Type.Number()),
          consumer_lag: Nullable(Type.Number()),
          ready: Nullable(Type.Boolean()),
          checks: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() })),
          problem: Nullable(
            Type.String({ description: 'Why the node could not be asked, or what it lacks' }),
          ),
        }),
      ),
      findings: Type.Array(Check),
    }),
  ),
  observation: Observation,
});
export type TenantHealth = Static<typeof TenantHealth>;
export const getTenantHealth = endpoint({
  id: 'tenants.health',
  method: 'GET',
  path: '/admin/v1/tenants/:tenant_id/health',
  summary: 'What the nodes that serve the tenant say of it, asked now',
  permission: 'tenants.read',
  scope: 'filtered',
  step_up: 'none',
  params,
  query: Type.Object({ environment: Type.Optional(Environment) }, { additionalProperties: false }),
  response: TenantHealth,
  status: 200,
  problems: ['not_found'],
});
