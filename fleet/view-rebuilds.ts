import type { NodeRebuild } from '#contract/node.ts';
import { drainLevel } from './work-rules.ts';

const REBUILD_MS = 4_000;
const REBUILD_LAG = 5_000;

type Rebuild = { view: string; tenant_id: string | null; started_at: number };

/** The rebuilds of read views on one node; each shows as consumer lag that is worked off. */
export class ViewRebuilds {
  readonly #durationMs: number;
  readonly #rebuilds = new Map<string, Rebuild>();

  constructor(speed: number) {
    this.#durationMs = REBUILD_MS / speed;
  }

  /** Starts a rebuild unless the same one is running. */
  start(view: string, tenant_id: string | null, now: number): NodeRebuild {
    const key = JSON.stringify([view, tenant_id]);
    let rebuild = this.#rebuilds.get(key);
    if (rebuild === undefined || now - rebuild.started_at >= this.#durationMs) {
      rebuild = { view, tenant_id, started_at: now };
      this.#rebuilds.set(key, rebuild);
    }
    return { view, tenant_id, state: 'running', started_at: new Date(rebuild.started_at).toISOString() };
  }

  /** Messages that the running rebuilds have still to process. */
  lag(now: number): number {
    let lag = 0;
    for (const { started_at } of this.#rebuilds.values())
      lag += drainLevel(REBUILD_LAG, now - started_at, this.#durationMs);
    return lag;
  }

  clear(): void {
    this.#rebuilds.clear();
  }
}
