/** The values of a tenant's form, and how they become bodies of requests. Names follow the API, so that its pointers lead to the fields. */
import type { BodyOf } from '#contract/endpoint.ts';
import type { createTenant, Tenant, updateTenant } from '#contract/tenants.ts';

type Plan = Tenant['plan'];
export interface TenantFormValues {
  tenant_id: string;
  name: string;
  plan: Plan;
  environments: string[];
  quotas: { commands_per_second: number | ''; storage_bytes: number | ''; projections: number | '' };
  feature_flags: { flag: string; on: boolean }[];
  contact: { name: string; email: string; phone: string };
  billing: { account: string; cost_center: string; currency: string };
  reason: string;
}

export const emptyTenantForm = (environments: readonly string[]): TenantFormValues => ({
  tenant_id: '',
  name: '',
  plan: 'bronze',
  environments: [...environments],
  quotas: { commands_per_second: '', storage_bytes: '', projections: '' },
  feature_flags: [],
  contact: { name: '', email: '', phone: '' },
  billing: { account: '', cost_center: '', currency: '' },
  reason: '',
});

export const tenantFormValues = ({
  tenant_id,
  name,
  plan,
  environments,
  ...tenant
}: Tenant): TenantFormValues => ({
  tenant_id,
  name,
  plan,
  environments: [...environments],
  quotas: {
    commands_per_second: tenant.quotas.commands_per_second ?? '',
    storage_bytes: tenant.quotas.storage_bytes ?? '',
    projections: tenant.quotas.projections ?? '',
  },
  feature_flags: Object.entries(tenant.feature_flags).map(([flag, on]) => ({ flag, on })),
  contact: {
    name: tenant.contact.name ?? '',
    email: tenant.contact.email ?? '',
    phone: tenant.contact.phone ?? '',
  },
  billing: {
    account: tenant.billing.account ?? '',
    cost_center: tenant.billing.cost_center ?? '',
    currency: tenant.billing.currency ?? '',
  },
  reason: '',
});

/** Without the fields that were left empty. */
const filled = <T extends Record<string, unknown>>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')) as {
    [K in keyof T]?: Exclude<T[K], ''>;
  };

const metadata = (values: TenantFormValues) => ({
  name: values.name.trim(),
  plan: values.plan,
  quotas: filled(values.quotas),
  feature_flags: Object.fromEntries(values.feature_flags.map(({ flag, on }) => [flag, on])),
  contact: filled(values.contact),
  billing: filled(values.billing),
});
const METADATA = ['name', 'plan', 'quotas', 'feature_flags', 'contact', 'billing'] as const;

const reasonOf = ({ reason }: TenantFormValues) => (reason.trim() === '' ? {} : { reason: reason.trim() });

export const createBody = (values: TenantFormValues): BodyOf<typeof createTenant> => ({
  tenant_id: values.tenant_id,
  environments: values.environments,
  ...metadata(values),
  ...reasonOf(values),
});

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Only what differs from what was read, so that a change never writes back what somebody else has changed. */
export function updateBody(before: TenantFormValues, after: TenantFormValues): BodyOf<typeof updateTenant> {
  const [old, next] = [metadata(before), metadata(after)];
  const changed = METADATA.filter((name) => !same(old[name], next[name]));
  return { ...Object.fromEntries(changed.map((name) => [name, next[name]])), ...reasonOf(after) };
}

export const isChanged = (before: TenantFormValues, after: TenantFormValues): boolean => {
  const [old, next] = [metadata(before), metadata(after)];
  return METADATA.some((name) => !same(old[name], next[name]));
};

export interface Rebase {
  values: TenantFormValues;
  /** Fields that both sides have changed; mine are kept. */
  conflicts: string[];
  /** What they have changed. */
  theirs: { path: string; before: unknown; after: unknown }[];
}

/** My changes to `base`, put on top of `current`, which somebody else has changed meanwhile. */
export function rebase(base: TenantFormValues, mine: TenantFormValues, current: TenantFormValues): Rebase {
  const result: Record<string, unknown> = { ...current, reason: mine.reason };
  const conflicts: string[] = [];
  const theirs: Rebase['theirs'] = [];
  for (const name of METADATA) {
    const theyChanged = !same(base[name], current[name]);
    const iChanged = !same(base[name], mine[name]);
    if (theyChanged) theirs.push({ path: name, before: base[name], after: current[name] });
    if (theyChanged && iChanged) conflicts.push(name);
    if (iChanged) result[name] = mine[name];
  }
  return { values: result as unknown as TenantFormValues, conflicts, theirs };
}
