import { Gauge, type Registry } from 'prom-client';
import type { NodeKind } from '#contract/placement-record.ts';
import { medianUnder } from '../demand-rules.ts';
import type { NodeState } from '../node-state.ts';
import { activeLevel } from '../work-rules.ts';
import type { TrafficPeriod, WorkMetrics } from './node-traffic.ts';
import { COMMANDS, EFFECTS, EVENTS } from './routes.ts';
import { WORK_BUCKETS, WorkCounter, WorkHistogram } from './work-series.ts';

/** Median seconds of a commit's phases. */
const PHASES = { preparation: 0.0002, write: 0.001, sync: 0.004, ending: 0.0001, total: 0.0055 };
/** Page operations of one commit. */
const PAGE_OPERATIONS = {
  newly: 1.5,
  cow: 4,
  clone: 0,
  split: 0.05,
  merge: 0.03,
  spill: 0,
  unspill: 0,
  wops: 5.5,
};
/** Writes for each request that a tenant sends. */
const WRITES: Record<NodeKind, number> = {
  gateway: 0,
  aggregate: COMMANDS,
  projection: EVENTS,
  runner: EFFECTS,
};
// More writes than this share a commit.
const MOST_COMMITS_PER_S = 200;
const PAGE_BYTES = 4096;
const FREE_SHARE = 0.02;
const DIRTY_LIMIT_BYTES = 64 * 1024 ** 2;
const DIRTY_BYTES_PER_UNIT = 8 * 1024;

/** The store of a node (libmdbx). */
export class StorageMetrics implements WorkMetrics {
  readonly #node: NodeState;
  readonly #commits: WorkHistogram;
  readonly #pages: WorkCounter<'phase'>;

  constructor(node: NodeState, clock: () => number, registers: Registry[]) {
    this.#node = node;
    const gauges: [name: string, help: string, read: () => number][] = [
      ['db_size', 'Size of the database file in bytes.', () => node.status().storage.used_bytes],
      [
        'db_gc_pages',
        'Pages that wait in the garbage collector’s list.',
        () =>
          activeLevel(
            Math.round((FREE_SHARE * node.status().storage.used_bytes) / PAGE_BYTES),
            `${node.spec.node_id} gc`,
            clock(),
          ),
      ],
      [
        'tx_dirty',
        'Dirty space of the open write transaction in bytes.',
        () => Math.min(DIRTY_LIMIT_BYTES, node.status().inflight * DIRTY_BYTES_PER_UNIT),
      ],
      ['tx_limit', 'Dirty space at which a transaction must spill, in bytes.', () => DIRTY_LIMIT_BYTES],
    ];
    for (const [name, help, read] of gauges) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    }
    this.#commits = new WorkHistogram(
      { name: 'db_commit_seconds', help: 'Time of a commit by phase.', buckets: WORK_BUCKETS },
      registers,
    );
    this.#pages = new WorkCounter({
      name: 'db_pgops',
      help: 'Page operations.',
      labelNames: ['phase'],
      registers,
    });
    for (const phase of Object.keys(PAGE_OPERATIONS)) this.#pages.inc({ phase }, 0);
  }

  count({ seconds, admitted, condition }: TrafficPeriod): void {
    if (!this.#node.status().storage.ok) return;
    const commits = Math.min(admitted * WRITES[this.#node.spec.kind], MOST_COMMITS_PER_S * seconds);
    for (const [phase, median] of Object.entries(PHASES)) {
      this.#commits.add({ phase }, commits, medianUnder(condition, median));
    }
    for (const [phase, operations] of Object.entries(PAGE_OPERATIONS)) {
      this.#pages.inc({ phase }, commits * operations);
    }
  }

  place(): void {
    // Nothing here is by tenant.
  }
}
