import type { WorkLevel } from './work-rules.ts';

/**
 * The tenants that take no new work on a node: because it was asked for (`requested`), or because the placement record is not
 * `active` (`by_record`). A drain lasts until neither reason is left.
 */
export type TenantDrain = {
  started_at: number;
  initial: WorkLevel;
  requested: boolean;
  by_record: boolean;
  deadline: number | null;
};

export class TenantDrains {
  readonly #drains = new Map<string, TenantDrain>();

  get(tenant_id: string): TenantDrain | undefined {
    return this.#drains.get(tenant_id);
  }

  tenants(): Iterable<string> {
    return this.#drains.keys();
  }

  /** A drain that was asked for. One that runs already goes on, with the new deadline. */
  request(tenant_id: string, deadline: number, started_at: number, initial: WorkLevel): void {
    const drain = this.#begin(tenant_id, started_at, initial);
    drain.requested = true;
    drain.deadline = deadline;
  }

  /** A drain that the record demands. One that runs already goes on. */
  demand(tenant_id: string, started_at: number, initial: WorkLevel): void {
    this.#begin(tenant_id, started_at, initial).by_record = true;
  }

  /** Takes one reason away. */
  release(tenant_id: string, reason: 'requested' | 'by_record'): void {
    const drain = this.#drains.get(tenant_id);
    if (drain === undefined) return;
    drain[reason] = false;
    if (reason === 'requested') drain.deadline = null;
    if (!drain.requested && !drain.by_record) this.#drains.delete(tenant_id);
  }

  forget(tenant_id: string): void {
    this.#drains.delete(tenant_id);
  }

  clear(): void {
    this.#drains.clear();
  }

  #begin(tenant_id: string, started_at: number, initial: WorkLevel): TenantDrain {
    let drain = this.#drains.get(tenant_id);
    if (drain === undefined) {
      drain = { started_at, initial, requested: false, by_record: false, deadline: null };
      this.#drains.set(tenant_id, drain);
    }
    return drain;
  }
}
