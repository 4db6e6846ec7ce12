import { getTenant, type TenantStatus } from '#contract/tenants.ts';
import { useEndpoint } from '#ui/api/queries.ts';

/** Statuses that a job is about to change. */
const MOVING: readonly TenantStatus[] = ['provisioning', 'draining', 'migrating'];

/** The tenant of a page and of its tabs: one query for all of them, read more often while a job moves it. */
export const useTenant = (tenant_id: string) =>
  useEndpoint(
    getTenant,
    { params: { tenant_id } },
    {
      refetchInterval: ({ state }) =>
        state.data && MOVING.includes(state.data.data.status) ? 2_000 : 15_000,
    },
  );
