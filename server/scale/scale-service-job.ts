/** Runs another number of replicas of a service. Nodes that are stopped finish their work first, where it is known which they are. */
import {
  defineJob,
  StepFailure,
  StepKept,
  type JobDefinition,
  type StepContext,
  type StepDefinition,
} from '#server/jobs/job-definition.ts';
import { APPLY_TIMEOUT_S } from './fleet-checks-rules.ts';
import { readServiceFacts } from './fleet-facts.ts';
import { awaitNodes, changeService, siteWithOrchestrator } from './fleet-steps.ts';
import { passChecks } from './job-site.ts';
import { nodeCallProblem } from './node-rules.ts';
import type { OrchestratorService, ServiceChange } from './orchestrator.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { pollUntil } from './placement-steps.ts';
import type { RolloutTarget } from './rollout-rules.ts';
import {
  checkEmpty,
  checkGoingBack,
  scaleServiceChecks,
  type ScaleServiceInput,
} from './scale-service-rules.ts';
import type { NodeSettings, ScaleDependencies } from './scale-settings.ts';
import { awaitRollout } from './service-rollout.ts';

export const SCALE_SERVICE = 'scale_service';

/** How long one try of an undo waits for nodes; the runner tries three times before it calls a person. */
const UNDO_PATIENCE_MS = 20_000;

type Step = StepContext<ScaleServiceInput>;

/** The job kind `scale_service`. */
export function scaleServiceJob(dependencies: ScaleDependencies): JobDefinition {
  const admin = dependencies.nodes;
  const siteOf = (step: Step) => siteWithOrchestrator(dependencies, step.input.environment);
  const factsOf = (step: Step) => readServiceFacts(dependencies, step.input, step.job_id);

  async function check(step: Step): Promise<void> {
    await passChecks(step, scaleServiceChecks(await factsOf(step), step.input.replicas));
  }

  /** Asks the nodes that are to stop, again and again, until none lacks anything. */
  async function askStopping(
    step: Step,
    lacks: (node: NodeSettings) => Promise<string | null>,
    failure: (problems: string) => StepFailure,
    patienceMs?: number,
  ): Promise<void> {
    let problems: string[] = [];
    const look = async (node_id: string): Promise<string | null> => {
      const node = siteOf(step).settings.nodes.find((each) => each.node_id === node_id);
      if (!node) return `${node_id} is not there`;
      const problem = await lacks(node).catch(nodeCallProblem);
      return problem === null ? null : `${node_id} ${problem}`;
    };
    await pollUntil(
      step,
      async () => {
        const found = await Promise.all(step.input.stopping.map(look));
        problems = found.filter((each) => each !== null);
        return { done: problems.length === 0, figures: { problems } };
      },
      () => failure(problems.join('; ')),
      patienceMs,
    );
  }

  const drain = (step: Step): Promise<void> =>
    askStopping(
      step,
      async (node) => {
        const { inflight, consumer_lag } = await admin.drainNode(node, { request_id: step.request_id });
        return inflight + consumer_lag === 0
          ? null
          : `has ${inflight} units in flight and ${consumer_lag} events of lag`;
      },
      (problems) =>
        new StepFailure('drain_timeout', `Not drained within ${step.input.drain_timeout_s} s: ${problems}.`),
    );

  /** Waits for a node that was stopped as well: its service was told to run it again. */
  const resume = (step: Step): Promise<void> =>
    askStopping(
      step,
      async (node) =>
        (await admin.resumeNode(node, { request_id: step.request_id })).draining ? 'still drains' : null,
      (problems) => new StepFailure('undo_incomplete', `Not resumed: ${problems}.`),
      UNDO_PATIENCE_MS,
    );

  async function scale(step: Step): Promise<RolloutTarget> {
    const { service_id, from, replicas } = step.input;
    // Draining took its time, and somebody may have placed a tenant meanwhile.
    if (replicas < from) await passChecks(step, checkEmpty(await factsOf(step), replicas));
    return changeService(step, siteOf(step).orchestrator, service_id, decide(step.input, from, replicas));
  }

  /** Throws StepKept when the orchestrator may end a node with tenants instead of a task that this job added. */
  async function passUnlessHarm(step: Step): Promise<void> {
    const { service_id, name, from, replicas } = step.input;
    const { orchestrator } = siteOf(step);
    const facts = await factsOf(step);
    const checks = orchestrator.endsHighestSlot
      ? checkEmpty(facts, from)
      : checkGoingBack(
          facts,
          from,
          orchestrator.mayEnd?.(await orchestrator.tasks(service_id), from) ?? null,
        );
    const blockers = checks.filter(({ level }) => level === 'blocker');
    // Who is on a shard may be known at the next try.
    if (blockers.length === 0 || blockers.some(({ code }) => code === 'placements_unknown'))
      return passChecks(step, checks);
    await step.progress({ checks });
    const harm = blockers.map(({ message }) => message).join(' ');
    throw new StepKept('undo_would_harm', `${name} stays at ${replicas} replicas, not ${from}: ${harm}`);
  }

  async function scaleBack(step: Step): Promise<void> {
    const { service_id, from, replicas } = step.input;
    const service = await siteOf(step).orchestrator.service(service_id);
    // What somebody else made of it meanwhile stands.
    if (service?.replicas_desired !== replicas) return;
    if (from < replicas) await passUnlessHarm(step);
    await changeService(step, siteOf(step).orchestrator, service_id, decide(step.input, replicas, from));
  }

  const rollout = (step: Step) => {
    const target = step.outputs['scale'] as RolloutTarget;
    return awaitRollout(step, siteOf(step).orchestrator, target, { monitor_s: step.input.monitor_s });
  };

  const steps = (input: ScaleServiceInput): StepDefinition<ScaleServiceInput>[] => [
    { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
    ...(input.stopping.length > 0
      ? [{ name: 'drain', run: drain, undo: resume, time_box_s: input.drain_timeout_s }]
      : []),
    { name: 'scale', run: scale, undo: scaleBack, time_box_s: APPLY_TIMEOUT_S },
    { name: 'rollout', run: rollout, time_box_s: input.rollout_timeout_s },
    {
      name: 'verify',
      run: (step) => awaitNodes(step, admin, siteOf(step), [step.input.service_id]),
      time_box_s: input.rollout_timeout_s,
    },
  ];

  return defineJob<ScaleServiceInput>({
    kind: SCALE_SERVICE,
    permission: 'scale.apply',
    steps,
    describeStuck: ({ name, environment, from, replicas, stopping }, step) =>
      step === 'drain'
        ? `${stopping.join(', ')} in ${environment} drained to be stopped and is to take work again, but does not.`
        : `${name} in ${environment} was told to run ${replicas} replicas and is to go back to ${from}, but does not.`,
  });
}

/** From one number to the other; nothing to do when it is there already. Any other number is somebody else's change. */
const decide =
  ({ name }: ScaleServiceInput, before: number, after: number) =>
  ({ replicas_desired }: OrchestratorService): ServiceChange | null => {
    if (replicas_desired === after) return null;
    if (replicas_desired === before) return { replicas: after };
    throw new StepFailure(
      'superseded',
      `${name} is to run ${replicas_desired ?? 'on every host'} now, neither ${before} nor ${after}: somebody else changed it.`,
    );
  };
