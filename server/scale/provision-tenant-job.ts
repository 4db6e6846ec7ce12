/** Gives a tenant its first placements: in each environment, the least loaded shard of each service kind. */
import { sql } from 'kysely';
import { SERVICE_KINDS } from '#contract/placement-record.ts';
import type { Tx } from '#server/db/database.ts';
import type { JobRun } from '#server/db/mutate.ts';
import {
  defineJob,
  StepFailure,
  type FinishedJob,
  type JobDefinition,
  type StepContext,
  type StepDefinition,
} from '#server/jobs/job-definition.ts';
import { addEnvironment, setTenantStatus } from '#server/tenants/tenant-queries.ts';
import { placingStepTitles, type Placed } from './first-placement-rules.ts';
import { placingSteps } from './first-placement-steps.ts';
import { siteSettings } from './job-site.ts';
import { patientStore } from './patient-store.ts';
import { askNodes, readPlacement, requireEnvironment } from './migration-facts.ts';
import { firstWriteOf, writePlacement } from './placement-steps.ts';
import { create } from './placement-transition-rules.ts';
import { environmentOf, type ScaleDependencies } from './scale-settings.ts';
import { leastLoadedShard } from './shard-choice-rules.ts';
import { countResources, resourcesOf, RESOURCES_TIMEOUT_S } from './tenant-resource-rules.ts';
import { createResources, removeCreatedResources } from './tenant-resource-steps.ts';
import type { TenantResource } from './tenant-resource-store.ts';

export const PROVISION_TENANT = 'provision_tenant';

/** A type, because a job's input is a record. */
export type ProvisionTenantInput = {
  tenant_id: string;
  environments: string[];
  /** `create`: the tenant becomes active, or degraded. `add`: it gets the environment in addition. */
  purpose: 'create' | 'add';
  ack_timeout_s: number;
  /** Streams and buckets to make, by environment; absent in jobs of before there were any. */
  resources?: Record<string, TenantResource[]>;
};

type Step = StepContext<ProvisionTenantInput>;

/** Those of the environments where the tenant has no placement at all: its provisioning failed there, or never began. */
export async function findUnplaced(
  dependencies: ScaleDependencies,
  tenant_id: string,
  environments: readonly string[],
): Promise<string[]> {
  const found = await Promise.all(
    environments.map(async (environment) => {
      const settings = requireEnvironment(dependencies, environment);
      return Promise.all(SERVICE_KINDS.map((service) => readPlacement(settings, service, tenant_id)));
    }),
  );
  return environments.filter((_environment, index) => found[index]?.every((entry) => entry === null));
}

/** The run of the job, for `mutate`. */
export function provisionRun(
  dependencies: ScaleDependencies,
  request: Omit<ProvisionTenantInput, 'ack_timeout_s' | 'resources'>,
): JobRun {
  const ack_timeout_s = Math.max(
    ...request.environments.map(
      (environment) => environmentOf(dependencies, environment)?.thresholds.ack_timeout_s ?? 0,
    ),
  );
  const { tenant_id } = request;
  const concerned = request.environments.flatMap(
    (environment) => environmentOf(dependencies, environment) ?? [],
  );
  const resources = resourcesOf(concerned, tenant_id);
  const input: ProvisionTenantInput = { ...request, ack_timeout_s, resources };
  const resourceSteps = (environment: string) => {
    const own = resources[environment];
    if (own === undefined) return [];
    const what = `${countResources(own)} of ${tenant_id} in ${environment}`;
    return [
      {
        name: `resources_${environment}`,
        title: `Make ${what}`,
        undo_title: `Delete ${what} again`,
        point_of_no_return: false,
        time_box_s: RESOURCES_TIMEOUT_S,
      },
    ];
  };
  const steps = request.environments.flatMap((environment) => [
    ...resourceSteps(environment),
    ...placingStepTitles(environment, input, {
      place: `Place ${tenant_id} on the least loaded shards of ${environment}`,
      take_off: `Take ${tenant_id} off its shards in ${environment}`,
    }),
  ]);
  return { kind: PROVISION_TENANT, input, plan: null, steps };
}

/** The job kind `provision_tenant`. */
export function provisionTenantJob(dependencies: ScaleDependencies): JobDefinition {
  async function place(step: Step, environment: string): Promise<Placed> {
    const settings = siteSettings(dependencies, environment);
    const store = patientStore(step, settings);
    const { tenant_id } = step.input;
    const [nodes, totals] = await Promise.all([
      askNodes(dependencies, settings.nodes, tenant_id, step.request_id),
      sql<{
        service: string;
        shard: string;
        tenant_count: number;
      }>`select service, shard, tenant_count from shard_totals
        where environment = ${environment}`.execute(dependencies.db),
    ]);
    const placed: Placed = {};
    for (const service of SERVICE_KINDS) {
      const counts = new Map(
        totals.rows.filter((row) => row.service === service).map((row) => [row.shard, row.tenant_count]),
      );
      const choice = leastLoadedShard(
        nodes.filter(({ kind }) => kind === service),
        counts,
        settings.thresholds,
      );
      const mine = (await firstWriteOf(store, { service, tenant_id }, step.job_id)) !== null;
      const { revision, record } = await writePlacement(store, { service, tenant_id }, (found) => {
        if (found === null && choice.shard === null) {
          throw new StepFailure(
            'no_shard',
            `No ${service} shard in ${environment} can take ${tenant_id}: ${choice.reason}.`,
          );
        }
        const wanted = {
          tenant_id,
          service,
          shard: choice.shard ?? '',
          state: 'active',
          epoch: 1,
          job_id: step.job_id,
        } as const;
        return create(found, wanted, mine);
      });
      const shard = record?.shard ?? '';
      const holders = nodes.filter((node) => node.kind === service && node.shards.includes(shard));
      placed[service] = { shard, revision, nodes: holders.map(({ node_id }) => node_id) };
      await step.progress({ placed });
    }
    return placed;
  }

  const resourceSteps = (
    environment: string,
    resources: TenantResource[] | undefined,
  ): StepDefinition<ProvisionTenantInput>[] =>
    resources === undefined
      ? []
      : [
          {
            name: `resources_${environment}`,
            run: (step) => createResources(dependencies, step, environment, resources),
            undo: (step) => removeCreatedResources(dependencies, step, environment, resources),
            time_box_s: RESOURCES_TIMEOUT_S,
          },
        ];

  const steps = (input: ProvisionTenantInput): StepDefinition<ProvisionTenantInput>[] =>
    input.environments.flatMap((environment): StepDefinition<ProvisionTenantInput>[] => [
      ...resourceSteps(environment, input.resources?.[environment]),
      ...placingSteps<ProvisionTenantInput>(dependencies, environment, input.ack_timeout_s, (step) =>
        place(step, environment),
      ),
    ]);

  return defineJob<ProvisionTenantInput>({
    kind: PROVISION_TENANT,
    permission: 'tenants.create',
    steps,
    settle: settleProvisioning,
    describeStuck: ({ tenant_id }, step) =>
      step.startsWith('resources_')
        ? `Streams and buckets that were made for ${tenant_id} are to be deleted again, but NATS does not answer (${step.replace('_', ' in ')}).`
        : `${tenant_id} is to be taken off its new shards again, but not every node follows (${step.replace('_', ' in ')}); some may still serve it.`,
  });
}

async function settleProvisioning(
  tx: Tx,
  { input, state }: FinishedJob<ProvisionTenantInput>,
): Promise<void> {
  const { tenant_id, environments, purpose } = input;
  if (purpose === 'create') {
    await setTenantStatus(tx, tenant_id, state === 'succeeded' ? 'active' : 'degraded');
  } else if (state === 'succeeded') {
    for (const environment of environments) await addEnvironment(tx, tenant_id, environment);
  }
}
