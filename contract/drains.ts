/** Draining and resuming tenants and nodes, and rebalancing shards (PRD 5.2, 5.3, 6.2). Part of the scale domain. */
import { Type } from 'typebox';
import { Environment, Mutated, OneOf, Reason, Slug } from './common.ts';
import { endpoint } from './endpoint.ts';
import { Plan, PlanHash } from './jobs.ts';
import { SERVICE_KINDS } from './placement-record.ts';

const strict = { additionalProperties: false };
const start = { plan_hash: PlanHash, reason: Reason };
const startProblems = ['plan_drifted', 'plan_blocked', 'plan_expired', 'job_conflict'] as const;
const planProblems = ['not_found', 'unknown_environment', 'unprocessable', 'upstream_failed'] as const;
const DRAIN_ACTIONS = ['drain', 'resume'] as const;

const tenantDrain = {
  environment: Environment,
  tenant_id: Slug,
  action: OneOf(DRAIN_ACTIONS, {
    description:
      'drain: take no new work and finish what is in flight, on every service; resume: take work again',
  }),
};
export const planTenantDrain = endpoint({
  id: 'scale.tenant_drains.plan',
  method: 'POST',
  path: '/admin/v1/scale/tenant-drains/plan',
  summary: 'Plan the drain or resume of a tenant; changes nothing',
  permission: 'scale.drain',
  scope: { tenant_id: 'body.tenant_id', environment: 'body.environment' },
  step_up: 'none',
  body: Type.Object(tenantDrain, strict),
  response: Plan,
  status: 200,
  problems: [...planProblems, 'not_placed'],
});
export const startTenantDrain = endpoint({
  id: 'scale.tenant_drains.start',
  method: 'POST',
  path: '/admin/v1/scale/tenant-drains',
  summary: 'Drain or resume a tenant: the drain lasts until it is resumed',
  permission: 'scale.drain',
  scope: { tenant_id: 'body.tenant_id', environment: 'body.environment' },
  step_up: 'recent',
  body: Type.Object({ ...tenantDrain, ...start }, strict),
  response: Mutated({}),
  status: 202,
  problems: [...planProblems, ...startProblems, 'not_placed'],
});

const nodeDrain = {
  environment: Environment,
  node_id: Type.String({ minLength: 1, maxLength: 128 }),
  action: OneOf(DRAIN_ACTIONS),
};
export const planNodeDrain = endpoint({
  id: 'scale.node_drains.plan',
  method: 'POST',
  path: '/admin/v1/scale/node-drains/plan',
  summary: 'Plan the drain or resume of a platform node; changes nothing',
  permission: 'ops.drain',
  scope: { environment: 'body.environment' },
  step_up: 'none',
  body: Type.Object(nodeDrain, strict),
  response: Plan,
  status: 200,
  problems: [...planProblems],
});
export const startNodeDrain = endpoint({
  id: 'scale.node_drains.start',
  method: 'POST',
  path: '/admin/v1/scale/node-drains',
  summary: 'Drain a node (its tenants, consumers or workers finish and take nothing new) or resume it',
  permission: 'ops.drain',
  scope: { environment: 'body.environment' },
  step_up: 'recent',
  body: Type.Object({ ...nodeDrain, ...start }, strict),
  response: Mutated({}),
  status: 202,
  problems: [...planProblems, ...startProblems],
});

/** Of one rebalance. */
export const MAX_MOVES = 1_000;
const rebalance = {
  environment: Environment,
  service: OneOf(SERVICE_KINDS),
  max_moves: Type.Integer({
    minimum: 1,
    maximum: MAX_MOVES,
    description: 'At most so many tenants are moved',
  }),
  improvement_threshold: Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'Nothing is moved when the spread would improve by less than this share',
  }),
};
export const planRebalance = endpoint({
  id: 'scale.rebalances.plan',
  method: 'POST',
  path: '/admin/v1/scale/rebalances/plan',
  summary: 'Propose moves that even out the shards of a service; changes nothing',
  permission: 'scale.migrate',
  scope: { environment: 'body.environment' },
  step_up: 'none',
  body: Type.Object(rebalance, strict),
  response: Plan,
  status: 200,
  problems: [...planProblems],
});
export const startRebalance = endpoint({
  id: 'scale.rebalances.start',
  method: 'POST',
  path: '/admin/v1/scale/rebalances',
  summary: 'Carry out the proposed moves, with a limit of moves in flight per node',
  permission: 'scale.migrate',
  scope: { environment: 'body.environment' },
  step_up: 'recent',
  body: Type.Object({ ...rebalance, ...start }, strict),
  response: Mutated({}),
  status: 202,
  problems: [...planProblems, ...startProblems],
});
