/** Brings an archived tenant back: lets its streams and buckets take writes again, and places it where it was. */
import type { Tx } from '#server/db/database.ts';
import {
  defineJob,
  type FinishedJob,
  type JobDefinition,
  type StepContext,
  type StepDefinition,
} from '#server/jobs/job-definition.ts';
import { setTenantStatus } from '#server/tenants/tenant-queries.ts';
import type { Placed } from './first-placement-rules.ts';
import { placingSteps } from './first-placement-steps.ts';
import { passChecks, siteSettings } from './job-site.ts';
import { patientStore } from './patient-store.ts';
import { CHECK_TIMEOUT_S } from './placement-rules.ts';
import { firstWriteOf, writePlacement } from './placement-steps.ts';
import { create } from './placement-transition-rules.ts';
import { readRestoreFacts } from './restore-facts.ts';
import { restoreChecks, type RestoreInput } from './restore-rules.ts';
import { resumeRetention } from './retired-resource-store.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import { RESOURCES_TIMEOUT_S } from './tenant-resource-rules.ts';
import { restoreResources, retireResources } from './tenant-resource-steps.ts';

export const RESTORE_TENANT = 'restore_tenant';

type Step = StepContext<RestoreInput>;

/** The job kind `restore_tenant`. */
export function restoreTenantJob(dependencies: ScaleDependencies): JobDefinition {
  async function check(step: Step): Promise<void> {
    const facts = await readRestoreFacts(dependencies, step.input.tenant_id, step.request_id, step.job_id);
    await passChecks(step, restoreChecks({ ...facts, tenant: { ...facts.tenant, status: 'archived' } }));
  }

  async function place(step: Step, environment: string): Promise<Placed> {
    const store = patientStore(step, siteSettings(dependencies, environment));
    const { tenant_id, sites } = step.input;
    const placed: Placed = {};
    for (const { service, shard, epoch, nodes } of sites[environment] ?? []) {
      const mine = (await firstWriteOf(store, { service, tenant_id }, step.job_id)) !== null;
      const wanted = { tenant_id, service, shard, state: 'active', epoch, job_id: step.job_id } as const;
      const { revision } = await writePlacement(store, wanted, (found) => create(found, wanted, mine));
      placed[service] = { shard, revision, nodes };
      await step.progress({ placed });
    }
    return placed;
  }

  const steps = ({ sites, resources, ack_timeout_s }: RestoreInput): StepDefinition<RestoreInput>[] => [
    { name: 'check', run: check, time_box_s: CHECK_TIMEOUT_S },
    ...(resources.length === 0
      ? []
      : [
          {
            name: 'revive',
            run: (step: Step) => restoreResources(dependencies, step, resources),
            undo: (step: Step) => retireResources(dependencies, step, resources),
            time_box_s: RESOURCES_TIMEOUT_S,
          },
        ]),
    ...Object.keys(sites).flatMap((environment) =>
      placingSteps<RestoreInput>(dependencies, environment, ack_timeout_s, (step) =>
        place(step, environment),
      ),
    ),
  ];

  return defineJob<RestoreInput>({
    kind: RESTORE_TENANT,
    permission: 'tenants.archive',
    steps,
    settle: settleRestore,
    describeStuck: ({ tenant_id }, step) =>
      step === 'revive'
        ? `Streams and buckets of ${tenant_id} are to be read-only again, but NATS does not answer.`
        : `${tenant_id} is to be taken off its shards again, but not every node follows (${step.replace('_', ' in ')}); some may still serve it.`,
  });
}

/** What is left half done is deleted by nobody's clock: it stands still until a person has put it right. */
async function settleRestore(tx: Tx, { input, state, half_done }: FinishedJob<RestoreInput>): Promise<void> {
  const { tenant_id, restored_status } = input;
  if (state === 'succeeded') return setTenantStatus(tx, tenant_id, half_done ? 'degraded' : restored_status);
  if (state === 'stuck' || half_done) return setTenantStatus(tx, tenant_id, 'degraded');
  await resumeRetention(tx, tenant_id);
  await setTenantStatus(tx, tenant_id, 'archived');
}
