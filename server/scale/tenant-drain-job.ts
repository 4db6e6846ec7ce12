/**
 * Drains a tenant in one environment, or resumes it. The drain lasts: its placements stay `draining` in the store, held by the drain's
 * job, so that a node that restarts keeps to it, until a resume takes them from there (placement-transition-rules.ts).
 */
import type { Tx } from '#server/db/database.ts';
import {
  defineJob,
  StepFailure,
  type FinishedJob,
  type JobDefinition,
  type StepContext,
  type StepDefinition,
} from '#server/jobs/job-definition.ts';
import { setTenantStatus } from '#server/tenants/tenant-queries.ts';
import { bringBack, drainPlacements, type HeldSite } from './drain-steps.ts';
import { nodesNamed, passChecks, siteSettings } from './job-site.ts';
import { patientStore } from './patient-store.ts';
import { nodeCallProblem } from './node-rules.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import {
  awaitAcknowledgement,
  awaitTenantStates,
  firstWriteOf,
  pollUntil,
  reloadWhatAnswers,
  writePlacement,
} from './placement-steps.ts';
import {
  hold,
  holdAgain,
  releaseInPlace,
  resume,
  settleResumed,
  type Resumption,
} from './placement-transition-rules.ts';
import {
  acknowledgingKinds,
  expectedOf,
  type NodeSettings,
  type ScaleDependencies,
} from './scale-settings.ts';
import { readTenantDrainFacts } from './tenant-drain-facts.ts';
import { statusAfter, tenantDrainChecks, type TenantDrainInput } from './tenant-drain-rules.ts';

export const DRAIN_TENANT = 'drain_tenant';
export const RESUME_TENANT = 'resume_tenant';

type Step = StepContext<TenantDrainInput>;

/** One placement of the job, with today's nodes. */
interface Site extends HeldSite {
  nodes: readonly NodeSettings[];
  resumption: Resumption;
}

/** The job kinds `drain_tenant` and `resume_tenant`. */
export function tenantDrainJobs(dependencies: ScaleDependencies): JobDefinition[] {
  const admin = dependencies.nodes;

  function sitesOf(step: Step): Site[] {
    const { input, job_id } = step;
    const settings = siteSettings(dependencies, input.environment);
    const { tenant_id } = input;
    return input.sites.map(({ service, shard, epoch, nodes, held_by }) => ({
      settings,
      store: patientStore(step, settings),
      // There is no target. A resume drains again in the name of the drain that it took the placement from.
      move: { job_id: held_by ?? job_id, tenant_id, service, shard, target_shard: shard, epoch },
      resumption: { job_id, held_by: held_by ?? job_id, tenant_id, service, shard, epoch },
      nodes: nodesNamed(settings.nodes, nodes),
    }));
  }

  async function check(step: Step): Promise<void> {
    const facts = await readTenantDrainFacts(dependencies, step.input, step.request_id, step.job_id);
    const tenant = { ...facts.tenant, status: step.input.previous_status };
    await passChecks(step, tenantDrainChecks({ ...facts, tenant }));
  }

  /** Makes the shards serve again, and asks their nodes until they do. */
  async function serveAgain(step: Step): Promise<void> {
    const { tenant_id } = step.input;
    const call = { request_id: step.request_id };
    const asked: { node: NodeSettings; revision: number }[] = [];
    for (const { store, resumption, nodes } of sitesOf(step)) {
      const { revision } = await writePlacement(store, resumption, (record) => resume(record, resumption));
      asked.push(...nodes.map((node) => ({ node, revision })));
    }
    let looks: { node_id: string; problem: string | null }[] = [];
    const look = async ({ node, revision }: (typeof asked)[number]) => {
      const { node_id } = node;
      try {
        await admin.reload(node, call);
        const found = await admin.tenant(node, tenant_id, call);
        const { state, placement_revision } =
          found.state === 'active' ? found : await admin.resumeTenant(node, tenant_id, call);
        if (placement_revision < revision)
          return { node_id, problem: `has applied revision ${placement_revision}, not yet ${revision}` };
        return { node_id, problem: state === 'active' ? null : `says that ${tenant_id} is ${state}` };
      } catch (error) {
        return { node_id, problem: nodeCallProblem(error) };
      }
    };
    await pollUntil(
      step,
      async () => {
        looks = await Promise.all(asked.map(look));
        return { done: looks.every(({ problem }) => problem === null), figures: { nodes: looks } };
      },
      () => {
        const missing = looks.filter(({ problem }) => problem !== null);
        const sentences = missing.map(({ node_id, problem }) => `${node_id} ${problem ?? ''}`);
        return new StepFailure('not_resumed', `${tenant_id} is not served again: ${sentences.join('; ')}.`);
      },
    );
  }

  async function undoResume(step: Step): Promise<void> {
    const touched: Site[] = [];
    for (const site of sitesOf(step)) {
      const { store, move, resumption } = site;
      if ((await firstWriteOf(store, move, step.job_id)) === null) continue;
      await writePlacement(store, resumption, (record) => holdAgain(record, resumption));
      touched.push(site);
    }
    await drainPlacements(step, admin, touched);
  }

  /** The revision of each placement as it stands, with the nodes that have to go by it. */
  async function goalsOf(step: Step, settle: boolean) {
    const goals = [];
    for (const { settings, store, move, resumption, nodes } of sitesOf(step)) {
      const { revision } = await writePlacement(store, move, (record) =>
        step.input.action === 'drain'
          ? hold(record, move)
          : settle
            ? settleResumed(record, resumption)
            : resume(record, resumption),
      );
      goals.push({ settings, kinds: acknowledgingKinds(move.service), revision, nodes });
    }
    return goals;
  }

  async function acknowledge(step: Step): Promise<void> {
    const goals = await goalsOf(step, false);
    const everyone = goals.flatMap(({ settings, kinds }) => expectedOf(settings, kinds));
    await reloadWhatAnswers(step, admin, [...new Set(everyone)]);
    await awaitAcknowledgement(step, admin, goals);
  }

  async function verify(step: Step): Promise<void> {
    const { tenant_id, action } = step.input;
    const goals = await goalsOf(step, true);
    const state = action === 'drain' ? ('drained' as const) : ('active' as const);
    await reloadWhatAnswers(
      step,
      admin,
      goals.flatMap(({ nodes }) => nodes),
    );
    await awaitTenantStates(
      step,
      admin,
      goals.flatMap(({ nodes, revision }) => nodes.map((node) => ({ node, tenant_id, state, revision }))),
    );
  }

  const drainSteps = (input: TenantDrainInput): StepDefinition<TenantDrainInput>[] => [
    { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
    {
      name: 'drain',
      run: (step) => drainPlacements(step, admin, sitesOf(step)),
      undo: (step) => bringBack(step, admin, sitesOf(step), releaseInPlace),
      time_box_s: input.drain_timeout_s,
    },
    { name: 'acknowledge', run: acknowledge, time_box_s: input.ack_timeout_s },
    { name: 'verify', run: verify, time_box_s: input.ack_timeout_s },
  ];
  const resumeSteps = (input: TenantDrainInput): StepDefinition<TenantDrainInput>[] => [
    { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
    { name: 'resume', run: serveAgain, undo: undoResume, time_box_s: input.ack_timeout_s },
    { name: 'acknowledge', run: acknowledge, time_box_s: input.ack_timeout_s },
    { name: 'verify', run: verify, time_box_s: input.ack_timeout_s },
  ];

  return [
    defineJob<TenantDrainInput>({
      kind: DRAIN_TENANT,
      permission: 'scale.drain',
      steps: drainSteps,
      settle: settleTenantDrain,
      describeStuck: ({ tenant_id, environment }) =>
        `${tenant_id} is to be served again in ${environment} as before its drain, but not every node takes it up; some of its services may be down.`,
    }),
    defineJob<TenantDrainInput>({
      kind: RESUME_TENANT,
      permission: 'scale.drain',
      steps: resumeSteps,
      settle: settleTenantDrain,
      describeStuck: ({ tenant_id, environment }) =>
        `${tenant_id} is to be drained in ${environment} again as before its resume, but not every node follows; some of its services may be up.`,
    }),
  ];
}

async function settleTenantDrain(
  tx: Tx,
  { input, state, half_done }: FinishedJob<TenantDrainInput>,
): Promise<void> {
  const status =
    state === 'succeeded'
      ? statusAfter(input)
      : state === 'stuck' || half_done
        ? 'degraded'
        : input.previous_status;
  await setTenantStatus(tx, input.tenant_id, status);
}
