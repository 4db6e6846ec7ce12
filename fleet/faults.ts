import { randomUUID } from 'node:crypto';
import { Type, type Static } from 'typebox';

/** Faults that a test or a developer switches on; what each does stands in `fleet/README.md`. */
export const FAULT_KINDS = [
  'drain_stalls',
  'storage_unhealthy',
  'storage_full',
  'high_lag',
  'high_inflight',
  'hang',
  'error_500',
  'garbage',
  'slow',
  'not_ready',
  'restart',
  'never_acknowledges',
  'refuses_resume',
  'wrong_tenant_state',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** `value`: milliseconds for `slow` and `restart`, a count for `high_lag` and `high_inflight`; other faults take none. */
export const FaultRequestSchema = Type.Object(
  {
    node_id: Type.String({ minLength: 1 }),
    fault: Type.Enum([...FAULT_KINDS]),
    tenant_id: Type.Optional(Type.String({ minLength: 1 })),
    value: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
  },
  { additionalProperties: false },
);
export type FaultRequest = Static<typeof FaultRequestSchema>;

export type Fault = {
  id: string;
  node_id: string;
  fault: FaultKind;
  tenant_id: string | null;
  value: number | null;
};

/** The faults that are on. */
export class FaultBoard {
  readonly #faults = new Map<string, Fault>();

  add(request: FaultRequest): Fault {
    const fault: Fault = {
      id: randomUUID(),
      node_id: request.node_id,
      fault: request.fault,
      tenant_id: request.tenant_id ?? null,
      value: request.value ?? null,
    };
    this.#faults.set(fault.id, fault);
    return fault;
  }

  remove(id: string): boolean {
    return this.#faults.delete(id);
  }

  clear(): void {
    this.#faults.clear();
  }

  list(): Fault[] {
    return [...this.#faults.values()];
  }

  /** The fault of this kind that was switched on last for the node; one that names a tenant counts only for that tenant. */
  find(node_id: string, kind: FaultKind, tenant_id: string | null = null): Fault | null {
    let found: Fault | null = null;
    for (const fault of this.#faults.values()) {
      const matches = fault.node_id === node_id && fault.fault === kind;
      if (matches && (fault.tenant_id === null || fault.tenant_id === tenant_id)) found = fault;
    }
    return found;
  }
}
