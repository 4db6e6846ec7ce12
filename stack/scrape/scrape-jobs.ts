/**
 * What vmagent scrapes. A job’s name is also the label `service` of its series and, for parts of the stack, the name of the service in the
 * deployment files: one word from the container to the panel.
 */
import { METRICS } from '#stack/metric-catalogue/catalogue.ts';
import { SERIES_BUDGET } from '#stack/metric-catalogue/series-budget.ts';
import { drop, dropLabels, keep, keepMetrics, rename, type RelabelRule } from './relabel.ts';

export interface ScrapeJob {
  job: string;
  /** Where it answers `/metrics`. Nodes of the platform, engines and NATS Surveyor say so themselves. */
  port?: number;
  /** Default: every 15 s. What changes slowly or answers much is asked less often. */
  interval?: '30s';
  /** Most series that one target may have; what exceeds it is dropped and counted. */
  seriesLimit: number;
  /** `host`: one on each host, named after it. `nodes`: of the platform. `hosts`: the engines themselves. */
  place?: 'host' | 'nodes' | 'hosts';
  /** Not in `deploy/compose.yml`: whoever has one lists it in `targets/<job>.yml`. */
  optional?: true;
  /** Its series belong to no environment; those about one say so by a label of their own, and may name another service. */
  control?: true;
  metricRules?: readonly RelabelRule[];
}

const SWARM_SERVICE = 'container_label_com_docker_swarm_service_name';
const COMPOSE_SERVICE = 'container_label_com_docker_compose_service';

export const SCRAPE_JOBS: readonly ScrapeJob[] = [
  ...['gateway', 'aggregate', 'projection', 'runner'].map(
    (job) =>
      ({
        job,
        place: 'nodes',
        optional: true,
        seriesLimit: SERIES_BUDGET.node,
        // What a node says of itself besides is what its target says, or wrong.
        metricRules: [dropLabels('exported_(env|service|instance|job)')],
      }) as const,
  ),
  { job: 'control', port: 7070, seriesLimit: SERIES_BUDGET.control, control: true },
  {
    job: 'nats-exporter',
    port: 7777,
    interval: '30s',
    // Streams and consumers of each tenant: 7 series for every tenant, so this is the bound for 10,000 of them.
    seriesLimit: 100_000,
    metricRules: [
      keepMetrics(namesOf('prometheus-nats-exporter')),
      // Replicas disagree, and would triple the series; queries ask for the leader’s.
      drop(['__name__', 'is_stream_leader'], 'jetstream_stream_.+;false'),
      drop(['__name__', 'is_consumer_leader'], 'jetstream_consumer_.+;false'),
    ],
  },
  { job: 'nats-surveyor', port: 7777, interval: '30s', seriesLimit: 20_000, optional: true },
  { job: 'node-exporter', port: 9100, place: 'host', seriesLimit: 3_000 },
  {
    job: 'cadvisor',
    port: 8080,
    place: 'host',
    interval: '30s',
    seriesLimit: 5_000,
    metricRules: [
      keepMetrics(namesOf('cAdvisor')),
      // Control groups that are no container have no name.
      keep(['name'], '.+'),
      rename(COMPOSE_SERVICE, SWARM_SERVICE),
      // The name tells containers apart already; these double what changes with each restart.
      dropLabels(`id|image|${COMPOSE_SERVICE}`),
    ],
  },
  { job: 'docker-engine', place: 'hosts', interval: '30s', seriesLimit: 2_000, optional: true },
  { job: 'victoria-metrics', port: 8428, seriesLimit: 3_000 },
  { job: 'vmagent', port: 8429, seriesLimit: 3_000 },
  { job: 'vmalert', port: 8880, seriesLimit: 3_000 },
  { job: 'alertmanager', port: 9093, interval: '30s', seriesLimit: 2_000 },
  { job: 'loki', port: 3100, interval: '30s', seriesLimit: 5_000 },
  { job: 'alloy', port: 12345, place: 'host', interval: '30s', seriesLimit: 3_000 },
  { job: 'grafana', port: 3000, interval: '30s', seriesLimit: 5_000 },
];

/**
 * Series that an environment may have within an hour, restarts and rollouts included: vmagent drops what exceeds it, and the store what
 * exceeds its own, somewhat higher limit, by which others that write to it are held, too.
 */
export const HOURLY_SERIES = { vmagent: 400_000, store: 450_000 } as const;

/** Names of the series of a source, as they are in its exposition. */
function namesOf(source: string): string[] {
  return Object.entries(METRICS)
    .filter(([, metric]) => metric.source === source)
    .flatMap(([name, { type }]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    );
}
