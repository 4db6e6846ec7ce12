/** Figures of the watch for Prometheus; every replica reports what the indexes say, and whether it is the one that writes them. */
import { Gauge, type Registry } from 'prom-client';
import { sql } from 'kysely';
import { NODE_STATES } from '#contract/scale.ts';
import { countNodes, readWatchRows } from './fleet-store.ts';
import type { ScaleDependencies } from './scale-settings.ts';

/** A store that answers later leaves its lag out of this scrape. */
const STORE_LIMIT_MS = 1_000;

export function registerScaleMetrics(
  registry: Registry,
  { db, environments }: Pick<ScaleDependencies, 'db' | 'environments'>,
  leads: () => boolean,
): void {
  const gauge = (
    name: string,
    help: string,
    labelNames: string[],
    collect: (gauge: Gauge) => Promise<void>,
  ) => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset();
        // Figures that cannot be read are left out: other metrics must not be lost with them.
        await collect(this).catch(() => undefined);
      },
    });
  };

  gauge(
    'control_placement_watcher_revision',
    'Revision that the placement index has taken in',
    ['environment'],
    async (revision) => {
      for (const row of (await readWatchRows(db)).values()) {
        revision.set({ environment: row.environment }, row.revision);
      }
    },
  );
  gauge(
    'control_placement_watcher_lag_revisions',
    'Revisions of the placement store that the index lacks',
    ['environment'],
    async (lag) => {
      const rows = await readWatchRows(db);
      await Promise.allSettled(
        environments.map(async ({ environment, store }) => {
          const current = await withinLimit(store.currentRevision());
          const behind = current - (rows.get(environment)?.revision ?? 0);
          lag.set({ environment }, Math.max(0, behind));
        }),
      );
    },
  );
  gauge(
    'control_placement_observation_age_seconds',
    'Time since the placement store was last heard of',
    ['environment'],
    async (age) => {
      for (const row of (await readWatchRows(db)).values()) {
        if (row.age_s !== null) age.set({ environment: row.environment }, Math.max(0, row.age_s));
      }
    },
  );
  gauge(
    'control_node_observation_age_seconds',
    'Time since the node was heard of that has been silent for longest',
    ['environment'],
    async (age) => {
      const { rows } = await sql<{
        environment: string;
        age_s: number;
      }>`select environment, extract(epoch from clock_timestamp() - min(coalesce(observed_at, since)))::float8 as age_s from node_index group by 1`.execute(
        db,
      );
      for (const { environment, age_s } of rows) age.set({ environment }, Math.max(0, age_s));
    },
  );
  gauge('control_nodes', 'Nodes by state', ['environment', 'state'], async (nodes) => {
    const counted = await countNodes(db);
    for (const { environment } of environments) {
      for (const state of NODE_STATES) {
        const row = counted.find((each) => each.environment === environment && each.state === state);
        nodes.set({ environment, state }, row?.count ?? 0);
      }
    }
  });
  gauge(
    'control_leader',
    '1 when this replica watches the placement stores and the nodes',
    [],
    async (leader) => {
      leader.set(leads() ? 1 : 0);
    },
  );
}

async function withinLimit<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('too late')), STORE_LIMIT_MS);
  });
  try {
    return await Promise.race([answer, limit]);
  } finally {
    clearTimeout(timer);
  }
}
