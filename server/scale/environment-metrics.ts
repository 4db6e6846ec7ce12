/**
 * What orchestrators run and where tenants are, for Prometheus: an engine itself exports neither wanted counts nor rollouts. The replica that
 * leads reports it, so that sums over replicas are right. `service` is the kind of node, or the service's name where it is none.
 */
import { Gauge, type Registry } from 'prom-client';
import { sql } from 'kysely';
import type { Database } from '#server/db/database.ts';
import { sharedByScrape } from '#server/http/shared-scrape.ts';

/** Series that tasks may have of their own, troubled ones first; the rest is summed as `node="other"`. Shards likewise. */
const MOST_TASK_SERIES = 1_000;
const MOST_SHARDS = 500;

interface Picture {
  services: {
    environment: string;
    service: string;
    desired: number | null;
    running: number;
    /** Unix seconds, null for never. */
    started: number | null;
    finished: number | null;
    failed: number | null;
  }[];
  tasks: {
    environment: string;
    service: string;
    node: string;
    desired_state: string;
    state: string;
    count: number;
  }[];
  shards: { environment: string; service: string; shard: string; tenants: number }[];
}

export function registerEnvironmentMetrics(registry: Registry, db: Database, leads: () => boolean): void {
  const picture = sharedByScrape(() => readPicture(db));
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    show: (gauge: Gauge, picture: Picture) => void,
  ) => {
    new Gauge({
      name,
      help: `${help}; reported by the leader`,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset();
        if (!leads()) return;
        // Figures that cannot be read are left out: other metrics must not be lost with them.
        const read = await picture().catch(() => null);
        if (read !== null) show(this, read);
      },
    });
  };

  gauge(
    'swarm_service_replicas_desired',
    'Tasks that the service should have; none for a global service',
    ['environment', 'service'],
    (desired, { services }) => {
      for (const { environment, service, desired: count } of services) {
        if (count !== null) desired.set({ environment, service }, count);
      }
    },
  );
  gauge(
    'swarm_service_replicas_running',
    'Tasks of the service that run',
    ['environment', 'service'],
    (running, { services }) => {
      for (const { environment, service, running: count } of services)
        running.set({ environment, service }, count);
    },
  );
  gauge(
    'swarm_tasks',
    `Tasks by host, wanted state and state; beyond ${MOST_TASK_SERIES} series the host is "other"`,
    ['environment', 'service', 'node', 'desired_state', 'state'],
    (tasks, read) => {
      for (const { count, ...labels } of read.tasks) tasks.set(labels, count);
    },
  );
  gauge(
    'control_deployment_last_timestamp_seconds',
    'When the last rollout of the service reached the phase, as the orchestrator says',
    ['environment', 'service', 'phase'],
    (last, { services }) => {
      for (const { environment, service, started, finished, failed } of services) {
        for (const [phase, at] of Object.entries({ started, finished, failed })) {
          if (at !== null) last.set({ environment, service, phase }, at);
        }
      }
    },
  );
  gauge(
    'control_placed_tenants',
    `Tenants placed on a shard of a service kind; beyond ${MOST_SHARDS} shards the shard is "other"`,
    ['environment', 'service', 'shard'],
    (placed, { shards }) => {
      for (const { tenants, ...labels } of shards) placed.set(labels, tenants);
    },
  );
}

/** Times of the update as numbers: the label of a phase stands for one moment. */
const AT = (field: string) => sql.raw(`extract(epoch from (update->>'${field}')::timestamptz)`);
const ENDED = AT('completed_at');

async function readPicture(db: Database): Promise<Picture> {
  const { rows } = await sql<Picture>`with each_service as (
      select environment, coalesce(kind, name) as service, sum(replicas_desired)::int as desired, sum(replicas_running)::int as running,
          max(${AT('started_at')})::float8 as started,
          max(case when update->>'state' = 'completed' then ${ENDED} end)::float8 as finished,
          max(case when update->>'state' in ('paused', 'rollback_started', 'rollback_paused', 'rollback_completed')
            then coalesce(${ENDED}, ${AT('started_at')}) end)::float8 as failed
        from service_index group by 1, 2
    ), task as (
      select environment, coalesce(kind, service_name) as service, coalesce(hostname, '') as node, desired_state, state, count(*) as count,
          row_number() over (order by desired_state = state, count(*) desc, environment, coalesce(kind, service_name), coalesce(hostname, '')) as place
        from task_index group by 1, 2, 3, 4, 5
    ), bounded_task as (
      select environment, service, case when place <= ${MOST_TASK_SERIES} then node else 'other' end as node, desired_state, state,
          sum(count)::int as count from task group by 1, 2, 3, 4, 5
    ), shard as (
      select environment, service, shard, tenant_count, row_number() over (order by tenant_count desc, environment, service, shard) as place
        from shard_totals where tenant_count > 0
    ), bounded_shard as (
      select environment, service, case when place <= ${MOST_SHARDS} then shard else 'other' end as shard, sum(tenant_count)::int as tenants
        from shard group by 1, 2, 3
    )
    select (select coalesce(jsonb_agg(to_jsonb(each_service)), '[]') from each_service) as services,
      (select coalesce(jsonb_agg(to_jsonb(bounded_task)), '[]') from bounded_task) as tasks,
      (select coalesce(jsonb_agg(to_jsonb(bounded_shard)), '[]') from bounded_shard) as shards`.execute(db);
  const [picture] = rows;
  if (picture === undefined) throw new Error('the database answered no row to a query that has one');
  return picture;
}
