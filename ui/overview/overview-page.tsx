/** The four questions of who is on call: is anything broken, what is changing, how is the platform, what happened. */
import { listNodes, listEnvironments, type EnvironmentSummary } from '#contract/scale.ts';
import { listHosts, listServices, type Service } from '#contract/fleet.ts';
import { listJobs } from '#contract/jobs.ts';
import { listTenants } from '#contract/tenants.ts';
import { mayAnywhere, useEndpoint, useMe } from '#ui/api/queries.ts';
import { useAllAlerts } from '#ui/observability/observability-queries.ts';
import { useNow } from '#ui/patterns/clock.ts';
import { formatAgo, formatTotal, plural } from '#ui/patterns/format.ts';
import { PageHeader } from '#ui/patterns/page-header.tsx';
import { BrokenPanel } from './broken-panel.tsx';
import { ChangingPanel } from './changing-panel.tsx';
import { HappenedPanel } from './happened-panel.tsx';
import classes from './overview-page.module.css';
import { findingsOf } from './overview-rules.ts';
import { PlatformPanel } from './platform-panel.tsx';
import { TrafficPanel } from './traffic-panel.tsx';

const LIVE_MS = 5_000;
const NODE_LIMIT = 200;
/** Sorted by state, so that those in trouble are among them: hosts begin with them, services have some at either end. */
const FLEET_LIMIT = 200;

const HOSTS = { one: 'host', many: 'hosts' };
const SERVICES = { one: 'service', many: 'services' };

/** The first and the last of a list that is longer than both; each row once. */
const bothEnds = (first: readonly Service[], last: readonly Service[]): Service[] => [
  ...new Map([...first, ...last].map((one) => [`${one.environment} ${one.service_id}`, one])).values(),
];

const NO_ENVIRONMENTS: readonly EnvironmentSummary[] = [];

export function OverviewPage() {
  const signedIn = useMe().data;
  const seesScale = mayAnywhere(signedIn, 'scale.view');
  const seesJobs = mayAnywhere(signedIn, 'jobs.view');
  const seesTenants = mayAnywhere(signedIn, 'tenants.read');
  const live = (enabled: boolean) => ({ refetchInterval: LIVE_MS, enabled });

  const environments = useEndpoint(listEnvironments, {}, live(true));
  const nodes = useEndpoint(listNodes, { query: { limit: NODE_LIMIT } }, live(seesScale.allowed));
  const hosts = useEndpoint(
    listHosts,
    { query: { limit: FLEET_LIMIT, sort: 'state' } },
    live(seesScale.allowed),
  );
  const services = useEndpoint(
    listServices,
    { query: { limit: FLEET_LIMIT, sort: 'state' } },
    live(seesScale.allowed),
  );
  const lastServices = useEndpoint(
    listServices,
    { query: { limit: FLEET_LIMIT, sort: '-state' } },
    live(seesScale.allowed && Boolean(services.data?.next_cursor)),
  );
  const jobs = useEndpoint(listJobs, { query: { state: 'live', limit: 50 } }, live(seesJobs.allowed));
  const degraded = useEndpoint(
    listTenants,
    { query: { status: ['degraded'], limit: 1 } },
    { refetchInterval: 3 * LIVE_MS, enabled: seesTenants.allowed },
  );
  const alerts = useAllAlerts(environments.data?.items ?? NO_ENVIRONMENTS);
  const now = useNow();

  const sources = [
    { name: 'environments', query: environments, seen: true },
    { name: 'nodes', query: nodes, seen: seesScale.allowed },
    { name: 'hosts', query: hosts, seen: seesScale.allowed },
    { name: 'services', query: services, seen: seesScale.allowed },
    { name: 'jobs', query: jobs, seen: seesJobs.allowed },
    { name: 'tenants', query: degraded, seen: seesTenants.allowed },
  ];
  const loading = sources.some(({ query, seen }) => seen && query.isPending);
  const failed = sources.filter(({ query, seen }) => seen && query.error !== null);
  const findings = findingsOf(
    {
      nodes: nodes.data?.items ?? [],
      environments: environments.data?.items ?? [],
      hosts: hosts.data?.items ?? [],
      services: bothEnds(services.data?.items ?? [], lastServices.data?.items ?? []),
      stuck: (jobs.data?.items ?? []).filter(({ state }) => state === 'stuck'),
      degraded: degraded.data?.total ?? null,
      alerts,
    },
    // As fresh as the page reads it: what ages between two readings is the page, not the observation.
    nodes.dataUpdatedAt || now,
  );
  const oldest = Math.min(...sources.filter(({ seen }) => seen).map(({ query }) => query.dataUpdatedAt));
  const alertsWatched = alerts.length > 0 && alerts.every(({ state }) => state === 'read');
  const reasons = [seesScale, seesJobs, seesTenants].flatMap(({ reason }) => reason ?? []);

  return (
    <div className={classes.page}>
      <PageHeader title="Overview">
        {!loading && (
          <span className={classes.age} data-late={now - oldest > 3 * LIVE_MS || undefined}>
            {oldest > 0 ? `Read ${formatAgo(oldest, Math.max(now, oldest))}` : 'Not read'}
          </span>
        )}
      </PageHeader>
      <div className={classes.grid}>
        <div className={classes.column}>
          <BrokenPanel
            findings={findings}
            loading={loading}
            failed={failed.map(({ name, query }) => ({
              name,
              error: query.error,
              retry: () => void query.refetch(),
            }))}
            quiet={[
              nodes.data && `${plural(nodes.data.items.length, 'node')} ready`,
              hosts.data && hosts.data.total.count > 0 && `${formatTotal(hosts.data.total, HOSTS)} up`,
              services.data &&
                services.data.total.count > 0 &&
                `${formatTotal(services.data.total, SERVICES)} well`,
              environments.data && 'every placement watched',
              jobs.data && 'no job stuck',
              degraded.data && 'no tenant degraded',
              alertsWatched && 'no alert firing',
            ].filter((one) => typeof one === 'string')}
            notSeen={reasons}
          />
          <ChangingPanel jobs={jobs.data?.items} error={jobs.error} allowed={seesJobs} />
        </div>
        <div className={classes.column}>
          <div className={classes.pair}>
            <PlatformPanel
              environments={environments.data?.items}
              nodes={nodes.data?.items}
              readAt={environments.dataUpdatedAt}
              every_s={LIVE_MS / 1000}
              more={nodes.data?.next_cursor !== null && nodes.data !== undefined}
              allowed={seesScale}
              error={nodes.error ?? environments.error}
            />
            <TrafficPanel environments={environments.data?.items} />
          </div>
          <HappenedPanel />
        </div>
      </div>
    </div>
  );
}
