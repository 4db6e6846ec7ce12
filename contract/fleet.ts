/**
 * The fleet: what the orchestrator runs, as observed, and what may be done with it (PRD 5.3). Part of the scale domain.
 * A *host* is a machine of the orchestrator; a *service* is what it keeps running; a *task* is one instance of a service; a *node* is
 * the platform process inside a task, and answers for itself (`contract/scale.ts`).
 */
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
  Timestamp,
} from './common.ts';
import { endpoint } from './endpoint.ts';
import { Plan, PlanHash } from './jobs.ts';
import { NODE_KINDS, SERVICE_KINDS } from './placement-record.ts';
import { Load, Node, NODE_STATES } from './scale.ts';

export const HOST_STATES = ['ready', 'down', 'disconnected', 'unknown'] as const;
export const HOST_AVAILABILITIES = ['active', 'pause', 'drain'] as const;
/**
 * `healthy`: every wanted task runs what it should. `updating`: a change is under way. `degraded`: fewer tasks run than wanted, or one
 * keeps failing. `down`: none runs. `paused`: the orchestrator gave up an update half way. `rolled_back`: it took the last change back.
 */
export const SERVICE_STATES = [
  'healthy',
  'updating',
  'degraded',
  'down',
  'paused',
  'rolled_back',
  'unknown',
] as const;
export const TASK_STATES = [
  'new',
  'pending',
  'assigned',
  'accepted',
  'preparing',
  'ready',
  'starting',
  'running',
  'complete',
  'shutdown',
  'failed',
  'rejected',
  'remove',
  'orphaned',
] as const;

const OrchestratorId = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9._-]+$' });

export const Host = Type.Object({
  environment: Environment,
  host_id: Type.String(),
  hostname: Type.String(),
  role: OneOf(['manager', 'worker']),
  leader: Type.Boolean(),
  state: OneOf(HOST_STATES),
  availability: OneOf(HOST_AVAILABILITIES),
  address: Nullable(Type.String()),
  region: Nullable(Type.String({ description: 'Label `region`' })),
  labels: Type.Record(Type.String(), Type.String()),
  engine_version: Type.String(),
  cpus: Nullable(Type.Number()),
  memory_bytes: Nullable(Type.Number()),
  tasks_running: Type.Integer(),
  load: Nullable(Load),
  problem: Nullable(Type.String({ description: 'What is wrong, in a sentence; null when it is well' })),
  since: Timestamp,
  observation: Observation,
});
export type Host = Static<typeof Host>;

export const UpdateStatus = Type.Object({
  state: OneOf([
    'none',
    'updating',
    'paused',
    'completed',
    'rollback_started',
    'rollback_paused',
    'rollback_completed',
  ]),
  message: Nullable(Type.String()),
  started_at: Nullable(Timestamp),
  completed_at: Nullable(Timestamp),
});
export type UpdateStatus = Static<typeof UpdateStatus>;

export const Service = Type.Object({
  environment: Environment,
  service_id: Type.String(),
  name: Type.String(),
  kind: Nullable(OneOf(NODE_KINDS)),
  mode: OneOf(['replicated', 'global']),
  state: OneOf(SERVICE_STATES),
  image: Type.String(),
  digest: Nullable(Type.String()),
  version: Nullable(Type.String({ description: 'Tag of the image' })),
  replicas_desired: Nullable(Type.Integer({ description: 'Null: one on every host' })),
  replicas_running: Type.Integer({ description: 'Tasks that run and are wanted' }),
  replicas_current: Type.Integer({ description: 'Those of them that run the wanted specification' }),
  update: UpdateStatus,
  labels: Type.Record(Type.String(), Type.String()),
  load: Nullable(Load),
  problem: Nullable(Type.String()),
  since: Timestamp,
  observation: Observation,
});
export type Service = Static<typeof Service>;

export const Task = Type.Object({
  environment: Environment,
  task_id: Type.String(),
  service_id: Type.String(),
  service_name: Type.String(),
  kind: Nullable(OneOf(NODE_KINDS)),
  slot: Nullable(Type.Integer()),
  host_id: Nullable(Type.String()),
  hostname: Nullable(Type.String()),
  node_id: Nullable(Type.String({ description: 'The platform node inside, when it answered' })),
  state: OneOf(TASK_STATES),
  desired_state: OneOf(TASK_STATES),
  image: Type.String(),
  digest: Nullable(Type.String()),
  current: Type.Boolean({ description: 'Runs the specification that its service wants now' }),
  message: Nullable(Type.String()),
  error: Nullable(Type.String()),
  since: Timestamp,
  created_at: Timestamp,
  observation: Observation,
});
export type Task = Static<typeof Task>;

export const ServiceRevision = Type.Object({
  revision: Type.Integer({ description: 'Rises with each change of what the service runs' }),
  image: Type.String(),
  digest: Nullable(Type.String()),
  replicas: Nullable(Type.Integer()),
  current: Type.Boolean(),
  job_id: Nullable(Type.String({ description: 'The job that made it, when it was one of ours' })),
  recorded_at: Timestamp,
});
export type ServiceRevision = Static<typeof ServiceRevision>;

const environmentQuery = { environment: Type.Optional(Environment) };

export const listHosts = endpoint({
  id: 'scale.hosts.list',
  method: 'GET',
  path: '/admin/v1/scale/hosts',
  summary: 'Machines of the orchestrators, as last observed',
  permission: 'scale.view',
  scope: 'filtered',
  step_up: 'none',
  query: listQuery(['hostname', 'state', 'tasks_running'], {
    ...environmentQuery,
    state: Type.Optional(OneOf(HOST_STATES)),
    availability: Type.Optional(OneOf(HOST_AVAILABILITIES)),
    q: Type.Optional(Type.String({ maxLength: 100 })),
  }),
  response: Page(Host),
  status: 200,
});
const oneOfEnvironment = Type.Object({ environment: Environment }, { additionalProperties: false });
export const getHost = endpoint({
  id: 'scale.hosts.get',
  method: 'GET',
  path: '/admin/v1/scale/hosts/:host_id',
  summary: 'One machine of an orchestrator, as last observed',
  permission: 'scale.view',
  scope: { environment: 'query.environment' },
  step_up: 'none',
  params: Type.Object({ host_id: OrchestratorId }),
  query: oneOfEnvironment,
  response: Host,
  status: 200,
  problems: ['not_found', 'unknown_environment'],
});
export const getNode = endpoint({
  id: 'scale.nodes.get',
  method: 'GET',
  path: '/admin/v1/scale/nodes/:node_id',
  summary: 'One platform node, as last observed',
  permission: 'scale.view',
  scope: { environment: 'query.environment' },
  step_up: 'none',
  params: Type.Object({ node_id: Type.String({ minLength: 1, maxLength: 128 }) }),
  query: oneOfEnvironment,
  response: Node,
  status: 200,
  problems: ['not_found', 'unknown_environment'],
});
export const listServices = endpoint({
  id: 'scale.services.list',
  method: 'GET',
  path: '/admin/v1/scale/services',
  summary: 'Services with replicas, image and health, as last observed',
  permission: 'scale.view',
  scope: 'filtered',
  step_up: 'none',
  query: listQuery(['name', 'state', 'replicas_running'], {
    ...environmentQuery,
    kind: Type.Optional(OneOf(NODE_KINDS)),
    state: Type.Optional(OneOf(SERVICE_STATES)),
    q: Type.Optional(Type.String({ maxLength: 100 })),
  }),
  response: Page(Service),
  status: 200,
});
export const getService = endpoint({
  id: 'scale.services.get',
  method: 'GET',
  path: '/admin/v1/scale/services/:service_id',
  summary: 'One service, with the specifications it ran before',
  permission: 'scale.view',
  scope: 'filtered',
  step_up: 'none',
  params: Type.Object({ service_id: OrchestratorId }),
  response: Type.Object({ ...Service.properties, history: Type.Array(ServiceRevision) }),
  status: 200,
  problems: ['not_found'],
});
export const listTasks = endpoint({
  id: 'scale.tasks.list',
  method: 'GET',
  path: '/admin/v1/scale/tasks',
  summary: 'Tasks, as last observed',
  permission: 'scale.view',
  scope: 'filtered',
  step_up: 'none',
  query: listQuery(['service_name', 'state', 'since'], {
    ...environmentQuery,
    service_id: Type.Optional(OrchestratorId),
    host_id: Type.Optional(OrchestratorId),
    state: Type.Optional(OneOf(TASK_STATES)),
    wanted: Type.Optional(
      Type.Boolean({ description: 'true: those that should run; false: those that ended' }),
    ),
    q: Type.Optional(Type.String({ maxLength: 100 })),
  }),
  response: Page(Task),
  status: 200,
});

/** The platform of one environment as a graph, without its tenants: those of one shard come with `GET …/placements?shard=`. */
export const Topology = Type.Object({
  environment: Environment,
  hosts: Type.Array(
    Type.Object({
      host_id: Type.String(),
      hostname: Type.String(),
      state: OneOf(HOST_STATES),
      availability: OneOf(HOST_AVAILABILITIES),
      region: Nullable(Type.String()),
    }),
  ),
  services: Type.Array(
    Type.Object({
      service_id: Type.String(),
      name: Type.String(),
      kind: Nullable(OneOf(NODE_KINDS)),
      state: OneOf(SERVICE_STATES),
      replicas_desired: Nullable(Type.Integer()),
      replicas_running: Type.Integer(),
    }),
  ),
  nodes: Type.Array(
    Type.Object({
      node_id: Type.String(),
      kind: OneOf(NODE_KINDS),
      state: OneOf(NODE_STATES),
      host_id: Nullable(Type.String()),
      service_id: Nullable(Type.String()),
      shards: Type.Array(Type.String()),
    }),
  ),
  shards: Type.Array(
    Type.Object({
      service: OneOf(SERVICE_KINDS),
      shard: Type.String(),
      tenant_count: Type.Integer(),
      tenant_capacity: Type.Integer(),
    }),
  ),
  observation: Observation,
});
export type Topology = Static<typeof Topology>;
export const getTopology = endpoint({
  id: 'scale.topology.get',
  method: 'GET',
  path: '/admin/v1/scale/topology',
  summary: 'Hosts, services, nodes and shards of an environment, and how they hang together',
  permission: 'scale.view',
  scope: { environment: 'query.environment' },
  step_up: 'none',
  query: oneOfEnvironment,
  response: Topology,
  status: 200,
  problems: ['unknown_environment'],
});

const strict = { additionalProperties: false };
const start = { plan_hash: PlanHash, reason: Reason };
const startProblems = ['plan_drifted', 'plan_blocked', 'plan_expired', 'job_conflict'] as const;
const planProblems = ['not_found', 'unknown_environment', 'unprocessable', 'upstream_failed'] as const;

/** Of one service. */
export const MAX_REPLICAS = 1_000;
const serviceScaling = {
  environment: Environment,
  service_id: OrchestratorId,
  replicas: Type.Integer({ minimum: 0, maximum: MAX_REPLICAS }),
};
export const planServiceScaling = endpoint({
  id: 'scale.service_scalings.plan',
  method: 'POST',
  path: '/admin/v1/scale/service-scalings/plan',
  summary: 'Plan another number of replicas; changes nothing',
  permission: 'scale.apply',
  scope: { environment: 'body.environment' },
  step_up: 'none',
  body: Type.Object(serviceScaling, strict),
  response: Plan,
  status: 200,
  problems: [...planProblems],
});
export const startServiceScaling = endpoint({
  id: 'scale.service_scalings.start',
  method: 'POST',
  path: '/admin/v1/scale/service-scalings',
  summary: 'Run another number of replicas of a service',
  permission: 'scale.apply',
  scope: { environment: 'body.environment' },
  step_up: 'recent',
  body: Type.Object({ ...serviceScaling, ...start }, strict),
  response: Mutated({}),
  status: 202,
  problems: [...planProblems, ...startProblems],
});

const serviceRestart = { environment: Environment, service_id: OrchestratorId };
export const planServiceRestart = endpoint({
  id: 'scale.service_restarts.plan',
  method: 'POST',
  path: '/admin/v1/scale/service-restarts/plan',
  summary: 'Plan a restart of every task of a service; changes nothing',
  permission: 'ops.restart',
  scope: { environment: 'body.environment' },
  step_up: 'none',
  body: Type.Object(serviceRestart, strict),
  response: Plan,
  status: 200,
  problems: [...planProblems],
});
export const startServiceRestart = endpoint({
  id: 'scale.service_restarts.start',
  method: 'POST',
  path: '/admin/v1/scale/service-restarts',
  summary: 'Replace every task of a service by a new one, in the order of its update policy',
  permission: 'ops.restart',
  scope: { environment: 'body.environment' },
  step_up: 'recent',
  body: Type.Object({ ...serviceRestart, ...start }, strict),
  response: Mutated({}),
  status: 202,
  problems: [...planProblems, ...startProblems],
});

const hostAvailability = {
  environment: Environment,
  host_id: OrchestratorId,
  availability: OneOf(HOST_AVAILABILITIES, {
    description: 'active: takes tasks; pause: takes no more (cordon); drain: gives its tasks away',
  }),
};
export const planHostAvailability = endpoint({
  id: 'scale.host_availabilities.plan',
  method: 'POST',
  path: '/admin/v1/scale/host-availabilities/plan',
  summary: 'Plan to cordon, drain or activate a host; changes nothing',
  permission: 'ops.drain',
  scope: { environment: 'body.environment' },
  step_up: 'none',
  body: Type.Object(hostAvailability, strict),
  response: Plan,
  status: 200,
  problems: [...planProblems],
});
export const startHostAvailability = endpoint({
  id: 'scale.host_availabilities.start',
  method: 'POST',
  path: '/admin/v1/scale/host-availabilities',
  summary: 'Cordon, drain or activate a host; a drain ends when its tasks run elsewhere',
  permission: 'ops.drain',
  scope: { environment: 'body.environment' },
  step_up: 'recent',
  body: Type.Object({ ...hostAvailability, ...start }, strict),
  response: Mutated({}),
  status: 202,
  problems: [...planProblems, ...startProblems],
});
