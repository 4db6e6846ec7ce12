/** Moves a tenant from one shard to another. Every step looks first and may be repeated; the records it leaves stand in placement-transition-rules.ts. */
import type { TenantStatus } from '#contract/tenants.ts';
import type { Tx } from '#server/db/database.ts';
import {
  defineJob,
  type FinishedJob,
  type JobDefinition,
  type StepContext,
  type StepDefinition,
} from '#server/jobs/job-definition.ts';
import { setTenantStatus } from '#server/tenants/tenant-queries.ts';
import { drainPlacements } from './drain-steps.ts';
import { nodesGone, nodesNamed, passChecks, siteSettings } from './job-site.ts';
import { readMigrationFacts } from './migration-facts.ts';
import {
  acknowledgers,
  acknowledgingKinds,
  type EnvironmentSettings,
  type NodeSettings,
  type ScaleDependencies,
} from './scale-settings.ts';
import { patientStore } from './patient-store.ts';
import { CHECK_TIMEOUT_S, migrationChecks, type MigrationInput } from './placement-rules.ts';
import {
  awaitAcknowledgement,
  awaitReturn,
  awaitTenantStates,
  firstWriteOf,
  reloadNodes,
  reloadWhatAnswers,
  writePlacement,
  type AcknowledgementGoal,
} from './placement-steps.ts';
import {
  placeBack,
  placeOnTarget,
  release,
  serveOnSource,
  serveOnTarget,
  stageOf,
  type Move,
} from './placement-transition-rules.ts';
import type { PlacementStore } from './placement-store.ts';

export const MIGRATE_TENANT = 'migrate_tenant';

export type MigrateTenantInput = MigrationInput & {
  /** Where the tenant goes back to when the job has ended. */
  previous_status: TenantStatus;
};

type Step = StepContext<MigrateTenantInput>;

/** What a step works with, from the job's input and today's configuration. */
interface Site {
  store: PlacementStore;
  move: Move;
  settings: EnvironmentSettings;
  sources: NodeSettings[];
  targets: NodeSettings[];
  /** Source, target and gateways: those that have to hear of the move at once. */
  concerned: NodeSettings[];
}

/** The job kind `migrate_tenant`. */
export function migrateTenantJob(dependencies: ScaleDependencies): JobDefinition {
  const admin = dependencies.nodes;
  const siteOf = (step: Step): Site => {
    const { environment, tenant_id, service, shard, target_shard, epoch, source_nodes, target_nodes } =
      step.input;
    const settings = siteSettings(dependencies, environment);
    const all = acknowledgers(settings, service);
    return {
      store: patientStore(step, settings),
      move: { job_id: step.job_id, tenant_id, service, shard, target_shard, epoch },
      settings,
      sources: nodesNamed(all, source_nodes),
      targets: nodesNamed(all, target_nodes),
      concerned: all.filter(
        ({ node_id, kind }) =>
          kind === 'gateway' || source_nodes.includes(node_id) || target_nodes.includes(node_id),
      ),
    };
  };

  const goalOf = (step: Step, revision: number): AcknowledgementGoal => ({
    settings: siteSettings(dependencies, step.input.environment),
    kinds: acknowledgingKinds(step.input.service),
    revision,
  });

  async function check(step: Step): Promise<void> {
    const facts = await readMigrationFacts(dependencies, step.input, step.request_id, step.job_id);
    const tenant = { ...facts.tenant, status: step.input.previous_status };
    await passChecks(step, migrationChecks({ ...facts, tenant }));
  }

  async function drain(step: Step) {
    const { store, move, sources } = siteOf(step);
    return drainPlacements(step, admin, [{ store, move, nodes: sources }]);
  }

  async function place(
    step: Step,
  ): Promise<{ revision: number; previous: { shard: string; epoch: number } }> {
    const { store, move } = siteOf(step);
    const { revision } = await writePlacement(store, move, (record) => placeOnTarget(record, move));
    return { revision, previous: { shard: move.shard, epoch: move.epoch } };
  }

  /** Waits until the source alone serves the tenant by the record as it stands. */
  async function returned(step: Step, revision: number, aware_from: number, serving: boolean): Promise<void> {
    const site = siteOf(step);
    await awaitReturn(step, admin, [
      {
        tenant_id: site.move.tenant_id,
        revision,
        aware_from,
        acknowledgers: () => acknowledgers(site.settings, step.input.service),
        serving: serving ? site.sources : [],
        absent: site.targets,
      },
    ]);
  }

  async function undoPlace(step: Step): Promise<void> {
    const { store, move } = siteOf(step);
    const aware_from = await firstWriteOf(store, move, step.job_id);
    if (aware_from === null && (await untouched(store, move))) return;
    const back = await writePlacement(store, move, (record) => placeBack(record, move));
    const stage = stageOf(back.record, move);
    if (stage === 'home' || stage === 'held') return;
    // The target has served: the source may not before every node has heard that the target does not any more.
    if (stage === 'fenced') await returned(step, back.revision, aware_from ?? 0, false);
    const { revision } = await writePlacement(store, move, (record) => serveOnSource(record, move));
    await returned(step, revision, aware_from ?? 0, true);
  }

  async function undoDrain(step: Step): Promise<void> {
    const { store, move } = siteOf(step);
    const aware_from = await firstWriteOf(store, move, step.job_id);
    if (aware_from === null && (await untouched(store, move))) return;
    const { revision } = await writePlacement(store, move, (record) => release(record, move));
    await returned(step, revision, aware_from ?? 0, true);
  }

  async function verify(step: Step): Promise<void> {
    const { store, move, concerned, sources, targets } = siteOf(step);
    if (targets.length === 0) throw nodesGone(step.input.target_nodes);
    const { revision } = await writePlacement(store, move, (record) => serveOnTarget(record, move));
    await reloadWhatAnswers(step, admin, concerned);
    const { tenant_id } = move;
    await awaitTenantStates(step, admin, [
      ...targets.map((node) => ({ node, tenant_id, state: 'active' as const, revision })),
      ...sources.map((node) => ({ node, tenant_id, state: 'absent' as const, revision })),
    ]);
    await awaitAcknowledgement(step, admin, [goalOf(step, revision)]);
  }

  const steps = (input: MigrateTenantInput): StepDefinition<MigrateTenantInput>[] => [
    { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
    { name: 'drain', run: drain, undo: undoDrain, time_box_s: input.drain_timeout_s },
    { name: 'place', run: place, undo: undoPlace, time_box_s: input.ack_timeout_s },
    {
      name: 'reload',
      run: (step) => reloadNodes(step, admin, siteOf(step).concerned),
      undo: (step) => reloadWhatAnswers(step, admin, siteOf(step).concerned),
      time_box_s: input.ack_timeout_s,
    },
    {
      name: 'acknowledge',
      run: (step) => {
        const { revision } = step.outputs['place'] as { revision: number };
        return awaitAcknowledgement(step, admin, [goalOf(step, revision)]);
      },
      time_box_s: input.ack_timeout_s,
    },
    { name: 'verify', run: verify, time_box_s: input.ack_timeout_s },
  ];

  return defineJob<MigrateTenantInput>({
    kind: MIGRATE_TENANT,
    permission: 'scale.migrate',
    steps,
    settle: settleMigration,
    describeStuck,
  });
}

/** Whether the placement is as it was before the job, or not one that the job could have left. */
async function untouched(store: PlacementStore, move: Move): Promise<boolean> {
  const { record } = await writePlacement(store, move, () => ({ kind: 'keep' }));
  const stage = stageOf(record, move);
  return stage === null || stage === 'home';
}

async function settleMigration(tx: Tx, job: FinishedJob<MigrateTenantInput>): Promise<void> {
  const { tenant_id, previous_status } = job.input;
  await setTenantStatus(tx, tenant_id, job.state === 'stuck' || job.half_done ? 'degraded' : previous_status);
}

function describeStuck(input: MigrateTenantInput, step: string, during: 'run' | 'undo'): string {
  const { tenant_id, service, environment, shard, target_shard } = input;
  const what = `The ${service} placement of ${tenant_id} in ${environment}`;
  if (during === 'run')
    return `${what} is half way between ${shard} and ${target_shard}: ${step} does not go through.`;
  if (step === 'place')
    return `${what} is to go back from ${target_shard} to ${shard}, but not every node follows, so nobody knows which of them serves it.`;
  return `${what} is to serve again on ${shard}, but not every node there takes it up; ${tenant_id} may be without service.`;
}
