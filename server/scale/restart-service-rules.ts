/** Pure: the plan of replacing every task of a service. */
import type { Check, PlanDraft } from '#contract/jobs.ts';
import {
  APPLY_TIMEOUT_S,
  blastRadius,
  checkJobs,
  checkQuiet,
  isAble,
  planStep,
  plural,
  ROLLOUT_TIMEOUT_S,
} from './fleet-checks-rules.ts';
import type { ServiceFacts } from './fleet-facts.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { check } from './preflight-rules.ts';

/** A type, because a job's input is a record. */
export type RestartServiceInput = {
  environment: string;
  service_id: string;
  name: string;
  /** What its tasks run before the restart: another one means that it was told to restart. */
  task_spec_digest: string;
  spec_digest: string;
  monitor_s: number;
  rollout_timeout_s: number;
};

/** Every check of a restart, in the order of reading. */
export function restartServiceChecks(facts: ServiceFacts): Check[] {
  const { service, hosts, live_jobs } = facts;
  const subject = { type: 'service', id: service.service_id } as const;
  const { order } = service.update_policy;
  const running = facts.tasks.filter(({ service_id }) => service_id === service.service_id).length;
  const measure = { figure: running, threshold: 1, unit: 'tasks' };
  const alone =
    running === 1 && order === 'stop-first'
      ? check(
          'single_replica',
          'warning',
          subject,
          `${service.name} has one task: nothing does its work while it restarts.`,
        )
      : check(
          'single_replica',
          'ok',
          subject,
          `${plural(running, 'task')}, replaced as the update policy says`,
        );
  return [
    ...checkJobs(subject, live_jobs),
    checkQuiet(facts),
    running === 0
      ? check(
          'nothing_runs',
          'blocker',
          subject,
          `No task of ${service.name} is wanted, so there is nothing to restart.`,
          measure,
        )
      : alone,
    hosts.some(isAble)
      ? check('host_available', 'ok', subject, 'a host can take the new tasks')
      : check(
          'host_available',
          'blocker',
          subject,
          'No host is ready and active: what is stopped could not start again.',
        ),
  ];
}

/** The plan of a restart. */
export function planRestartServiceDraft(facts: ServiceFacts): PlanDraft & { input: RestartServiceInput } {
  const { environment, service } = facts;
  const { name, update_policy } = service;
  const own = facts.tasks.filter(({ service_id }) => service_id === service.service_id);
  const input: RestartServiceInput = {
    environment,
    service_id: service.service_id,
    name,
    task_spec_digest: service.task_spec_digest,
    spec_digest: service.spec_digest,
    monitor_s: update_policy.monitor_s,
    rollout_timeout_s: ROLLOUT_TIMEOUT_S,
  };
  const atOnce = update_policy.parallelism === 0 ? 'all' : String(update_policy.parallelism);
  return {
    kind: 'restart_service',
    title: `Restart ${name}`,
    environment,
    target: { type: 'service', id: service.service_id },
    input,
    steps: [
      planStep('check', `Check ${name} and its hosts`, CHECK_TIMEOUT_S),
      planStep(
        'restart',
        `Replace ${plural(own.length, 'task')} of ${name}, ${atOnce} at once, ${update_policy.order}`,
        APPLY_TIMEOUT_S,
        {
          final: true,
        },
      ),
      planStep('rollout', `Wait until every task of ${name} is a new one and stays up`, ROLLOUT_TIMEOUT_S),
      planStep('verify', `Verify that every node of ${name} is ready`, ROLLOUT_TIMEOUT_S),
    ],
    changes: [{ path: 'tasks', before: 'those that run', after: 'new ones of the same specification' }],
    checks: restartServiceChecks(facts),
    blast_radius: blastRadius(own, facts.tenants),
    revisions: { service: service.version },
    rollback: 'A restart cannot be taken back: the processes are new ones.',
  };
}
