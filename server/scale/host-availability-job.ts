/** Cordons, drains or activates a host. A drain ends when what ran there runs elsewhere. */
import {
  defineJob,
  StepFailure,
  type JobDefinition,
  type StepContext,
  type StepDefinition,
} from '#server/jobs/job-definition.ts';
import { mayRun } from './expected-nodes-rules.ts';
import { APPLY_TIMEOUT_S } from './fleet-checks-rules.ts';
import { readHostFacts } from './fleet-facts.ts';
import { awaitNodes, siteWithOrchestrator, whileUnavailable } from './fleet-steps.ts';
import { hostAvailabilityChecks, type HostAvailabilityInput } from './host-availability-rules.ts';
import { passChecks } from './job-site.ts';
import { OrchestratorConflictError, OrchestratorError, type HostAvailability } from './orchestrator.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { pollUntil } from './placement-steps.ts';
import type { ScaleDependencies } from './scale-settings.ts';

export const CHANGE_HOST_AVAILABILITY = 'change_host_availability';

const ATTEMPTS = 10;

type Step = StepContext<HostAvailabilityInput>;

/** The job kind `change_host_availability`. */
export function hostAvailabilityJob(dependencies: ScaleDependencies): JobDefinition {
  const siteOf = (step: Step) => siteWithOrchestrator(dependencies, step.input.environment);

  async function check(step: Step): Promise<void> {
    const facts = await readHostFacts(dependencies, step.input, step.job_id);
    await passChecks(step, hostAvailabilityChecks(facts, step.input.availability));
  }

  /** Sets the host to `after` where it is at `before`; `tolerant` leaves what somebody else made of it. */
  async function set(
    step: Step,
    before: HostAvailability,
    after: HostAvailability,
    tolerant: boolean,
  ): Promise<void> {
    const { host_id, hostname } = step.input;
    const { orchestrator } = siteOf(step);
    for (let attempt = 1; ; attempt += 1) {
      const host = await orchestrator.host(host_id);
      if (host === null) throw new StepFailure('host_gone', `Host ${hostname} is gone.`);
      if (host.availability === after) return;
      if (host.availability !== before) {
        if (tolerant) return;
        throw new StepFailure(
          'superseded',
          `${hostname} is ${host.availability} now, not ${before} any more: somebody else changed it.`,
        );
      }
      try {
        await orchestrator.setAvailability(host_id, host.version, after);
        return;
      } catch (error) {
        if (!(error instanceof OrchestratorConflictError) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Waits until nothing runs on the host any more, and each of its services has as many tasks as it wants. */
  async function moved(step: Step): Promise<void> {
    const { host_id, hostname, services } = step.input;
    const site = siteOf(step);
    const { orchestrator } = site;
    let problems: string[] = [];
    const look = async (service_id: string): Promise<string[]> => {
      const [service, tasks, host] = await Promise.all([
        orchestrator.service(service_id),
        orchestrator.tasks(service_id),
        orchestrator.host(host_id),
      ]);
      if (service === null) return [];
      // A host that is down does not say that its tasks have ended.
      const here =
        host?.state === 'ready' ? tasks.filter((task) => task.host_id === host_id && mayRun(task.state)) : [];
      const running = tasks.filter(
        (task) => task.state === 'running' && task.desired_state === 'running' && task.host_id !== host_id,
      );
      const wanted = service.replicas_desired ?? 0;
      const waiting = tasks.find((task) => task.desired_state === 'running' && task.state === 'pending');
      return [
        ...(here.length > 0 ? [`${here.length} of ${service.name} still on ${hostname}`] : []),
        ...(running.length < wanted
          ? [
              `${running.length} of ${wanted} of ${service.name} run${waiting?.message ? ` (${waiting.message})` : ''}`,
            ]
          : []),
      ];
    };
    await pollUntil(
      step,
      async () => {
        try {
          problems = (await Promise.all(services.map(look))).flat();
        } catch (error) {
          if (!(error instanceof OrchestratorError)) throw error;
          problems = [error.message];
        }
        return { done: problems.length === 0, figures: { problems } };
      },
      () =>
        new StepFailure(
          'tasks_not_moved',
          `The tasks of ${hostname} do not all run elsewhere: ${problems.join('; ')}.`,
        ),
    );
    await awaitNodes(step, dependencies.nodes, site, services);
  }

  const steps = ({
    availability,
    rollout_timeout_s,
  }: HostAvailabilityInput): StepDefinition<HostAvailabilityInput>[] => [
    { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
    {
      name: 'set',
      run: (step) => whileUnavailable(step, () => set(step, step.input.from, availability, false)),
      undo: (step) => whileUnavailable(step, () => set(step, availability, step.input.from, true)),
      time_box_s: APPLY_TIMEOUT_S,
    },
    ...(availability === 'drain' ? [{ name: 'moved', run: moved, time_box_s: rollout_timeout_s }] : []),
  ];

  return defineJob<HostAvailabilityInput>({
    kind: CHANGE_HOST_AVAILABILITY,
    permission: 'ops.drain',
    steps,
    describeStuck: ({ hostname, environment, from, availability }) =>
      `Host ${hostname} in ${environment} was set to ${availability} and is to be ${from} again, but the orchestrator does not say so.`,
  });
}
