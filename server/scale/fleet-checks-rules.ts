/** Pure: the checks and the parts of plans that changing services and hosts have in common. */
import type { Check, PlanDraft, PlanStep } from '#contract/jobs.ts';
import type { KnownHost, RunningTask, ServiceFacts } from './fleet-facts.ts';
import type { LiveJob } from './job-facts.ts';
import { MOST_TENANTS_LISTED, type ListedTenant } from './node-drain-facts.ts';
import { check } from './preflight-rules.ts';
import { isUpdating } from './rollout-rules.ts';

type Subject = Check['subject'];

/** Time that a change may take until every task runs as wanted: our own deadline, since an orchestrator has none. */
export const ROLLOUT_TIMEOUT_S = 300;
export const APPLY_TIMEOUT_S = 30;

export const nameOf = ({ node_id, service_name, slot, task_id }: RunningTask): string =>
  node_id ?? `${service_name}.${slot ?? task_id}`;

export const tenantsOf = ({ shards }: Pick<RunningTask, 'shards'>): number =>
  shards.reduce((sum, { tenant_count }) => sum + tenant_count, 0);

export const number = (value: number): string => value.toLocaleString('en-US');
export const plural = (count: number, noun: string): string =>
  `${number(count)} ${noun}${count === 1 ? '' : 's'}`;

export const isAble = ({ state, availability }: KnownHost): boolean =>
  state === 'ready' && availability === 'active';

export function checkJobs(subject: Subject, jobs: readonly LiveJob[]): Check[] {
  if (jobs.length === 0) return [check('job_running', 'ok', subject, `no other job touches ${subject.id}`)];
  return jobs.map(({ job_id, title }) =>
    check('job_running', 'blocker', { type: 'job', id: job_id }, `Another job is under way: ${title}.`),
  );
}

/** Whether the orchestrator is done with the last change, so that this one cuts none short. */
export function checkQuiet({ service }: Pick<ServiceFacts, 'service'>): Check {
  const subject = { type: 'service', id: service.service_id } as const;
  const { update, name } = service;
  const said = update.message === null ? '' : `: ${update.message}`;
  if (isUpdating(service)) {
    return check(
      'service_updating',
      'blocker',
      subject,
      `${name} is being updated${said}; wait until that is done.`,
    );
  }
  if (update.state === 'paused' || update.state === 'rollback_paused') {
    return check(
      'service_paused',
      'warning',
      subject,
      `The last update of ${name} was given up half way${said}.`,
    );
  }
  return check('service_updating', 'ok', subject, `no update of ${name} is under way`);
}

/** Tasks that a change stops, with the tenants on their shards; of `tenants` only those count. */
export function blastRadius(
  tasks: readonly RunningTask[],
  tenants: readonly ListedTenant[],
): PlanDraft['blast_radius'] {
  const shards = new Set(tasks.flatMap((task) => task.shards.map(({ shard }) => shard)));
  const kinds = new Set(tasks.map(({ kind }) => kind));
  const total = [...kinds].reduce((sum, kind) => {
    const counted = new Map(
      tasks
        .filter((task) => task.kind === kind)
        .flatMap((task) => task.shards.map((each) => [each.shard, each.tenant_count])),
    );
    return sum + [...counted.values()].reduce((all, count) => all + count, 0);
  }, 0);
  const touched = tenants.filter(({ shard }) => shards.has(shard));
  const listed = onceEach(touched).slice(0, MOST_TENANTS_LISTED);
  return {
    tenants: listed.map(({ tenant_id, plan, contact_email }) => ({ tenant_id, plan, contact_email })),
    tenants_not_listed: Math.max(0, total - listed.length),
    nodes: tasks.map(nameOf).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })),
    services: [...new Set(tasks.map(({ service_name }) => service_name))],
  };
}

const onceEach = (tenants: readonly ListedTenant[]): ListedTenant[] => [
  ...new Map(tenants.map((tenant) => [tenant.tenant_id, tenant])).values(),
];

export const planStep = (
  name: string,
  title: string,
  time_box_s: number,
  { undo_title = null, final = false }: { undo_title?: string | null; final?: boolean } = {},
): PlanStep => ({
  name,
  title,
  undo_title,
  point_of_no_return: final,
  changes_nothing: undo_title === null && !final,
  time_box_s,
  eta_s: null,
});
