/** Pure: which streams and buckets a tenant has, by what its environments declare. */
import type { TenantResource, TenantResourceId } from './tenant-resource-store.ts';

/** Long enough for a server that restarts. */
export const RESOURCES_TIMEOUT_S = 60;

/** What every tenant of an environment has; `{tenant_id}` in names and subjects stands for its id. */
export interface TenantResourceDeclaration {
  resources: readonly TenantResource[];
  /** How long they are kept after the tenant was archived. */
  retention_days: number;
}

/** A resource that is to be retired with its tenant. A type, because it is part of a job's input. */
export type RetiringResource = TenantResourceId & { environment: string; retention_days: number };

interface DeclaringEnvironment {
  environment: string;
  tenant_resources?: { declaration: TenantResourceDeclaration } | undefined;
}

const named = (template: string, tenant_id: string) => template.replaceAll('{tenant_id}', tenant_id);

/** The resources of a tenant in the environments that declare any. */
export function resourcesOf(
  environments: readonly DeclaringEnvironment[],
  tenant_id: string,
): Record<string, TenantResource[]> {
  return Object.fromEntries(
    environments.flatMap(({ environment, tenant_resources }) => {
      const resources = tenant_resources?.declaration.resources ?? [];
      if (resources.length === 0) return [];
      const own = resources.map((resource): TenantResource => {
        const name = named(resource.name, tenant_id);
        if (resource.kind === 'bucket') return { ...resource, name };
        return { ...resource, name, subjects: resource.subjects.map((subject) => named(subject, tenant_id)) };
      });
      return [[environment, own]];
    }),
  );
}

export function retiringResources(
  environments: readonly DeclaringEnvironment[],
  tenant_id: string,
): RetiringResource[] {
  const own = resourcesOf(environments, tenant_id);
  return environments.flatMap(({ environment, tenant_resources }) =>
    (own[environment] ?? []).map(({ kind, name }) => ({
      kind,
      name,
      environment,
      retention_days: tenant_resources?.declaration.retention_days ?? 0,
    })),
  );
}

/** "2 streams and 1 bucket". */
export function countResources(resources: readonly TenantResourceId[]): string {
  const counted = (['stream', 'bucket'] as const).flatMap((kind) => {
    const count = resources.filter((resource) => resource.kind === kind).length;
    return count === 0 ? [] : [`${count} ${kind}${count === 1 ? '' : 's'}`];
  });
  return counted.join(' and ');
}
