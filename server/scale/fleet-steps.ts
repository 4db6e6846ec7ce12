/** The pieces that the steps of changing services and hosts are made of. Every piece may be repeated: it looks before it acts. */
import { StepFailure, type StepContext } from '#server/jobs/job-definition.ts';
import { mayRun } from './expected-nodes-rules.ts';
import { siteSettings } from './job-site.ts';
import type { NodeAdmin } from './node-admin.ts';
import { nodeCallProblem } from './node-rules.ts';
import {
  OrchestratorError,
  type Orchestrator,
  type OrchestratorService,
  type ServiceChange,
} from './orchestrator.ts';
import { pollUntil, tryUntilPossible } from './placement-steps.ts';
import type { RolloutTarget } from './rollout-rules.ts';
import type { EnvironmentSettings, ScaleDependencies } from './scale-settings.ts';
import { applyServiceChange } from './service-rollout.ts';

type Step = StepContext<unknown>;

/** Today's settings of an environment with its orchestrator. Throws StepFailure `no_orchestrator`. */
export function siteWithOrchestrator(
  dependencies: ScaleDependencies,
  environment: string,
): { settings: EnvironmentSettings; orchestrator: Orchestrator } {
  const settings = siteSettings(dependencies, environment);
  if (settings.orchestrator) return { settings, orchestrator: settings.orchestrator };
  throw new StepFailure('no_orchestrator', `${environment} has no orchestrator any more.`);
}

/** Does `act` until the orchestrator answers; what it did before it fell silent is found out by the next try. */
export const whileUnavailable = <T>(step: Step, act: () => Promise<T>): Promise<T> =>
  tryUntilPossible(
    step,
    act,
    (error) => (error instanceof OrchestratorError && error.code === 'unavailable' ? error.message : null),
    (problem) => new StepFailure('orchestrator_unavailable', `The orchestrator does not answer: ${problem}.`),
  );

/** Changes a service as `decide` says, however often it has to try; answers what its tasks have to come to. */
export const changeService = (
  step: Step,
  orchestrator: Orchestrator,
  service_id: string,
  decide: (service: OrchestratorService) => ServiceChange | null,
): Promise<RolloutTarget> =>
  whileUnavailable(step, async () => (await applyServiceChange(orchestrator, service_id, decide)).target);

/** Waits until the node in each running task of the services has said which it is, and is ready. */
export async function awaitNodes(
  step: Step,
  admin: NodeAdmin,
  { settings, orchestrator }: { settings: EnvironmentSettings; orchestrator: Orchestrator },
  service_ids: readonly string[],
): Promise<void> {
  let lacking: { node_id: string; problem: string }[] = [];

  async function look(): Promise<typeof lacking> {
    const tasks = (await Promise.all(service_ids.map((id) => orchestrator.tasks(id)))).flat();
    const wanted = tasks.filter((task) => mayRun(task.state) && task.desired_state === 'running');
    const found = await Promise.all(
      wanted.map(async ({ task_id }) => {
        const node = settings.nodes.find((each) => each.task?.task_id === task_id);
        if (!node) return { node_id: task_id, problem: 'has not said which node it is' };
        const problem = await admin.ready(node, { request_id: step.request_id }).then(
          ({ ready, checks }) =>
            ready
              ? null
              : `is not ready (${checks
                  .filter(({ ok }) => !ok)
                  .map(({ name }) => name)
                  .join(', ')})`,
          nodeCallProblem,
        );
        return { node_id: node.node_id, problem };
      }),
    );
    // A task that cannot listen at its address seems to answer, when another one does there.
    const tasksOf = Map.groupBy(found, ({ node_id }) => node_id);
    const claimed = [...tasksOf].flatMap(([node_id, { length }]) =>
      length > 1 ? [{ node_id, problem: `is what ${length} tasks say they are` }] : [],
    );
    const lacking = found.flatMap(({ node_id, problem }) => (problem === null ? [] : [{ node_id, problem }]));
    return [...lacking, ...claimed];
  }

  await pollUntil(
    step,
    async () => {
      try {
        lacking = await look();
      } catch (error) {
        if (!(error instanceof OrchestratorError)) throw error;
        lacking = [{ node_id: 'orchestrator', problem: error.message }];
      }
      return { done: lacking.length === 0, figures: { waiting: lacking } };
    },
    () =>
      new StepFailure(
        'nodes_not_ready',
        `Not every node is ready: ${lacking.map(({ node_id, problem }) => `${node_id} ${problem}`).join('; ')}.`,
      ),
  );
}
