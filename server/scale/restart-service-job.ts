/** Replaces every task of a service by a new one. There is no way back: what stops half way is named, and waits for a person. */
import { defineJob, StepFailure, type JobDefinition, type StepContext } from '#server/jobs/job-definition.ts';
import { APPLY_TIMEOUT_S } from './fleet-checks-rules.ts';
import { readServiceFacts } from './fleet-facts.ts';
import { awaitNodes, changeService, siteWithOrchestrator } from './fleet-steps.ts';
import { passChecks } from './job-site.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { restartServiceChecks, type RestartServiceInput } from './restart-service-rules.ts';
import type { RolloutTarget } from './rollout-rules.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import { awaitRollout } from './service-rollout.ts';

export const RESTART_SERVICE = 'restart_service';

type Step = StepContext<RestartServiceInput>;

/** The job kind `restart_service`. */
export function restartServiceJob(dependencies: ScaleDependencies): JobDefinition {
  const siteOf = (step: Step) => siteWithOrchestrator(dependencies, step.input.environment);

  async function check(step: Step): Promise<void> {
    const facts = await readServiceFacts(dependencies, step.input, step.job_id);
    await passChecks(step, restartServiceChecks(facts));
  }

  const restart = (step: Step): Promise<RolloutTarget> => {
    const { name, service_id, spec_digest, task_spec_digest } = step.input;
    return changeService(step, siteOf(step).orchestrator, service_id, (service) => {
      if (service.spec_digest !== spec_digest)
        throw new StepFailure('superseded', `${name} was changed by somebody else since it was planned.`);
      return service.task_spec_digest === task_spec_digest ? { restart: true } : null;
    });
  };

  return defineJob<RestartServiceInput>({
    kind: RESTART_SERVICE,
    permission: 'ops.restart',
    steps: ({ monitor_s, rollout_timeout_s }) => [
      { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
      { name: 'restart', run: restart, point_of_no_return: true, time_box_s: APPLY_TIMEOUT_S },
      {
        name: 'rollout',
        run: (step) => {
          const target = step.outputs['restart'] as RolloutTarget;
          return awaitRollout(step, siteOf(step).orchestrator, target, { monitor_s });
        },
        time_box_s: rollout_timeout_s,
      },
      {
        name: 'verify',
        run: (step) => awaitNodes(step, dependencies.nodes, siteOf(step), [step.input.service_id]),
        time_box_s: rollout_timeout_s,
      },
    ],
    describeStuck: ({ name, environment }) =>
      `${name} in ${environment} was told to restart, but not every task runs again as it should.`,
  });
}
