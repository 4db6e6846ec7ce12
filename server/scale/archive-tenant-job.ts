/** Takes a tenant off the platform: drains it everywhere, removes its placements, and verifies that no node serves it. */
import { TENANT_ACTIONS, type TenantStatus } from '#contract/tenants.ts';
import type { Tx } from '#server/db/database.ts';
import {
  defineJob,
  type FinishedJob,
  type JobDefinition,
  type StepContext,
  type StepDefinition,
} from '#server/jobs/job-definition.ts';
import { setTenantStatus } from '#server/tenants/tenant-queries.ts';
import { readArchiveFacts } from './archive-facts.ts';
import { archiveChecks, type ArchiveInput, type ArchiveSite } from './archive-rules.ts';
import { bringBack, drainPlacements, type HeldSite } from './drain-steps.ts';
import { nodesNamed, passChecks, siteSettings } from './job-site.ts';
import { patientStore } from './patient-store.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import {
  awaitAcknowledgement,
  awaitTenantStates,
  reloadNodes,
  reloadWhatAnswers,
  writePlacement,
} from './placement-steps.ts';
import { releaseInPlace, remove, restore } from './placement-transition-rules.ts';
import {
  acknowledgers,
  acknowledgingKinds,
  type NodeSettings,
  type ScaleDependencies,
} from './scale-settings.ts';
import { insertRetired } from './retired-resource-store.ts';
import { RESOURCES_TIMEOUT_S, type RetiringResource } from './tenant-resource-rules.ts';
import { retireResources, reviveResources } from './tenant-resource-steps.ts';

export const ARCHIVE_TENANT = 'archive_tenant';

export type ArchiveTenantInput = ArchiveInput & {
  /** Where the tenant goes back to when the job is undone. */
  previous_status: TenantStatus;
};

type Step = StepContext<ArchiveTenantInput>;

interface Site extends HeldSite {
  environment: string;
}

/** The job kind `archive_tenant`. */
export function archiveTenantJob(dependencies: ScaleDependencies): JobDefinition {
  const admin = dependencies.nodes;

  const siteOf = (step: Step, { environment, service, shard, epoch, nodes }: ArchiveSite): Site => {
    const settings = siteSettings(dependencies, environment);
    const { tenant_id } = step.input;
    return {
      environment,
      store: patientStore(step, settings),
      // A removal has no target; see `remove`.
      move: { job_id: step.job_id, tenant_id, service, shard, target_shard: shard, epoch },
      nodes: nodesNamed(settings.nodes, nodes),
      settings,
    };
  };
  const sitesOf = (step: Step): Site[] => step.input.sites.map((site) => siteOf(step, site));
  const concerned = (step: Step): NodeSettings[] => [
    ...new Set(sitesOf(step).flatMap(({ settings, move }) => acknowledgers(settings, move.service))),
  ];

  async function check(step: Step): Promise<void> {
    const facts = await readArchiveFacts(dependencies, step.input.tenant_id, step.request_id, step.job_id);
    const tenant = { ...facts.tenant, status: step.input.previous_status };
    await passChecks(step, archiveChecks({ ...facts, tenant }));
  }

  async function removeAll(step: Step): Promise<{ revisions: Record<string, number> }> {
    const revisions: Record<string, number> = {};
    for (const { store, move, environment } of sitesOf(step)) {
      const { revision } = await writePlacement(store, move, (record) => remove(record, move));
      revisions[environment] = Math.max(revisions[environment] ?? 0, revision);
    }
    return { revisions };
  }

  const goalsOf = (step: Step) => {
    const { revisions } = step.outputs['remove'] as { revisions: Record<string, number> };
    return sitesOf(step).map((site) => ({
      settings: site.settings,
      kinds: acknowledgingKinds(site.move.service),
      revision: revisions[site.environment] ?? 0,
    }));
  };

  async function verify(step: Step): Promise<void> {
    const { tenant_id } = step.input;
    const { revisions } = step.outputs['remove'] as { revisions: Record<string, number> };
    const expectations = sitesOf(step).flatMap(({ environment, settings, move }) =>
      acknowledgers(settings, move.service).map((node) => ({
        node,
        tenant_id,
        state: 'absent' as const,
        revision: revisions[environment] ?? 0,
      })),
    );
    await awaitTenantStates(step, admin, expectations);
  }

  const retireSteps = (resources: RetiringResource[]): StepDefinition<ArchiveTenantInput>[] =>
    resources.length === 0
      ? []
      : [
          {
            name: 'retire',
            run: (step) => retireResources(dependencies, step, resources),
            undo: (step) => reviveResources(dependencies, step, resources),
            time_box_s: RESOURCES_TIMEOUT_S,
          },
        ];

  const steps = (input: ArchiveTenantInput): StepDefinition<ArchiveTenantInput>[] => [
    { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
    {
      name: 'drain',
      run: (step) => drainPlacements(step, admin, sitesOf(step)),
      undo: (step) => bringBack(step, admin, sitesOf(step), releaseInPlace),
      time_box_s: input.drain_timeout_s,
    },
    {
      name: 'remove',
      run: removeAll,
      undo: (step) => bringBack(step, admin, sitesOf(step), restore),
      time_box_s: input.ack_timeout_s,
    },
    {
      name: 'reload',
      run: (step) => reloadNodes(step, admin, concerned(step)),
      undo: (step) => reloadWhatAnswers(step, admin, concerned(step)),
      time_box_s: input.ack_timeout_s,
    },
    {
      name: 'acknowledge',
      run: (step) => awaitAcknowledgement(step, admin, goalsOf(step)),
      time_box_s: input.ack_timeout_s,
    },
    { name: 'verify', run: verify, time_box_s: input.ack_timeout_s },
    ...retireSteps(input.resources ?? []),
  ];

  return defineJob<ArchiveTenantInput>({
    kind: ARCHIVE_TENANT,
    permission: 'tenants.archive',
    steps,
    settle: settleArchive,
    describeStuck: ({ tenant_id }, step) =>
      `${tenant_id} is to be served again as before, but not every node takes it up (${step}); some of its services may be down.`,
  });
}

async function settleArchive(
  tx: Tx,
  { input, state, job_id, half_done }: FinishedJob<ArchiveTenantInput>,
): Promise<void> {
  const { tenant_id, previous_status, resources = [] } = input;
  if (state === 'succeeded') await insertRetired(tx, { tenant_id, job_id }, resources);
  const status =
    state === 'succeeded'
      ? TENANT_ACTIONS.archive.to
      : state === 'stuck' || half_done
        ? 'degraded'
        : previous_status;
  await setTenantStatus(tx, tenant_id, status);
}
