/** The parts of provisioning and archiving that make and retire a tenant's streams and buckets. Every one of them may be repeated. */
import { StepFailure, type StepContext } from '#server/jobs/job-definition.ts';
import { siteSettings } from './job-site.ts';
import type { ScaleDependencies } from './scale-settings.ts';
import {
  TenantResourceError,
  type TenantResource,
  type TenantResourceId,
  type TenantResourceStore,
} from './tenant-resource-store.ts';

type Step = StepContext<{ tenant_id: string }>;
type PlacedResource = TenantResourceId & { environment: string };

function storeOf(dependencies: ScaleDependencies, environment: string): TenantResourceStore {
  const store = siteSettings(dependencies, environment).tenant_resources?.store;
  if (store) return store;
  throw new StepFailure('no_resource_store', `Environment ${environment} has no NATS any more.`);
}

/** Says in the job's words what the store of resources says. */
async function naming<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TenantResourceError)) throw error;
    throw new StepFailure(`resource_${error.code}`, `${capitalised(error.message)}.`, { cause: error });
  }
}
const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

export async function createResources(
  dependencies: ScaleDependencies,
  { input: { tenant_id }, job_id }: Step,
  environment: string,
  resources: readonly TenantResource[],
): Promise<void> {
  const store = storeOf(dependencies, environment);
  await naming(async () => {
    for (const resource of resources) await store.create(resource, { tenant_id, job_id });
  });
}

/** Deletes those that this job has made. */
export async function removeCreatedResources(
  dependencies: ScaleDependencies,
  { input: { tenant_id }, job_id }: Step,
  environment: string,
  resources: readonly TenantResource[],
): Promise<void> {
  const store = storeOf(dependencies, environment);
  await naming(async () => {
    for (const resource of resources.toReversed()) await store.removeCreated(resource, { tenant_id, job_id });
  });
}

export async function retireResources(
  dependencies: ScaleDependencies,
  { input: { tenant_id } }: Step,
  resources: readonly PlacedResource[],
): Promise<void> {
  await naming(async () => {
    for (const resource of resources) {
      await storeOf(dependencies, resource.environment).retire(resource, tenant_id);
    }
  });
}

export async function reviveResources(
  dependencies: ScaleDependencies,
  { input: { tenant_id } }: Step,
  resources: readonly PlacedResource[],
): Promise<void> {
  await naming(async () => {
    for (const resource of resources) {
      await storeOf(dependencies, resource.environment).revive(resource, tenant_id);
    }
  });
}

/** Revives what a restore rests on. Throws StepFailure `resource_gone` when one of them is not the tenant's to use afterwards. */
export async function restoreResources(
  dependencies: ScaleDependencies,
  step: Step,
  resources: readonly PlacedResource[],
): Promise<void> {
  const { tenant_id } = step.input;
  await reviveResources(dependencies, step, resources);
  await naming(async () => {
    for (const resource of resources) {
      const { environment, kind, name } = resource;
      if ((await storeOf(dependencies, environment).state(resource, tenant_id)) === 'in_use') continue;
      throw new StepFailure(
        'resource_gone',
        `The ${kind} ${name} of ${tenant_id} in ${environment} is gone.`,
      );
    }
  });
}
