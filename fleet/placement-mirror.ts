import {
  PLACEMENT_STATES,
  SERVICE_KINDS,
  type PlacementState,
  type ServiceKind,
} from '#contract/placement-record.ts';
import { fraction } from './work-rules.ts';

/**
 * The placements of one environment in memory, shared by its nodes, each of which may lag behind.
 *
 * Slot: the number of a tenant, given on first sight and kept. Cell: one placement packed into an integer, per service and
 * slot; 0 is "not placed". Head: what was delivered last. Change: one write with the cell before and after it, kept until
 * every node has applied it, so that a lookup "as of revision" undoes the changes that the node has not seen.
 */

export type Cell = { shard: string; state: PlacementState };

export type MirrorChange = {
  revision: number;
  delivered_at: number;
  service: ServiceKind;
  slot: number;
  before: number;
  after: number;
};

const INITIAL_SLOTS = 1_024;

export class PlacementMirror {
  /** The newest revision delivered. */
  head: number;
  readonly #slots = new Map<string, number>();
  readonly #tenants: string[] = [];
  #sizes = new Float32Array(INITIAL_SLOTS);
  readonly #cells: Record<ServiceKind, Uint32Array> = {
    aggregate: new Uint32Array(INITIAL_SLOTS),
    projection: new Uint32Array(INITIAL_SLOTS),
    runner: new Uint32Array(INITIAL_SLOTS),
  };
  // Cell n stands for #unpacked[n - 1]; a shard has one for each state, side by side from its first.
  readonly #unpacked: Cell[] = [];
  readonly #firstCells = new Map<string, number>();
  #changes: MirrorChange[] = [];

  /** An empty picture as of `revision`; fill it with `load` before any `apply`. */
  constructor(revision: number) {
    this.head = revision;
  }

  get tenantCount(): number {
    return this.#tenants.length;
  }

  get keptChanges(): number {
    return this.#changes.length;
  }

  /** Takes an entry of a full read in, without history. */
  load(service: ServiceKind, tenant_id: string, cell: Cell): void {
    // The slot first: a new one may replace the arrays.
    const slot = this.#slotFor(tenant_id);
    this.#cells[service][slot] = this.#pack(cell);
  }

  /** Takes one delivered change in; `cell` is null for a delete. */
  apply(
    revision: number,
    delivered_at: number,
    service: ServiceKind,
    tenant_id: string,
    cell: Cell | null,
  ): void {
    const slot = this.#slotFor(tenant_id);
    const cells = this.#cells[service];
    const before = cells[slot] ?? 0;
    const after = cell === null ? 0 : this.#pack(cell);
    cells[slot] = after;
    this.head = revision;
    this.#changes.push({ revision, delivered_at, service, slot, before, after });
  }

  /** The placement as it stood at `revision`, which is not older than what `forget` was last given; null when there was none. */
  cellAt(service: ServiceKind, tenant_id: string, revision: number): Cell | null {
    const slot = this.#slots.get(tenant_id);
    if (slot === undefined) return null;
    for (let index = this.#firstAfter(revision); index < this.#changes.length; index += 1) {
      const change = this.#changes[index];
      if (change?.slot === slot && change.service === service) return this.unpack(change.before);
    }
    return this.unpack(this.#cells[service][slot] ?? 0);
  }

  /** Changes after `revision`, oldest first. */
  *changesAfter(revision: number): Generator<MirrorChange> {
    for (let index = this.#firstAfter(revision); index < this.#changes.length; index += 1) {
      yield this.#changes[index] as MirrorChange;
    }
  }

  /** Drops the changes up to `revision`: nobody will ask for an older picture. */
  forget(revision: number): void {
    const gone = this.#firstAfter(revision);
    // Shifting the array costs as much as it holds: worth it only when half of it goes.
    if (gone > 0 && gone * 2 >= this.#changes.length) this.#changes = this.#changes.slice(gone);
  }

  /** Every placement of a service at the head. */
  *placed(service: ServiceKind): Generator<{ slot: number; cell: number }> {
    const cells = this.#cells[service];
    for (let slot = 0; slot < this.#tenants.length; slot += 1) {
      const cell = cells[slot] ?? 0;
      if (cell !== 0) yield { slot, cell };
    }
  }

  tenantAt(slot: number): string {
    return this.#tenants[slot] ?? '';
  }

  /** The size of a tenant in [0, 1), the fraction that `tenantWork` grows its load from; kept so that a ranking hashes nothing. */
  sizeAt(slot: number): number {
    return this.#sizes[slot] ?? 0;
  }

  unpack(cell: number): Cell | null {
    return this.#unpacked[cell - 1] ?? null;
  }

  #pack(cell: Cell): number {
    let first = this.#firstCells.get(cell.shard);
    if (first === undefined) {
      first = this.#unpacked.length;
      this.#firstCells.set(cell.shard, first);
      for (const state of PLACEMENT_STATES) this.#unpacked.push({ shard: cell.shard, state });
    }
    return 1 + first + PLACEMENT_STATES.indexOf(cell.state);
  }

  #slotFor(tenant_id: string): number {
    const known = this.#slots.get(tenant_id);
    if (known !== undefined) return known;
    const slot = this.#tenants.push(tenant_id) - 1;
    this.#slots.set(tenant_id, slot);
    if (slot >= this.#sizes.length) this.#grow();
    this.#sizes[slot] = fraction(tenant_id, 1);
    return slot;
  }

  #grow(): void {
    const length = this.#sizes.length * 2;
    const sizes = new Float32Array(length);
    sizes.set(this.#sizes);
    this.#sizes = sizes;
    for (const service of SERVICE_KINDS) {
      const cells = new Uint32Array(length);
      cells.set(this.#cells[service]);
      this.#cells[service] = cells;
    }
  }

  #firstAfter(revision: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
