/** Plans changes of services and hosts, and starts them. */
import type { Plan, PlanDraft } from '#contract/jobs.ts';
import type { Permission } from '#contract/permissions.ts';
import { mutate } from '#server/db/mutate.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { makePlan } from '#server/jobs/plan-store.ts';
import { readHostFacts, readServiceFacts } from './fleet-facts.ts';
import { planHostAvailabilityDraft } from './host-availability-rules.ts';
import { requireEnvironment } from './migration-facts.ts';
import type { HostAvailability } from './orchestrator.ts';
import { planRestartServiceDraft } from './restart-service-rules.ts';
import { planScaleServiceDraft } from './scale-service-rules.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import { confirmTargetUnheld } from './target-hold.ts';

type Started<R> = R & { plan_hash: string; reason: string };
interface ScalingRequest {
  environment: string;
  service_id: string;
  replicas: number;
}
interface RestartRequest {
  environment: string;
  service_id: string;
}
interface AvailabilityRequest {
  environment: string;
  host_id: string;
  availability: HostAvailability;
}

async function scalingDraft(dependencies: ScaleDependencies, { replicas, ...request }: ScalingRequest) {
  const { thresholds } = requireEnvironment(dependencies, request.environment);
  const facts = await readServiceFacts(dependencies, request);
  const { name, mode, replicas_desired } = facts.service;
  if (mode === 'global')
    throw new ControlError(
      'unprocessable',
      `${name} runs one task on every host; it has no number of replicas.`,
    );
  if (replicas_desired === replicas)
    throw new ControlError('unprocessable', `${name} is to run ${replicas} replicas already.`);
  return planScaleServiceDraft(facts, replicas, thresholds.node_drain_timeout_s);
}

async function restartDraft(dependencies: ScaleDependencies, request: RestartRequest) {
  return planRestartServiceDraft(await readServiceFacts(dependencies, request));
}

async function availabilityDraft(
  dependencies: ScaleDependencies,
  { availability, ...request }: AvailabilityRequest,
) {
  const facts = await readHostFacts(dependencies, request);
  if (facts.host.availability === availability)
    throw new ControlError('unprocessable', `${facts.host.hostname} is ${availability} already.`);
  return planHostAvailabilityDraft(facts, availability);
}

/** Starts what was read as `plan_hash`, if it would still be planned the same. */
async function start(
  { db }: ScaleDependencies,
  context: CallContext,
  { action, permission }: { action: string; permission: Permission },
  draft: PlanDraft,
  { plan_hash, reason }: { plan_hash: string; reason: string },
): Promise<{ job_id: string }> {
  const plan = await confirmTargetUnheld(db, context, plan_hash, draft);
  const mutation = {
    action,
    title: plan.title,
    permission,
    target: plan.target,
    environment: plan.environment,
    reason,
    run: { kind: plan.kind, input: draft.input, plan, steps: plan.steps },
  };
  const before = Object.fromEntries(draft.changes.map((change) => [change.path, change.before]));
  const after = Object.fromEntries(draft.changes.map((change) => [change.path, change.after]));
  return mutate(db, context, mutation, async () => ({ before, after, result: {} }));
}

export const planServiceScaling = async (
  dependencies: ScaleDependencies,
  context: CallContext,
  request: ScalingRequest,
): Promise<Plan> => makePlan(dependencies.db, context, await scalingDraft(dependencies, request));

export async function startServiceScaling(
  dependencies: ScaleDependencies,
  context: CallContext,
  request: Started<ScalingRequest>,
): Promise<{ job_id: string }> {
  const { environment, service_id, replicas } = request;
  const draft = await scalingDraft(dependencies, { environment, service_id, replicas });
  const about = { action: 'scale.service_scalings.start', permission: 'scale.apply' } as const;
  return start(dependencies, context, about, draft, request);
}

export const planServiceRestart = async (
  dependencies: ScaleDependencies,
  context: CallContext,
  request: RestartRequest,
): Promise<Plan> => makePlan(dependencies.db, context, await restartDraft(dependencies, request));

export async function startServiceRestart(
  dependencies: ScaleDependencies,
  context: CallContext,
  request: Started<RestartRequest>,
): Promise<{ job_id: string }> {
  const about = { action: 'scale.service_restarts.start', permission: 'ops.restart' } as const;
  return start(dependencies, context, about, await restartDraft(dependencies, request), request);
}

export const planHostAvailability = async (
  dependencies: ScaleDependencies,
  context: CallContext,
  request: AvailabilityRequest,
): Promise<Plan> => makePlan(dependencies.db, context, await availabilityDraft(dependencies, request));

export async function startHostAvailability(
  dependencies: ScaleDependencies,
  context: CallContext,
  request: Started<AvailabilityRequest>,
): Promise<{ job_id: string }> {
  const { environment, host_id, availability } = request;
  const draft = await availabilityDraft(dependencies, { environment, host_id, availability });
  const about = { action: 'scale.host_availabilities.start', permission: 'ops.drain' } as const;
  return start(dependencies, context, about, draft, request);
}
