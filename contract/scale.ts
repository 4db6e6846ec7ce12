/** Placement, migration and the fleet as observed (PRD 5). */
import { Type, type Static } from 'typebox';
import {
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
  Uuid,
} from './common.ts';
import { endpoint } from './endpoint.ts';
import { Plan, PlanHash } from './jobs.ts';
import { NODE_KINDS, SERVICE_KINDS } from './placement-record.ts';

export const PLACEMENT_STATES = ['active', 'draining', 'moving'] as const;
/** What the observer makes of a node. `unreachable`: no answer; `lying`: an answer that does not fit the node contract. */
export const NODE_STATES = ['ready', 'not_ready', 'draining', 'unreachable', 'lying', 'unknown'] as const;

export const EnvironmentSummary = Type.Object({
  environment: Environment,
  production: Type.Boolean(),
  nodes: Type.Object({ total: Type.Integer(), ready: Type.Integer() }),
  placement_count: Type.Integer(),
  placement_revision: Type.Integer({ description: 'Newest revision that the index has taken in' }),
  watcher: Type.Object({ state: OneOf(['live', 'rebuilding', 'down']), detail: Nullable(Type.String()) }),
  placement_store: Type.Object({
    kind: OneOf(['file', 'nats']),
    address: Type.String(),
    version: Nullable(
      Type.String({ description: 'Of the server; null when there is none or it has not answered' }),
    ),
    warnings: Type.Array(Type.String({ description: 'What is unsafe about its set-up, a sentence' })),
  }),
  orchestrator: Nullable(
    Type.Object(
      {
        state: OneOf(['live', 'rebuilding', 'down']),
        detail: Nullable(Type.String({ description: 'Why hosts, services and tasks are not current' })),
        observation: Observation,
      },
      { description: 'What runs the nodes; null where they are configured one by one' },
    ),
  ),
  observation: Observation,
});
export type EnvironmentSummary = Static<typeof EnvironmentSummary>;

/** What a process uses and does; a figure that its source does not give is null. */
export const Load = Type.Object({
  cpu_cores: Nullable(
    Type.Number({ description: 'Processor cores in use, averaged over the last interval' }),
  ),
  memory_bytes: Nullable(Type.Number({ description: 'Resident memory' })),
  requests_per_s: Nullable(Type.Number()),
  consumer_lag: Nullable(Type.Number({ description: 'Messages not yet processed' })),
});
export type Load = Static<typeof Load>;

export const Node = Type.Object({
  node_id: Type.String(),
  kind: OneOf(NODE_KINDS),
  environment: Environment,
  state: OneOf(NODE_STATES),
  shards: Type.Array(Type.String()),
  labels: Type.Record(Type.String(), Type.String()),
  version: Nullable(Type.String()),
  git_sha: Nullable(Type.String()),
  placement_revision: Nullable(Type.Integer()),
  inflight: Nullable(Type.Number()),
  consumer_lag: Nullable(Type.Number()),
  storage: Nullable(
    Type.Object({ ok: Type.Boolean(), used_bytes: Type.Number(), capacity_bytes: Type.Number() }),
  ),
  load: Nullable(Load),
  host_id: Nullable(
    Type.String({ description: 'The machine that it runs on, where an orchestrator runs it' }),
  ),
  service_id: Nullable(Type.String()),
  region: Nullable(Type.String({ description: 'Label `region` of its host, or of itself' })),
  checks: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), detail: Type.String() })),
  problem: Nullable(Type.String({ description: 'What is wrong, in a sentence; null when ready' })),
  since: Timestamp,
  observation: Observation,
});
export type Node = Static<typeof Node>;

export const Shard = Type.Object({
  environment: Environment,
  service: OneOf(SERVICE_KINDS),
  shard: Type.String(),
  nodes: Type.Array(Type.Object({ node_id: Type.String(), state: OneOf(NODE_STATES) })),
  tenant_count: Type.Integer(),
  tenant_capacity: Type.Integer({ description: 'Limit from the configuration' }),
  inflight: Nullable(Type.Number()),
  consumer_lag: Nullable(Type.Number()),
  storage_used_ratio: Nullable(Type.Number({ description: '0 to 1' })),
  observation: Observation,
});
export type Shard = Static<typeof Shard>;

export const Placement = Type.Object({
  environment: Environment,
  service: OneOf(SERVICE_KINDS),
  tenant_id: Type.String(),
  shard: Type.String(),
  state: OneOf(PLACEMENT_STATES),
  epoch: Type.Integer({ description: 'Goes up by one with every move' }),
  revision: Type.Integer(),
  job_id: Nullable(Type.String()),
  updated_at: Timestamp,
});
export type Placement = Static<typeof Placement>;

export const listEnvironments = endpoint({
  id: 'scale.environments.list',
  method: 'GET',
  path: '/admin/v1/scale/environments',
  summary: 'Environments where you hold anything, in promotion order, with the health of what observes them',
  permission: 'authenticated',
  scope: 'none',
  step_up: 'none',
  while_acting: true,
  response: Type.Object({ items: Type.Array(EnvironmentSummary) }),
  status: 200,
});
export const listNodes = endpoint({
  id: 'scale.nodes.list',
  method: 'GET',
  path: '/admin/v1/scale/nodes',
  summary: 'Nodes as last observed',
  permission: 'scale.view',
  scope: 'filtered',
  step_up: 'none',
  query: listQuery(['node_id'], {
    environment: Type.Optional(Environment),
    kind: Type.Optional(OneOf(NODE_KINDS)),
    state: Type.Optional(OneOf(NODE_STATES)),
    host_id: Type.Optional(Type.String({ maxLength: 64 })),
    service_id: Type.Optional(Type.String({ maxLength: 64 })),
    q: Type.Optional(Type.String({ maxLength: 100 })),
  }),
  response: Page(Node),
  status: 200,
});
export const listShards = endpoint({
  id: 'scale.shards.list',
  method: 'GET',
  path: '/admin/v1/scale/shards',
  summary: 'Shards with their load',
  permission: 'scale.view',
  scope: 'filtered',
  step_up: 'none',
  query: Type.Object(
    { environment: Type.Optional(Environment), service: Type.Optional(OneOf(SERVICE_KINDS)) },
    { additionalProperties: false },
  ),
  response: Type.Object({ items: Type.Array(Shard) }),
  status: 200,
});
export const listPlacements = endpoint({
  id: 'scale.placements.list',
  method: 'GET',
  path: '/admin/v1/scale/placements',
  summary: 'Which shard serves which tenant',
  permission: 'scale.view',
  scope: 'filtered',
  step_up: 'none',
  query: listQuery(['tenant_id', 'updated_at'], {
    environment: Type.Optional(Environment),
    service: Type.Optional(OneOf(SERVICE_KINDS)),
    shard: Type.Optional(Type.String({ maxLength: 64 })),
    tenant_id: Type.Optional(Slug),
    state: Type.Optional(OneOf(PLACEMENT_STATES)),
    q: Type.Optional(Type.String({ maxLength: 63, description: 'Start of the tenant id' })),
  }),
  response: Type.Object({ ...Page(Placement).properties, observation: Nullable(Observation) }),
  status: 200,
});

const migration = {
  environment: Environment,
  tenant_id: Slug,
  service: OneOf(SERVICE_KINDS),
  target_shard: Type.String({ minLength: 1, maxLength: 64 }),
};
export const planMigration = endpoint({
  id: 'scale.migrations.plan',
  method: 'POST',
  path: '/admin/v1/scale/migrations/plan',
  summary: 'Plan the move of a tenant; changes nothing',
  permission: 'scale.migrate',
  scope: { tenant_id: 'body.tenant_id', environment: 'body.environment' },
  step_up: 'none',
  body: Type.Object(migration, { additionalProperties: false }),
  response: Plan,
  status: 200,
  problems: [
    'not_found',
    'unknown_environment',
    'unknown_shard',
    'same_shard',
    'not_placed',
    'upstream_failed',
  ],
});
export const startMigration = endpoint({
  id: 'scale.migrations.start',
  method: 'POST',
  path: '/admin/v1/scale/migrations',
  summary: 'Move a tenant: drain, place, reload, wait for every acknowledgement, verify',
  permission: 'scale.migrate',
  scope: { tenant_id: 'body.tenant_id', environment: 'body.environment' },
  step_up: 'recent',
  approvable: true,
  body: Type.Object({ ...migration, plan_hash: PlanHash, reason: Reason }, { additionalProperties: false }),
  response: Mutated({ approval_id: Type.Optional(Uuid) }),
  status: 202,
  problems: [
    'not_found',
    'unknown_environment',
    'unknown_shard',
    'same_shard',
    'not_placed',
    'plan_drifted',
    'plan_blocked',
    'plan_expired',
    'job_conflict',
    'upstream_failed',
  ],
});
