/** What the pages of observability read, how often, and what they keep while it fails. */
import { useQueries, useQuery } from '@tanstack/react-query';
import {
  getObservabilityStatus,
  listAlerts,
  listObservabilityLinks,
  listQueries,
  listTargets,
  runQuery,
  type NamedQuery,
  type ObservabilityPart,
  type ObservabilityStatus,
  type QueryResult,
} from '#contract/observability.ts';
import type { NodeKind } from '#contract/placement-record.ts';
import { call } from '#ui/api/client.ts';
import { endpointQuery, may, useEndpoint, useMe } from '#ui/api/queries.ts';
import type { About } from './chart-rules.ts';
import { windowOf, type Range } from './time-range.ts';

/** Alerts, targets and the state of the parts. Reading pauses while the tab is hidden. */
export const ALERTS_REFETCH_MS = 15_000;
export const CHARTS_REFETCH_MS = 30_000;

/** Old windows are of no use once nobody looks at them. */
const KEEP_MS = 60_000;
/** Which queries there are changes with a release only. */
export const REGISTRY_STALE_MS = 10 * 60_000;

export type PartStatus = ObservabilityStatus['parts'][number];

/**
 * Whether an environment, or one tenant of it, may be looked into, and which of its parts answer. Who may see one tenant only is not told
 * the parts: what can be asked is asked, and its answer says what is missing.
 */
export function useObservability(environment: string, tenant_id?: string) {
  const me = useMe().data;
  const whole = may(me, 'observability.view', { environment });
  const allowed = tenant_id === undefined ? whole : may(me, 'observability.view', { environment, tenant_id });
  const status = useEndpoint(
    getObservabilityStatus,
    { query: { environment } },
    { refetchInterval: ALERTS_REFETCH_MS, enabled: whole.allowed },
  );
  // While another environment is being asked, what is known is of the one before.
  const parts = status.data?.environment === environment ? status.data.parts : undefined;
  const part = (name: ObservabilityPart): PartStatus | undefined => parts?.find((one) => one.part === name);
  return { allowed, status, parts, part, asking: parts === undefined && whole.allowed };
}

const isAbout = ({ environment, service, tenant_id, node_id }: About) => ({
  environment,
  service: service as NodeKind | undefined,
  tenant_id,
  node_id,
});

/** The named queries of these names, in this order; undefined while they are being read. */
export function useNamedQueries(names: readonly string[]) {
  const { data, error, refetch } = useEndpoint(listQueries, {}, { staleTime: REGISTRY_STALE_MS });
  return {
    queries: data && names.flatMap((name) => data.items.find((query) => query.name === name) ?? []),
    error,
    refetch,
  };
}

export interface QueryRun {
  query: NamedQuery;
  result: QueryResult | undefined;
  error: Error | null;
  /** The result is of another range than the chosen one, which is on its way. */
  outdated: boolean;
  retry: () => void;
}

/**
 * Runs named queries over the range that ends now, again and again. The window moves with each reading and is no part of the key: the
 * last answer stays while the next one is on its way, and when it fails.
 */
export function useQueryRuns(queries: readonly NamedQuery[], about: About, range: Range): QueryRun[] {
  const answers = useQueries({
    queries: queries.map(({ name }) => ({
      queryKey: [runQuery.id, { name, ...about }, range],
      networkMode: 'always' as const,
      refetchInterval: CHARTS_REFETCH_MS,
      gcTime: KEEP_MS,
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        call(runQuery, {
          params: { name },
          query: { ...isAbout(about), ...windowOf(range, Date.now()) },
          signal,
        }),
      placeholderData: (
        previous: Awaited<ReturnType<typeof call<typeof runQuery>>> | undefined,
        previousQuery: { queryKey: readonly unknown[] } | undefined,
      ) =>
        JSON.stringify(previousQuery?.queryKey[1]) === JSON.stringify({ name, ...about })
          ? previous
          : undefined,
    })),
  });
  return answers.map(({ data, error, isPlaceholderData, refetch }, index) => ({
    query: queries[index] as NamedQuery,
    result: data?.data,
    error,
    outdated: isPlaceholderData,
    retry: () => void refetch(),
  }));
}

/** Links into Grafana for the same thing and range. */
export function useLinks(about: About, range: Range, enabled: boolean) {
  const { data } = useQuery({
    queryKey: [listObservabilityLinks.id, about, range],
    networkMode: 'always',
    refetchInterval: CHARTS_REFETCH_MS,
    gcTime: KEEP_MS,
    enabled,
    queryFn: ({ signal }) => {
      const { from, to } = windowOf(range, Date.now());
      return call(listObservabilityLinks, { query: { ...isAbout(about), from, to }, signal });
    },
  });
  return data?.data.items ?? [];
}

/** The alerts of an environment, while it has an alerting server and one may see them. */
export function useAlerts(environment: string) {
  const { allowed, part } = useObservability(environment);
  const alerts = part('alerts');
  return useEndpoint(
    listAlerts,
    { query: { environment } },
    {
      refetchInterval: ALERTS_REFETCH_MS,
      enabled: allowed.allowed && alerts !== undefined && alerts.state !== 'not_configured',
    },
  );
}

/** What is scraped in an environment, while it has a scraper and one may see it. */
export function useTargets(environment: string) {
  const { allowed, part } = useObservability(environment);
  const targets = part('targets');
  return useEndpoint(
    listTargets,
    { query: { environment } },
    {
      refetchInterval: ALERTS_REFETCH_MS,
      enabled: allowed.allowed && targets !== undefined && targets.state !== 'not_configured',
    },
  );
}

/** The alerts of every environment that one may see, for who looks at all of them at once. */
export function useAllAlerts(environments: readonly { environment: string }[]) {
  const me = useMe().data;
  const names = environments
    .map(({ environment }) => environment)
    .filter((environment) => may(me, 'observability.view', { environment }).allowed);
  const statuses = useQueries({
    queries: names.map((environment) => ({
      ...endpointQuery(getObservabilityStatus, { query: { environment } }),
      refetchInterval: ALERTS_REFETCH_MS,
    })),
  });
  const configured = names.map((_, index) => {
    const alerts = statuses[index]?.data?.data.parts.find(({ part }) => part === 'alerts');
    return alerts && alerts.state !== 'not_configured';
  });
  const answers = useQueries({
    queries: names.map((environment, index) => ({
      ...endpointQuery(listAlerts, { query: { environment } }),
      refetchInterval: ALERTS_REFETCH_MS,
      enabled: configured[index] === true,
    })),
  });
  return names.map((environment, index) => {
    const { data, error } = answers[index] ?? {};
    const state = error
      ? ('failed' as const)
      : data
        ? ('read' as const)
        : configured[index] === false
          ? ('not_configured' as const)
          : ('unknown' as const);
    return { environment, state, alerts: data?.data.items ?? [] };
  });
}
