/** Drains a whole node, or resumes it. The node keeps its drain itself, until it is resumed or its process restarts. */
import type { NodeStatus } from '#contract/node.ts';
import {
  defineJob,
  StepFailure,
  type JobDefinition,
  type StepContext,
  type StepDefinition,
} from '#server/jobs/job-definition.ts';
import { drainForecast } from './drain-rules.ts';
import type { DrainOutput } from './drain-steps.ts';
import { passChecks, siteSettings } from './job-site.ts';
import { readNodeDrainFacts } from './node-drain-facts.ts';
import { nodeDrainChecks, type NodeDrainInput } from './node-drain-rules.ts';
import { nodeCallProblem } from './node-rules.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { pollUntil } from './placement-steps.ts';
import type { NodeSettings, ScaleDependencies } from './scale-settings.ts';

export const DRAIN_NODE = 'drain_node';
export const RESUME_NODE = 'resume_node';

/** How long one try of an undo waits for the node; the runner tries three times before it calls a person. */
const UNDO_PATIENCE_MS = 10_000;

type Step = StepContext<NodeDrainInput>;

/** What a node was asked in one look, and what is still missing of what it should say. */
interface Look {
  status: NodeStatus | null;
  problem: string | null;
}

const left = ({ inflight, consumer_lag }: NodeStatus): number => inflight + consumer_lag;

/** The job kinds `drain_node` and `resume_node`. */
export function nodeDrainJobs(dependencies: ScaleDependencies): JobDefinition[] {
  const admin = dependencies.nodes;

  const nodeOf = ({ input: { environment, node_id } }: Step): NodeSettings => {
    const node = siteSettings(dependencies, environment).nodes.find((each) => each.node_id === node_id);
    if (!node)
      throw new StepFailure('unknown_node', `There is no node ${node_id} in ${environment} any more.`);
    return node;
  };

  async function check(step: Step): Promise<void> {
    const facts = await readNodeDrainFacts(dependencies, step.input, step.request_id, step.job_id);
    await passChecks(step, nodeDrainChecks(facts));
  }

  /** Asks until the node says what it should; a call that fails is what is missing. */
  async function askUntil(
    step: Step,
    ask: (node: NodeSettings) => Promise<NodeStatus>,
    lacks: (status: NodeStatus, node: NodeSettings) => Promise<string | null> | string | null,
    options: {
      figures?: (status: NodeStatus | null) => object;
      failure: (problem: string) => StepFailure;
      patienceMs?: number;
    },
  ): Promise<void> {
    let last: Look = { status: null, problem: null };
    const look = async (): Promise<Look> => {
      try {
        const node = nodeOf(step);
        const status = await ask(node);
        return { status, problem: await lacks(status, node) };
      } catch (error) {
        return {
          status: null,
          problem: error instanceof StepFailure ? error.message : nodeCallProblem(error),
        };
      }
    };
    await pollUntil(
      step,
      async () => {
        last = await look();
        const { status, problem } = last;
        return {
          done: problem === null,
          figures: { node_id: step.input.node_id, problem, ...options.figures?.(status) },
        };
      },
      () => options.failure(`${step.input.node_id} ${last.problem ?? 'has not answered'}`),
      options.patienceMs,
    );
  }

  async function drain(step: Step): Promise<DrainOutput> {
    let atStart: { inflight: number; units: number } | null = null;
    const seconds = (): number => (Date.now() - step.started_at.getTime()) / 1000;
    await askUntil(
      step,
      // Asked again at each look: a node that restarts forgets its drain.
      (node) => admin.drainNode(node, { request_id: step.request_id }),
      (status) => (left(status) === 0 ? null : workLeft(status)),
      {
        figures: (status) => {
          if (status) atStart ??= { inflight: status.inflight, units: left(status) };
          return {
            inflight: status?.inflight ?? null,
            inflight_at_start: atStart?.inflight ?? null,
            consumer_lag: status?.consumer_lag ?? null,
            ...(status && atStart
              ? drainForecast(atStart.units, left(status), seconds())
              : { rate_per_s: null, eta_s: null }),
          };
        },
        failure: (problem) =>
          new StepFailure('drain_timeout', `Not drained within ${step.input.drain_timeout_s} s: ${problem}.`),
      },
    );
    return { units: (atStart as { units: number } | null)?.units ?? 0, seconds: seconds() };
  }

  const verifyDrained = (step: Step): Promise<void> =>
    askUntil(
      step,
      (node) => admin.status(node, { request_id: step.request_id }),
      (status) => (!status.draining ? 'takes new work again' : left(status) === 0 ? null : workLeft(status)),
      { failure: (problem) => new StepFailure('not_verified', `The drain does not hold: ${problem}.`) },
    );

  const resume = (step: Step, patienceMs?: number): Promise<void> =>
    askUntil(
      step,
      (node) => admin.resumeNode(node, { request_id: step.request_id }),
      (status) => (status.draining ? 'still drains' : null),
      {
        failure: (problem) => new StepFailure('not_resumed', `Not resumed: ${problem}.`),
        ...(patienceMs !== undefined && { patienceMs }),
      },
    );

  const drainAgain = (step: Step): Promise<void> =>
    askUntil(
      step,
      (node) => admin.drainNode(node, { request_id: step.request_id }),
      (status) => (status.draining ? null : 'does not drain'),
      {
        failure: (problem) => new StepFailure('undo_incomplete', `Not drained again: ${problem}.`),
        patienceMs: UNDO_PATIENCE_MS,
      },
    );

  const verifyResumed = (step: Step): Promise<void> =>
    askUntil(
      step,
      (node) => admin.status(node, { request_id: step.request_id }),
      async (status, node) => {
        if (status.draining) return 'drains again';
        const { ready, checks } = await admin.ready(node, { request_id: step.request_id });
        const failed = checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
        return ready ? null : `is not ready (${failed.join('; ')})`;
      },
      { failure: (problem) => new StepFailure('not_verified', `Not ready after the resume: ${problem}.`) },
    );

  const drainSteps = (input: NodeDrainInput): StepDefinition<NodeDrainInput>[] => [
    { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
    {
      name: 'drain',
      run: drain,
      undo: (step) => resume(step, UNDO_PATIENCE_MS),
      time_box_s: input.drain_timeout_s,
    },
    { name: 'verify', run: verifyDrained, time_box_s: input.ack_timeout_s },
  ];
  const resumeSteps = (input: NodeDrainInput): StepDefinition<NodeDrainInput>[] => [
    { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
    { name: 'resume', run: (step) => resume(step), undo: drainAgain, time_box_s: input.ack_timeout_s },
    { name: 'verify', run: verifyResumed, time_box_s: input.ack_timeout_s },
  ];

  return [
    defineJob<NodeDrainInput>({
      kind: DRAIN_NODE,
      permission: 'ops.drain',
      steps: drainSteps,
      describeStuck: ({ node_id, environment }) =>
        `${node_id} in ${environment} was told to drain and is to take work again, but does not; its tenants may be without service.`,
    }),
    defineJob<NodeDrainInput>({
      kind: RESUME_NODE,
      permission: 'ops.drain',
      steps: resumeSteps,
      describeStuck: ({ node_id, environment }) =>
        `${node_id} in ${environment} was resumed, is not ready, and is to drain again, but does not.`,
    }),
  ];
}

const workLeft = ({ inflight, consumer_lag }: NodeStatus): string =>
  `has ${inflight} units in flight and ${consumer_lag} events of lag`;
